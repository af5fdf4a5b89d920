/**
 * TFLite's operators with weights or a sliding window, in ONNX's words: explicit pads, groups, weights in ONNX's order.
 * Sources: tensorflow/lite/kernels/padding.h (SAME), conv.cc, depthwise_conv.cc, transpose_conv.cc, fully_connected.cc.
 */
import { elementCount } from '../shape-reader';
import type { OperatorReader, Translation } from './tflite-operator-reader';
import {
  BatchMatMulOptions,
  Conv2DOptions,
  DepthwiseConv2DOptions,
  FullyConnectedOptions,
  PADDING_SAME,
  Pool2DOptions,
  TransposeConvOptions,
} from './tflite-schema';

/** Weights [out, height, width, in] as [out, in, height, width]. */
const CONV_WEIGHT_ORDER = [0, 3, 1, 2];
/** Weights [1, height, width, out] as [out, 1, height, width]. */
const DEPTHWISE_WEIGHT_ORDER = [3, 0, 1, 2];
/** Weights [out, height, width, in] as [in, out, height, width]. */
const TRANSPOSED_WEIGHT_ORDER = [3, 0, 1, 2];

type Pair = readonly [number, number];

/** Pads before and after one dimension: all that is missing, the odd one behind. */
function samePads(size: number, reach: number, stride: number): Pair {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** ONNX's order: top, left, bottom, right. */
function windowPads(padding: number, sizes: Pair, kernel: Pair, strides: Pair, dilations: Pair): number[] {
  if (padding !== PADDING_SAME) return [0, 0, 0, 0];
  const [vertical, horizontal] = [0, 1].map((i) => samePads(sizes[i], (kernel[i] - 1) * dilations[i] + 1, strides[i]));
  return [vertical[0], horizontal[0], vertical[1], horizontal[1]];
}

function checkWindow(op: OperatorReader, kernel: Pair, strides: Pair, dilations: Pair): void {
  if ([...kernel, ...strides, ...dilations].some((each) => each < 1)) {
    throw op.invalid(`kernel [${kernel}], strides [${strides}] and dilations [${dilations}] must be at least 1`);
  }
}

function convolution(op: OperatorReader, options: typeof Conv2DOptions | typeof DepthwiseConv2DOptions) {
  const [, height, width, channels] = op.shape(0, 4);
  const weight = op.shape(1, 4);
  const kernel: Pair = [weight[1], weight[2]];
  const strides: Pair = [op.option(options, 'strideH'), op.option(options, 'strideW')];
  const dilations: Pair = [op.option(options, 'dilationH'), op.option(options, 'dilationW')];
  checkWindow(op, kernel, strides, dilations);
  const pads = windowPads(op.option(options, 'padding'), [height, width], kernel, strides, dilations);
  return {
    channels,
    weight,
    attributes: { kernel_shape: kernel, strides, dilations, pads },
    activation: op.option(options, 'activation'),
  };
}

export function conv(op: OperatorReader): Translation {
  const { channels, weight, attributes, activation } = convolution(op, Conv2DOptions);
  const [outputs, , , depth] = weight;
  const group = channels / depth;
  if (!Number.isInteger(group) || group < 1 || outputs % group !== 0) {
    throw op.invalid(`weight [${weight}] does not fit ${channels} input channels`);
  }
  return {
    type: 'Conv',
    inputs: op.inputs(0, 1, 2),
    attributes: { ...attributes, group },
    weightOrder: CONV_WEIGHT_ORDER,
    activation,
  };
}

export function depthwiseConv(op: OperatorReader): Translation {
  const { channels, weight, attributes, activation } = convolution(op, DepthwiseConv2DOptions);
  if (weight[0] !== 1 || channels < 1 || weight[3] < 1 || weight[3] % channels !== 0) {
    throw op.invalid(`depthwise weight [${weight}] does not fit ${channels} input channels`);
  }
  return {
    type: 'Conv',
    inputs: op.inputs(0, 1, 2),
    attributes: { ...attributes, group: channels },
    weightOrder: DEPTHWISE_WEIGHT_ORDER,
    activation,
  };
}

/** TFLite reads [output shape, weight, input, bias]; the window slides over the output. */
export function transposeConv(op: OperatorReader): Translation {
  const weight = op.shape(1, 4);
  const input = op.shape(2, 4);
  const [batch, height, width, channels] = op.knownValues(0) ?? op.output().shape;
  const kernel: Pair = [weight[1], weight[2]];
  const strides: Pair = [op.option(TransposeConvOptions, 'strideH'), op.option(TransposeConvOptions, 'strideW')];
  checkWindow(op, kernel, strides, [1, 1]);
  if (weight[3] !== input[3] || weight[0] !== channels) {
    throw op.invalid(`weight [${weight}] does not fit ${input[3]} input and ${channels} output channels`);
  }
  const pads = windowPads(op.option(TransposeConvOptions, 'padding'), [height, width], kernel, strides, [1, 1]);
  return {
    type: 'ConvTranspose',
    inputs: op.inputs(2, 1, 3),
    attributes: { kernel_shape: kernel, strides, dilations: [1, 1], pads, output_shape: [height, width], group: 1 },
    weightOrder: TRANSPOSED_WEIGHT_ORDER,
    activation: op.option(TransposeConvOptions, 'activation'),
    infer: () => [{ type: op.output().type, shape: [batch, height, width, channels] }],
  };
}

export function pool(type: 'AveragePool' | 'MaxPool'): (op: OperatorReader) => Translation {
  return (op) => {
    const [, height, width] = op.shape(0, 4);
    const kernel: Pair = [op.option(Pool2DOptions, 'filterH'), op.option(Pool2DOptions, 'filterW')];
    const strides: Pair = [op.option(Pool2DOptions, 'strideH'), op.option(Pool2DOptions, 'strideW')];
    checkWindow(op, kernel, strides, [1, 1]);
    const pads = windowPads(op.option(Pool2DOptions, 'padding'), [height, width], kernel, strides, [1, 1]);
    return {
      type,
      inputs: op.inputs(0),
      attributes: { kernel_shape: kernel, strides, pads },
      activation: op.option(Pool2DOptions, 'activation'),
    };
  };
}

/** A matrix product with a weight [out, in]; an input of more dimensions is read as rows of `in` elements. */
export function fullyConnected(op: OperatorReader): Translation {
  const weight = op.shape(1, 2);
  const input = op.shape(0);
  const rows = elementCount(input) / weight[1];
  if (!Number.isInteger(rows)) throw op.invalid(`weight [${weight}] does not fit input [${input}]`);
  const keep = op.option(FullyConnectedOptions, 'keepNumDims') === 1;
  const shape = keep ? [...input.slice(0, -1), weight[0]] : [rows, weight[0]];
  return {
    type: 'Gemm',
    inputs: op.inputs(0, 1, 2),
    attributes: { transB: 1 },
    activation: op.option(FullyConnectedOptions, 'activation'),
    infer: () => [{ type: op.output().type, shape }],
  };
}

/** ONNX's MatMul transposes nothing; transA and transB are stated as Gemm states them, for the last two dimensions. */
export function batchMatMul(op: OperatorReader): Translation {
  const [adjX, adjY] = [op.option(BatchMatMulOptions, 'adjX'), op.option(BatchMatMulOptions, 'adjY')];
  const [a, b] = [op.shape(0), op.shape(1)];
  if (a.length < 2 || b.length < 2) throw op.invalid(`[${a}] and [${b}] must have at least 2 dimensions`);
  const infer = () => {
    const [x, y] = [adjX ? swapLast(a) : a, adjY ? swapLast(b) : b];
    if (x[x.length - 1] !== y[y.length - 2]) throw op.invalid(`[${x}] and [${y}] cannot be multiplied`);
    const batch = x.length >= y.length ? [...x.slice(0, -2)] : [...y.slice(0, -2)];
    const other = x.length >= y.length ? y.slice(0, -2) : x.slice(0, -2);
    other.forEach((size, i) => {
      const at = batch.length - other.length + i;
      if (batch[at] === 1) batch[at] = size;
    });
    return [{ type: op.output().type, shape: [...batch, x[x.length - 2], y[y.length - 1]] }];
  };
  const attributes = { ...(adjX ? { transA: 1 } : {}), ...(adjY ? { transB: 1 } : {}) };
  return { type: 'MatMul', inputs: op.inputs(0, 1), attributes, infer };
}

function swapLast(shape: readonly number[]): number[] {
  return [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]];
}
