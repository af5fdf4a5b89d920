/**
 * A multilayer perceptron as it is served: plain float32 data, and what it predicts.
 *
 *     log1p(max(x, 0)) if logarithm -> (x - mean) / scale -> weights, biases, ReLU ... -> weights, biases
 *
 * Outside the rows of training it goes on as a straight line does; bounds are the caller's. It knows nothing of training.
 */
import type { Matrix } from '../matrix';
import { PerceptronNetwork } from './perceptron-network';
import { requireArgument } from './validation';

export interface Perceptron {
  /** Columns of the rows that it was trained on. */
  readonly columns: number;
  /** Whether log1p is taken of the columns (of 0 if they are negative) before anything else. */
  readonly logarithm: boolean;
  /** One a column, subtracted. */
  readonly mean: Float32Array;
  /** One a column, above 0: what is left is divided by it. */
  readonly scale: Float32Array;
  /** In order; ReLU stands between them. The last has one output: the prediction, in the target's unit. */
  readonly layers: readonly PerceptronLayer[];
}

export interface PerceptronLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** [input][output], as ONNX's Gemm takes it. */
  readonly weights: Float32Array;
  /** One an output. */
  readonly biases: Float32Array;
}

/** Rows that go through the layers together: few enough to stay in the processor's cache. */
const BLOCK = 128;

/**
 * The prediction for every row; sums are float64.
 * @throws InvalidArgumentError if the columns are not those of the training
 */
export function predictPerceptron(model: Perceptron, x: Matrix): Float64Array {
  requireArgument(x.columns === model.columns, 'x.columns', x.columns, `${model.columns}, as in training`);
  const sizes = [model.columns, ...model.layers.map(({ outputs }) => outputs)];
  const network = new PerceptronNetwork(sizes, Math.min(BLOCK, x.rows));
  for (const [index, { weights, biases }] of model.layers.entries()) {
    network.weights(index + 1).set(weights);
    network.biases(index + 1).set(biases);
  }
  const predictions = new Float64Array(x.rows);
  passRows(network, standardize(x, model), predictions);
  return predictions;
}

/** Rows as the first layer sees them: [row][column]. */
export function standardize(x: Matrix, { logarithm, mean, scale }: Omit<Perceptron, 'layers'>): Float64Array {
  const { columns, values } = x;
  const standardized = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    standardized[i] = ((logarithm ? Math.log1p(Math.max(values[i], 0)) : values[i]) - mean[column]) / scale[column];
  }
  return standardized;
}

/** The network's output for every row of `standardized`. */
export function passRows(network: PerceptronNetwork, standardized: Float64Array, outputs: Float64Array): void {
  const [columns] = network.sizes;
  for (let start = 0; start < outputs.length; start += network.mostRows) {
    const end = Math.min(outputs.length, start + network.mostRows);
    network.inputs.set(standardized.subarray(start * columns, end * columns));
    network.forward(end - start);
    outputs.set(network.outputs.subarray(0, end - start), start);
  }
}
