/**
 * The arithmetic of a multilayer perceptron with one output: forward, backward, and Adam's step (Kingma and Ba 2015,
 * algorithm 1), over typed arrays that are made once. It knows nothing of targets, units or batches' contents.
 *
 * Layout: all parameters in one array, layer after layer: weights [input][output], then biases [output]. Activations are
 * [row][unit]. So every inner loop runs forward over outputs, and is skipped for the inputs that ReLU has set to zero.
 */
import type { Random } from '../random';

/** Decay of Adam's first and second moments, and what keeps its division finite: the values of the paper. */
const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-8;
/** Of the first weights of the output, in those of the other layers. */
const OUTPUT_SCALE = 0.3;

export class PerceptronNetwork {
  readonly parameters: Float64Array;
  /** The derivative of the loss, in the order of the parameters; set by `backward`. */
  readonly gradients: Float64Array;
  /** Rows to pass, standardised: written by the caller. */
  readonly inputs: Float64Array;
  /** One a row: set by `forward`. */
  readonly outputs: Float64Array;
  /** One a row, the derivative of the loss: written by the caller for `backward`. */
  readonly outputGradients: Float64Array;
  private readonly offsets: readonly number[];
  /** Of each layer of units, inputs first. */
  private readonly activations: readonly Float64Array[];
  private readonly deltas: readonly Float64Array[];
  private readonly firstMoments: Float64Array;
  private readonly secondMoments: Float64Array;
  private steps = 0;

  constructor(
    /** Units of each layer: columns, hidden layers, 1. */
    readonly sizes: readonly number[],
    /** Rows that are passed together, at most. */
    readonly mostRows: number,
  ) {
    const offsets = [0];
    for (let layer = 1; layer < sizes.length; layer++) {
      offsets.push(offsets[layer - 1] + (sizes[layer - 1] + 1) * sizes[layer]);
    }
    const count = offsets[offsets.length - 1];
    this.offsets = offsets;
    this.parameters = new Float64Array(count);
    this.gradients = new Float64Array(count);
    this.firstMoments = new Float64Array(count);
    this.secondMoments = new Float64Array(count);
    this.activations = sizes.map((size) => new Float64Array(size * mostRows));
    this.deltas = sizes.map((size, layer) => new Float64Array(layer === 0 ? 0 : size * mostRows));
    this.inputs = this.activations[0];
    this.outputs = this.activations[sizes.length - 1];
    this.outputGradients = this.deltas[sizes.length - 1];
  }

  /** Weights of the layer that leads to `sizes[layer]`, [input][output]: a view. */
  weights(layer: number): Float64Array {
    const start = this.offsets[layer - 1];
    return this.parameters.subarray(start, start + this.sizes[layer - 1] * this.sizes[layer]);
  }

  /** Biases of the layer that leads to `sizes[layer]`: a view. */
  biases(layer: number): Float64Array {
    const end = this.offsets[layer];
    return this.parameters.subarray(end - this.sizes[layer], end);
  }

  /**
   * Uniform weights of variance 2 / (inputs + outputs), as scikit-learn's (Glorot and Bengio 2010); biases 0. Those of
   * the output are smaller, so that training starts near the mean: on few rows a start that is wrong by as much as the
   * targets vary, as with the wider weights of He et al. 2015, is never quite unlearned.
   */
  initialize(random: Random): void {
    const { sizes } = this;
    this.parameters.fill(0);
    for (let layer = 1; layer < sizes.length; layer++) {
      const scale = layer === sizes.length - 1 ? OUTPUT_SCALE : 1;
      const limit = scale * Math.sqrt(6 / (sizes[layer - 1] + sizes[layer]));
      const weights = this.weights(layer);
      for (let i = 0; i < weights.length; i++) weights[i] = limit * (2 * random.uniform() - 1);
    }
  }

  /** Passes the first `rows` rows of `inputs`. */
  forward(rows: number): void {
    const { sizes, parameters, offsets, activations } = this;
    for (let layer = 1; layer < sizes.length; layer++) {
      const last = layer === sizes.length - 1;
      pass(
        parameters,
        offsets[layer - 1],
        activations[layer - 1],
        sizes[layer - 1],
        activations[layer],
        sizes[layer],
        rows,
      );
      if (!last) rectify(activations[layer], rows * sizes[layer]);
    }
  }

