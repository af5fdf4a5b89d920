/**
 * Shapes of an op's outputs after something before it has changed: by the rules of ONNX files for those, and for TFLite's
 * graphs by the same rules with the channels moved, or by the few of its own that reading a file does not leave behind.
 */
import { EngineError } from './errors';
import { inferOutputs } from './formats/tflite-shapes';
import type { Graph, Op, Tensor } from './graph';
import { elementCount, OpReader } from './shape-reader';
import { inferShapes } from './shapes';

/** Ops of TFLite by the op whose shape rule they share. */
const LIKE: Readonly<Record<string, string>> = {
  QuantizeLinear: 'Sqrt',
  DequantizeLinear: 'Sqrt',
  ...Object.fromEntries(
    ['SquaredDifference', 'FloorDiv', 'Atan2', 'NotEqual'].map((name) => [`tflite.${name}`, 'Pow']),
  ),
  ...Object.fromEntries(
    ['Rsqrt', 'Square', 'ZerosLike', 'FakeQuant', 'SignBit', 'Reverse'].map((name) => [`tflite.${name}`, 'Sqrt']),
  ),
};

/** What a shape rule of TFLite's graphs works with. */
interface Before {
  readonly reader: OpReader;
  /** Shapes that the graph had. */
  shape(tensor: string): readonly number[];
}

type OwnRule = (op: Op, before: Before) => readonly (readonly number[])[];

/** Rows of as many elements as the weight has columns. */
const gemm: OwnRule = (op, { reader, shape }) => {
  const [input, weight] = [reader.shape(0), reader.shape(1, 2)];
  const rows = elementCount(input) / weight[1];
  if (!Number.isInteger(rows)) throw reader.invalid(`weight [${weight}] does not fit input [${input}]`);
  const keeps = shape(op.outputs[0]).length > 2;
  return [keeps ? [...input.slice(0, -1), weight[0]] : [rows, weight[0]]];
};

const product: OwnRule = (op, { reader }) => {
  const flip = (shape: readonly number[], flipped: number) => {
    const [rows, columns] = shape.slice(-2);
    return flipped ? [...shape.slice(0, -2), columns, rows] : shape;
  };
  const a = flip(reader.shape(0), reader.integer('transA', 0));
  const b = flip(reader.shape(1), reader.integer('transB', 0));
  const tensors = new Map<string, Tensor>(
    [a, b].map((shape, i) => [String(i), { name: String(i), type: 'float32', shape, constant: false }]),
  );
  inferShapes([{ ...op, type: 'MatMul', inputs: ['0', '1'], outputs: ['y'], attributes: {} }], tensors);
  return [tensors.get('y')!.shape];
};

/** Attributes say where; dimensions that are dropped, and new ones, are 1. */
const slice: OwnRule = (op, { reader, shape }) => {
  const cut = (sizes: readonly number[]) =>
    sizes.map((size, axis) => {
      const [start, end, step] = (['starts', 'ends', 'steps'] as const).map((name) => reader.integers(name)![axis]);
      const bound = (value: number, low: number, high: number) =>
        Math.min(Math.max(value < 0 ? value + size : value, low), high);
      const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
      return Math.max(0, Math.ceil((bound(end, low, high) - bound(start, Math.max(low, 0), high)) / step));
    });
  const [then, now] = [cut(shape(op.inputs[0])), cut(reader.shape(0))];
  const stated = shape(op.outputs[0]);
  if (String(then) === String(stated)) return [now];
  const [kept, left] = [now.filter((_, axis) => then[axis] !== 1), stated.filter((size) => size !== 1)];
  if (kept.length !== left.length) throw reader.invalid(`the cut [${now}] cannot be matched with [${stated}]`);
  let next = 0;
  return [stated.map((size) => (size === 1 ? 1 : kept[next++]))];
};

const transposedConvolution: OwnRule = (_, { reader }) => {
  const [height, width] = reader.integers('output_shape')!;
  return [[reader.shape(0)[0], height, width, reader.shape(1)[1]]];
};

const OWN_RULES: Readonly<Record<string, OwnRule>> = {
  Gemm: gemm,
  MatMul: product,
  Slice: slice,
  ConvTranspose: transposedConvolution,
};

/**
 * Infers the outputs of one op into `tensors`.
 *
 * @param graph as it was
 * @param op as it is to be
 * @param tensors with the new shapes of its inputs
 * @throws EngineError UNSUPPORTED_OP, INVALID_SHAPE
 */
export function inferAnew(graph: Graph, op: Op, tensors: Map<string, Tensor>): void {
  if (graph.format === 'onnx') {
    inferShapes([op], tensors);
    return;
  }
  const reader = new OpReader(op, tensors);
  const shapes = tfliteShapes(graph, op, reader, tensors);
  op.outputs.forEach((name, place) => {
    const { type, constant } = graph.tensors.get(name)!;
    const { shape, values } = shapes[place];
    tensors.set(name, { name, type, shape, constant, ...(values && { values }) });
  });
}

function tfliteShapes(
  graph: Graph,
  op: Op,
  reader: OpReader,
  tensors: ReadonlyMap<string, Tensor>,
): readonly { readonly shape: readonly number[]; readonly values?: readonly number[] }[] {
  const own = OWN_RULES[op.type];
  if (own && (op.type !== 'Slice' || reader.integers('starts'))) {
    return own(op, { reader, shape: (name) => graph.tensors.get(name)!.shape }).map((shape) => ({ shape }));
  }
  const type = LIKE[op.type] ?? op.type;
  if (type.startsWith('tflite.')) {
    throw new EngineError(
      'INVALID_CHANGE',
      `no rule says what becomes of ${op.type} behind a change`,
      reader.where,
      'Change something behind the op.',
    );
  }
  return inferOutputs(
    op,
    type,
    op.inputs.map((name) => (name ? tensors.get(name) : undefined)),
  );
}
