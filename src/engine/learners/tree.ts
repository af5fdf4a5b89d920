/**
 * Regression trees as they are served: flat typed arrays and a walk over them. It knows nothing of training.
 * Values and thresholds are float32, as in ONNX's tree ensembles, so that both take every branch alike.
 */
import type { Matrix } from '../matrix';
import { requireArgument } from './validation';

/** Node 0 is the root. */
export interface Tree {
  /** Column that a node looks at; -1 for a leaf. */
  readonly feature: Int32Array;
  /** A row goes left if its value is at most this. */
  readonly threshold: Float32Array;
  /** Number of the node to the left; 0 for a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** What a leaf adds to the prediction; 0 for an inner node. */
  readonly value: Float32Array;
}

/** A prediction is the baseline plus one leaf's value of every tree, in the target's unit. */
export interface TreeEnsemble {
  /** Columns of the rows that it was trained on. */
  readonly columns: number;
  readonly baseline: number;
  readonly trees: readonly Tree[];
}

/** Rows that go through all trees together: few enough to stay in the processor's first cache. */
const BLOCK = 256;

/**
 * The prediction for every row; sums are float64.
 * @throws InvalidArgumentError if the columns are not those of the training
 */
export function predictEnsemble(ensemble: TreeEnsemble, x: Matrix): Float64Array {
  requireArgument(x.columns === ensemble.columns, 'x.columns', x.columns, `${ensemble.columns}, as in training`);
  const predictions = new Float64Array(x.rows).fill(ensemble.baseline);
  for (let start = 0; start < x.rows; start += BLOCK) {
    const end = Math.min(x.rows, start + BLOCK);
    for (const tree of ensemble.trees) addTree(tree, x, predictions, start, end);
  }
  return predictions;
}

/** Adds a tree's values for the rows `start` to `end` - 1. */
export function addTree(tree: Tree, x: Matrix, predictions: Float64Array, start = 0, end = x.rows): void {
  const { feature, threshold, left, right, value } = tree;
  const { columns, values } = x;
  for (let i = start; i < end; i++) {
    const row = i * columns;
    let node = 0;
    for (let column = feature[0]; column >= 0; column = feature[node]) {
      node = values[row + column] <= threshold[node] ? left[node] : right[node];
    }
    predictions[i] += value[node];
  }
}
