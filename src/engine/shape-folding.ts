/**
 * Shape rules of the ops that move dimensions and values around (Reshape, Concat, Slice, Gather, ...). Where the inputs'
 * values are known the outputs' are computed too, so that shape arithmetic of exporters folds away.
 */
import { broadcast, elementCount, type InferredTensor, type OpReader, type ShapeRule } from './shape-reader';
import { broadcastValues, gathered, keepsValues, stridesOf } from './shape-values';

function reshaped(op: OpReader, shape: readonly number[]): readonly InferredTensor[] {
  const { type, values } = op.input(0);
  return [{ type, shape, values }];
}

const identity: ShapeRule = (op) => reshaped(op, op.shape(0));

const reshape: ShapeRule = (op) => {
  const input = op.shape(0);
  const target = op.integers('shape') ?? op.values(1);
  const zeroIsZero = op.integer('allowzero', 0) === 1;
  const shape = target.map((dimension, i) => (dimension === 0 && !zeroIsZero ? input[i] : dimension));
  const unknown = shape.indexOf(-1);
  if (unknown >= 0) shape[unknown] = elementCount(input) / elementCount(shape.filter((_, i) => i !== unknown));
  if (elementCount(shape) !== elementCount(input)) throw op.invalid(`[${input}] cannot be reshaped to [${target}]`);
  return reshaped(op, shape);
};

const flatten: ShapeRule = (op) => {
  const shape = op.shape(0);
  const given = op.integer('axis', 1);
  // The axis may stand behind the last dimension.
  const axis = given === shape.length ? given : op.axis(given, shape.length);
  return reshaped(op, [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
};

const squeeze: ShapeRule = (op) => {
  const shape = op.shape(0);
  const named = op.integers('axes') ?? op.optionalValues(1);
  const axes = new Set(
    named
      ? named.map((axis) => op.axis(axis, shape.length))
      : shape.flatMap((dimension, i) => (dimension === 1 ? [i] : [])),
  );
  for (const axis of axes) if (shape[axis] !== 1) throw op.invalid(`dimension ${axis} of [${shape}] is not 1`);
  return reshaped(
    op,
    shape.filter((_, i) => !axes.has(i)),
  );
};

const unsqueeze: ShapeRule = (op) => {
  const input = op.shape(0);
  const named = op.integers('axes') ?? op.values(1);
  const rank = input.length + named.length;
  const axes = new Set(named.map((axis) => op.axis(axis, rank)));
  let next = 0;
  return reshaped(
    op,
    Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : input[next++])),
  );
};

const transpose: ShapeRule = (op) => {
  const { type, shape: input, values } = op.input(0);
  const permutation = op.integers('perm') ?? input.map((_, i) => input.length - 1 - i);
  if ([...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i) || permutation.length !== input.length)
    throw op.invalid(`perm [${permutation}] does not fit input [${input}]`);
  const strides = stridesOf(input);
  const shape = permutation.map((axis) => input[axis]);
  return [
    {
      type,
      shape,
      values: gathered(values, shape, (index) => index.reduce((sum, at, i) => sum + at * strides[permutation[i]], 0)),
    },
  ];
};

const concat: ShapeRule = (op) => {
  const inputs = op.op.inputs.map((_, i) => op.input(i));
  const first = op.shape(0);
  const axis = op.axis(op.integer('axis', 0), first.length);
  for (const { name, shape } of inputs) {
    if (shape.length !== first.length || shape.some((dimension, i) => i !== axis && dimension !== first[i])) {
      throw op.invalid(`tensor ${name} of shape [${shape}] cannot be joined to [${first}] on axis ${axis}`);
    }
  }
  const shape = first.map((dimension, i) =>
    i === axis ? inputs.reduce((sum, input) => sum + input.shape[axis], 0) : dimension,
  );
  const known = first.length === 1 && keepsValues(shape) && inputs.every((input) => input.values);
  return [{ type: inputs[0].type, shape, values: known ? inputs.flatMap((input) => input.values!) : undefined }];
};

