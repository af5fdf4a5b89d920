/** Networks of matrix products for the fusion rules of onnxruntime: parts of transformers, and quantised networks. */
import { createRandom } from '../../src/engine/random';
import type { NamedNetwork } from './fusion-networks';
import { GraphDraft } from './networks';

const [BATCH, LENGTH, COLUMNS] = [2, 4, 8];

type Part = (draft: GraphDraft, x: string) => string;

/** Decomposed as PyTorch exports it: (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias. */
function layerNorm(d: GraphDraft, x: string): string {
  const centred = d.op('Sub', [x, d.op('ReduceMean', [x], { axes: [-1] })]);
  const variance = d.op('ReduceMean', [d.op('Pow', [centred, d.scalar(2)])], { axes: [-1] });
  const deviation = d.op('Sqrt', [d.op('Add', [variance, d.scalar(1e-5)])]);
  const scaled = d.op('Mul', [d.op('Div', [centred, deviation]), d.weights(COLUMNS)]);
  return d.op('Add', [scaled, d.weights(COLUMNS)]);
}

/** Decomposed as PyTorch exports it: x * (1 + erf(x / sqrt(2))) * 0.5. */
function gelu(d: GraphDraft, x: string): string {
  const inner = d.op('Add', [d.op('Erf', [d.op('Div', [x, d.scalar(Math.SQRT2)])]), d.scalar(1)]);
  return d.op('Mul', [d.op('Mul', [x, inner]), d.scalar(0.5)]);
}

function linear(d: GraphDraft, x: string, from = COLUMNS, to = COLUMNS): string {
  return d.op('Add', [d.op('MatMul', [x, d.weights(from, to)]), d.weights(to)]);
}

function heads(d: GraphDraft, x: string, perm: readonly number[]): string {
  const split = d.op('Reshape', [linear(d, x), d.integers(BATCH, LENGTH, 2, COLUMNS / 2)]);
  return d.op('Transpose', [split], { perm });
}

