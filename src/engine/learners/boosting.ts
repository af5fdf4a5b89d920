/**
 * Gradient boosting with squared loss (Friedman 2001): tree after tree is grown on what the ones before leave over.
 * The steps are in `binning`, `histogram`, `splitting` and `grower`; this file holds the loop, the sampling and the
 * early stop. The target is whatever the caller passes (for latencies: its logarithm, so that errors are relative).
 */
import { throwIfCancelled } from '../errors';
import type { Matrix } from '../matrix';
import { createRandom, type Random } from '../random';
import { type Bags, checkBags } from './bags';
import { binRows, findBins, MOST_BINS } from './binning';
import { type BoostingTarget, bagTarget, type Loss, lossOfBags, rowLoss, rowTarget } from './boosting-target';
import { Grower, toTree } from './grower';
import { sampleWithout, sizeOfShare } from './sampling';
import type { Monotone } from './splitting';
import { addTree, type Tree, type TreeEnsemble } from './tree';
import { checkSampleWeights, checkTrainingRows, requireArgument, requireWhole } from './validation';

/** What fits to rows and fits to bags have in common. */
interface CommonOptions {
  /** Trees to grow, at most. Default 400. */
  readonly trees?: number;
  /** Share of a leaf's output that is added, above 0 and at most 1. Default 0.04. */
  readonly learningRate?: number;
  /** Leaves of one tree, at most. Default 31. */
  readonly maxLeaves?: number;
  /** Rows of one leaf, at least. Default 5. */
  readonly minSamplesLeaf?: number;
  /** Added to a leaf's sum of weights (whose mean is 1) when its output is computed, zero or more. Default 0. */
  readonly l2?: number;
  /** A split must lower the sum of squares by more than this, zero or more. Default 0. */
  readonly minGain?: number;
  /** Bins of one column, 2 to 255. Default 255. */
  readonly maxBins?: number;
  /** Share of the rows (of the bags) that each tree sees, above 0 and at most 1. Default 1. */
  readonly rowSubsample?: number;
  /** Share of the columns that each tree sees, above 0 and at most 1. Default 1. */
  readonly columnSubsample?: number;
  /** Seeds the subsamples. Default 0. */
  readonly seed?: number;
  /** One a column: 1 if more of it must never lower the prediction, -1 if never raise, 0 for neither. Default all 0. */
  readonly monotone?: readonly Monotone[];
  readonly signal?: AbortSignal;
  /** After every tree: its number from 0, and the error on the rows or bags for early stopping, if given. */
  readonly onProgress?: (treeIndex: number, validationError: number | undefined) => void;
}

export interface BoostingOptions extends CommonOptions {
  /** One a row, zero or more; only their ratios matter. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
  /** Stops when the mean squared error on other rows has not fallen for `patience` trees; the best trees are kept. */
  readonly earlyStopping?: { readonly x: Matrix; readonly y: ArrayLike<number>; readonly patience: number };
}

export interface BagBoostingOptions extends CommonOptions {
  /** Stops when the loss of other bags has not fallen for `patience` trees; the best trees are kept. */
  readonly earlyStopping?: { readonly x: Matrix; readonly bags: Bags; readonly patience: number };
}

/** What early stopping looks at. */
interface Held {
  readonly x: Matrix;
  readonly loss: Loss;
  readonly patience: number;
}

/**
 * Trains an ensemble. The same rows, options and seed give the same bytes.
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree or an option outside its range
 */
export function fitBoosting(x: Matrix, y: ArrayLike<number>, options: BoostingOptions = {}): TreeEnsemble {
  checkTrainingRows(x, y);
  checkSampleWeights(options.sampleWeights, x.rows);
  checkOptions(x, options);
  const { earlyStopping: held } = options;
  if (held) checkTrainingRows(held.x, held.y, 'options.earlyStopping.');
  return boost(x, rowTarget(y, options.sampleWeights), options, held && { ...held, loss: rowLoss(held.y) });
}

/**
 * Trains an ensemble g on bags: every tree is a step of majorisation (`bags`), so without subsamples no tree raises the
 * loss of the bags. A subsample of rows is one of whole bags. The same rows, options and seed give the same bytes.
 * @param x one row for each of the bags' rows
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree, shares above 1 in sum, or an option outside its range
 */
export function boostBags(x: Matrix, bags: Bags, options: BagBoostingOptions = {}): TreeEnsemble {
  checkBags(x, bags);
  checkOptions(x, options);
  const { earlyStopping: held } = options;
  if (held) checkBags(held.x, held.bags, 'options.earlyStopping.');
  return boost(x, bagTarget(bags), options, held && { ...held, loss: lossOfBags(held.bags) });
}

