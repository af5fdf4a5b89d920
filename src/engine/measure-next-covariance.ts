/**
 * How much the latency of one network says about that of another, before anything is measured: the covariance of what a
 * guess from work and traffic alone gets wrong, relative to the latency. It knows no measurement and no choice.
 *
 * Two readings are mixed. Kernels of one kind, window and size err alike, as the Gaussian process of fit-process.ts has it,
 * and the device as a whole is faster or slower than guessed. And a predictor that is linear in its columns is fitted to the
 * measurements (fit-end-to-end.ts): each of its unknown weights makes all networks that have the column err together.
 */
import type { KernelFeatures } from './features';
import { linearDesign } from './fit-end-to-end';
import { type Covariance, covarianceOfBags, type Points } from './learners/gaussian-process';
import { columnScales } from './learners/relative-regression';
import type { PlannedNetwork } from './training-rows';

/** Variances by kind, window and stride: what only a kind's first measurement tells counts most. */
const ALIKE: Covariance = { constant: [0.1, 0.05, 0.02], smooth: [0.02, 0.03, 0.04] };
/** Variance of what all kernels have in common: the speed of the device. */
const DEVICE = 0.3;
/** Kernels whose sizes differ by a factor of 2 to the power of this are alike to exp(-1/2). */
const LENGTH = 2.5;
/** Share of the kernels' likeness in the mixture; the rest is the linear columns'. */
const ALIKE_SHARE = 0.3;

/** Sizes of a kernel that are compared. */
const COORDINATES = 3;

/**
 * A guess of what a kernel takes on a phone's core, microseconds: dispatch, traffic and work. Only ratios matter, and the
 * choice hardly changes when they are several times off.
 */
export function guessedUs({ activationElements, weightElements, multiplyAccumulates }: KernelFeatures): number {
  return 10 + 2e-3 * activationElements + 1e-3 * weightElements + 1e-4 * multiplyAccumulates;
}

/** Symmetric, row-major, one row a network; the mean of the diagonal is 1. */
export function covarianceOfNetworks(networks: readonly PlannedNetwork[]): Float64Array {
  const guesses = networks.map(({ features }) => features.map(guessedUs));
  const totals = guesses.map((kernelsUs) => kernelsUs.reduce((sum, value) => sum + value, 0));
  const alike = normalized(covarianceOfKernels(networks, guesses, totals), networks.length);
  const linear = normalized(covarianceOfColumns(networks, totals), networks.length);
  return alike.map((value, i) => ALIKE_SHARE * value + (1 - ALIKE_SHARE) * linear[i]);
}

function normalized(covariance: Float64Array, size: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += covariance[i * size + i];
  return covariance.map((value) => (value * size) / trace);
}

function covarianceOfKernels(
  networks: readonly PlannedNetwork[],
  guesses: readonly (readonly number[])[],
  totals: readonly number[],
): Float64Array {
  const places = new Map<string, { readonly labels: readonly string[]; readonly coordinates: readonly number[] }>();
  const positions = new Map<string, number>();
  const shares = networks.map(({ kernels, features }, network) => {
    const ofNetwork = new Map<number, number>();
    kernels.forEach(({ kind }, k) => {
      const labels = labelsOf(kind, features[k]);
      const coordinates = coordinatesOf(features[k]);
      const key = `${labels[labels.length - 1]} ${coordinates.join(' ')}`;
      const position = positions.get(key) ?? positions.size;
      positions.set(key, position);
      places.set(key, { labels, coordinates });
      ofNetwork.set(position, (ofNetwork.get(position) ?? 0) + guesses[network][k] / totals[network]);
    });
    return ofNetwork;
  });
  const support = [...places.values()];
  const points: Points = {
    coordinates: {
      rows: support.length,
      columns: COORDINATES,
      values: Float64Array.from(support.flatMap(({ coordinates }) => coordinates)),
    },
    labels: ALIKE.constant.map((_, level) => numbered(support.map(({ labels }) => labels[level]))),
  };
  return covarianceOfBags(shares, points, ALIKE).map((value) => value + DEVICE);
}

/** From the widest to the narrowest. */
function labelsOf(kind: string, { kernelHeight, strideHeight }: KernelFeatures): string[] {
  return [kind, `${kind} ${kernelHeight}`, `${kind} ${kernelHeight} ${strideHeight}`];
}

/** Channels in (or elements in), channels out and pixels out, logarithms in units of sqrt(2) length scales. */
function coordinatesOf(kernel: KernelFeatures): number[] {
  const { inputChannels, inputElements, outputChannels, outputElements } = kernel;
  const weighted = kernel.weightElements > 0 && kernel.multiplyAccumulates > 0;
  const scaled = (value: number) => Math.log2(1 + value) / (LENGTH * Math.SQRT2);
  return [
    scaled(weighted ? inputChannels : inputElements),
    scaled(outputChannels),
    scaled(outputElements) - scaled(outputChannels),
  ];
}

function numbered(names: readonly string[]): Int32Array {
  const known = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    const number = known.get(name) ?? known.size;
    known.set(name, number);
    return number;
  });
}

/** Every column's weight is as uncertain as any other's, once columns are scaled as the fit scales them. */
function covarianceOfColumns(networks: readonly PlannedNetwork[], totals: readonly number[]): Float64Array {
  const { rows, columns, values, units } = linearDesign(networks);
  const relative = Float64Array.from(values, (value, at) => value / totals[Math.floor(at / columns)]);
  const scales = columnScales(relative, rows, units);
  const scaled = relative.map((value, at) => value / scales[at % columns]);
  const covariance = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += scaled[i * columns + k] * scaled[j * columns + k];
      covariance[i * rows + j] = sum;
      covariance[j * rows + i] = sum;
    }
  }
  return covariance;
}
