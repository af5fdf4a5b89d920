/**
 * How an op itself has to differ once what it reads has another shape, or once its window or groups are asked to: sizes
 * that stand in the file as plain numbers (a window that covers its whole image, the target of a reshape), and the sizes
 * that it wants of its weights. Which tensors follow from that is what-if-graph.ts's to work out.
 */
import type { EngineError } from './errors';
import type { AttributeValue, Graph, Op, Tensor } from './graph';
import { elementCount, OpReader } from './shape-reader';
import type { AskedWindow } from './what-if-targets';
import { CONVOLUTIONS, channelAxis, reshapeGroups } from './what-if-ties';
import { type ChangedWindow, keptPadding } from './what-if-windows';

/** What an op sees of a change while it is adapted. */
export interface Changing {
  /** As it was. */
  readonly graph: Graph;
  readonly asked: ReadonlyMap<string, AskedWindow>;
  /** True if no image and no batch changes its size. */
  readonly isChannelsOnly: boolean;
  before(tensor: string): Tensor;
  now(tensor: string): Tensor;
  /** True for numbers that the file states, and that do not follow from the shape of something. */
  isLiteral(tensor: string): boolean;
  /** Puts other numbers beside a literal; the name that they go by. */
  addLiteral(op: Op, literal: string, values: readonly number[]): string;
  /** The size of a dimension, if something before has decided it. */
  known(tensor: string, axis: number): number | undefined;
  /** Says that a weight has to have this size. */
  want(op: Op, tensor: string, axis: number, size: number): void;
  refusal(op: Op, message: string): EngineError;
}

type Adaptation = (op: Op, changing: Changing) => Op;

function withAttributes(op: Op, attributes: Readonly<Record<string, AttributeValue>>): Op {
  return { ...op, attributes: Object.assign(Object.create(null), op.attributes, attributes) };
}

/** Numbers that an op has as an attribute or as a literal input, and the op with others in their place. */
function literals(op: Op, changing: Changing, attribute: string, place: number) {
  const given = op.attributes[attribute];
  if (Array.isArray(given)) {
    return {
      values: given as readonly number[],
      replaced: (by: readonly number[]) => withAttributes(op, { [attribute]: [...by] }),
    };
  }
  const name = op.inputs[place];
  const values = name && changing.isLiteral(name) ? changing.before(name).values : undefined;
  if (!values) return undefined;
  return {
    values,
    replaced: (by: readonly number[]): Op => {
      const other = changing.addLiteral(op, name, by);
      return { ...op, inputs: op.inputs.map((input, i) => (i === place ? other : input)) };
    },
  };
}

const convolution: Adaptation = (op, changing) => {
  const { graph } = changing;
  const weight = op.inputs[CONVOLUTIONS[op.type].weight];
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  const [filters, depth] = changing.before(weight).shape;
  const axis = channelAxis(graph, before.length);
  const asked = changing.asked.get(op.name) ?? {};
  const groupsBefore = typeof op.attributes.group === 'number' ? op.attributes.group : 1;
  const isDepthwise = groupsBefore > 1 && depth === 1 && asked.groups === undefined;
  const groups = asked.groups ?? (isDepthwise ? now[axis] : groupsBefore);
  if (now[axis] % groups !== 0) throw changing.refusal(op, `${now[axis]} input channels do not make ${groups} groups`);
  changing.want(op, weight, 1, now[axis] / groups);
  if (isDepthwise) changing.want(op, weight, 0, (filters / groupsBefore) * groups);
  const outputs = changing.now(weight).shape[0];
  if (!isDepthwise && outputs % groups !== 0)
    throw changing.refusal(op, `${outputs} output channels do not make ${groups} groups`);
  asked.kernel?.forEach((size, i) => {
    changing.want(op, weight, 2 + i, size);
  });
  const spatial = before.length - 2;
  const images = (shape: readonly number[]) => (graph.layout === 'NHWC' ? shape.slice(1, -1) : shape.slice(2));
  const reader = new OpReader(op, graph.tensors);
  const ones = new Array<number>(spatial).fill(1);
  const was: ChangedWindow = {
    sizes: images(before),
    kernel: changing.before(weight).shape.slice(2),
    strides: reader.integers('strides') ?? ones,
    dilations: reader.integers('dilations') ?? ones,
    pads: reader.integers('pads') ?? new Array<number>(2 * spatial).fill(0),
  };
  const kernel = asked.kernel ?? was.kernel;
  const strides = asked.stride ?? was.strides;
  const pads = keptPadding(graph.format, was, { sizes: images(now), kernel, strides });
  return withAttributes(op, {
    ...(groups !== groupsBefore && { group: groups }),
    ...((op.attributes.kernel_shape || asked.kernel) && { kernel_shape: [...kernel] }),
    ...((op.attributes.strides || asked.stride) && { strides: [...strides] }),
    ...(String(pads) !== String(was.pads) && { pads }),
  });
};

