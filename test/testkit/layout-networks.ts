/** Networks full of transposes, for the rules by which onnxruntime gets rid of them: other layouts, turned matrices. */
import { createRandom } from '../../src/engine/random';
import type { NamedNetwork } from './fusion-networks';
import { GraphDraft } from './networks';

interface Situation {
  readonly shape: readonly number[];
  readonly build: (draft: GraphDraft, x: string) => string;
  /** Of the output. */
  readonly rank: number;
}

const IMAGE = { shape: [1, 8, 8, 4], rank: 4 };
const MATRIX = { shape: [4, 8], rank: 2 };
const BATCH = { shape: [3, 2, 3, 8], rank: 4 };

const channelsFirst = (d: GraphDraft, x: string) => d.op('Transpose', [x], { perm: [0, 3, 1, 2] });
const channelsLast = (d: GraphDraft, x: string) => d.op('Transpose', [x], { perm: [0, 2, 3, 1] });
const conv = (d: GraphDraft, x: string) => channelsLast(d, d.conv(channelsFirst(d, x), 4, 4));
const turned = (d: GraphDraft, x: string, ...perm: number[]) => d.op('Transpose', [x], { perm });

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'convolutions of images whose channels are last': {
    ...IMAGE,
    build: (d, x) => d.op('Relu', [d.op('Add', [conv(d, d.op('Relu', [d.op('Add', [conv(d, x), d.weights(4)])])), x])]),
  },
  'residual and mean over an image whose channels are last': {
    ...IMAGE,
    build: (d, x) => {
      const first = d.op('Relu', [conv(d, x)]);
      return d.op('ReduceMean', [d.op('Relu', [d.op('Add', [first, conv(d, first)])])], { axes: [1, 2] });
    },
  },
  'concat and pools of images whose channels are last': {
    shape: IMAGE.shape,
    rank: 2,
    build: (d, x) => {
      const first = conv(d, x);
      const joined = d.op('Concat', [first, conv(d, first)], { axis: 3 });
      const pool = d.op('MaxPool', [channelsFirst(d, joined)], { kernel_shape: [2, 2], strides: [2, 2] });
      const mean = d.op('GlobalAveragePool', [channelsFirst(d, channelsLast(d, pool))]);
      return d.op('Reshape', [channelsLast(d, mean), d.integers(1, 8)]);
    },
  },
  'gemm of a turned matrix': {
    ...MATRIX,
    build: (d, x) => d.op('Gemm', [turned(d, d.op('Relu', [x]), 1, 0), d.weights(4, 3), d.weights(3)]),
  },
  'gemm turned behind': {
    ...MATRIX,
    build: (d, x) => d.op('Relu', [turned(d, d.op('Gemm', [x, d.weights(8, 3)]), 1, 0)]),
  },
  'gemm with a bias turned behind': {
    ...MATRIX,
    build: (d, x) => d.op('Relu', [turned(d, d.op('Gemm', [x, d.weights(8, 3), d.weights(3)]), 1, 0)]),
  },
  'gemm and sum': {
    ...MATRIX,
    build: (d, x) => d.op('Relu', [d.op('Sum', [d.op('Gemm', [x, d.weights(8, 3)]), d.weights(3)])]),
  },
  'batch turned in on both sides': {
    ...BATCH,
    build: (d, x) =>
      d.op('MatMul', [turned(d, d.op('Relu', [x]), 1, 2, 0, 3), turned(d, d.op('Tanh', [x]), 1, 2, 3, 0)]),
  },
  'batch turned in, by a matrix': {
    ...BATCH,
    build: (d, x) => d.op('MatMul', [turned(d, d.op('Relu', [x]), 1, 2, 0, 3), d.weights(8, 5)]),
  },
  'transpose that moves nothing': { ...MATRIX, build: (d, x) => d.op('Relu', [turned(d, d.op('Tanh', [x]), 0, 1)]) },
  'reshape there and back': {
    ...MATRIX,
    build: (d, x) => {
      const there = d.op('Reshape', [d.op('Tanh', [x]), d.integers(2, 16)]);
      return d.op('Relu', [d.op('Reshape', [there, d.integers(4, 8)])]);
    },
  },
  'quotient of one': {
    ...MATRIX,
    build: (d, x) => d.op('Mul', [d.op('Div', [d.scalar(1), d.op('Exp', [x])]), d.op('Tanh', [x])]),
  },
};

/** Every situation, with weights drawn by the seed. */
export function layoutNetworks(seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  return Object.entries(SITUATIONS).map(([name, { shape, build, rank }]) => {
    const draft = new GraphDraft(name, shape, random);
    return { name, bytes: draft.finish([build(draft, draft.input)], rank) };
  });
}
