/**
 * Training of multilayer perceptrons by Adam on mini-batches (Kingma and Ba 2015), on rows with their own targets or on
 * bags of rows, the former being bags of one. The gradient is that of the bags' loss itself, no majorisation.
 * The target is whatever the caller passes (for latencies: its logarithm, so that errors are relative).
 */
import { EngineError, throwIfCancelled } from '../errors';
import type { Matrix } from '../matrix';
import { createRandom, type Random } from '../random';
import { type Bags, bagConstant, bagLoss, checkBags, rowWeights, singletons, sumBags } from './bags';
import { type Perceptron, passRows, standardize } from './perceptron';
import { PerceptronNetwork } from './perceptron-network';
import { checkSampleWeights, checkTrainingRows, requireArgument, requireWhole } from './validation';

/** Share of the steps, the last ones, over which the learning rate falls to 0. */
const DECAY_SHARE = 0.2;

/** What fits to rows and fits to bags have in common. */
interface CommonOptions {
  /** Units of each hidden layer, one to three of them. Default 64, 64. */
  readonly hiddenLayers?: readonly number[];
  /** Whether log1p is taken of the columns, which must then not be negative. Default false. */
  readonly logarithm?: boolean;
  /** Passes over the rows (the bags), at most. Default 100. */
  readonly epochs?: number;
  /** Rows (bags) of one step. Default 32. */
  readonly batchSize?: number;
  /** Adam's, at the start; it falls to 0 over the last fifth of the epochs. Default 0.003. */
  readonly learningRate?: number;
  /** Weight of half the sum of squared weights, over the rows (bags) of a batch, as in scikit-learn. Default 1e-4. */
  readonly l2?: number;
  /** Seeds weights and batches. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** After every epoch: its number from 0, and the loss of the rows or bags for early stopping, if given. */
  readonly onProgress?: (epoch: number, validationError: number | undefined) => void;
}

export interface PerceptronOptions extends CommonOptions {
  /** One a row, zero or more; only their ratios matter. Default all equal. */
  readonly sampleWeights?: ArrayLike<number>;
  /** Stops when the mean squared error on other rows has not fallen for `patience` epochs; the best weights are kept. */
  readonly earlyStopping?: { readonly x: Matrix; readonly y: ArrayLike<number>; readonly patience: number };
}

export interface BagPerceptronOptions extends CommonOptions {
  /** Stops when the loss of other bags has not fallen for `patience` epochs; the best weights are kept. */
  readonly earlyStopping?: { readonly x: Matrix; readonly bags: Bags; readonly patience: number };
}

/**
 * Trains a perceptron. The same rows, options and seed give the same bytes.
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree or an option outside its range
 */
export function fitPerceptron(x: Matrix, y: ArrayLike<number>, options: PerceptronOptions = {}): Perceptron {
  checkTrainingRows(x, y);
  checkSampleWeights(options.sampleWeights, x.rows);
  const { earlyStopping: held } = options;
  if (held) checkTrainingRows(held.x, held.y, 'options.earlyStopping.');
  checkOptions(x, options);
  const earlyStopping = held && { ...held, bags: singletons(held.y, undefined) };
  return train(x, singletons(y, options.sampleWeights), { ...options, earlyStopping });
}

/**
 * Trains a perceptron g on bags (`bags`). The same rows, options and seed give the same bytes.
 * @param x one row for each of the bags' rows
 * @throws EngineError INSUFFICIENT_DATA for no rows or values that are not finite, CANCELLED
 * @throws InvalidArgumentError for lengths that disagree, shares above 1 in sum, or an option outside its range
 */
export function perceptronOfBags(x: Matrix, bags: Bags, options: BagPerceptronOptions = {}): Perceptron {
  checkBags(x, bags);
  const { earlyStopping: held } = options;
  if (held) checkBags(held.x, held.bags, 'options.earlyStopping.');
  checkOptions(x, options);
  return train(x, bags, options);
}

