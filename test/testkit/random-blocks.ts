/**
 * Random transformer blocks: what exporters write for the same mathematics, in any combination.
 */
import { createRandom, type Random } from '../../src/engine/random';
import type { NamedNetwork } from './fusion-networks';
import { GraphDraft } from './networks';

/** Shape and spelling of one transformer block. */
interface BlockSpelling {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  /** Columns of one head. */
  readonly size: number;
  readonly bias: boolean;
  /** Normalisation before each half, as in GPT, or behind its sum, as in BERT. */
  readonly norm: 'pre' | 'post';
  readonly normalization: keyof typeof NORMALIZATIONS;
  readonly activation: keyof typeof ACTIVATIONS;
  readonly scaling: keyof typeof SCALINGS;
  readonly projection: keyof typeof PROJECTIONS;
  readonly mask: boolean;
}

type Layer = (draft: GraphDraft, x: string, block: BlockSpelling) => string;

function columns({ heads, size }: BlockSpelling): number {
  return heads * size;
}

function linear(d: GraphDraft, x: string, from: number, to: number, { bias }: BlockSpelling): string {
  const product = d.op('MatMul', [x, d.weights(from, to)]);
  return bias ? d.op('Add', d.random.below(2) ? [product, d.weights(to)] : [d.weights(to), product]) : product;
}

function centredOver(d: GraphDraft, x: string): string {
  return d.op('Sub', [x, d.op('ReduceMean', [x], { axes: [-1] })]);
}

function deviation(d: GraphDraft, centred: string): string {
  const variance = d.op('ReduceMean', [d.op('Pow', [centred, d.scalar(2)])], { axes: [-1] });
  return d.op('Sqrt', [d.op('Add', [variance, d.scalar(1e-5)])]);
}

const NORMALIZATIONS = {
  operator: (d, x, block) => d.op('LayerNormalization', [x, d.weights(columns(block)), d.weights(columns(block))]),
  'written out': (d, x, block) => {
    const centred = centredOver(d, x);
    const scaled = d.op('Mul', [d.op('Div', [centred, deviation(d, centred)]), d.weights(columns(block))]);
    return d.op('Add', [scaled, d.weights(columns(block))]);
  },
  'written out, scale first': (d, x, block) => {
    const centred = centredOver(d, x);
    const scaled = d.op('Mul', [d.weights(columns(block)), d.op('Div', [centred, deviation(d, centred)])]);
    return d.op('Add', [d.weights(columns(block)), scaled]);
  },
  'centred twice': (d, x, block) => {
    const quotient = d.op('Div', [centredOver(d, x), deviation(d, centredOver(d, x))]);
    return d.op('Add', [d.op('Mul', [quotient, d.weights(columns(block))]), d.weights(columns(block))]);
  },
  'root mean square': (d, x, block) => d.op('Mul', [d.op('Div', [x, deviation(d, x)]), d.weights(columns(block))]),
} satisfies Record<string, Layer>;

/** 1 + erf(x / sqrt(2)), by a quotient or a product. */
function shiftedErf(d: GraphDraft, x: string, product = false): string {
  const inner = product ? d.op('Mul', [x, d.scalar(Math.SQRT1_2)]) : d.op('Div', [x, d.scalar(Math.SQRT2)]);
  return d.op('Add', [d.op('Erf', [inner]), d.scalar(1)]);
}

const ROOT = 0.7978845608028654;

function shiftedTanh(d: GraphDraft, argument: string): string {
  return d.op('Add', [d.op('Tanh', [argument]), d.scalar(1)]);
}

const ACTIVATIONS = {
  relu: (d, x) => d.op('Relu', [x]),
  'erf, half last': (d, x) => d.op('Mul', [d.op('Mul', [x, shiftedErf(d, x)]), d.scalar(0.5)]),
  'erf, half first': (d, x) => d.op('Mul', [d.op('Mul', [x, d.scalar(0.5)]), shiftedErf(d, x)]),
  'erf, half inside': (d, x) => d.op('Mul', [x, d.op('Mul', [shiftedErf(d, x), d.scalar(0.5)])]),
  'erf of a product': (d, x) => d.op('Mul', [d.op('Mul', [x, shiftedErf(d, x, true)]), d.scalar(0.5)]),
  'tanh of a power': (d, x) => {
    const cubic = d.op('Mul', [d.op('Pow', [x, d.scalar(3)]), d.scalar(0.044715)]);
    const argument = d.op('Mul', [d.op('Add', [x, cubic]), d.scalar(ROOT)]);
    return d.op('Mul', [d.op('Mul', [x, d.scalar(0.5)]), shiftedTanh(d, argument)]);
  },
  'tanh of products': (d, x) => {
    const square = d.op('Mul', [d.op('Mul', [x, d.scalar(0.044715)]), x]);
    const inner = d.op('Add', [square, d.scalar(1)]);
    const argument = d.op('Mul', [d.op('Mul', [x, d.scalar(ROOT)]), inner]);
    return d.op('Mul', [d.op('Mul', [x, d.scalar(0.5)]), shiftedTanh(d, argument)]);
  },
  'quick sigmoid': (d, x) => d.op('Mul', [x, d.op('Sigmoid', [d.op('Mul', [x, d.scalar(1.702)])])]),
  silu: (d, x) => d.op('Mul', [x, d.op('Sigmoid', [x])]),
} satisfies Record<string, (draft: GraphDraft, x: string) => string>;

