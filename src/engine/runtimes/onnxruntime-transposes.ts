/**
 * How onnxruntime gets rid of transposes: it pushes them down through ops that do not care, towards others that undo them,
 * where fewer dimensions are transposed in the end. Source: onnxruntime/core/optimizer/transpose_optimization, release 1.30.
 */
import type { Op, Tensor } from '../graph';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

const UNARY = new Set(
  'Abs Cast Ceil Celu Clip Elu Erf Exp Floor HardSigmoid HardSwish Identity LeakyRelu Log Neg Not Reciprocal'
    .concat(' Relu Round Selu Shrink Sigmoid Sign Softplus Softsign Sqrt Tanh ThresholdedRelu')
    .split(' '),
);
const BROADCASTING = new Set(
  'Add Sub Mul Div Pow Max Min Mean Sum Where And Or Xor Equal Greater Less PRelu'.split(' '),
);

/** Ops with an axis, which is another one behind the transpose. */
const ALONG_AXIS = new Set(['Concat', 'Softmax', 'LogSoftmax', 'Gather']);

/** Ops that onnxruntime pushes transposes through and this rule does not: their axes or sizes would have to change. */
const OTHERS = new Set(
  'Transpose Reshape Split Shape Pad Squeeze Unsqueeze Slice Tile QuantizeLinear DequantizeLinear ArgMax ArgMin'
    .concat(' ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2 ReduceProd MaxPool Resize')
    .split(' '),
);

function isHandled({ type }: Op): boolean {
  return isPushed(type) || OTHERS.has(type);
}

function isPushed(type: string): boolean {
  return UNARY.has(type) || BROADCASTING.has(type) || ALONG_AXIS.has(type);
}

function permutation({ attributes: { perm } }: Op): readonly number[] | undefined {
  return Array.isArray(perm) ? (perm as readonly number[]) : undefined;
}

/** First one permutation, then the other. */
function combined(first: readonly number[], second: readonly number[]): number[] {
  return second.map((axis) => first[axis]);
}

function inverted(perm: readonly number[]): number[] {
  return perm.map((_, axis) => perm.indexOf(axis));
}

function isIdentity(perm: readonly number[]): boolean {
  return perm.every((axis, i) => axis === i);
}

function shapeOf(view: PatternView, name: string): readonly number[] {
  return view.tensor(name)?.shape ?? [];
}

/** What a transpose costs: the dimensions that are more than 1. */
function dimensions(view: PatternView, name: string): number {
  return shapeOf(view, name).filter((size) => size !== 1).length;
}

/** Inputs that are transposed with the op: all but numbers, or the first. */
function transposable(view: PatternView, { type, inputs }: Op): readonly number[] {
  if (UNARY.has(type) || type === 'Gather' || type.endsWith('oftmax')) return [0];
  return inputs.flatMap((name, i) => (type === 'Concat' || shapeOf(view, name).length > 0 ? [i] : []));
}

/** True if a transpose stands further down, behind ops that it can be pushed through. */
function leadsToTranspose(view: PatternView, name: string, seen = new Set<string>()): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  return view.readers(name).some((reader) => {
    if (reader.type === 'Transpose') return true;
    const passes = isPushed(reader.type) && transposable(view, reader).some((input) => reader.inputs[input] === name);
    return passes && leadsToTranspose(view, reader.outputs[0], seen);
  });
}

/** Positive if more dimensions would be transposed, negative if fewer. */
function inputCost(view: PatternView, name: string, perm: readonly number[]): number {
  if (view.tensor(name)!.constant) return 0;
  const transpose = view.makerOf(name, 'Transpose');
  const own = transpose && permutation(transpose);
  if (!own) return dimensions(view, name);
  const goes = !view.isOutput(name) && view.readers(name).every(isHandled);
  return String(own) === String(perm) && goes ? -dimensions(view, name) : 0;
}

/** Two transposes in a row are one, or none. */
function combine(view: PatternView, transpose: Op, replaced = transpose): Replacement | undefined {
  const first = view.makerOf(transpose.inputs[0], 'Transpose');
  const [before, behind] = [first && permutation(first), permutation(transpose)];
  if (!first || !before || !behind) return undefined;
  const perm = combined(before, behind);
  const [input] = first.inputs;
  if (isIdentity(perm)) {
    return { remove: [replaced], release: [first], insert: [], renamed: [[transpose.outputs[0], input]] };
  }
  return { remove: [replaced], release: [first], insert: [{ ...transpose, inputs: [input], attributes: { perm } }] };
}

/**
 * The permutation that a Reshape amounts to: sizes other than 1 stay in order, those of 1 are taken as they come.
 * Undefined if it is none.
 */
function reshapeAsPermutation(from: readonly number[], to: readonly number[]): number[] | undefined {
  if (from.length !== to.length) return undefined;
  const used = new Set<number>();
  const perm: number[] = [];
  for (const size of to) {
    const axis = from.findIndex((each, i) => !used.has(i) && (each === size || (each !== 1 && size !== 1)));
    if (axis < 0 || from[axis] !== size) return undefined;
    used.add(axis);
    perm.push(axis);
  }
  return perm;
}