const split: ShapeRule = (op) => {
  const { type, shape, values } = op.input(0);
  const axis = op.axis(op.integer('axis', 0), shape.length);
  const parts = op.op.outputs.length;
  const chunk = Math.ceil(shape[axis] / parts);
  const sizes =
    op.integers('split') ??
    op.optionalValues(1) ??
    Array.from({ length: parts }, (_, i) => Math.min(chunk, shape[axis] - i * chunk));
  if (sizes.length !== parts || sizes.reduce((sum, part) => sum + part, 0) !== shape[axis]) {
    throw op.invalid(`parts [${sizes}] do not make ${parts} outputs of [${shape}] on axis ${axis}`);
  }
  let start = 0;
  return sizes.map((part) => {
    const known = shape.length === 1 ? values?.slice(start, start + part) : undefined;
    start += part;
    return { type, shape: shape.map((dimension, i) => (i === axis ? part : dimension)), values: known };
  });
};

const gather: ShapeRule = (op) => {
  const { type, shape: data, values } = op.input(0);
  const indices = op.input(1);
  const axis = op.axis(op.integer('axis', 0), data.length);
  const shape = [...data.slice(0, axis), ...indices.shape, ...data.slice(axis + 1)];
  const at = indices.values?.map((value) => op.axis(value, data[axis]));
  if (!at) return [{ type, shape }];
  const strides = stridesOf(data);
  const [indexStrides, last] = [stridesOf(indices.shape), axis + indices.shape.length];
  return [
    {
      type,
      shape,
      values: gathered(values, shape, (index) => {
        const position = indexStrides.reduce((sum, stride, i) => sum + index[axis + i] * stride, 0);
        const source = [...index.slice(0, axis), at[position], ...index.slice(last)];
        return source.reduce((sum, each, i) => sum + each * strides[i], 0);
      }),
    },
  ];
};

const slice: ShapeRule = (op) => {
  const { type, shape: input, values } = op.input(0);
  const starts = op.integers('starts') ?? op.values(1);
  const ends = op.integers('ends') ?? op.values(2);
  const axes = op.integers('axes') ?? op.optionalValues(3) ?? starts.map((_, i) => i);
  const steps = op.optionalValues(4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length)) {
    throw op.invalid(`starts [${starts}], ends [${ends}], axes [${axes}] and steps [${steps}] differ in length`);
  }
  const first = input.map(() => 0);
  const step = input.map(() => 1);
  const shape = [...input];
  axes.forEach((named, i) => {
    const axis = op.axis(named, input.length);
    const by = steps[i];
    if (!by) throw op.invalid('a step of 0 is not allowed');
    const bound = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + input[axis] : value, low), high);
    const [start, end] =
      by > 0
        ? [bound(starts[i], 0, input[axis]), bound(ends[i], 0, input[axis])]
        : [bound(starts[i], 0, input[axis] - 1), bound(ends[i], -1, input[axis] - 1)];
    first[axis] = start;
    step[axis] = by;
    shape[axis] = Math.max(0, Math.ceil((end - start) / by));
  });
  const strides = stridesOf(input);
  return [
    {
      type,
      shape,
      values: gathered(values, shape, (index) =>
        index.reduce((sum, at, i) => sum + (first[i] + at * step[i]) * strides[i], 0),
      ),
    },
  ];
};

const expand: ShapeRule = (op) => {
  const input = op.input(0);
  const shape = broadcast(input.shape, op.values(1), op);
  return [{ type: input.type, shape, values: broadcastValues(input, shape) }];
};

const tile: ShapeRule = (op) => {
  const { type, shape: input, values } = op.input(0);
  const repeats = op.values(1);
  if (repeats.length !== input.length) throw op.invalid(`repeats [${repeats}] do not fit input [${input}]`);
  const shape = input.map((dimension, i) => dimension * repeats[i]);
  const strides = stridesOf(input);
  const offset = (index: readonly number[]) => index.reduce((sum, at, i) => sum + (at % input[i]) * strides[i], 0);
  return [{ type, shape, values: gathered(values, shape, offset) }];
};

export const FOLDING_RULES: Readonly<Record<string, ShapeRule>> = {
  Identity: identity,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Gather: gather,
  Slice: slice,
  Expand: expand,
  Tile: tile,
};