  /** After `forward` of the same rows: `gradients` of their loss, from `outputGradients`. */
  backward(rows: number): void {
    const { sizes, parameters, gradients, offsets, activations, deltas } = this;
    gradients.fill(0);
    for (let layer = sizes.length - 1; layer >= 1; layer--) {
      const start = offsets[layer - 1];
      const from = activations[layer - 1];
      collect(gradients, start, from, sizes[layer - 1], deltas[layer], sizes[layer], rows);
      if (layer > 1)
        passBack(parameters, start, from, sizes[layer - 1], deltas[layer - 1], deltas[layer], sizes[layer], rows);
    }
  }

  /** Adds `penalty` times each weight (not the biases) to its gradient. */
  penalize(penalty: number): void {
    const { sizes, parameters, gradients, offsets } = this;
    for (let layer = 1; layer < sizes.length; layer++) {
      const end = offsets[layer] - sizes[layer];
      for (let p = offsets[layer - 1]; p < end; p++) gradients[p] += penalty * parameters[p];
    }
  }

  /** Adam's step along `gradients`. */
  step(learningRate: number): void {
    const { parameters, gradients, firstMoments, secondMoments } = this;
    this.steps++;
    const rate = (learningRate * Math.sqrt(1 - SECOND_DECAY ** this.steps)) / (1 - FIRST_DECAY ** this.steps);
    for (let p = 0; p < parameters.length; p++) {
      const gradient = gradients[p];
      const first = FIRST_DECAY * firstMoments[p] + (1 - FIRST_DECAY) * gradient;
      const second = SECOND_DECAY * secondMoments[p] + (1 - SECOND_DECAY) * gradient * gradient;
      firstMoments[p] = first;
      secondMoments[p] = second;
      parameters[p] -= (rate * first) / (Math.sqrt(second) + EPSILON);
    }
  }
}

/** to = from x weights + biases. */
function pass(
  parameters: Float64Array,
  start: number,
  from: Float64Array,
  inputs: number,
  to: Float64Array,
  outputs: number,
  rows: number,
): void {
  const biases = start + inputs * outputs;
  for (let i = 0; i < rows; i++) {
    const out = i * outputs;
    for (let o = 0; o < outputs; o++) to[out + o] = parameters[biases + o];
    for (let j = 0; j < inputs; j++) {
      const value = from[i * inputs + j];
      if (value === 0) continue;
      const weights = start + j * outputs;
      for (let o = 0; o < outputs; o++) to[out + o] += value * parameters[weights + o];
    }
  }
}

function rectify(values: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) if (!(values[i] > 0)) values[i] = 0;
}

/** Gradients of one layer's weights and biases. */
function collect(
  gradients: Float64Array,
  start: number,
  from: Float64Array,
  inputs: number,
  delta: Float64Array,
  outputs: number,
  rows: number,
): void {
  const biases = start + inputs * outputs;
  for (let i = 0; i < rows; i++) {
    const out = i * outputs;
    for (let o = 0; o < outputs; o++) gradients[biases + o] += delta[out + o];
    for (let j = 0; j < inputs; j++) {
      const value = from[i * inputs + j];
      if (value === 0) continue;
      const weights = start + j * outputs;
      for (let o = 0; o < outputs; o++) gradients[weights + o] += value * delta[out + o];
    }
  }
}

/** Derivatives by the units below, which are 0 where ReLU is. */
function passBack(
  parameters: Float64Array,
  start: number,
  from: Float64Array,
  inputs: number,
  below: Float64Array,
  delta: Float64Array,
  outputs: number,
  rows: number,
): void {
  for (let i = 0; i < rows; i++) {
    const out = i * outputs;
    for (let j = 0; j < inputs; j++) {
      let sum = 0;
      if (from[i * inputs + j] > 0) {
        const weights = start + j * outputs;
        for (let o = 0; o < outputs; o++) sum += parameters[weights + o] * delta[out + o];
      }
      below[i * inputs + j] = sum;
    }
  }
}
