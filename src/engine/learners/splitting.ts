/**
 * Step 3 of gradient boosting: the best split of a node, from its histogram.
 * A leaf with sums G of gradients and H of hessians takes the output -G / (H + l2) and so gains G^2 / (H + l2); a
 * split gains what its two sides gain more than the node. Monotone constraints are LightGBM's basic method: outputs
 * are clamped to the node's bounds, and a split whose outputs are in the wrong order is none.
 */
import type { HistogramLayout } from './histogram';

/** No output is computed from less: what is left of a sum after subtraction may be rounding. */
const SMALLEST_HESSIAN = 1e-6;

export type Monotone = -1 | 0 | 1;

export interface SplitRules {
  readonly minSamplesLeaf: number;
  readonly l2: number;
  /** A split must gain more than this. */
  readonly minGain: number;
  /** One a column, or undefined if no column is constrained. */
  readonly monotone: readonly Monotone[] | undefined;
}

/** What splitting needs to know of a node. */
export interface NodeSums {
  readonly count: number;
  readonly gradient: number;
  readonly hessian: number;
  /** Bounds of the outputs, from monotone splits above; infinite without. */
  readonly lower: number;
  readonly upper: number;
}

/** What was found at a node. */
export interface SplitSearch {
  /** The split of largest gain, undefined if none is allowed. */
  readonly split: Split | undefined;
  /** Columns with a split that is allowed: below the node no others are looked at, as in LightGBM. */
  readonly columns: readonly number[];
}

interface Split {
  readonly gain: number;
  readonly column: number;
  /** Rows whose bin is at most this go left. */
  readonly bin: number;
  readonly left: NodeSums;
  readonly right: NodeSums;
}

/**
 * A column's best threshold: what its sides gain, as a fraction (kept as one, so that equal columns compare equal),
 * and the sums to its right.
 */
interface Candidate {
  numerator: number;
  denominator: number;
  column: number;
  bin: number;
  count: number;
  gradient: number;
  hessian: number;
}

/** The output of a leaf before the learning rate. */
export function leafOutput({ gradient, hessian, lower, upper }: NodeSums, l2: number): number {
  return Math.min(upper, Math.max(lower, -gradient / (hessian + l2)));
}

/**
 * Searches the columns of a node. Among equal gains the first column and the largest threshold win, as in LightGBM.
 * @param columns rising
 */
export function findSplit(
  histogram: Float64Array,
  layout: HistogramLayout,
  binCounts: Int32Array,
  node: NodeSums,
  columns: readonly number[],
  rules: SplitRules,
): SplitSearch {
  if (node.count < 2 * rules.minSamplesLeaf) return { split: undefined, columns: [] };
  const own = node.gradient ** 2 / (node.hessian + rules.l2);
  let found: Candidate = { numerator: 0, denominator: 1, column: -1, bin: 0, count: 0, gradient: 0, hessian: 0 };
  let best: Candidate = { ...found };
  const allowed: number[] = [];
  for (const column of columns) {
    const offset = layout.offsets[column];
    const bins = binCounts[column];
    found.column = -1;
    found.numerator = own + rules.minGain;
    found.denominator = 1;
    if (rules.monotone) {
      scanConstrained(histogram, offset, layout.stride, bins, node, column, rules, rules.monotone[column], found);
    } else scan(histogram, offset, layout.stride, bins, node, column, rules, found);
    if (found.column < 0) continue;
    allowed.push(column);
    if (best.column < 0 || found.numerator * best.denominator > best.numerator * found.denominator) {
      [found, best] = [best, found];
    }
  }
  return { split: best.column < 0 ? undefined : completeSplit(best, own, node, rules), columns: allowed };
}

/** Bounds and sums of the two sides. */
function completeSplit(best: Candidate, own: number, node: NodeSums, rules: SplitRules): Split {
  const { column, bin, count, gradient, hessian } = best;
  const { lower, upper } = node;
  let right: NodeSums = { count, gradient, hessian, lower, upper };
  let left: NodeSums = {
    count: node.count - count,
    gradient: node.gradient - gradient,
    hessian: node.hessian - hessian,
    lower,
    upper,
  };
  const direction = rules.monotone?.[column] ?? 0;
  if (direction !== 0) {
    const middle = (leafOutput(left, rules.l2) + leafOutput(right, rules.l2)) / 2;
    if (direction > 0) {
      left = { ...left, upper: middle };
      right = { ...right, lower: middle };
    } else {
      left = { ...left, lower: middle };
      right = { ...right, upper: middle };
    }
  }
  return { gain: best.numerator / best.denominator - own, column, bin, left, right };
}

