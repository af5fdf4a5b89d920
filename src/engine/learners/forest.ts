/**
 * Random forest regression with squared loss (Breiman 2001): a mean of trees, each grown deep on a bootstrap of the rows,
 * with columns drawn at every split. It is served as the sum that a TreeEnsemble is: leaves hold their share of the mean.
 * Bootstraps are weights, so that histograms, splits and growth are those of boosting.
 */
import { throwIfCancelled } from '../errors';
import type { Matrix } from '../matrix';
import { createRandom, type Random } from '../random';
import { type Bags, bagConstant, checkBags, rowWeights, sumBags } from './bags';
import { type Binning, binRows, findBins, MOST_BINS } from './binning';
import { Grower, toTree } from './grower';
import { sizeOfShare } from './sampling';
import type { Monotone } from './splitting';
import { predictEnsemble, type Tree, type TreeEnsemble } from './tree';
import { checkSampleWeights, checkTrainingRows, requireArgument, requireWhole } from './validation';

/** What fits to rows and fits to bags have in common. */
interface CommonOptions {
  /** Trees to grow. Default 100. */
  readonly trees?: number;
  /** Leaves of one tree, at most. Default no limit. */
  readonly maxLeaves?: number;
  /** Splits on the way from the root to a leaf, at most. Default no limit. */
  readonly maxDepth?: number;
  /** Rows of one leaf, at least; a row that was drawn twice counts once. Default 1. */
  readonly minSamplesLeaf?: number;
  /** Share of the columns that each split sees, above 0 and at most 1 (scikit-learn's max_features). Default 1. */
  readonly columnSubsample?: number;
  /** Bins of one column, 2 to 255. Default 255. */
  readonly maxBins?: number;
  /** Seeds bootstraps and columns. Default 0. */
  readonly seed?: number;
  /** One a column: 1 if more of it must never lower the prediction, -1 if never raise, 0 for neither. Default all 0. */
  readonly monotone?: readonly Monotone[];
  readonly signal?: AbortSignal;
  /** After every tree: its number from 0. */
  readonly onProgress?: (treeIndex: number) => void;
}

export interface ForestOptions extends CommonOptions {
  /** Whether each tree is grown on rows drawn with replacement, as many as there are, or on all. Default true. */
  readonly bootstrap?: boolean;
  /** One a row: rows of the same group (a network's) are drawn together. Default every row by itself. */
  readonly groups?: Int32Array;
  /** One a row, zero or more; only their ratios matter. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
}

export interface BagForestOptions extends CommonOptions {
  /**
   * Leaves of one tree, at most. Default 16: what is left of a bag says little of one of its rows, and deep trees would
   * learn the rest.
   */
  readonly maxLeaves?: number;
  /** Forests that are added up, each on what those before leave of the bags; they share `trees`. Default 8. */
  readonly rounds?: number;
  /** Share of the best step that each forest takes, above 0 and at most 1. Default 0.5. */
  readonly shrinkage?: number;
}

/**
 * Splits must gain more than this share of the whole sum of squares, so that rounding does not split leaves whose rows
 * all have the same target.
 */
const ROUNDING = 1e-13;

/**
 * Trains a forest. The same rows, options and seed give the same bytes.
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree or an option outside its range
 */
export function fitForest(x: Matrix, y: ArrayLike<number>, options: ForestOptions = {}): TreeEnsemble {
  checkTrainingRows(x, y);
  checkSampleWeights(options.sampleWeights, x.rows);
  checkOptions(x, options);
  const { trees = 100, sampleWeights, groups, bootstrap = true } = options;
  requireArgument(!groups || groups.length === x.rows, 'options.groups.length', groups?.length, `${x.rows}`);
  const weights = sampleWeights ? Float64Array.from(sampleWeights) : new Float64Array(x.rows).fill(1);
  const planter = new Planter(x, weights, bootstrap ? groupNumbers(groups, x.rows) : undefined, options);
  const baseline = weightedMean(y, weights);
  return { columns: x.columns, baseline, trees: planter.grow((i) => y[i] - baseline, trees) };
}

/**
 * Trains an ensemble g on bags: forest after forest is fitted to what is left of each row's bag, whole bags being drawn,
 * and added as far as lowers the loss of the bags (`bags`): no forest raises it. The same input gives the same bytes.
 * @param x one row for each of the bags' rows
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree, shares above 1 in sum, or an option outside its range
 */
export function forestOfBags(x: Matrix, bags: Bags, options: BagForestOptions = {}): TreeEnsemble {
  checkBags(x, bags);
  checkOptions(x, options);
  const { trees = 100, rounds = 8, shrinkage = 0.5 } = options;
  requireWhole(options, 'rounds', 1, trees);
  requireArgument(shrinkage > 0 && shrinkage <= 1, 'options.shrinkage', shrinkage, 'above 0 and at most 1');
  const { bag, residual, weight } = bags;
  const { columns } = x;
  const planter = new Planter(x, rowWeights(bags), groupNumbers(bag, x.rows), { maxLeaves: 16, ...options });
  const baseline = bagConstant(bags);
  const sums = sumBags(bags, new Float64Array(x.rows).fill(baseline), new Float64Array(residual.length));
  const left = residual.map((value, i) => value - sums[i]);
  const ensemble: Tree[] = [];
  for (let round = 0; round < rounds; round++) {
    const share = Math.floor(((round + 1) * trees) / rounds) - Math.floor((round * trees) / rounds);
    const forest = planter.grow((i) => left[bag[i]], share);
    sumBags(bags, predictEnsemble({ columns, baseline: 0, trees: forest }, x), sums);
    let product = 0;
    let square = 0;
    for (let i = 0; i < left.length; i++) {
      product += weight[i] * left[i] * sums[i];
      square += weight[i] * sums[i] * sums[i];
    }
    // The loss is a parabola along the forest: any step below twice the best one lowers it.
    if (!(product > 0)) break;
    const step = (shrinkage * product) / square;
    for (let i = 0; i < left.length; i++) left[i] -= step * sums[i];
    for (const tree of forest) ensemble.push({ ...tree, value: tree.value.map((value) => step * value) });
  }
  return { columns, baseline, trees: ensemble };
}

