/**
 * Gaussian-process regression on bags: what was measured is not a function's value at a point but a sum over several points
 * (`bags`; a plain measurement is a bag of one). The posterior mean needs one linear system of as many unknowns as bags.
 *
 * A point has coordinates and nested labels (a kernel's sizes; its kind, its window, its stride). Points that do not share
 * the widest label are independent; each further label that they share makes them more alike, so that a rare variant
 * borrows from its kind:
 *
 *     covariance(a, b) = sum over shared labels l of constant_l + smooth_l exp(-|a - b|^2)
 *
 * Coordinates are in units of sqrt(2) length scales. Source: Rasmussen and Williams, "Gaussian Processes for Machine
 * Learning", MIT Press 2006, algorithm 2.1.
 */

import { throwIfCancelled } from '../errors';
import { groupBy } from '../grouping';
import { type Bags, checkBags } from './bags';
import { factorize, solveFactorized } from './cholesky';
import { robustWeights } from './robust-weights';
import { type NumericRows, requireArgument } from './validation';

export interface Points {
  readonly coordinates: NumericRows;
  /** From the widest to the narrowest: the label of every point. A narrower label belongs to one wider one only. */
  readonly labels: readonly Int32Array[];
}

/** Variances of what points with the same label have in common, one a label. */
export interface Covariance {
  /** Whatever their coordinates. */
  readonly constant: readonly number[];
  /** As far as their coordinates are close. */
  readonly smooth: readonly number[];
}

export interface GaussianProcessOptions {
  readonly covariance: Covariance;
  /** Standard deviation of a bag of full weight. */
  readonly noise: number;
  readonly signal?: AbortSignal;
}

/** The posterior mean: g(x) = sum over support points of coefficient * covariance(x, point). */
export interface GaussianProcess {
  readonly support: Points;
  /** One a support point. */
  readonly coefficients: Float64Array;
}

/** Bags that the others contradict lose weight, each time by what the fit before leaves of them. */
const REWEIGHTINGS = 3;
/** A bag's noise is at most this many times that of the most trusted one: systems stay solvable. */
const LARGEST_NOISE = 1e4;

/**
 * Fits g, so that each bag's residual is about the sum over its rows of share * g(point).
 *
 * @param points one for each of the bags' rows; equal ones become one support point
 * @throws EngineError INSUFFICIENT_DATA for numbers that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree
 */
export function fitGaussianProcess(points: Points, bags: Bags, options: GaussianProcessOptions): GaussianProcess {
  const { coordinates, labels } = points;
  const { covariance, noise, signal } = options;
  checkBags(coordinates, bags);
  for (const [level, label] of labels.entries()) {
    requireArgument(label.length === coordinates.rows, `labels[${level}].length`, label.length, `${coordinates.rows}`);
  }
  const { support, position } = distinct(points);
  const { residual, weight } = bags;
  const count = residual.length;
  const shares = Array.from({ length: count }, () => new Map<number, number>());
  for (const [row, bag] of bags.bag.entries()) {
    const ofBag = shares[bag];
    ofBag.set(position[row], (ofBag.get(position[row]) ?? 0) + bags.share[row]);
  }
  const gram = covarianceOfBags(shares, support, covariance);
  let solution: Float64Array = new Float64Array(count);
  let left: Float64Array = residual;
  for (let pass = 0; pass <= REWEIGHTINGS; pass++) {
    throwIfCancelled(signal);
    const trust = robustWeights(left).map((value, i) => value * weight[i]);
    const largest = trust.reduce((most, value) => Math.max(most, value), 0);
    const system = gram.slice();
    for (let i = 0; i < count; i++) {
      system[i * count + i] += noise ** 2 * Math.min(LARGEST_NOISE, largest / trust[i]);
    }
    solution = solveFactorized(factorize(system, count), residual);
    left = residual.map((value, i) => {
      let explained = 0;
      for (let j = 0; j < count; j++) explained += gram[i * count + j] * solution[j];
      return value - explained;
    });
  }
  const coefficients = new Float64Array(support.coordinates.rows);
  for (const [bag, ofBag] of shares.entries()) {
    for (const [point, share] of ofBag) coefficients[point] += share * solution[bag];
  }
  return { support, coefficients };
}

/** Each different point once, and which of them every point is. */
function distinct({ coordinates, labels }: Points): { support: Points; position: Int32Array } {
  const { rows, columns, values } = coordinates;
  const known = new Map<string, number>();
  const kept: number[] = [];
  const position = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    let key = '';
    for (const label of labels) key += `${label[i]} `;
    for (let j = 0; j < columns; j++) key += `${values[i * columns + j]} `;
    let at = known.get(key);
    if (at === undefined) {
      at = kept.length;
      known.set(key, at);
      kept.push(i);
    }
    position[i] = at;
  }
  const supportValues = new Float64Array(kept.length * columns);
  for (const [at, i] of kept.entries()) {
    for (let j = 0; j < columns; j++) supportValues[at * columns + j] = values[i * columns + j];
  }
  const support = {
    coordinates: { rows: kept.length, columns, values: supportValues },
    labels: labels.map((label) => Int32Array.from(kept, (i) => label[i])),
  };
  return { support, position };
}

/**
 * Covariance of every two bags' sums, row-major.
 *
 * @param shares of each bag: what a unit of a support point adds to it
 */
export function covarianceOfBags(
  shares: readonly ReadonlyMap<number, number>[],
  support: Points,
  covariance: Covariance,
): Float64Array {
  const count = shares.length;
  const containing = Array.from({ length: support.coordinates.rows }, () => [] as [bag: number, share: number][]);
  for (const [bag, ofBag] of shares.entries()) {
    for (const [point, share] of ofBag) containing[point].push([bag, share]);
  }
  const [labels] = support.labels;
  const byWidest = groupBy(labels.keys(), (point) => labels[point]);
  const gram = new Float64Array(count * count);
  const sums = new Float64Array(count);
  for (const block of byWidest.values()) {
    for (const a of block) {
      sums.fill(0);
      for (const b of block) {
        const value = covarianceOf(support, a, b, covariance);
        for (const [bag, share] of containing[b]) sums[bag] += share * value;
      }
      for (const [bag, share] of containing[a]) {
        for (let other = 0; other < count; other++) gram[bag * count + other] += share * sums[other];
      }
    }
  }
  return gram;
}

function covarianceOf({ coordinates, labels }: Points, i: number, j: number, { constant, smooth }: Covariance): number {
  let constants = 0;
  let smooths = 0;
  for (let level = 0; level < constant.length && labels[level][i] === labels[level][j]; level++) {
    constants += constant[level];
    smooths += smooth[level];
  }
  if (smooths === 0) return constants;
  const { columns, values } = coordinates;
  let distance2 = 0;
  for (let k = 0; k < columns; k++) {
    distance2 += (values[i * columns + k] - values[j * columns + k]) ** 2;
  }
  return constants + smooths * Math.exp(-distance2);
}