/**
 * Tries every threshold of one column, from the largest down. The gain is a fraction, and fractions are compared
 * crosswise: a division a bin would be most of the time of training on few rows.
 */
function scan(
  histogram: Float64Array,
  offset: number,
  stride: number,
  bins: number,
  node: NodeSums,
  column: number,
  { minSamplesLeaf, l2 }: SplitRules,
  best: Candidate,
): void {
  const mostRight = node.count - minSamplesLeaf;
  const nodeGradient = node.gradient;
  const nodeHessian = node.hessian;
  const mostHessian = nodeHessian - SMALLEST_HESSIAN;
  let bestNumerator = best.numerator;
  let bestDenominator = best.denominator;
  let bestBin = -1;
  let bestCount = 0;
  let bestGradient = 0;
  let bestHessian = 0;
  let count = 0;
  let gradient = 0;
  let hessian = 0;
  for (let bin = bins - 1, at = offset + bin * stride; bin > 0; bin--, at -= stride) {
    const rows = histogram[at + stride - 1];
    count += rows;
    gradient += histogram[at];
    hessian += histogram[at + 1];
    if (count < minSamplesLeaf || hessian < SMALLEST_HESSIAN) continue;
    if (count > mostRight || hessian > mostHessian) break;
    const leftGradient = nodeGradient - gradient;
    const right = hessian + l2;
    const left = nodeHessian - hessian + l2;
    const numerator = gradient * gradient * left + leftGradient * leftGradient * right;
    const denominator = left * right;
    // A bin without rows only repeats the split above it, give or take rounding.
    if (numerator * bestDenominator > bestNumerator * denominator && rows > 0) {
      bestNumerator = numerator;
      bestDenominator = denominator;
      bestBin = bin - 1;
      bestCount = count;
      bestGradient = gradient;
      bestHessian = hessian;
    }
  }
  if (bestBin < 0) return;
  best.numerator = bestNumerator;
  best.denominator = bestDenominator;
  best.column = column;
  best.bin = bestBin;
  best.count = bestCount;
  best.gradient = bestGradient;
  best.hessian = bestHessian;
}

/** As `scan`, with outputs clamped and in the column's order. */
function scanConstrained(
  histogram: Float64Array,
  offset: number,
  stride: number,
  bins: number,
  node: NodeSums,
  column: number,
  { minSamplesLeaf, l2 }: SplitRules,
  direction: Monotone,
  best: Candidate,
): void {
  const { lower, upper } = node;
  const mostRight = node.count - minSamplesLeaf;
  let count = 0;
  let gradient = 0;
  let hessian = 0;
  for (let bin = bins - 1, at = offset + bin * stride; bin > 0; bin--, at -= stride) {
    const rows = histogram[at + stride - 1];
    if (rows === 0) continue;
    count += rows;
    if (count > mostRight) break;
    gradient += histogram[at];
    hessian += histogram[at + 1];
    const leftHessian = node.hessian - hessian;
    if (count < minSamplesLeaf || hessian < SMALLEST_HESSIAN || leftHessian < SMALLEST_HESSIAN) continue;
    const leftGradient = node.gradient - gradient;
    const left = Math.min(upper, Math.max(lower, -leftGradient / (leftHessian + l2)));
    const right = Math.min(upper, Math.max(lower, -gradient / (hessian + l2)));
    if (direction * (right - left) < 0) continue;
    const gain =
      -(2 * leftGradient * left + (leftHessian + l2) * left * left) -
      (2 * gradient * right + (hessian + l2) * right * right);
    if (gain > best.numerator) {
      best.numerator = gain;
      best.column = column;
      best.bin = bin - 1;
      best.count = count;
      best.gradient = gradient;
      best.hessian = hessian;
    }
  }
}
