/**
 * Random networks of quantised ops, with QuantizeLinear and DequantizeLinear as tools write them: around every op, around
 * most, or around convolutions and matrix products only.
 */
import { createRandom } from '../../src/engine/random';
import type { NamedNetwork } from './fusion-networks';
import { GraphDraft } from './networks';

interface Style {
  /** Weights are stored as integers, or as floats that onnxruntime quantises itself. */
  readonly integerWeights: boolean;
  /** A scale per output channel. */
  readonly perChannel: boolean;
  readonly bias: 'none' | 'integers' | 'floats';
  /** Zero points of activations are the lowest integer, so that a Relu before them goes. */
  readonly lowestZeroPoint: boolean;
  readonly signed: boolean;
}

/** Scales and zero points are shared within a network, so that ops that only move data have one pair. */
class QuantizedDraft extends GraphDraft {
  style: Style = { integerWeights: true, perChannel: false, bias: 'integers', lowestZeroPoint: false, signed: false };
  private parameters: readonly string[] = [];

  zeroPoint(): string {
    const { signed, lowestZeroPoint } = this.style;
    const value = lowestZeroPoint ? (signed ? -128 : 0) : 3;
    return this.constant([], signed ? Int8Array.of(value) : Uint8Array.of(value));
  }

  pair(x: string, scale = 0.05): string {
    if (this.parameters.length === 0 || scale !== 0.05) {
      const made = [this.scalar(scale), this.zeroPoint()];
      if (scale !== 0.05) return this.requantize(x, made);
      this.parameters = made;
    }
    return this.requantize(x, this.parameters);
  }

  private requantize(x: string, parameters: readonly string[]): string {
    return this.op('DequantizeLinear', [this.op('QuantizeLinear', [x, ...parameters]), ...parameters]);
  }

  /** Weights as they are read, dequantised on the way if they are integers. @param axis of the channels' scales */
  matrix(shape: readonly number[], axis: number): string {
    const count = shape.reduce((product, size) => product * size, 1);
    const channels = shape[axis];
    if (!this.style.integerWeights) return this.weights(...shape);
    const values = Int8Array.from({ length: count }, () => this.random.below(100) - 50);
    const integers = this.constant(shape, values);
    if (!this.style.perChannel)
      return this.op('DequantizeLinear', [integers, this.scalar(0.02), this.constant([], Int8Array.of(0))]);
    const scales = this.constant(
      [channels],
      Float32Array.from({ length: channels }, () => 0.01 + this.random.uniform()),
    );
    return this.op('DequantizeLinear', [integers, scales, this.constant([channels], new Int8Array(channels))], {
      axis,
    });
  }

  biasOf(channels: number): string[] {
    if (this.style.bias === 'none') return [];
    if (this.style.bias === 'floats') return [this.weights(channels)];
    const values = Int32Array.from({ length: channels }, () => this.random.below(1000));
    const scale = this.scalar(0.001);
    return [
      this.op('DequantizeLinear', [this.constant([channels], values), scale, this.constant([], Int32Array.of(0))]),
    ];
  }

  quantizedConv(x: string, kernel: number, groups = 1): string {
    const pad = (kernel - 1) >> 1;
    const weights = this.matrix([CHANNELS, CHANNELS / groups, kernel, kernel], 0);
    const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], group: groups };
    return this.op('Conv', [x, weights, ...this.biasOf(CHANNELS)], attributes);
  }
}

const CHANNELS = 8;
const SIZE = 8;

type Step = (draft: QuantizedDraft, x: string, earlier: string) => string;