/** Products of query and key, by the square root of the head's size. */
const SCALINGS = {
  quotient: (d, query, key, size) => d.op('Div', [d.op('MatMul', [query, key]), d.scalar(Math.sqrt(size))]),
  product: (d, query, key, size) => d.op('Mul', [d.op('MatMul', [query, key]), d.scalar(1 / Math.sqrt(size))]),
  'of the query': (d, query, key, size) => d.op('MatMul', [d.op('Mul', [query, d.scalar(1 / Math.sqrt(size))]), key]),
  'of both': (d, query, key, size) => {
    const root = d.scalar(size ** -0.25);
    return d.op('MatMul', [d.op('Mul', [query, root]), d.op('Mul', [key, root])]);
  },
  none: (d, query, key) => d.op('MatMul', [query, key]),
} satisfies Record<string, (draft: GraphDraft, query: string, key: string, size: number) => string>;

/** Query, key transposed, and value as [batch, heads, length, size]. */
const PROJECTIONS = {
  separate: (d, x, block) => {
    const { batch, length, heads, size } = block;
    const part = (perm: readonly number[]) => {
      const flat = linear(d, x, columns(block), columns(block), block);
      return d.op('Transpose', [d.op('Reshape', [flat, d.integers(batch, length, heads, size)])], { perm });
    };
    return [part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])];
  },
  'separate, key transposed apart': (d, x, block) => {
    const { batch, length, heads, size } = block;
    const part = () => {
      const flat = linear(d, x, columns(block), columns(block), block);
      const split = d.op('Reshape', [flat, d.integers(batch, length, heads, size)]);
      return d.op('Transpose', [split], { perm: [0, 2, 1, 3] });
    };
    return [part(), d.op('Transpose', [part()], { perm: [0, 1, 3, 2] }), part()];
  },
  'one, split': (d, x, block) => {
    const { batch, length, heads, size } = block;
    const all = linear(d, x, columns(block), 3 * columns(block), block);
    const [query, key, value] = d.ops('Split', [all], 3, { axis: 2 });
    const part = (flat: string, perm: readonly number[]) =>
      d.op('Transpose', [d.op('Reshape', [flat, d.integers(batch, length, heads, size)])], { perm });
    return [part(query, [0, 2, 1, 3]), part(key, [0, 2, 3, 1]), part(value, [0, 2, 1, 3])];
  },
  'one, gathered': (d, x, block) => {
    const { batch, length, heads, size } = block;
    const all = linear(d, x, columns(block), 3 * columns(block), block);
    const split = d.op('Reshape', [all, d.integers(batch, length, 3, heads, size)]);
    const parts = d.op('Transpose', [split], { perm: [2, 0, 3, 1, 4] });
    const part = (index: number) =>
      d.op('Gather', [parts, d.constant([], BigInt64Array.of(BigInt(index)))], { axis: 0 });
    const [query, key, value] = [part(0), part(1), part(2)];
    return [query, d.op('Transpose', [key], { perm: [0, 1, 3, 2] }), value];
  },
} satisfies Record<string, (draft: GraphDraft, x: string, block: BlockSpelling) => [string, string, string]>;

function attention(d: GraphDraft, x: string, block: BlockSpelling): string {
  const { batch, length, size } = block;
  const [query, key, value] = PROJECTIONS[block.projection](d, x, block);
  const scores = SCALINGS[block.scaling](d, query, key, size);
  const masked = block.mask ? d.op('Add', [scores, d.weights(1, 1, length, length)]) : scores;
  const mixed = d.op('MatMul', [d.op('Softmax', [masked], { axis: -1 }), value]);
  const rows = d.op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  const joined = d.op('Reshape', [rows, d.integers(batch, length, columns(block))]);
  return linear(d, joined, columns(block), columns(block), block);
}

function forward(d: GraphDraft, x: string, block: BlockSpelling): string {
  const wide = 2 * columns(block);
  const inner = ACTIVATIONS[block.activation](d, linear(d, x, columns(block), wide, block));
  return linear(d, inner, wide, columns(block), block);
}

function half(d: GraphDraft, x: string, block: BlockSpelling, layer: Layer): string {
  const norm: Layer = NORMALIZATIONS[block.normalization];
  if (block.norm === 'pre') return d.op('Add', [x, layer(d, norm(d, x, block), block)]);
  return norm(d, d.op('Add', [layer(d, x, block), x]), block);
}

function draw(random: Random): BlockSpelling {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  const names = <T extends object>(table: T) => Object.keys(table) as (keyof T)[];
  return {
    batch: pick([1, 2]),
    length: pick([4, 7, 16]),
    heads: pick([1, 2, 4]),
    size: pick([4, 8, 16]),
    bias: random.below(4) > 0,
    norm: pick(['pre', 'post'] as const),
    normalization: pick(names(NORMALIZATIONS)),
    activation: pick(names(ACTIVATIONS)),
    scaling: pick(names(SCALINGS)),
    projection: pick(names(PROJECTIONS)),
    mask: random.below(3) === 0,
  };
}

/** One or two equal blocks behind a Relu. */
export function randomBlocks(count: number, seed: number): NamedNetwork[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const block = draw(random);
    const { batch, length, heads, size, norm, normalization, activation, scaling, projection } = block;
    const words = [`${batch}x${length}x${heads}x${size}`, norm, normalization, activation, scaling, projection];
    const name = `block-${i}: ${[...words, block.bias ? 'bias' : 'no bias', block.mask ? 'mask' : 'no mask'].join('; ')}`;
    const draft = new GraphDraft(name, [batch, length, columns(block)], random);
    let x = draft.op('Relu', [draft.input]);
    for (let layer = 0; layer <= random.below(2); layer++) {
      x = half(draft, x, block, attention);
      x = half(draft, x, block, forward);
    }
    return { name, bytes: draft.finish([x], 3) };
  });
}
