/**
 * Shape rules of the ops that move shapes and small constants around (Shape, Gather, Concat, Slice, Cast, Reshape, ...).
 * Where every input's values are known the outputs' are computed too, so that shape arithmetic of exporters folds away.
 */
import type { ConstantValue, ElementType } from './graph';
import {
  broadcast,
  elementCount,
  type InferredTensor,
  MAXIMUM_FOLDED_ELEMENTS,
  type OpReader,
  type ShapeRule,
} from './shape-reader';

const INTEGER_TYPES = new Set<ElementType>([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]);

/** Row-major strides of a shape. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/**
 * Values of an output whose element at each multi-index is the source's element at `offset(index)`; undefined if the
 * source's values are unknown or the output is too large to be kept.
 */
function gathered(
  values: readonly number[] | undefined,
  shape: readonly number[],
  offset: (index: readonly number[]) => number,
): number[] | undefined {
  const count = elementCount(shape);
  if (!values || count > MAXIMUM_FOLDED_ELEMENTS) return undefined;
  const result = new Array<number>(count);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < count; i++) {
    result[i] = values[offset(index)];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

function reshaped(op: OpReader, shape: readonly number[]): readonly InferredTensor[] {
  const { type, values } = op.input(0);
  return [{ type, shape, values }];
}

const constant: ShapeRule = (op) => {
  const value = op.attribute('value') as ConstantValue | undefined;
  if (value) return [value];
  const integers = op.attribute('value_int') ?? op.attribute('value_ints');
  const floats = op.attribute('value_float') ?? op.attribute('value_floats');
  const given = integers ?? floats;
  if (given === undefined) throw op.invalid('the constant has no dense numeric value');
  const type = integers === undefined ? 'float32' : 'int64';
  return [
    typeof given === 'number'
      ? { type, shape: [], values: [given] }
      : { type, shape: [(given as number[]).length], values: given as number[] },
  ];
};

const shapeOf: ShapeRule = (op) => {
  const shape = op.shape(0);
  const values = shape.slice(op.integer('start', 0), op.integer('end', shape.length));
  return [{ type: 'int64', shape: [values.length], values }];
};

const size: ShapeRule = (op) => [{ type: 'int64', shape: [], values: [elementCount(op.shape(0))] }];

const identity: ShapeRule = (op) => reshaped(op, op.shape(0));

const cast: ShapeRule = (op) => {
  const type = op.text('to', 'float32') as ElementType;
  const { shape, values } = op.input(0);
  return [{ type, shape, values: INTEGER_TYPES.has(type) ? values?.map(Math.trunc) : values }];
};

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
  const axis = op.integer('axis', 1) < 0 ? op.integer('axis', 1) + shape.length : op.integer('axis', 1);
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
  if (permutation.length !== input.length) throw op.invalid(`perm [${permutation}] does not fit input [${input}]`);
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
  const first = inputs[0].shape;
  const axis = op.axis(op.integer('axis', 0), first.length);
  for (const { name, shape } of inputs) {
    if (shape.length !== first.length || shape.some((dimension, i) => i !== axis && dimension !== first[i])) {
      throw op.invalid(`tensor ${name} of shape [${shape}] cannot be joined to [${first}] on axis ${axis}`);
    }
  }
  const shape = first.map((dimension, i) =>
    i === axis ? inputs.reduce((sum, input) => sum + input.shape[axis], 0) : dimension,
  );
  const known = first.length === 1 && inputs.every((input) => input.values);
  return [{ type: inputs[0].type, shape, values: known ? inputs.flatMap((input) => input.values!) : undefined }];
};

const split: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const axis = op.axis(op.integer('axis', 0), shape.length);
  const parts = op.integer('num_outputs', op.op.outputs.length);
  const chunk = Math.ceil(shape[axis] / parts);
  const sizes =
    op.integers('split') ??
    op.optionalValues(1) ??
    Array.from({ length: parts }, (_, i) => Math.min(chunk, shape[axis] - i * chunk));
  return sizes.map((part) => ({ type, shape: shape.map((dimension, i) => (i === axis ? part : dimension)) }));
};