function attention(d: GraphDraft, x: string): string {
  const product = d.op('MatMul', [heads(d, x, [0, 2, 1, 3]), heads(d, x, [0, 2, 3, 1])]);
  const weights = d.op('Softmax', [d.op('Div', [product, d.scalar(2)])], { axis: -1 });
  const mixed = d.op('Transpose', [d.op('MatMul', [weights, heads(d, x, [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] });
  return linear(d, d.op('Reshape', [mixed, d.integers(BATCH, LENGTH, COLUMNS)]));
}

const PARTS: Readonly<Record<string, Part>> = {
  'layer normalization': layerNorm,
  gelu: gelu,
  'linear and gelu': (d, x) => gelu(d, linear(d, x)),
  'sum and layer normalization': (d, x) => layerNorm(d, d.op('Add', [x, d.op('Tanh', [x])])),
  'LayerNormalization behind a sum': (d, x) =>
    d.op('LayerNormalization', [d.op('Add', [x, d.op('Tanh', [x])]), d.weights(COLUMNS), d.weights(COLUMNS)]),
  'LayerNormalization alone': (d, x) =>
    d.op('LayerNormalization', [d.op('Tanh', [x]), d.weights(COLUMNS), d.weights(COLUMNS)]),
  'product of two run-time matrices, scaled': (d, x) =>
    d.op('Mul', [d.op('MatMul', [x, d.op('Transpose', [d.op('Tanh', [x])], { perm: [0, 2, 1] })]), d.scalar(0.25)]),
  'product divided': (d, x) =>
    d.op('Div', [d.op('MatMul', [x, d.op('Transpose', [d.op('Tanh', [x])], { perm: [0, 2, 1] })]), d.scalar(4)]),
  'product with a scaled left side': (d, x) =>
    d.op('MatMul', [d.op('Mul', [x, d.scalar(0.5)]), d.op('Transpose', [d.op('Tanh', [x])], { perm: [0, 2, 1] })]),
  'bias before gelu': (d, x) => gelu(d, d.op('Add', [x, d.weights(COLUMNS)])),
  'sum with a bias and LayerNormalization': (d, x) => {
    const sum = d.op('Add', [x, d.op('Add', [d.op('Tanh', [x]), d.weights(COLUMNS)])]);
    return d.op('LayerNormalization', [sum, d.weights(COLUMNS), d.weights(COLUMNS)]);
  },
  'sum that is read beside LayerNormalization': (d, x) => {
    const sum = d.op('Add', [x, d.op('Tanh', [x])]);
    return d.op('Add', [sum, d.op('LayerNormalization', [sum, d.weights(COLUMNS), d.weights(COLUMNS)])]);
  },
  'layer normalization over two dimensions': (d, x) => {
    const axes = [1, 2];
    const centred = d.op('Sub', [x, d.op('ReduceMean', [x], { axes })]);
    const variance = d.op('ReduceMean', [d.op('Pow', [centred, d.scalar(2)])], { axes });
    const quotient = d.op('Div', [centred, d.op('Sqrt', [d.op('Add', [variance, d.scalar(1e-5)])])]);
    return d.op('Add', [d.op('Mul', [quotient, d.weights(LENGTH, COLUMNS)]), d.weights(LENGTH, COLUMNS)]);
  },
  linear: (d, x) => linear(d, x),
  attention: attention,
  'feed forward': (d, x) => linear(d, gelu(d, linear(d, x, COLUMNS, 16)), 16, COLUMNS),
  'transformer block': (d, x) => {
    const mixed = layerNorm(d, d.op('Add', [x, attention(d, x)]));
    const forward = linear(d, gelu(d, linear(d, mixed, COLUMNS, 16)), 16, COLUMNS);
    return layerNorm(d, d.op('Add', [mixed, forward]));
  },
};

/** Every part of transformers, behind a Relu. */
export function transformerNetworks(seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  return Object.entries(PARTS).map(([name, build]) => {
    const draft = new GraphDraft(name, [BATCH, LENGTH, COLUMNS], random);
    return { name, bytes: draft.finish([build(draft, draft.op('Relu', [draft.input]))], 3) };
  });
}

/** A float tensor as 8 bits and back. */
function requantized(d: GraphDraft, x: string, scale = 0.05): string {
  const parameters = [d.scalar(scale), d.constant([], Uint8Array.of(8))];
  return d.op('DequantizeLinear', [d.op('QuantizeLinear', [x, ...parameters]), ...parameters]);
}

function quantizedConv(d: GraphDraft, x: string, from: number, to: number, kernel = 3): string {
  const count = to * from * kernel * kernel;
  const weight = d.constant(
    [to, from, kernel, kernel],
    Int8Array.from({ length: count }, () => d.random.below(100) - 50),
  );
  const bias = d.constant(
    [to],
    Int32Array.from({ length: to }, () => d.random.below(1000)),
  );
  const pad = (kernel - 1) >> 1;
  return d.op(
    'Conv',
    [
      x,
      d.op('DequantizeLinear', [weight, d.scalar(0.02), d.constant([], Int8Array.of(0))]),
      d.op('DequantizeLinear', [bias, d.scalar(0.001), d.constant([], Int32Array.of(0))]),
    ],
    { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad] },
  );
}

const CHANNELS = 4;

const QUANTIZED: Readonly<Record<string, Part>> = {
  'quantised convolution': (d, x) => requantized(d, quantizedConv(d, x, CHANNELS, CHANNELS)),
  'quantised convolution and relu': (d, x) => requantized(d, d.op('Relu', [quantizedConv(d, x, CHANNELS, CHANNELS)])),
  'quantised convolution whose output stays float': (d, x) => d.op('Tanh', [quantizedConv(d, x, CHANNELS, CHANNELS)]),
  'quantised sum': (d, x) => requantized(d, d.op('Add', [requantized(d, quantizedConv(d, x, CHANNELS, CHANNELS)), x])),
  'quantised sigmoid': (d, x) => requantized(d, d.op('Sigmoid', [x])),
  'quantised max pool': (d, x) => requantized(d, d.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] })),
  'quantised average pool': (d, x) => requantized(d, d.op('GlobalAveragePool', [x])),
  'quantised reshape': (d, x) => requantized(d, d.op('Reshape', [x, d.integers(1, CHANNELS, 64, 1)])),
  'quantised concat': (d, x) =>
    requantized(d, d.op('Concat', [x, requantized(d, quantizedConv(d, x, CHANNELS, CHANNELS))], { axis: 1 })),
  'quantised net': (d, x) => {
    const a = requantized(d, d.op('Relu', [quantizedConv(d, x, CHANNELS, 6)]));
    const b = requantized(d, quantizedConv(d, a, 6, 6, 1));
    const sum = requantized(d, d.op('Add', [a, b]));
    return requantized(d, d.op('GlobalAveragePool', [sum]));
  },
};

/** Quantised networks with QuantizeLinear and DequantizeLinear around every op. */
export function quantizedNetworks(seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  return Object.entries(QUANTIZED).map(([name, build]) => {
    const draft = new GraphDraft(name, [1, CHANNELS, 8, 8], random);
    return { name, bytes: draft.finish([build(draft, requantized(draft, draft.input))]) };
  });
}