/** Steps keep the shape; most end with a pair, as do tools that quantise every op. */
const STEPS: Readonly<Record<string, Step>> = {
  conv: (d, x) => d.pair(d.quantizedConv(x, 3)),
  'pointwise conv': (d, x) => d.pair(d.quantizedConv(x, 1)),
  'depthwise conv': (d, x) => d.pair(d.quantizedConv(x, 3, CHANNELS)),
  'conv and relu': (d, x) => d.pair(d.op('Relu', [d.quantizedConv(x, 3)])),
  'conv and clip': (d, x) => d.pair(d.clip(d.quantizedConv(x, 1))),
  'conv in float': (d, x) => d.pair(d.op('Tanh', [d.quantizedConv(x, 1)])),
  relu: (d, x) => d.pair(d.op('Relu', [x])),
  sum: (d, x, earlier) => d.pair(d.op('Add', [x, earlier])),
  'sum and relu': (d, x, earlier) => d.pair(d.op('Relu', [d.op('Add', [x, earlier])])),
  product: (d, x, earlier) => d.pair(d.op('Mul', [x, earlier])),
  sigmoid: (d, x) => d.pair(d.op('Sigmoid', [x])),
  'leaky relu': (d, x) => d.pair(d.op('LeakyRelu', [x], { alpha: { float: 0.1 } })),
  'hard sigmoid': (d, x) => d.pair(d.op('HardSigmoid', [x])),
  softmax: (d, x) => d.pair(d.op('Softmax', [x], { axis: 1 })),
  'max pool': (d, x) => d.pair(d.op('MaxPool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })),
  'average pool': (d, x) => d.pair(d.op('AveragePool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })),
  'concat and slice': (d, x, earlier) => {
    const joined = d.pair(d.op('Concat', [x, earlier], { axis: 1 }));
    return d.pair(d.op('Slice', [joined, d.integers(2), d.integers(2 + CHANNELS), d.integers(1)]));
  },
  reshape: (d, x) => {
    const flat = d.pair(d.op('Reshape', [x, d.integers(1, CHANNELS, SIZE * SIZE)]));
    return d.pair(d.op('Reshape', [d.pair(d.op('Sigmoid', [flat])), d.integers(1, CHANNELS, SIZE, SIZE)]));
  },
  'reshape without pairs': (d, x) => {
    const flat = d.op('Reshape', [x, d.integers(1, CHANNELS, SIZE * SIZE)]);
    return d.pair(d.op('Reshape', [d.pair(d.op('Sigmoid', [flat])), d.integers(1, CHANNELS, SIZE, SIZE)]));
  },
  matmul: (d, x) => d.pair(d.op('MatMul', [x, d.matrix([SIZE, SIZE], 1)])),
  'matmul in float': (d, x) => d.pair(d.op('Tanh', [d.op('MatMul', [x, d.matrix([SIZE, SIZE], 1)])])),
  'matmul and bias': (d, x) =>
    d.pair(d.op('Add', [d.pair(d.op('MatMul', [x, d.matrix([SIZE, SIZE], 1)])), d.weights(SIZE)])),
  'matmul of two': (d, x, earlier) => d.pair(d.op('MatMul', [x, earlier])),
  split: (d, x) => {
    const [a, b] = d.ops('Split', [x], 2, { axis: 1 });
    return d.pair(d.op('Concat', [d.pair(a), d.pair(b)], { axis: 1 }));
  },
  gemm: (d, x) => {
    const flat = d.pair(d.op('Reshape', [x, d.integers(CHANNELS * SIZE, SIZE)]));
    const product = d.pair(d.op('Gemm', [flat, d.matrix([SIZE, SIZE], 1), ...d.biasOf(SIZE)]));
    return d.pair(d.op('Reshape', [product, d.integers(1, CHANNELS, SIZE, SIZE)]));
  },
  'other scale': (d, x) => d.pair(d.op('Sigmoid', [x]), 0.1),
};

/** Chains of quantised ops with sums, products and joins of earlier activations in between. */
export function randomQuantizedChains(count: number, seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  return Array.from({ length: count }, (_, i) => {
    const style: Style = {
      integerWeights: random.below(4) > 0,
      perChannel: random.below(2) === 0,
      bias: pick(['none', 'integers', 'floats'] as const),
      lowestZeroPoint: random.below(2) === 0,
      signed: random.below(3) === 0,
    };
    const steps = Array.from({ length: 6 }, () => pick(Object.keys(STEPS)));
    const words = Object.entries(style).flatMap(([key, value]) => (value === true ? key : value || []));
    const draft = new QuantizedDraft(
      `chain-${i}: ${words.join(', ')}: ${steps.join('; ')}`,
      [1, CHANNELS, SIZE, SIZE],
      random,
    );
    draft.style = style;
    const made = [draft.pair(draft.input)];
    for (const step of steps) made.push(STEPS[step](draft, made[made.length - 1], pick(made)));
    return { name: draft.name, bytes: draft.finish([made[made.length - 1]]) };
  });
}