const gather: ShapeRule = (op) => {
  const { type, shape: data, values } = op.input(0);
  const indices = op.input(1);
  const axis = op.axis(op.integer('axis', 0), data.length);
  const shape = [...data.slice(0, axis), ...indices.shape, ...data.slice(axis + 1)];
  if (!indices.values || data.length !== 1) return [{ type, shape }];
  return [{ type, shape, values: values && indices.values.map((at) => values[op.axis(at, data[0])]) }];
};

const slice: ShapeRule = (op) => {
  const { type, shape: input, values } = op.input(0);
  const starts = op.integers('starts') ?? op.values(1);
  const ends = op.integers('ends') ?? op.values(2);
  const axes = op.integers('axes') ?? op.optionalValues(3) ?? starts.map((_, i) => i);
  const steps = op.optionalValues(4) ?? starts.map(() => 1);
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

const expand: ShapeRule = (op) => [{ type: op.input(0).type, shape: broadcast(op.shape(0), op.values(1), op) }];

const tile: ShapeRule = (op) => {
  const repeats = op.values(1);
  return [{ type: op.input(0).type, shape: op.shape(0).map((dimension, i) => dimension * repeats[i]) }];
};

const constantOfShape: ShapeRule = (op) => {
  const shape = op.values(0);
  const fill = op.attribute('value') as ConstantValue | undefined;
  const small = elementCount(shape) <= MAXIMUM_FOLDED_ELEMENTS;
  return [
    {
      type: fill?.type ?? 'float32',
      shape,
      values: small ? new Array<number>(elementCount(shape)).fill(fill?.values?.[0] ?? 0) : undefined,
    },
  ];
};

const range: ShapeRule = (op) => {
  const [start, limit, delta] = [op.values(0)[0], op.values(1)[0], op.values(2)[0]];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const values =
    count <= MAXIMUM_FOLDED_ELEMENTS ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined;
  return [{ type: op.input(0).type, shape: [count], values }];
};

/** Elementwise arithmetic: broadcasts, and computes where both sides are known. */
function arithmetic(compute: (a: number, b: number) => number, type?: ElementType): ShapeRule {
  return (op) => {
    const [a, b] = [op.input(0), op.input(1)];
    const shape = broadcast(a.shape, b.shape, op);
    const integer = INTEGER_TYPES.has(a.type);
    const count = elementCount(shape);
    const known = a.values && b.values && count <= MAXIMUM_FOLDED_ELEMENTS;
    const expanded = (tensor: InferredTensor) => {
      const strides = stridesOf(tensor.shape);
      const skip = shape.length - tensor.shape.length;
      return gathered(tensor.values, shape, (index) =>
        strides.reduce((sum, stride, i) => sum + (tensor.shape[i] === 1 ? 0 : index[i + skip] * stride), 0),
      )!;
    };
    let values: number[] | undefined;
    if (known) {
      const [left, right] = [expanded(a), expanded(b)];
      values = left.map((value, i) => (integer ? Math.trunc(compute(value, right[i])) : compute(value, right[i])));
    }
    return [{ type: type ?? a.type, shape, values }];
  };
}

/** Elementwise function of one input. */
function unary(compute: (a: number) => number): ShapeRule {
  return (op) => {
    const { type, shape, values } = op.input(0);
    return [{ type, shape, values: values?.map(compute) }];
  };
}

const where: ShapeRule = (op) => {
  const [condition, a, b] = [op.input(0), op.input(1), op.input(2)];
  const shape = broadcast(broadcast(condition.shape, a.shape, op), b.shape, op);
  const known =
    condition.values &&
    a.values &&
    b.values &&
    [condition, a, b].every((tensor) => elementCount(tensor.shape) === elementCount(shape));
  return [
    {
      type: a.type,
      shape,
      values: known ? condition.values!.map((yes, i) => (yes ? a.values![i] : b.values![i])) : undefined,
    },
  ];
};

export const FOLDING_RULES: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Size: size,
  Identity: identity,
  Cast: cast,
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
  ConstantOfShape: constantOfShape,
  Range: range,
  Where: where,
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Equal: arithmetic((a, b) => Number(a === b), 'bool'),
  Not: unary((a) => Number(!a)),
  Neg: unary((a) => -a),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
};
