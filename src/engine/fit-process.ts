/**
 * A Gaussian process over kernels: how kernels resemble each other, and the process of each kind as it is served. Kernels of
 * one kind are alike as far as their sizes are, more so with the same window, most with the same stride as well.
 */
import { type Column, columnName, type KernelFeatures, termValue } from './features';
import type { Bags } from './learners/bags';
import { type Covariance, fitGaussianProcess, type GaussianProcess } from './learners/gaussian-process';
import { SIZES, type SizeProcess, sizeCoordinates } from './regressor';

/** Variances of a kernel's relative change: of its kind, of its kernel size, of its stride. */
const COVARIANCE: Covariance = { constant: [0.05, 0.04, 0.01], smooth: [0.018, 0.027, 0.045] };
/** Relative standard deviation of a good measurement. */
const NOISE = 0.02;
/** Length scale: kernels whose sizes differ by a factor of 2 to the power of this are alike to exp(-1/2). */
const LENGTH = 1.5;

/** Sizes read of kernels with weights, and of others; the third over the second are the output's pixels. */
const WEIGHTED_SIZES: readonly Column[] = [
  { term: 'inputChannels' },
  { term: 'outputChannels' },
  { term: 'outputElements' },
];
const OTHER_SIZES: readonly Column[] = [
  { term: 'inputElements' },
  { term: 'outputChannels' },
  { term: 'outputElements' },
];

/** Labels of a kernel, from the widest to the narrowest, each as the column that is 1 for all kernels that have it. */
const LABELS: readonly ((kernel: KernelFeatures) => Column)[] = [
  () => ({ term: 'kernels' }),
  ({ kernelHeight }) => ({ term: 'kernels', window: { kernelHeight } }),
  ({ kernelHeight, strideHeight }) => ({ term: 'kernels', window: { kernelHeight, strideHeight } }),
];

/** Coordinates: channels in (or elements in), channels out, pixels out. */
const TRANSFORM = Float32Array.from([1, 0, 0, 0, 1, -1, 0, 0, 1], (value) => value / (LENGTH * Math.SQRT2));

/** The process of one kind, and the columns that it reads: sizes first, then an indicator of every label. */
export interface KindProcess {
  readonly columns: readonly Column[];
  readonly process: SizeProcess;
}

/** Kernels of one kind. */
export interface KindRows {
  readonly features: readonly KernelFeatures[];
  /** Positions of the kernels among the bags' rows. */
  readonly rows: readonly number[];
}

/** How the kernels of one kind are read. */
interface Reading {
  readonly sizes: readonly Column[];
  readonly indicators: readonly Column[];
  /** Per label level, one a kernel: the position of its indicator. */
  readonly labels: readonly Int32Array[];
  /** Number of the kind's first indicator among those of all kinds. */
  readonly firstLabel: number;
}

/**
 * Fits the processes of all kinds at once.
 *
 * @throws EngineError CANCELLED
 */
export function fitProcesses(
  kinds: ReadonlyMap<string, KindRows>,
  bags: Bags,
  signal?: AbortSignal,
): Map<string, KindProcess> {
  const count = bags.bag.length;
  const values = new Float64Array(count * SIZES);
  const labels = COVARIANCE.constant.map(() => new Int32Array(count));
  const readings = new Map<string, Reading>();
  let firstLabel = 0;
  for (const [kind, { features, rows }] of kinds) {
    const reading = read(features, firstLabel);
    rows.forEach((row, i) => {
      const sizes = reading.sizes.map((column) => termValue(column, features[i]));
      sizeCoordinates(sizes, 0, TRANSFORM, values.subarray(row * SIZES, (row + 1) * SIZES));
      labels.forEach((label, level) => {
        label[row] = firstLabel + reading.labels[level][i];
      });
    });
    readings.set(kind, reading);
    firstLabel += reading.indicators.length;
  }
  const points = { coordinates: { rows: count, columns: SIZES, values }, labels };
  const process = fitGaussianProcess(points, bags, { covariance: COVARIANCE, noise: NOISE, signal });
  return new Map([...readings].map(([kind, reading]) => [kind, serve(process, reading)]));
}

function read(features: readonly KernelFeatures[], firstLabel: number): Reading {
  const weighted = features.some(
    ({ weightElements, multiplyAccumulates }) => weightElements > 0 && multiplyAccumulates > 0,
  );
  const indicators: Column[] = [];
  const known = new Map<string, number>();
  const labels = LABELS.map((labelOf) => {
    const ofKernels = features.map(labelOf);
    // A label that all kernels of the kind have is the kind's: kernels that training never saw have it too.
    const common = ofKernels.every((column) => columnName(column) === columnName(ofKernels[0]));
    return Int32Array.from(ofKernels, (column) => {
      const indicator: Column = common ? { term: 'kernels' } : column;
      const name = columnName(indicator);
      const position = known.get(name) ?? indicators.push(indicator) - 1;
      known.set(name, position);
      return position;
    });
  });
  return { sizes: weighted ? WEIGHTED_SIZES : OTHER_SIZES, indicators, labels, firstLabel };
}

/** The part of a process that is about one kind. */
function serve({ support, coefficients }: GaussianProcess, { sizes, indicators, firstLabel }: Reading): KindProcess {
  const own: number[] = [];
  support.labels[0].forEach((label, point) => {
    if (label >= firstLabel && label < firstLabel + indicators.length) own.push(point);
  });
  const constants = new Float64Array(indicators.length);
  const weights = new Float32Array(own.length * indicators.length);
  const coordinates = new Float32Array(own.length * SIZES);
  own.forEach((point, m) => {
    for (let c = 0; c < SIZES; c++) coordinates[m * SIZES + c] = support.coordinates.values[point * SIZES + c];
    support.labels.forEach((label, level) => {
      const j = label[point] - firstLabel;
      constants[j] += coefficients[point] * COVARIANCE.constant[level];
      weights[m * indicators.length + j] += coefficients[point] * COVARIANCE.smooth[level];
    });
  });
  return {
    columns: [...sizes, ...indicators],
    process: { transform: TRANSFORM, support: coordinates, constants: Float32Array.from(constants), weights },
  };
}
