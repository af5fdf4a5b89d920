/**
 * Gradient boosting with squared loss: tree after tree is grown on what the ones before leave over.
 * The steps are in `binning`, `histogram`, `splitting` and `grower`; this file holds the loop, the sampling and the
 * early stop. The target is whatever the caller passes (for latencies: its logarithm, so that errors are relative).
 */
import { throwIfCancelled } from '../errors';
import type { Matrix } from '../matrix';
import { createRandom, type Random } from '../random';
import { binRows, findBins, MOST_BINS } from './binning';
import { Grower, toTree } from './grower';
import type { Monotone } from './splitting';
import { addTree, type Tree, type TreeEnsemble } from './tree';
import { checkSampleWeights, checkTrainingRows, requireArgument } from './validation';

export interface BoostingOptions {
  /** Trees to grow, at most. Default 400. */
  readonly trees?: number;
  /** Share of a leaf's output that is added, above 0 and at most 1. Default 0.04. */
  readonly learningRate?: number;
  /** Leaves of one tree, at most. Default 31. */
  readonly maxLeaves?: number;
  /** Rows of one leaf, at least. Default 5. */
  readonly minSamplesLeaf?: number;
  /** Added to a leaf's sum of weights when its output is computed, zero or more. Default 0. */
  readonly l2?: number;
  /** A split must lower the sum of squares by more than this, zero or more. Default 0. */
  readonly minGain?: number;
  /** Bins of one column, 2 to 255. Default 255. */
  readonly maxBins?: number;
  /** Share of the rows that each tree sees, above 0 and at most 1. Default 1. */
  readonly rowSubsample?: number;
  /** Share of the columns that each tree sees, above 0 and at most 1. Default 1. */
  readonly columnSubsample?: number;
  /** Seeds the subsamples. Default 0. */
  readonly seed?: number;
  /** One a row, zero or more; only their ratios matter. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
  /** One a column: 1 if more of it must never lower the prediction, -1 if never raise, 0 for neither. Default all 0. */
  readonly monotone?: readonly Monotone[];
  /** Stops when the mean squared error on other rows has not fallen for `patience` trees; the best trees are kept. */
  readonly earlyStopping?: { readonly x: Matrix; readonly y: ArrayLike<number>; readonly patience: number };
  readonly signal?: AbortSignal;
  /** After every tree: its number from 0, and the mean squared error on the rows for early stopping, if given. */
  readonly onProgress?: (treeIndex: number, validationError: number | undefined) => void;
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
  const { trees: limit = 400, learningRate = 0.04, rowSubsample = 1, columnSubsample = 1, seed = 0 } = options;
  const { maxLeaves = 31, minSamplesLeaf = 5, l2 = 0, minGain = 0, maxBins = MOST_BINS } = options;

  const { rows, weights } = weightedRows(options.sampleWeights, x.rows);
  const binning = findBins(x, maxBins);
  const monotone = options.monotone?.some((direction) => direction !== 0) ? options.monotone : undefined;
  const rules = { maxLeaves, minSamplesLeaf, l2, minGain, monotone };
  const grower = new Grower(binRows(x, binning), rules, weights !== undefined);
  const random = createRandom(seed);
  const baseline = weightedMean(y, rows, weights);
  const predictions = new Float64Array(x.rows).fill(baseline);
  const gradients = new Float64Array(x.rows);
  const stopping = options.earlyStopping && new EarlyStopping(options.earlyStopping, baseline);
  const trees: Tree[] = [];

  for (let t = 0; t < limit; t++) {
    throwIfCancelled(options.signal);
    for (const i of rows) gradients[i] = (predictions[i] - y[i]) * (weights ? weights[i] : 1);
    const count = sampleRows(rows, rowSubsample, random, grower.rows);
    const columns = sampleColumns(x.columns, columnSubsample, random);
    const grown = grower.grow({ gradients, hessians: weights }, count, columns);
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
  /** Mean squared error after the trees so far. */
  error: number;
  bestTrees = 0;
  private bestError: number;
  private seen = 0;
  private readonly predictions: Float64Array;

  constructor(
    private readonly held: NonNullable<BoostingOptions['earlyStopping']>,
    baseline: number,
  ) {
    this.predictions = new Float64Array(held.x.rows).fill(baseline);
    this.error = this.meanSquaredError();
    this.bestError = this.error;
  }

  /** Takes the trees that are new; false if the error has not fallen for `patience` trees. */
  accepts(trees: readonly Tree[]): boolean {
    for (; this.seen < trees.length; this.seen++) addTree(trees[this.seen], this.held.x, this.predictions);
    this.error = this.meanSquaredError();
    if (this.error < this.bestError) {
      this.bestError = this.error;
      this.bestTrees = trees.length;
    }
    return trees.length - this.bestTrees < this.held.patience;
  }

  private meanSquaredError(): number {
    const { y } = this.held;
    let sum = 0;
    for (let i = 0; i < y.length; i++) sum += (this.predictions[i] - y[i]) ** 2;
    return sum / y.length;
  }
}

/** The rows that count, and the weights of all rows brought to a mean of 1 over those (so that l2 keeps its meaning). */
function weightedRows(weights: ArrayLike<number> | undefined, count: number) {
  const rows = Int32Array.from({ length: count }, (_, i) => i).filter((i) => !weights || weights[i] > 0);
  if (!weights) return { rows, weights: undefined };
  let sum = 0;
  for (const i of rows) sum += weights[i];
  return { rows, weights: Float64Array.from(weights, (weight) => (weight * rows.length) / sum) };
}

function weightedMean(y: ArrayLike<number>, rows: Int32Array, weights: Float64Array | undefined): number {
  let sum = 0;
  for (const i of rows) sum += y[i] * (weights ? weights[i] : 1);
  return sum / rows.length;
}

/** Writes a share of the rows into `chosen`, rising (selection sampling, Knuth 3.4.2 S); returns how many. */
function sampleRows(rows: Int32Array, share: number, random: Random, chosen: Int32Array): number {
  if (share === 1) {
    chosen.set(rows);
    return rows.length;
  }
  const wanted = Math.max(1, Math.round(share * rows.length));
  let taken = 0;
  for (let i = 0; taken < wanted; i++) {
    if (random.uniform() * (rows.length - i) < wanted - taken) chosen[taken++] = rows[i];
  }
  return taken;
}

function sampleColumns(columns: number, share: number, random: Random): number[] {
  const all = Array.from({ length: columns }, (_, j) => j);
  if (share === 1) return all;
  const wanted = Math.max(1, Math.round(share * columns));
  let taken = 0;
  return all.filter((j) => {
    const take = random.uniform() * (columns - j) < wanted - taken;
    if (take) taken++;
    return take;
  });
}

function checkOptions(x: Matrix, options: BoostingOptions): void {
  const whole = (name: 'trees' | 'maxLeaves' | 'minSamplesLeaf' | 'maxBins', least: number, most = Infinity) => {
    const value = options[name];
    if (value === undefined) return;
    const expected = `a whole number of at least ${least}${most < Infinity ? ` and at most ${most}` : ''}`;
    requireArgument(Number.isInteger(value) && value >= least && value <= most, `options.${name}`, value, expected);
  };
  whole('trees', 1);
  whole('maxLeaves', 2);
  whole('minSamplesLeaf', 1);
  whole('maxBins', 2, MOST_BINS);
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
    checkTrainingRows(earlyStopping.x, earlyStopping.y, 'options.earlyStopping.');
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