/** A window over the whole image stays one over the whole image. */
const pool: Adaptation = (op, changing) => {
  const { graph } = changing;
  const reader = new OpReader(op, graph.tensors);
  const image = (shape: readonly number[]) => (graph.layout === 'NHWC' ? shape.slice(1, -1) : shape.slice(2));
  const [before, now] = [op.inputs[0], op.inputs[0]].map((name, i) =>
    image((i === 0 ? changing.before(name) : changing.now(name)).shape),
  );
  const kernel = reader.integers('kernel_shape') ?? [];
  const ones = kernel.map(() => 1);
  const strides = reader.integers('strides') ?? ones;
  const pads = reader.integers('pads') ?? [...ones, ...ones].map(() => 0);
  const isWhole = String(kernel) === String(before) && pads.every((size) => size === 0);
  if (isWhole) {
    const together = String(strides) === String(kernel);
    return withAttributes(op, { kernel_shape: [...now], ...(together && { strides: [...now] }) });
  }
  const dilations = reader.integers('dilations') ?? ones;
  const kept = keptPadding(
    graph.format,
    { sizes: before, kernel, strides, dilations, pads },
    { sizes: now, kernel, strides },
  );
  return String(kept) === String(pads) ? op : withAttributes(op, { pads: kept });
};

const transposedConvolution: Adaptation = (op, changing) => {
  const { graph } = changing;
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  changing.want(op, op.inputs[1], 0, now[channelAxis(graph, now.length)]);
  const reader = new OpReader(op, graph.tensors);
  const given = reader.integers('output_shape');
  if (!given) return op;
  const strides = reader.integers('strides') ?? given.map(() => 1);
  const first = graph.layout === 'NHWC' ? 1 : 2;
  return withAttributes(op, {
    output_shape: given.map((size, i) => size + (now[first + i] - before[first + i]) * strides[i]),
  });
};

const gemm: Adaptation = (op, changing) => {
  const [input, weight] = op.inputs;
  const reader = new OpReader(op, changing.graph.tensors);
  const [before, now] = [changing.before(input).shape, changing.now(input).shape];
  const axis = reader.integer('transB', 0) ? 1 : 0;
  const depth = changing.before(weight).shape[axis];
  const isRow = before.length === 2 || before[before.length - 1] === depth;
  const last = reader.integer('transA', 0) ? 0 : now.length - 1;
  // TFLite reads an image as a row of all its numbers.
  changing.want(op, weight, axis, isRow ? now[last] : elementCount(now) / now[0]);
  return op;
};

const product: Adaptation = (op, changing) => {
  const [a, b] = op.inputs;
  const [left, right] = [changing.now(a).shape, changing.now(b).shape];
  if (left.length < 2 || right.length < 2) return op;
  const reader = new OpReader(op, changing.graph.tensors);
  const depthOfA = left.length - (reader.integer('transA', 0) ? 2 : 1);
  const depthOfB = right.length - (reader.integer('transB', 0) ? 1 : 2);
  if (changing.now(b).constant) changing.want(op, b, depthOfB, left[depthOfA]);
  else if (changing.now(a).constant) changing.want(op, a, depthOfA, right[depthOfB]);
  return op;
};

