/**
 * What boosting fits: rows with their own targets, or bags of rows. Both say how far the predictions are off, row by row,
 * in the derivatives of a weighted squared loss; for bags it is the majorising one of `bags`.
 */
import { type Bags, bagConstant, bagLoss, rowWeights, sumBags } from './bags';

export interface BoostingTarget {
  /** The rows that count, rising. */
  readonly rows: Int32Array;
  /** One a row: rows of the same unit are drawn together. Undefined if every row is a unit of its own. */
  readonly unit: Int32Array | undefined;
  /** One a row, with a mean of 1 over those that count (so that l2 keeps its meaning); undefined if all are 1. */
  readonly hessians: Float64Array | undefined;
  /** The constant prediction of least loss. */
  readonly baseline: number;
  /** Writes the first derivative at these predictions, one a row. */
  differentiate(predictions: Float64Array, gradients: Float64Array): void;
}

/** Predictions on other rows, and how far they are off. */
export type Loss = (predictions: Float64Array) => number;

export function rowTarget(y: ArrayLike<number>, weights: ArrayLike<number> | undefined): BoostingTarget {
  const { rows, hessians } = normalize(y.length, weights);
  let baseline = 0;
  for (const i of rows) baseline += y[i] * (hessians ? hessians[i] : 1);
  return {
    rows,
    unit: undefined,
    hessians,
    baseline: baseline / rows.length,
    differentiate: (predictions, gradients) => {
      for (const i of rows) gradients[i] = (predictions[i] - y[i]) * (hessians ? hessians[i] : 1);
    },
  };
}

export function rowLoss(y: ArrayLike<number>): Loss {
  return (predictions) => {
    let sum = 0;
    for (let i = 0; i < y.length; i++) sum += (predictions[i] - y[i]) ** 2;
    return sum / y.length;
  };
}

export function bagTarget(bags: Bags): BoostingTarget {
  const { bag, residual } = bags;
  const weights = rowWeights(bags);
  const { rows, hessians } = normalize(weights.length, weights);
  const sums = new Float64Array(residual.length);
  return {
    rows,
    unit: bag,
    hessians,
    baseline: bagConstant(bags),
    differentiate: (predictions, gradients) => {
      sumBags(bags, predictions, sums);
      for (const i of rows) gradients[i] = (sums[bag[i]] - residual[bag[i]]) * hessians![i];
    },
  };
}

export function lossOfBags(bags: Bags): Loss {
  return (predictions) => bagLoss(bags, predictions);
}

function normalize(count: number, weights: ArrayLike<number> | undefined) {
  const rows = Int32Array.from({ length: count }, (_, i) => i).filter((i) => !weights || weights[i] > 0);
  if (!weights) return { rows, hessians: undefined };
  let sum = 0;
  for (const i of rows) sum += weights[i];
  return { rows, hessians: Float64Array.from(weights, (weight) => (weight * rows.length) / sum) };
}