/** A Reshape that only moves dimensions of 1 is a transpose to onnxruntime, which joins the one before. */
function combineReshape(view: PatternView, reshape: Op): Replacement | undefined {
  const transpose = view.makerOf(reshape.inputs[0], 'Transpose');
  const before = transpose && permutation(transpose);
  if (!before || inputCost(view, reshape.inputs[0], before) >= 0) return undefined;
  const behind = reshapeAsPermutation(shapeOf(view, reshape.inputs[0]), shapeOf(view, reshape.outputs[0]));
  return behind && combine(view, { ...reshape, type: 'Transpose', attributes: { perm: behind } }, reshape);
}

/** The axis along which an op works: the last of a Softmax, the first of others, if it is left out. */
function axisOf({ type, attributes: { axis } }: Op, rank: number): number {
  const given = typeof axis === 'number' ? axis : type.endsWith('oftmax') ? -1 : 0;
  return given < 0 ? given + rank : given;
}

/** A permutation without one of its axes. */
function without(perm: readonly number[], at: number): number[] {
  return perm.filter((_, i) => i !== at).map((axis) => (axis > perm[at] ? axis - 1 : axis));
}

function push(view: PatternView, op: Op): Replacement | undefined {
  const inputs = transposable(view, op);
  const above = inputs
    .map((input) => view.makerOf(op.inputs[input], 'Transpose'))
    .find((each) => each && permutation(each));
  const output = view.tensor(op.outputs[0])!;
  const perm = above && permutation(above)!;
  if (!perm || op.outputs.length > 1) return undefined;
  const axis = axisOf(op, perm.length);
  const behind = op.type === 'Gather' ? without(perm, axis) : perm;
  if (output.shape.length !== behind.length) return undefined;
  const cost = inputs.reduce((sum, input) => sum + inputCost(view, op.inputs[input], perm), 0);
  if (cost >= 0 || cost + (leadsToTranspose(view, output.name) ? 0 : dimensions(view, output.name)) >= 0)
    return undefined;
  const undo = inverted(perm);
  const replaced = inputs.map((input) => untransposed(view, op, op.inputs[input], undo));
  if (replaced.some((each) => !each)) return undefined;
  const made: Tensor = {
    name: view.unusedName(`${output.name}/before`),
    type: output.type,
    shape: inverted(behind).map((from) => output.shape[from]),
    constant: false,
  };
  const attributes = ALONG_AXIS.has(op.type) ? { ...op.attributes, axis: perm[axis] } : op.attributes;
  return {
    remove: [op],
    release: replaced.flatMap((each) => each!.released),
    insert: [
      ...replaced.flatMap((each) => each!.ops),
      {
        ...op,
        attributes,
        inputs: op.inputs.map((name, i) => replaced[inputs.indexOf(i)]?.name ?? name),
        outputs: [made.name],
      },
      { ...above, inputs: [made.name], outputs: [output.name], attributes: { perm: behind } },
    ],
    main: replaced.flatMap((each) => each!.ops).length,
    tensors: [made, ...replaced.flatMap((each) => each!.tensors)],
  };
}

interface Untransposed {
  readonly name: string;
  readonly released: readonly Op[];
  readonly ops: readonly Op[];
  readonly tensors: readonly Tensor[];
}

/** An input as it is before the transpose: by taking one away, ahead of time for a constant, else by another one. */
function untransposed(view: PatternView, op: Op, name: string, undo: readonly number[]): Untransposed | undefined {
  const tensor = view.tensor(name)!;
  const transpose = tensor.constant ? undefined : view.makerOf(name, 'Transpose');
  const own = transpose && permutation(transpose);
  const perm = own ? combined(own, undo) : undo;
  const source = own ? transpose!.inputs[0] : name;
  const released = own ? [transpose!] : [];
  if (own && isIdentity(perm)) return { name: source, released, ops: [], tensors: [] };
  const shape = [...new Array<number>(undo.length - tensor.shape.length).fill(1), ...tensor.shape];
  if (!tensor.constant && tensor.shape.length !== undo.length) return undefined;
  const made = { ...tensor, name: view.unusedName(`${name}/before`), shape: undo.map((axis) => shape[axis]) };
  // The order of the values changes; a single one stays known.
  if (tensor.values && tensor.values.length > 1) delete made.values;
  if (tensor.constant) return { name: made.name, released: [], ops: [], tensors: [made] };
  const inserted: Op = {
    name: op.name,
    type: 'Transpose',
    inputs: [source],
    outputs: [made.name],
    attributes: { perm },
  };
  return { name: made.name, released, ops: [inserted], tensors: [made] };
}

export const TRANSPOSES: PatternRule = {
  at: ['Transpose', 'Reshape', ...UNARY, ...BROADCASTING, ...ALONG_AXIS],
  among: ['Transpose'],
  match: (view, op) => {
    if (op.type === 'Transpose') return combine(view, op);
    return op.type === 'Reshape' ? combineReshape(view, op) : push(view, op);
  },
  reason: 'transposes are moved to where they undo each other',
  origin: 'transpose_optimization/onnx_transpose_optimization.cc',
};
