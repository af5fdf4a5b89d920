/**
 * Step 4 of gradient boosting: grows one tree, leaf by leaf, always splitting the leaf that gains most.
 * Of two children only the smaller's histogram is built; the larger's is the parent's less that. It knows neither
 * targets nor loss: only derivatives.
 */
import type { BinnedRows, Binning } from './binning';
import { type Derivatives, HistogramBuilder, histogramLayout, subtractHistogram } from './histogram';
import { findSplit, leafOutput, type NodeSums, type SplitRules, type SplitSearch } from './splitting';
import type { Tree } from './tree';

export interface GrowthRules extends SplitRules {
  readonly maxLeaves: number;
}

/** A tree as training sees it: splits by bin, leaves with the rows they hold. Node 0 is the root. */
export interface GrownTree {
  readonly nodes: readonly GrownNode[];
}

export interface GrownNode {
  /** Undefined for a leaf. */
  split?: { readonly column: number; readonly bin: number; readonly left: number; readonly right: number };
  /** Before the learning rate. */
  readonly output: number;
  /** The rows are `Grower.rows` from `start`, `count` of them, until the next tree is grown. */
  readonly start: number;
  readonly count: number;
}

/** A node that may still be split. */
interface OpenLeaf extends SplitSearch {
  readonly node: number;
  /** Undefined where no split below it will need one. */
  readonly histogram: Float64Array | undefined;
}

/** Grows the trees of one training, one after another, in the same memory. */
export class Grower {
  /** Row numbers, ordered by leaf after growing. */
  readonly rows: Int32Array;
  private readonly aside: Int32Array;
  private readonly builder: HistogramBuilder;
  private readonly layout;
  private readonly free: Float64Array[] = [];

  constructor(
    private readonly binned: BinnedRows,
    private readonly rules: GrowthRules,
    weighted: boolean,
  ) {
    this.rows = new Int32Array(binned.rows);
    this.aside = new Int32Array(binned.rows);
    this.layout = histogramLayout(binned, weighted);
    this.builder = new HistogramBuilder(binned, this.layout);
  }

  /**
   * @param derivatives of every row, by row number
   * @param count how many of the row numbers that stand in `rows` take part, from the first
   * @param columns that may be split on, rising
   */
  grow(derivatives: Derivatives, count: number, columns: readonly number[]): GrownTree {
    const { rules } = this;
    const sums = this.rootSums(derivatives, count);
    const nodes: GrownNode[] = [{ output: leafOutput(sums, rules.l2), start: 0, count }];
    const histogram = this.takeHistogram();
    this.builder.build(histogram, { rows: this.rows, start: 0, count }, derivatives, columns);
    const leaves: OpenLeaf[] = [{ node: 0, ...this.findSplit(histogram, sums, columns), histogram }];
    while (leaves.length < rules.maxLeaves) {
      const chosen = largestGain(leaves);
      if (chosen < 0) break;
      const last = leaves.length + 1 === rules.maxLeaves;
      const [left, right] = this.splitLeaf(leaves[chosen], nodes, derivatives, last);
      leaves[chosen] = left;
      leaves.push(right);
    }
    for (const leaf of leaves) this.giveBack(leaf.histogram);
    return { nodes };
  }

  private splitLeaf(leaf: OpenLeaf, nodes: GrownNode[], derivatives: Derivatives, last: boolean): [OpenLeaf, OpenLeaf] {
    const { rules } = this;
    const { columns } = leaf;
    const parent = nodes[leaf.node];
    const { column, bin, left, right } = leaf.split!;
    this.partition(parent, column, bin);
    const leftNode = nodes.length;
    const middle = parent.start + left.count;
    parent.split = { column, bin, left: leftNode, right: leftNode + 1 };
    nodes.push({ output: leafOutput(left, rules.l2), start: parent.start, count: left.count });
    nodes.push({ output: leafOutput(right, rules.l2), start: middle, count: right.count });

    const larger = Math.max(left.count, right.count);
    if (last || larger < 2 * rules.minSamplesLeaf) {
      this.giveBack(leaf.histogram);
      return [closedLeaf(leftNode), closedLeaf(leftNode + 1)];
    }
    const leftIsSmaller = left.count <= right.count;
    const small = this.takeHistogram();
    const large = leaf.histogram!;
    const { start, count } = nodes[leftIsSmaller ? leftNode : leftNode + 1];
    this.builder.build(small, { rows: this.rows, start, count }, derivatives, columns);
    subtractHistogram(large, small);
    const [leftHistogram, rightHistogram] = leftIsSmaller ? [small, large] : [large, small];
    return [
      { node: leftNode, ...this.findSplit(leftHistogram, left, columns), histogram: leftHistogram },
      { node: leftNode + 1, ...this.findSplit(rightHistogram, right, columns), histogram: rightHistogram },
    ];
  }

  private findSplit(histogram: Float64Array, sums: NodeSums, columns: readonly number[]): SplitSearch {
    return findSplit(histogram, this.layout, this.binned.binCounts, sums, columns, this.rules);
  }

  private rootSums({ gradients, hessians }: Derivatives, count: number): NodeSums {
    let gradient = 0;
    let hessian = hessians ? 0 : count;
    for (let i = 0; i < count; i++) {
      gradient += gradients[this.rows[i]];
      if (hessians) hessian += hessians[this.rows[i]];
    }
    return { count, gradient, hessian, lower: -Infinity, upper: Infinity };
  }

  /** Brings the rows that go left before those that go right; both keep their order, so memory is read forwards. */
  private partition({ start, count }: GrownNode, column: number, bin: number): void {
    const { rows, aside } = this;
    const words = this.binned.words[column >> 2];
    const shift = 8 * (column & 3);
    let left = start;
    let right = 0;
    for (let i = start; i < start + count; i++) {
      const row = rows[i];
      // 1 if the row goes left, without a branch that could not be foreseen.
      const goesLeft = (((words[row] >>> shift) & 255) - bin - 1) >>> 31;
      rows[left] = row;
      aside[right] = row;
      left += goesLeft;
      right += 1 - goesLeft;
    }
    rows.set(aside.subarray(0, right), left);
  }

  private takeHistogram(): Float64Array {
    return this.free.pop() ?? new Float64Array(this.layout.length);
  }

  private giveBack(histogram: Float64Array | undefined): void {
    if (histogram) this.free.push(histogram);
  }
}

/** The one way from training to serving: bins become thresholds, outputs become what the ensemble adds. */
export function toTree({ nodes }: GrownTree, binning: Binning, learningRate: number): Tree {
  const tree = {
    feature: new Int32Array(nodes.length).fill(-1),
    threshold: new Float32Array(nodes.length),
    left: new Int32Array(nodes.length),
    right: new Int32Array(nodes.length),
    value: new Float32Array(nodes.length),
  };
  for (const [index, { split, output }] of nodes.entries()) {
    if (!split) {
      tree.value[index] = learningRate * output;
      continue;
    }
    tree.feature[index] = split.column;
    tree.threshold[index] = binning.thresholds[split.column][split.bin];
    tree.left[index] = split.left;
    tree.right[index] = split.right;
  }
  return tree;
}

function closedLeaf(node: number): OpenLeaf {
  return { node, split: undefined, columns: [], histogram: undefined };
}

/** The first leaf of largest gain, or -1 if none can be split. */
function largestGain(leaves: readonly OpenLeaf[]): number {
  let chosen = -1;
  let gain = 0;
  for (const [index, { split }] of leaves.entries()) {
    if (split && split.gain > gain) {
      chosen = index;
      gain = split.gain;
    }
  }
  return chosen;
}