function boost(x: Matrix, target: BoostingTarget, options: CommonOptions, held: Held | undefined): TreeEnsemble {
  const { trees: limit = 400, learningRate = 0.04, rowSubsample = 1, columnSubsample = 1, seed = 0 } = options;
  const { maxLeaves = 31, minSamplesLeaf = 5, l2 = 0, minGain = 0, maxBins = MOST_BINS } = options;
  const { baseline, hessians } = target;

  const binning = findBins(x, maxBins);
  const monotone = options.monotone?.some((direction) => direction !== 0) ? options.monotone : undefined;
  const rules = { maxLeaves, minSamplesLeaf, l2, minGain, monotone };
  const grower = new Grower(binRows(x, binning), rules, hessians !== undefined);
  const random = createRandom(seed);
  const all = Array.from({ length: x.columns }, (_, j) => j);
  const drawRows = rowSampler(target, rowSubsample, random);
  const predictions = new Float64Array(x.rows).fill(baseline);
  const gradients = new Float64Array(x.rows);
  const stopping = held && new EarlyStopping(held, baseline);
  const trees: Tree[] = [];

  for (let t = 0; t < limit; t++) {
    throwIfCancelled(options.signal);
    target.differentiate(predictions, gradients);
    const count = drawRows(grower.rows);
    const columns = columnSubsample === 1 ? all : sampleWithout(all, sizeOfShare(columnSubsample, x.columns), random);
    const grown = grower.grow({ gradients, hessians }, count, columns);
    const tree = toTree(grown, binning, learningRate);
    if (grown.nodes.length > 1) {
      trees.push(tree);
      if (count < x.rows) addTree(tree, x, predictions);
      else {
        for (const [index, node] of grown.nodes.entries()) {
          if (node.split) continue;
          for (let i = node.start; i < node.start + node.count; i++) predictions[grower.rows[i]] += tree.value[index];
        }
      }
    } else if (rowSubsample === 1 && columnSubsample === 1) break; // The next tree would find nothing to split either.
    const goesOn = !stopping || stopping.accepts(trees);
    options.onProgress?.(t, stopping?.error);
    if (!goesOn) break;
  }
  return { columns: x.columns, baseline, trees: stopping ? trees.slice(0, stopping.bestTrees) : trees };
}

/** Follows the error on rows that are not trained on. */
class EarlyStopping {
  /** After the trees so far. */
  error: number;
  bestTrees = 0;
  private bestError: number;
  private seen = 0;
  private readonly predictions: Float64Array;

  constructor(
    private readonly held: Held,
    baseline: number,
  ) {
    this.predictions = new Float64Array(held.x.rows).fill(baseline);
    this.error = this.held.loss(this.predictions);
    this.bestError = this.error;
  }

  /** Takes the trees that are new; false if the error has not fallen for `patience` trees. */
  accepts(trees: readonly Tree[]): boolean {
    for (; this.seen < trees.length; this.seen++) addTree(trees[this.seen], this.held.x, this.predictions);
    this.error = this.held.loss(this.predictions);
    if (this.error < this.bestError) {
      this.bestError = this.error;
      this.bestTrees = trees.length;
    }
    return trees.length - this.bestTrees < this.held.patience;
  }
}

/** Writes the numbers of a share of the target's units' rows, rising, into what it is given; returns how many. */
function rowSampler({ rows, unit }: BoostingTarget, share: number, random: Random): (chosen: Int32Array) => number {
  if (share === 1) {
    return (chosen) => {
      chosen.set(rows);
      return rows.length;
    };
  }
  const units = unit ? [...new Set(Array.from(rows, (i) => unit[i]))] : Array.from(rows);
  const wanted = sizeOfShare(share, units.length);
  const drawn = new Uint8Array(units.reduce((most, number) => Math.max(most, number), 0) + 1);
  return (chosen) => {
    drawn.fill(0);
    for (const number of sampleWithout(units, wanted, random)) drawn[number] = 1;
    let taken = 0;
    for (const i of rows) if (drawn[unit ? unit[i] : i]) chosen[taken++] = i;
    return taken;
  };
}

function checkOptions(x: Matrix, options: CommonOptions & { earlyStopping?: { x: Matrix; patience: number } }): void {
  requireWhole(options, 'trees', 1);
  requireWhole(options, 'maxLeaves', 2);
  requireWhole(options, 'minSamplesLeaf', 1);
  requireWhole(options, 'maxBins', 2, MOST_BINS);
  for (const name of ['learningRate', 'rowSubsample', 'columnSubsample'] as const) {
    const value = options[name] ?? 1;
    requireArgument(value > 0 && value <= 1, `options.${name}`, value, 'a number above 0 and at most 1');
  }
  for (const name of ['l2', 'minGain'] as const) {
    const value = options[name] ?? 0;
    requireArgument(Number.isFinite(value) && value >= 0, `options.${name}`, value, 'a finite number of at least 0');
  }
  const { monotone, earlyStopping } = options;
  if (monotone) {
    requireArgument(monotone.length === x.columns, 'options.monotone.length', monotone.length, `${x.columns}`);
  }
  if (earlyStopping) {
    const { columns } = earlyStopping.x;
    requireArgument(columns === x.columns, 'options.earlyStopping.x.columns', columns, `${x.columns}`);
    requireArgument(
      earlyStopping.patience >= 1,
      'options.earlyStopping.patience',
      earlyStopping.patience,
      'at least 1',
    );
  }
}