/** Grows the forests of one training in the same memory. */
class Planter {
  private readonly binning: Binning;
  private readonly grower: Grower;
  private readonly random: Random;
  private readonly all: readonly number[];
  private readonly gradients: Float64Array;
  private readonly hessians: Float64Array;
  private readonly draws: Int32Array;
  private readonly rules;
  private grown = 0;

  constructor(
    x: Matrix,
    private readonly weights: Float64Array,
    /** Of each row, from 0 without gaps; undefined for no bootstrap. */
    private readonly groups: Int32Array | undefined,
    private readonly options: CommonOptions,
  ) {
    const { maxLeaves = Infinity, maxDepth = Infinity, minSamplesLeaf = 1, maxBins = MOST_BINS, seed = 0 } = options;
    const monotone = options.monotone?.some((direction) => direction !== 0) ? options.monotone : undefined;
    const columnsPerSplit = sizeOfShare(options.columnSubsample ?? 1, x.columns);
    this.rules = { maxLeaves, maxDepth, minSamplesLeaf, l2: 0, minGain: 0, monotone, columnsPerSplit, centred: true };
    this.binning = findBins(x, maxBins);
    this.grower = new Grower(binRows(x, this.binning), this.rules, true);
    this.random = createRandom(seed);
    this.all = Array.from({ length: x.columns }, (_, j) => j);
    this.gradients = new Float64Array(x.rows);
    this.hessians = new Float64Array(x.rows);
    this.draws = new Int32Array(groups ? countGroups(groups) : 0);
  }

  /** Trees whose sum is the mean of `count` trees fitted to the targets. */
  grow(target: (row: number) => number, count: number): Tree[] {
    const { options, gradients, hessians, grower, random } = this;
    return Array.from({ length: count }, () => {
      throwIfCancelled(options.signal);
      const rows = this.drawRows();
      let sumOfSquares = 0;
      for (let i = 0; i < rows; i++) {
        const row = grower.rows[i];
        const value = target(row);
        gradients[row] = -hessians[row] * value;
        sumOfSquares += hessians[row] * value * value;
      }
      this.rules.minGain = ROUNDING * sumOfSquares;
      const tree = toTree(grower.grow({ gradients, hessians }, rows, this.all, random), this.binning, 1 / count);
      options.onProgress?.(this.grown++);
      return tree;
    });
  }

  /** Writes the rows of a bootstrap, rising, to the grower and their weights, with a mean of 1; returns how many. */
  private drawRows(): number {
    const { weights, groups, draws, random, hessians } = this;
    const { rows } = this.grower;
    let taken = 0;
    let sum = 0;
    // A draw of nothing but rows of weight 0 is drawn again.
    while (taken === 0) {
      draws.fill(0);
      for (let d = 0; d < draws.length; d++) draws[random.below(draws.length)]++;
      for (let i = 0; i < weights.length; i++) {
        hessians[i] = weights[i] * (groups ? draws[groups[i]] : 1);
        if (hessians[i] === 0) continue;
        rows[taken++] = i;
        sum += hessians[i];
      }
    }
    for (let i = 0; i < taken; i++) hessians[rows[i]] *= taken / sum;
    return taken;
  }
}

/** Numbers groups from 0 in the order in which they appear. */
function groupNumbers(groups: Int32Array | undefined, rows: number): Int32Array {
  if (!groups) return Int32Array.from({ length: rows }, (_, i) => i);
  const numbers = new Map<number, number>();
  return groups.map((group) => {
    const known = numbers.get(group);
    if (known !== undefined) return known;
    numbers.set(group, numbers.size);
    return numbers.size - 1;
  });
}

function countGroups(groups: Int32Array): number {
  return groups.reduce((most, group) => Math.max(most, group), -1) + 1;
}

function weightedMean(y: ArrayLike<number>, weights: Float64Array): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i] * y[i];
    total += weights[i];
  }
  return sum / total;
}

function checkOptions(x: Matrix, options: CommonOptions): void {
  requireWhole(options, 'trees', 1);
  if (options.maxLeaves !== Infinity) requireWhole(options, 'maxLeaves', 2);
  if (options.maxDepth !== Infinity) requireWhole(options, 'maxDepth', 1);
  requireWhole(options, 'minSamplesLeaf', 1);
  requireWhole(options, 'maxBins', 2, MOST_BINS);
  const { columnSubsample = 1, monotone } = options;
  const share = columnSubsample > 0 && columnSubsample <= 1;
  requireArgument(share, 'options.columnSubsample', columnSubsample, 'a number above 0 and at most 1');
  if (monotone) {
    requireArgument(monotone.length === x.columns, 'options.monotone.length', monotone.length, `${x.columns}`);
  }
}