function train(x: Matrix, bags: Bags, options: BagPerceptronOptions): Perceptron {
  const { hiddenLayers = [64, 64], epochs = 100, batchSize = 32, learningRate = 3e-3, l2 = 1e-4, seed = 0 } = options;
  const { earlyStopping: held } = options;
  const inputs = standardization(x, rowWeights(bags), options.logarithm ?? false);
  const outputs = centred(bags);
  const batches = new Batches(standardize(x, inputs), outputs.bags, batchSize);
  const network = new PerceptronNetwork([x.columns, ...hiddenLayers, 1], batches.mostRows);
  const random = createRandom(seed);
  network.initialize(random);
  const heldRows = held && standardize(held.x, inputs);
  const heldPredictions = new Float64Array(held ? held.x.rows : 0);
  let best = Infinity;
  let bestEpoch = -1;
  const bestParameters = network.parameters.slice();
  const steps = epochs * batches.count;
  for (let epoch = 0, step = 0; epoch < epochs; epoch++) {
    throwIfCancelled(options.signal);
    batches.shuffle(random);
    for (let batch = 0; batch < batches.count; batch++, step++) {
      batches.differentiate(network, batch, l2);
      network.step(learningRate * Math.min(1, (1 - step / steps) / DECAY_SHARE));
    }
    let error: number | undefined;
    if (held && heldRows) {
      passRows(network, heldRows, heldPredictions);
      for (let i = 0; i < heldPredictions.length; i++) {
        heldPredictions[i] = outputs.centre + outputs.scale * heldPredictions[i];
      }
      error = bagLoss(held.bags, heldPredictions);
      if (error < best) {
        best = error;
        bestEpoch = epoch;
        bestParameters.set(network.parameters);
      }
    }
    options.onProgress?.(epoch, error);
    if (held && epoch - bestEpoch >= held.patience) break;
  }
  if (held) network.parameters.set(bestParameters);
  return toPerceptron(network, inputs, outputs);
}

/** The bags' rows, batch by batch. */
class Batches {
  readonly count: number;
  /** Rows of one batch, at most, whatever the order. */
  readonly mostRows: number;
  /** Bags that count, in the order of this epoch. */
  private readonly order: Int32Array;
  /** Rows by bag: bag i's are `rows` from `starts[i]` to `starts[i + 1]` - 1. */
  private readonly starts: Int32Array;
  private readonly rows: Int32Array;
  /** One a bag, with a mean of 1 over those that count. */
  private readonly weights: Float64Array;

  constructor(
    /** [row][column] */
    private readonly inputs: Float64Array,
    private readonly bags: Bags,
    private readonly size: number,
  ) {
    const { bag, residual, weight } = bags;
    this.starts = new Int32Array(residual.length + 1);
    for (const number of bag) this.starts[number + 1]++;
    const counts = this.starts.slice(1);
    for (let i = 0; i < residual.length; i++) this.starts[i + 1] += this.starts[i];
    const next = this.starts.slice();
    this.rows = new Int32Array(bag.length);
    for (let i = 0; i < bag.length; i++) this.rows[next[bag[i]]++] = i;
    this.order = Int32Array.from(residual.keys()).filter((i) => counts[i] > 0 && weight[i] > 0);
    this.count = Math.ceil(this.order.length / size);
    const largest = this.order.map((i) => counts[i]).sort();
    this.mostRows = largest.subarray(Math.max(0, largest.length - size)).reduce((sum, rows) => sum + rows, 0);
    const total = this.order.reduce((sum, i) => sum + weight[i], 0);
    this.weights = weight.map((value) => (value * this.order.length) / total);
  }

  /** A new order (Fisher and Yates). */
  shuffle(random: Random): void {
    const { order } = this;
    for (let i = order.length - 1; i > 0; i--) {
      const other = random.below(i + 1);
      const bag = order[i];
      order[i] = order[other];
      order[other] = bag;
    }
  }

  /** Sets the network's gradients to those of half the mean loss of a batch's bags, and of the penalty. */
  differentiate(network: PerceptronNetwork, batch: number, l2: number): void {
    const { inputs, order, starts, rows, weights, size } = this;
    const { share, residual } = this.bags;
    const columns = network.sizes[0];
    const first = batch * size;
    const end = Math.min(order.length, first + size);
    let count = 0;
    for (let b = first; b < end; b++) {
      for (let r = starts[order[b]]; r < starts[order[b] + 1]; r++, count++) {
        const from = rows[r] * columns;
        for (let j = 0; j < columns; j++) network.inputs[count * columns + j] = inputs[from + j];
      }
    }
    network.forward(count);
    let row = 0;
    for (let b = first; b < end; b++) {
      const bag = order[b];
      const rowsOfBag = starts[bag + 1] - starts[bag];
      let rest = -residual[bag];
      for (let k = 0; k < rowsOfBag; k++) rest += share[rows[starts[bag] + k]] * network.outputs[row + k];
      const derivative = (weights[bag] * rest) / (end - first);
      for (let k = 0; k < rowsOfBag; k++) network.outputGradients[row + k] = derivative * share[rows[starts[bag] + k]];
      row += rowsOfBag;
    }
    network.backward(count);
    network.penalize(l2 / (end - first));
  }
}

