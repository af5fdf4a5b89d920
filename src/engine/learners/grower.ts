/**
 * Step 4 of gradient boosting and forests: grows one tree, leaf by leaf: always the leaf that gains most while leaves are
 * limited, depth first while they are not (the tree is the same in any order, and few leaves are then open at once).
 * Of two children only the smaller's histogram is built; the larger's is the parent's less that. It knows neither
 * targets nor loss: only derivatives.
 */
import type { Random } from '../random';
import type { BinnedRows, Binning } from './binning';
import { CompactHistogram } from './compact-histogram';
import { type Derivatives, HistogramBuilder, histogramLayout, subtractHistogram } from './histogram';
import { sampleWithout } from './sampling';
import { findSplit, leafOutput, type NodeSums, type SplitRules, type SplitSearch } from './splitting';
import type { Tree } from './tree';

export interface GrowthRules extends SplitRules {
  /** Infinity for no limit. */
  readonly maxLeaves: number;
  /** Splits on the way from the root to a leaf, at most. Default Infinity. */
  readonly maxDepth?: number;
  /** Columns that are drawn at every node; where none of them can be split on, the others are tried. Default all. */
  readonly columnsPerSplit?: number;
  /**
   * Of thresholds that part a node's rows alike, the middle one, so that the gap between rows is shared by both sides.
   * Default: the largest, as in LightGBM.
   */
  readonly centred?: boolean;
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

/** A node that can still be split. */
interface OpenLeaf extends SplitSearch {
  readonly node: number;
  readonly depth: number;
  /** Undefined where no split below it will need one. */
  readonly histogram: Float64Array | undefined;
}

/** What one tree is grown from. */
interface Growth {
  readonly derivatives: Derivatives;
  readonly nodes: GrownNode[];
  readonly random: Random | undefined;
}

/** Grows the trees of one training, one after another, in the same memory. */
export class Grower {
  /** Row numbers, ordered by leaf after growing. */
  readonly rows: Int32Array;
  private readonly aside: Int32Array;
  private readonly builder: HistogramBuilder;
  private readonly compact: CompactHistogram;
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
    this.compact = new CompactHistogram(binned, this.layout);
  }

  /**
   * @param derivatives of every row, by row number
   * @param count how many of the row numbers that stand in `rows` take part, from the first
   * @param columns that may be split on, rising
   * @param random draws columns, if the rules say so
   */
  grow(derivatives: Derivatives, count: number, columns: readonly number[], random?: Random): GrownTree {
    const { rules } = this;
    const sums = this.rootSums(derivatives, count);
    const nodes: GrownNode[] = [{ output: leafOutput(sums, rules.l2), start: 0, count }];
    const growth = { derivatives, nodes, random };
    const open: OpenLeaf[] = [];
    let histogram: Float64Array | undefined;
    if (count > this.compact.mostRows) {
      histogram = this.takeHistogram();
      this.builder.build(histogram, { rows: this.rows, start: 0, count }, derivatives, columns);
    }
    this.openLeaf(growth, open, open.length, { node: 0, depth: 0, histogram }, sums, columns);
    for (let leaves = 1; leaves < rules.maxLeaves && open.length > 0; leaves++) {
      const chosen = rules.maxLeaves === Infinity ? open.length - 1 : largestGain(open);
      this.splitLeaf(growth, open, chosen, leaves + 1 === rules.maxLeaves);
    }
    for (const leaf of open) this.giveBack(leaf.histogram);
    return { nodes };
  }

