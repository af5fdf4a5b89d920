/**
 * Small networks that put a runtime's fusion rules to the test: each holds one situation in which a rule applies, or just
 * does not; and random chains of ops, which hold any.
 */
import { createRandom } from '../../src/engine/random';
import { GraphDraft } from './networks';

export interface NamedNetwork {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Adds ops to a draft whose input has 8 channels; returns the graph's outputs. */
type Situation = (draft: GraphDraft, conv: string) => string | readonly string[];

const CHANNELS = 8;

function perChannel(draft: GraphDraft): string {
  return draft.weights(CHANNELS, 1, 1);
}

/** Behind a first 3x3 convolution of 8 to 8 channels. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  'batch normalization with one reader': (d, x) => d.op('Relu', [d.normalization(x, CHANNELS)]),
  'batch normalization beside another reader': (d, x) => d.op('Add', [d.normalization(x, CHANNELS), x]),
  'batch normalization behind an activation': (d, x) => d.normalization(d.op('Relu', [x]), CHANNELS),
  'per-channel mul and add': (d, x) => d.op('Add', [d.op('Mul', [x, perChannel(d)]), perChannel(d)]),
  'per-channel mul, constant first': (d, x) => d.op('Relu', [d.op('Mul', [perChannel(d), x])]),
  'per-channel add, constant first': (d, x) => d.op('Relu', [d.op('Add', [perChannel(d), x])]),
  'per-channel constants of rank 4': (d, x) => d.op('Mul', [x, d.weights(1, CHANNELS, 1, 1)]),
  'a scalar factor': (d, x) => d.op('Mul', [x, d.scalar(3)]),
  'a scalar summand': (d, x) => d.op('Relu', [d.op('Add', [x, d.scalar(3)])]),
  'a factor of one element and rank 4': (d, x) => d.op('Mul', [x, d.weights(1, 1, 1, 1)]),
  'a factor per pixel of the last axis': (d, x) => d.op('Mul', [x, d.weights(CHANNELS)]),
  'a factor of the full shape': (d, x) => d.op('Mul', [x, d.weights(1, CHANNELS, 8, 8)]),
  'sub and div by constants': (d, x) => d.op('Div', [d.op('Sub', [x, perChannel(d)]), perChannel(d)]),
  'clip with bounds': (d, x) => d.clip(x),
  'clip without upper bound': (d, x) => d.op('Clip', [x, d.scalar(0)]),
  'clip without any bound': (d, x) => d.op('Clip', [x]),
  'leaky relu, hard sigmoid and tanh': (d, x) => {
    const leaky = d.op('LeakyRelu', [x], { alpha: { float: 0.2 } });
    const hard = d.op('HardSigmoid', [d.conv(leaky, CHANNELS, CHANNELS)], { alpha: { float: 0.3 } });
    return d.op('Tanh', [d.conv(hard, CHANNELS, CHANNELS)]);
  },
  'sigmoid, elu and softplus': (d, x) => {
    const gate = d.op('Sigmoid', [x]);
    return d.op('Softplus', [d.conv(d.op('Elu', [d.conv(gate, CHANNELS, CHANNELS)]), CHANNELS, CHANNELS)]);
  },
  'swish of a convolution': (d, x) => d.op('Mul', [x, d.op('Sigmoid', [x])]),
  'hard swish of a convolution': (d, x) => d.op('HardSwish', [x]),
  'convolution is an output too': (d, x) => [d.op('Relu', [x]), x],
  'activation is an output in the middle': (d, x) => {
    const y = d.op('Relu', [x]);
    return [y, d.op('Tanh', [d.conv(y, CHANNELS, CHANNELS)])];
  },
  'relu then clip': (d, x) => d.clip(d.op('Relu', [x])),
  'relu then clip from below zero': (d, x) => d.clip(d.op('Relu', [x]), -1, 6),
  'relu then clip behind a pool': (d, x) => d.clip(d.op('Relu', [d.op('GlobalAveragePool', [x])])),
  'two activations in a row': (d, x) => d.op('Sigmoid', [d.op('Relu', [x])]),
  'identity and dropout between': (d, x) => d.op('Relu', [d.op('Identity', [d.op('Dropout', [x])])]),
  'identity before an output': (d, x) => d.op('Identity', [d.op('Relu', [x])]),
  'pad before a convolution': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 2)]);
    return d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
  },
  'pad whose value is left out': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1), '']);
    return d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
  },
  'pad whose sizes are computed': (d, x) => {
    const sizes = d.op('Concat', [d.integers(0, 0, 1, 1), d.integers(0, 0, 1, 1)], { axis: 0 });
    const padded = d.op('Pad', [x, sizes]);
    return d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
  },
  'factor that is computed': (d, x) => d.op('Mul', [x, d.op('Exp', [perChannel(d)])]),
  'bounds that are computed': (d, x) => d.op('Clip', [d.op('Relu', [x]), '', d.op('Add', [d.scalar(2), d.scalar(4)])]),
  'neutral element that is computed': (d, x) => d.op('Mul', [x, d.op('Add', [d.scalar(0.5), d.scalar(0.5)])]),
  'statistics that are computed': (d, x) => {
    const statistics = Array.from({ length: 4 }, () => d.op('Exp', [d.weights(CHANNELS)]));
    return d.op('Relu', [d.op('BatchNormalization', [x, ...statistics])]);
  },
  'pad with a value before a convolution': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1), d.scalar(1)]);
    return d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
  },
  'pad with two readers': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1)]);
    const a = d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
    return d.op('Add', [a, d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] })]);
  },
  'pad before a max pool': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1)]);
    return d.op('MaxPool', [padded], { kernel_shape: [3, 3], strides: [2, 2] });
  },
  'pad before an average pool': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1)]);
    return d.op('AveragePool', [padded], { kernel_shape: [3, 3], strides: [2, 2] });
  },
  'reflecting pad before a convolution': (d, x) => {
    const padded = d.op('Pad', [x, d.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode: 'reflect' });
    return d.op('Conv', [padded, d.weights(4, CHANNELS, 3, 3)], { kernel_shape: [3, 3] });
  },
  'shared weights': (d, x) => {
    const shared = d.weights(CHANNELS, CHANNELS, 1, 1);
    const a = d.op('Conv', [x, shared], { kernel_shape: [1, 1] });
    const b = d.op('Conv', [d.op('Relu', [a]), shared], { kernel_shape: [1, 1] });
    return d.op('Mul', [d.normalization(b, CHANNELS), perChannel(d)]);
  },
  'the same op twice': (d, x) => {
    const y = d.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const a = d.op('Relu', [y]);
    return d.op('Mul', [d.conv(d.op('Relu', [y]), CHANNELS, 4), d.conv(a, CHANNELS, 4)]);
  },
  'two branches and a sum': (d, x) => {
    const a = d.normalization(d.conv(d.op('Relu', [x]), CHANNELS, 4, { kernel: 1 }), 4);
    return d.op('Relu', [d.op('Add', [a, d.conv(x, CHANNELS, 4, { groups: 4 })])]);
  },
  'sum of three convolutions': (d, x) => d.op('Sum', [x, d.conv(x, CHANNELS, CHANNELS), d.conv(x, CHANNELS, CHANNELS)]),
  'depthwise and transposed convolution': (d, x) => {
    const y = d.op('Relu', [d.normalization(d.conv(x, CHANNELS, CHANNELS, { groups: CHANNELS }), CHANNELS)]);
    const z = d.op('ConvTranspose', [y, d.weights(CHANNELS, 4, 2, 2)], { kernel_shape: [2, 2], strides: [2, 2] });
    return d.op('Relu', [d.normalization(z, 4)]);
  },
  'a shuffle of channels': (d, x) => {
    const split = d.op('Reshape', [x, d.integers(1, 2, CHANNELS / 2, 8, 8)]);
    const joined = d.op('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
    return d.conv(d.op('Reshape', [joined, d.integers(1, CHANNELS, 8, 8)]), CHANNELS, 4);
  },
  'two reshapes in a row': (d, x) => {
    const flat = d.op('Reshape', [x, d.integers(1, -1)]);
    return d.op('Sigmoid', [d.op('Reshape', [flat, d.integers(1, CHANNELS, 64, 1)])]);
  },
  'transpose there and back': (d, x) => {
    const there = d.op('Transpose', [x], { perm: [0, 2, 3, 1] });
    return d.op('Transpose', [d.op('Relu', [there])], { perm: [0, 3, 1, 2] });
  },
  'split, concat and slice': (d, x) => {
    const [a, b] = d.ops('Split', [x], 2, { axis: 1 });
    const joined = d.op('Concat', [d.op('Relu', [a]), b], { axis: 1 });
    return d.op('Slice', [joined, d.integers(0), d.integers(5), d.integers(1)]);
  },
  'ops that do nothing': (d, x) => {
    const sliced = d.op('Slice', [x, d.integers(0), d.integers(2 ** 31), d.integers(1)]);
    const added = d.op('Add', [sliced, d.scalar(0)]);
    const multiplied = d.op('Mul', [added, d.scalar(1)]);
    return d.op('Relu', [d.op('Expand', [multiplied, d.integers(1)])]);
  },
  'shape arithmetic': (d, x) => {
    const shape = d.op('Shape', [x]);
    const batch = d.op('Slice', [shape, d.integers(0), d.integers(1), d.integers(0)]);
    return d.op('Relu', [d.op('Reshape', [x, d.op('Concat', [batch, d.integers(-1, 8, 8)], { axis: 0 })])]);
  },
};

/** Matrix products, behind a global pool and a flatten. */
const CLASSIFIERS: Readonly<Record<string, Situation>> = {
  'gemm with relu': (d, x) => d.op('Relu', [d.op('Gemm', [x, d.weights(CHANNELS, 6), d.weights(6)])]),
  'gemm with sigmoid, leaky relu and elu': (d, x) => {
    const a = d.op('Sigmoid', [d.op('Gemm', [x, d.weights(CHANNELS, 6), d.weights(6)])]);
    const b = d.op('LeakyRelu', [d.op('Gemm', [a, d.weights(6, 6), d.weights(6)])]);
    return d.op('Elu', [d.op('Gemm', [b, d.weights(6, 6), d.weights(6)])]);
  },
  'gemm with clip': (d, x) => d.clip(d.op('Gemm', [x, d.weights(CHANNELS, 6), d.weights(6)])),
  'gemm without bias and a sum': (d, x) => d.op('Add', [d.op('Gemm', [x, d.weights(CHANNELS, 6)]), d.weights(6)]),
  'gemm with bias and a batch normalization': (d, x) =>
    d.normalization(d.op('Gemm', [x, d.weights(CHANNELS, 6), d.weights(6)]), 6),
  'matmul and add': (d, x) => d.op('Relu', [d.op('Add', [d.op('MatMul', [x, d.weights(CHANNELS, 6)]), d.weights(6)])]),
  'matmul and add, constant first': (d, x) => d.op('Add', [d.weights(6), d.op('MatMul', [x, d.weights(CHANNELS, 6)])]),
  'matmul and add of a scalar': (d, x) => d.op('Add', [d.op('MatMul', [x, d.weights(CHANNELS, 6)]), d.scalar(2)]),
  'matmul and add of a row': (d, x) => d.op('Add', [d.op('MatMul', [x, d.weights(CHANNELS, 6)]), d.weights(1, 6)]),
  'matmul and batch normalization': (d, x) => d.normalization(d.op('MatMul', [x, d.weights(CHANNELS, 6)]), 6),
  'matmul with two readers': (d, x) => {
    const product = d.op('MatMul', [x, d.weights(CHANNELS, 6)]);
    return d.op('Mul', [d.op('Add', [product, d.weights(6)]), product]);
  },
  'matmul by a transposed input': (d, x) => {
    const column = d.op('Transpose', [x], { perm: [1, 0] });
    return d.op('MatMul', [column, d.op('Relu', [x])]);
  },
  'matmul scaled': (d, x) => d.op('MatMul', [d.op('Mul', [x, d.scalar(0.3)]), d.op('Relu', [d.weights(CHANNELS, 6)])]),
  'matmul of rank 3 and add': (d, x) => {
    const deep = d.op('Unsqueeze', [x, d.integers(1)]);
    const product = d.op('Add', [d.op('MatMul', [deep, d.weights(CHANNELS, 6)]), d.weights(6)]);
    return d.op('Squeeze', [product, d.integers(1)]);
  },
};

/** Every situation, with sizes and weights drawn by the seed. */
export function fusionNetworks(seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  const behindConvolution = Object.entries(SITUATIONS).map(([name, build]) => {
    const draft = new GraphDraft(name, [1, CHANNELS, 8, 8], random);
    const outputs = build(draft, draft.conv(draft.input, CHANNELS, CHANNELS));
    return { name, bytes: draft.finish([outputs].flat()) };
  });
  const classifiers = Object.entries(CLASSIFIERS).map(([name, build]) => {
    const draft = new GraphDraft(name, [1, CHANNELS, 8, 8], random);
    const flat = draft.op('Flatten', [draft.op('GlobalAveragePool', [draft.input])]);
    return { name, bytes: draft.finish([build(draft, flat)].flat(), 2) };
  });
  return [...behindConvolution, ...classifiers];
}

/** What a random chain may add behind an activation. */
const STEPS: readonly ((draft: GraphDraft, x: string, earlier: string) => string)[] = [
  (d, x) => d.conv(x, CHANNELS, CHANNELS),
  (d, x) => d.conv(x, CHANNELS, CHANNELS, { kernel: 1 }),
  (d, x) => d.conv(x, CHANNELS, CHANNELS, { groups: CHANNELS }),
  (d, x) => d.normalization(x, CHANNELS),
  (d, x) => d.op('Mul', [x, perChannel(d)]),
  (d, x) => d.op('Add', [perChannel(d), x]),
  (d, x) => d.op('Relu', [x]),
  (d, x) => d.clip(x),
  (d, x) => d.op('Sigmoid', [x]),
  (d, x) => d.op('LeakyRelu', [x], { alpha: { float: 0.1 } }),
  (d, x) => d.op('HardSwish', [x]),
  (d, x) => d.op('Identity', [x]),
  (d, x, earlier) => d.op('Add', [x, earlier]),
  (d, x, earlier) => d.op('Mul', [earlier, x]),
  (d, x) => d.op('MaxPool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
];

/** Chains of random ops, with sums and products of earlier activations in between. */
export function randomChains(count: number, seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  return Array.from({ length: count }, (_, i) => {
    const draft = new GraphDraft(`chain-${i}`, [1, CHANNELS, 8, 8], random);
    const made = [draft.input];
    for (let step = 0; step < 14; step++) made.push(pick(STEPS)(draft, made[made.length - 1], pick(made)));
    return { name: draft.name, bytes: draft.finish([made[made.length - 1]]) };
  });
}