type Standardization = Omit<Perceptron, 'layers'>;

/** Mean and standard deviation of the columns, as float32; a column with one value is divided by 1. */
function standardization(x: Matrix, weights: Float64Array, logarithm: boolean): Standardization {
  const { rows, columns } = x;
  const plain = { columns, logarithm, mean: new Float32Array(columns), scale: new Float32Array(columns).fill(1) };
  const values = standardize(x, plain);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const moments = (centre: (j: number) => number, power: number) => {
    const sums = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) sums[j] += weights[i] * (values[i * columns + j] - centre(j)) ** power;
    }
    return sums.map((sum) => sum / total);
  };
  const mean = moments(() => 0, 1);
  const variance = moments((j) => mean[j], 2);
  // Below float32's resolution of the values a spread is rounding.
  const scale = variance.map((value, j) => (value > 1e-12 * mean[j] ** 2 && value > 0 ? Math.sqrt(value) : 1));
  return { columns, logarithm, mean: Float32Array.from(mean), scale: Float32Array.from(scale) };
}

/** Bags less the best constant, in units of what is left: what the network is trained on. */
function centred(bags: Bags): { readonly bags: Bags; readonly centre: number; readonly scale: number } {
  const centre = bagConstant(bags);
  const constant = new Float64Array(bags.bag.length).fill(centre);
  const spread = Math.sqrt(bagLoss(bags, constant));
  const scale = spread > 0 ? spread : 1;
  const explained = sumBags(bags, constant, new Float64Array(bags.residual.length));
  const residual = bags.residual.map((value, i) => (value - explained[i]) / scale);
  return { bags: { ...bags, residual }, centre, scale };
}

/** The one way from training to serving: float32, and the target's unit folded into the last layer. */
function toPerceptron(
  network: PerceptronNetwork,
  inputs: Standardization,
  { centre, scale }: { readonly centre: number; readonly scale: number },
): Perceptron {
  const { sizes } = network;
  const layers = sizes.slice(1).map((outputs, index) => {
    const last = index === sizes.length - 2;
    const [factor, shift] = last ? [scale, centre] : [1, 0];
    return {
      inputs: sizes[index],
      outputs,
      weights: Float32Array.from(network.weights(index + 1), (value) => factor * value),
      biases: Float32Array.from(network.biases(index + 1), (value) => factor * value + shift),
    };
  });
  return { ...inputs, layers };
}

function checkOptions(x: Matrix, options: BagPerceptronOptions | PerceptronOptions): void {
  const { hiddenLayers = [64], learningRate = 1, l2 = 0, earlyStopping, logarithm } = options;
  const layers = hiddenLayers.length;
  requireArgument(layers >= 1 && layers <= 3, 'options.hiddenLayers.length', layers, '1, 2 or 3 layers');
  for (const [index, units] of hiddenLayers.entries()) {
    const whole = Number.isInteger(units) && units >= 1;
    requireArgument(whole, `options.hiddenLayers[${index}]`, units, 'a whole number of at least 1');
  }
  requireWhole(options, 'epochs', 1);
  requireWhole(options, 'batchSize', 1);
  const positive = Number.isFinite(learningRate) && learningRate > 0;
  requireArgument(positive, 'options.learningRate', learningRate, 'a finite number above 0');
  requireArgument(Number.isFinite(l2) && l2 >= 0, 'options.l2', l2, 'a finite number of at least 0');
  if (earlyStopping) {
    const { columns } = earlyStopping.x;
    requireArgument(columns === x.columns, 'options.earlyStopping.x.columns', columns, `${x.columns}`);
    const { patience } = earlyStopping;
    requireArgument(patience >= 1, 'options.earlyStopping.patience', patience, 'at least 1');
  }
  const negative = logarithm ? x.values.findIndex((value) => value < 0) : -1;
  if (negative >= 0) {
    const where = `x, row ${Math.floor(negative / x.columns)}, column ${negative % x.columns}`;
    const message = `A feature is ${x.values[negative]}; its logarithm is taken, so it must be at least 0.`;
    throw new EngineError('INSUFFICIENT_DATA', message, where, 'Leave the row out, or train without logarithm.');
  }
}