/** Each dimension of the target follows those of the input whose elements it has. */
const reshape: Adaptation = (op, changing) => {
  const target = literals(op, changing, 'shape', 1);
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  if (!target || String(before) === String(now)) return op;
  const stated = changing.before(op.outputs[0]).shape;
  const shape = [...stated];
  for (const { inputs, outputs } of reshapeGroups(before, stated)) {
    const elements = elementCount(inputs.map((axis) => now[axis]));
    if (elements === elementCount(inputs.map((axis) => before[axis]))) continue;
    const open = outputs.filter((axis) => target.values[axis] === -1);
    const large = outputs.filter((axis) => stated[axis] > 1);
    const candidates = open.length > 0 ? open : large.length > 0 ? large : outputs.slice(0, 1);
    if (candidates.length > 1 && !changing.isChannelsOnly) {
      throw changing.refusal(
        op,
        `its target [${target.values}] does not say which dimension a larger input makes larger`,
      );
    }
    // Of channels cut into groups there stay as many groups: the larger part is what is in each.
    const taker = candidates.reduce((best, axis) => (stated[axis] > stated[best] ? axis : best));
    const others = elementCount(outputs.filter((axis) => axis !== taker).map((axis) => stated[axis]));
    if (elements % others !== 0) throw changing.refusal(op, `${elements} elements cannot be cut into ${others} parts`);
    shape[taker] = elements / others;
  }
  return target.replaced(shape);
};

const split: Adaptation = (op, changing) => {
  const reader = new OpReader(op, changing.graph.tensors);
  const sizes = literals(op, changing, 'split', 1);
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  const axis = reader.axis(reader.integer('axis', 0), before.length);
  if (!sizes || before[axis] === now[axis]) return op;
  return sizes.replaced(sizes.values.map((size) => scaled(op, changing, size, before[axis], now[axis])));
};

/** A part of the channels stays the same share of them; a cut of an image stays as it is. */
const slice: Adaptation = (op, changing) => {
  const { graph } = changing;
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  const channels = channelAxis(graph, before.length);
  if (before.length < 3 || before[channels] === now[channels]) return op;
  let result = op;
  for (const [attribute, place] of [
    ['starts', 1],
    ['ends', 2],
  ] as const) {
    const given = literals(result, changing, attribute, place);
    if (!given) return op;
    const axes = literals(op, changing, 'axes', 3)?.values ?? given.values.map((_, i) => i);
    const values = given.values.map((value, i) => {
      const axis = axes[i] < 0 ? axes[i] + before.length : axes[i];
      const isInside = axis === channels && Math.abs(value) < before[axis];
      return isInside ? scaled(op, changing, value, before[axis], now[axis]) : value;
    });
    result = given.replaced(values);
  }
  return result;
};

function scaled(op: Op, changing: Changing, size: number, before: number, now: number): number {
  const result = (size * now) / before;
  if (Number.isInteger(result)) return result;
  throw changing.refusal(op, `${size} of ${before} is no whole number of ${now}`);
}

/** The factor stays, unless something else says how large the image is to be. */
const resize: Adaptation = (op, changing) => {
  const sizes = op.inputs[3] ? literals(op, changing, 'sizes', 3) : undefined;
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  if (!sizes) return op;
  const reader = new OpReader(op, changing.graph.tensors);
  const axes = reader.integers('axes') ?? before.map((_, axis) => axis);
  const values = sizes.values.map((size, i) => {
    const axis = axes[i];
    if (before[axis] === now[axis]) return size;
    return changing.known(op.outputs[0], axis) ?? Math.round((size * now[axis]) / before[axis]);
  });
  return String(values) === String(sizes.values) ? op : sizes.replaced(values);
};

const expand: Adaptation = (op, changing) => {
  const target = literals(op, changing, 'shape', 1);
  const [before, now] = [changing.before(op.inputs[0]).shape, changing.now(op.inputs[0]).shape];
  if (!target) return op;
  const ahead = target.values.length - before.length;
  return target.replaced(
    target.values.map((size, i) => (i >= ahead && size > 1 && size === before[i - ahead] ? now[i - ahead] : size)),
  );
};

const ADAPTATIONS: Readonly<Record<string, Adaptation>> = {
  ...Object.fromEntries(Object.keys(CONVOLUTIONS).map((type) => [type, convolution])),
  ConvTranspose: transposedConvolution,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  Gemm: gemm,
  MatMul: product,
  Reshape: reshape,
  Split: split,
  Slice: slice,
  Resize: resize,
  Upsample: resize,
  Expand: expand,
};

/** The op as it has to be, given the new shapes of its inputs. */
export function adapted(op: Op, changing: Changing): Op {
  return ADAPTATIONS[op.type]?.(op, changing) ?? op;
}
