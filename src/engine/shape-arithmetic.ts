/**
 * Shape rules of the ops that make small constants and reckon with them (Constant, Shape, Range, Add, Where, Cast, ...):
 * elementwise ops broadcast, and compute where the values of every input are known.
 */
import type { ElementType } from './graph';
import { broadcast, elementCount, type InferredTensor, type OpReader, type ShapeRule } from './shape-reader';
import { broadcastValues, INTEGER_TYPES, keepsValues, stridesOf } from './shape-values';

const constant: ShapeRule = (op) => {
  const value = op.tensor('value');
  if (value) return [value];
  for (const [type, single, list] of [
    ['int64', 'value_int', 'value_ints'],
    ['float32', 'value_float', 'value_floats'],
  ] as const) {
    const values = op.numbers(list);
    if (values) return [{ type, shape: [values.length], values }];
    const number = op.number(single);
    if (number !== undefined) return [{ type, shape: [], values: [number] }];
  }
  throw op.invalid('the constant has no dense numeric value');
};

const shapeOf: ShapeRule = (op) => {
  const shape = op.shape(0);
  const values = shape.slice(op.integer('start', 0), op.integer('end', shape.length));
  return [{ type: 'int64', shape: [values.length], values }];
};

const size: ShapeRule = (op) => [{ type: 'int64', shape: [], values: [elementCount(op.shape(0))] }];

function converted(op: OpReader, type: ElementType): InferredTensor {
  const { shape, values } = op.input(0);
  const convert = type === 'bool' ? (value: number) => Number(value !== 0) : Math.trunc;
  return { type, shape, values: INTEGER_TYPES.has(type) ? values?.map(convert) : values };
}

const cast: ShapeRule = (op) => [converted(op, op.text('to', 'float32') as ElementType)];

const constantOfShape: ShapeRule = (op) => {
  const shape = op.values(0);
  const fill = op.tensor('value');
  const values = keepsValues(shape) ? new Array<number>(elementCount(shape)).fill(fill?.values?.[0] ?? 0) : undefined;
  return [{ type: fill?.type ?? 'float32', shape, values }];
};

const range: ShapeRule = (op) => {
  const [start, limit, delta] = [op.values(0)[0], op.values(1)[0], op.values(2)[0]];
  const shape = [Math.max(0, Math.ceil((limit - start) / delta))];
  const values = keepsValues(shape) ? Array.from({ length: shape[0] }, (_, i) => start + i * delta) : undefined;
  return [{ type: op.input(0).type, shape, values }];
};

/** Elements of all inputs together with which an op reckons. */
const MAXIMUM_COMPUTED_ELEMENTS = 1 << 16;

/** Elementwise function of one or more inputs, applied from the left. */
function arithmetic(compute: (a: number, b: number) => number, type?: ElementType): ShapeRule {
  return (op) => {
    const inputs = [op.input(0)];
    let shape = op.shape(0);
    for (let i = 1; i < op.inputCount; i++) {
      inputs.push(op.input(i));
      shape = broadcast(shape, op.shape(i), op);
    }
    if (!inputs.every(({ values }) => values)) return [{ type: type ?? inputs[0].type, shape }];
    const whole = INTEGER_TYPES.has(inputs[0].type) ? Math.trunc : (value: number) => value;
    // No exporter reckons with more; a file could ask for endless work by naming one input often.
    const isSmall = inputs.length * elementCount(shape) <= MAXIMUM_COMPUTED_ELEMENTS;
    const values = isSmall
      ? inputs
          .map((input) => broadcastValues(input, shape))
          .reduce((left, right) => right && left?.map((value, i) => whole(compute(value, right[i]))))
      : undefined;
    return [{ type: type ?? inputs[0].type, shape, values }];
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
  const inputs = [op.input(0), op.input(1), op.input(2)];
  const shape = inputs.map((input) => input.shape).reduce((a, b) => broadcast(a, b, op));
  const [condition, a, b] = inputs.map((input) => broadcastValues(input, shape));
  const values = a && b && condition?.map((yes, i) => (yes ? a[i] : b[i]));
  return [{ type: inputs[1].type, shape, values }];
};

/** The remainder has the divisor's sign, unless `fmod` asks for the dividend's. */
const modulo: ShapeRule = (op) =>
  arithmetic(op.integer('fmod', 0) ? (a, b) => a % b : (a, b) => a - b * Math.floor(a / b))(op);

const castLike: ShapeRule = (op) => [converted(op, op.input(1).type)];

/** Indices of the elements that are not zero, a column each: how many there are must be known. */
const nonZero: ShapeRule = (op) => {
  const strides = stridesOf(op.shape(0));
  const at = op.values(0).flatMap((value, i) => (value ? [i] : []));
  const shape = [strides.length, at.length];
  const index = (axis: number) => at.map((i) => Math.floor(i / strides[axis]) % op.shape(0)[axis]);
  return [{ type: 'int64', shape, values: keepsValues(shape) ? strides.flatMap((_, axis) => index(axis)) : undefined }];
};

/** Comparisons and logic, of truth values as 0 and 1. */
const PREDICATES: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  Equal: (a, b) => a === b,
  Greater: (a, b) => a > b,
  GreaterOrEqual: (a, b) => a >= b,
  Less: (a, b) => a < b,
  LessOrEqual: (a, b) => a <= b,
  And: (a, b) => a !== 0 && b !== 0,
  Or: (a, b) => a !== 0 || b !== 0,
  Xor: (a, b) => (a !== 0) !== (b !== 0),
};

export const ARITHMETIC_RULES: Readonly<Record<string, ShapeRule>> = {
  Constant: constant,
  Shape: shapeOf,
  Size: size,
  Cast: cast,
  ConstantOfShape: constantOfShape,
  Range: range,
  Where: where,
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Max: arithmetic(Math.max),
  Min: arithmetic(Math.min),
  Mod: modulo,
  Pow: arithmetic((a, b) => a ** b),
  ...Object.fromEntries(
    Object.entries(PREDICATES).map(([name, holds]) => [name, arithmetic((a, b) => Number(holds(a, b)), 'bool')]),
  ),
  CastLike: castLike,
  NonZero: nonZero,
  'com.microsoft.Range': range,
  Not: unary((a) => Number(!a)),
  Neg: unary((a) => -a),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
};
