/**
 * A Gaussian process over kernels: how kernels resemble each other, and the process of each kind as it is served. Kernels of
 * one kind are alike as far as their sizes are, more so with the same window, most with the same stride as well.
 */
import { type Column, columnName, type KernelFeatures } from './features';
import { columnMatrix, type FittedRegressor } from './kernel-model';
import type { ProcessSettings } from './learner';
import type { Bags } from './learners/bags';
import { type Covariance, fitGaussianProcess, type GaussianProcess } from './learners/gaussian-process';
import type { Matrix } from './matrix';
import { SIZES, sizeCoordinates } from './regressor';

/** Variances of a kernel's relative change: of its kind, of its kernel size, of its stride. */
const COVARIANCE: Covariance = { constant: [0.05, 0.04, 0.01], smooth: [0.018, 0.027, 0.045] };
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

/** Coordinates are channels in (or elements in), channels out and pixels out, in units of sqrt(2) length scales. */
const NO_OFFSET = new Float32Array(SIZES);
const TO_COORDINATES = Float32Array.of(1, 0, 0, 0, 1, -1, 0, 0, 1);

/** Kernels of one kind. */
interface KindRows {
  readonly features: readonly KernelFeatures[];
  /** Positions of the kernels among the bags' rows. */
  readonly rows: readonly number[];
}

/** How the kernels of one kind are read. */
interface Reading {
  readonly sizes: readonly Column[];
  readonly offset: Float32Array;
  readonly indicators: readonly Column[];
  /** Per label level, one a kernel: the position of its indicator. */
  readonly labels: readonly Int32Array[];
  /** Number of the kind's first indicator among those of all kinds. */
  readonly firstLabel: number;
}

/**
 * Fits the processes of all kinds at once. They read sizes first, then an indicator of every label.
 *
 * @throws EngineError CANCELLED
 */
export function fitProcesses(
  kinds: ReadonlyMap<string, KindRows>,
  bags: Bags,
  { length, noise }: ProcessSettings,
  signal?: AbortSignal,
): Map<string, FittedRegressor> {
  const transform = TO_COORDINATES.map((value) => value / (length * Math.SQRT2 * Math.LN2));
  const count = bags.bag.length;
  const values = new Float64Array(count * SIZES);
  const labels = COVARIANCE.constant.map(() => new Int32Array(count));
  const readings = new Map<string, Reading>();
  let firstLabel = 0;
  for (const [kind, { features, rows }] of kinds) {
    const reading = read(features, firstLabel, transform);
    const sizes = columnMatrix(reading.sizes, features).values;
    rows.forEach((row, i) => {
      values.set(sizeCoordinates({ transform, offset: reading.offset }, sizes, i * SIZES), row * SIZES);
      labels.forEach((label, level) => {
        label[row] = firstLabel + reading.labels[level][i];
      });
    });
    readings.set(kind, reading);
    firstLabel += reading.indicators.length;
  }
  const points = { coordinates: { rows: count, columns: SIZES, values }, labels };
  const fitted = fitGaussianProcess(points, bags, { covariance: COVARIANCE, noise, signal });
  return new Map([...readings].map(([kind, reading]) => [kind, serve(fitted, reading, transform)]));
}

function read(features: readonly KernelFeatures[], firstLabel: number, transform: Float32Array): Reading {
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
  const sizes = weighted ? WEIGHTED_SIZES : OTHER_SIZES;
  return { sizes, offset: centre(columnMatrix(sizes, features), transform), indicators, labels, firstLabel };
}

/** The offset that brings the mean of all coordinates to 0. */
function centre({ rows, values }: Matrix, transform: Float32Array): Float32Array {
  const offset = new Float32Array(SIZES);
  for (let i = 0; i < rows; i++) {
    const coordinates = sizeCoordinates({ transform, offset: NO_OFFSET }, values, i * SIZES);
    for (let c = 0; c < SIZES; c++) offset[c] -= coordinates[c] / rows;
  }
  return offset;
}

/** The part of a process that is about one kind. */
function serve(
  { support, coefficients }: GaussianProcess,
  { sizes, offset, indicators, firstLabel }: Reading,
  transform: Float32Array,
): FittedRegressor {
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
  const columns = [...sizes, ...indicators];
  const served = { transform, offset, support: coordinates, constants: Float32Array.from(constants), weights };
  return { columns, regressor: { form: 'sizes', reads: columns.map((_, j) => j), sizes: served } };
}