  /** Puts a leaf's two children where it was and at the end, those of them that can be split. */
  private splitLeaf(growth: Growth, open: OpenLeaf[], chosen: number, last: boolean): void {
    const { rules, compact } = this;
    const { nodes, derivatives } = growth;
    const leaf = open[chosen];
    const { columns } = leaf;
    const parent = nodes[leaf.node];
    const { column, bin, left, right } = leaf.split!;
    this.partition(parent, column, bin);
    const leftNode = nodes.length;
    const middle = parent.start + left.count;
    const depth = leaf.depth + 1;
    parent.split = { column, bin, left: leftNode, right: leftNode + 1 };
    nodes.push({ output: leafOutput(left, rules.l2), start: parent.start, count: left.count });
    nodes.push({ output: leafOutput(right, rules.l2), start: middle, count: right.count });
    open.splice(chosen, 1);

    const larger = Math.max(left.count, right.count);
    const final = last || larger < 2 * rules.minSamplesLeaf || depth === rules.maxDepth;
    let leftHistogram: Float64Array | undefined;
    let rightHistogram: Float64Array | undefined;
    if (final || larger <= compact.mostRows) this.giveBack(leaf.histogram);
    else {
      const leftIsSmaller = left.count <= right.count;
      const small = this.takeHistogram();
      const large = leaf.histogram!;
      const { start, count } = nodes[leftIsSmaller ? leftNode : leftNode + 1];
      this.builder.build(small, { rows: this.rows, start, count }, derivatives, columns);
      subtractHistogram(large, small);
      [leftHistogram, rightHistogram] = leftIsSmaller ? [small, large] : [large, small];
    }
    if (final) return;
    this.openLeaf(growth, open, chosen, { node: leftNode, depth, histogram: leftHistogram }, left, columns);
    this.openLeaf(growth, open, open.length, { node: leftNode + 1, depth, histogram: rightHistogram }, right, columns);
  }

  /** Puts a leaf among the open ones if it can be split. */
  private openLeaf(
    growth: Growth,
    open: OpenLeaf[],
    position: number,
    leaf: Pick<OpenLeaf, 'node' | 'depth' | 'histogram'>,
    sums: NodeSums,
    columns: readonly number[],
  ): void {
    const search = this.searchNode(growth, growth.nodes[leaf.node], leaf.histogram, sums, columns);
    if (search.split && search.split.gain > 0) open.splice(position, 0, { ...leaf, ...search });
    else this.giveBack(leaf.histogram);
  }

  private searchNode(
    growth: Growth,
    node: GrownNode,
    histogram: Float64Array | undefined,
    sums: NodeSums,
    columns: readonly number[],
  ): SplitSearch {
    const { columnsPerSplit = columns.length } = this.rules;
    if (!growth.random || columnsPerSplit >= columns.length) {
      return this.searchColumns(growth, node, histogram, sums, columns);
    }
    const drawn = sampleWithout(columns, columnsPerSplit, growth.random);
    let { split } = this.searchColumns(growth, node, histogram, sums, drawn);
    if (!split) {
      const others = columns.filter((column) => !drawn.includes(column));
      split = this.searchColumns(growth, node, histogram, sums, others).split;
    }
    return { split, columns };
  }

  private searchColumns(
    { derivatives }: Growth,
    { start, count }: GrownNode,
    histogram: Float64Array | undefined,
    sums: NodeSums,
    columns: readonly number[],
  ): SplitSearch {
    const { compact, rules } = this;
    if (histogram) {
      const search = findSplit(histogram, this.layout, this.binned.binCounts, sums, columns, rules);
      return rules.centred ? this.centre(search, histogram) : search;
    }
    if (count < 2 * rules.minSamplesLeaf) return { split: undefined, columns: [] };
    compact.build({ rows: this.rows, start, count }, derivatives, columns);
    const { split, columns: allowed } = findSplit(
      compact.values,
      compact.layout,
      compact.binCounts,
      sums,
      columns,
      rules,
    );
    if (!split) return { split, columns: allowed };
    const most = compact.binAt(split.column, split.bin + 1) - 1;
    const bin = rules.centred ? (compact.binAt(split.column, split.bin) + most) >> 1 : most;
    return { split: { ...split, bin }, columns: allowed };
  }

  private centre({ split, columns }: SplitSearch, histogram: Float64Array): SplitSearch {
    if (!split) return { split, columns };
    const { offsets, stride } = this.layout;
    const counts = offsets[split.column] + stride - 1;
    let least = split.bin;
    while (histogram[counts + least * stride] === 0) least--;
    return { split: { ...split, bin: (least + split.bin) >> 1 }, columns };
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
    // A loop: most nodes are small, and a view costs more than copying theirs.
    for (let i = 0; i < right; i++) rows[left + i] = aside[i];
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

/** The first leaf of largest gain. */
function largestGain(open: readonly OpenLeaf[]): number {
  let chosen = 0;
  for (let index = 1; index < open.length; index++) {
    if (open[index].split!.gain > open[chosen].split!.gain) chosen = index;
  }
  return chosen;
}
