/**
 * What onnxruntime makes of Gelu in its spellings on a CPU: by the error function, by tanh, by sigmoid, with a bias before.
 * Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of kernels.
 */
import type { Op } from '../graph';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

/** Relative: constants are written in float32 with some rounding (utils.cc, IsInitializerWithExpectedValue). */
const TOLERANCE = 1e-5;

function isNumber(view: PatternView, name: string, expected: number): boolean {
  const value = view.scalar(name);
  return value !== undefined && Math.abs(value - expected) <= TOLERANCE * Math.abs(expected);
}

/** The other of two inputs. */
function other({ inputs: [left, right] }: Op, name: string): string {
  return left === name ? right : left;
}

/** The input of a product or sum by a number, on either side. */
function timesNumber(view: PatternView, op: Op | undefined, expected: number): string | undefined {
  const side = op?.inputs.findIndex((name) => isNumber(view, name, expected)) ?? -1;
  return side < 0 ? undefined : op!.inputs[1 - side];
}

/** The product or sum that alone reads what an op makes, if the other side is that number. */
function readerByNumber(view: PatternView, op: Op, type: 'Mul' | 'Add', expected: number): Op | undefined {
  const reader = view.onlyReader(op, type);
  return reader && isNumber(view, other(reader, op.outputs[0]), expected) ? reader : undefined;
}

/** x / 2 * (1 + erf(x / sqrt(2))), by either of the first two products; a product by sqrt(1/2) is not recognised. */
function gelu(view: PatternView, div: Op): Replacement | undefined {
  const [input, divisor] = div.inputs;
  const erf = isNumber(view, divisor, Math.SQRT2) ? view.onlyReader(div, 'Erf') : undefined;
  const add = erf && readerByNumber(view, erf, 'Add', 1);
  const mul = add && view.onlyReader(add, 'Mul');
  if (!mul) return undefined;
  const made = (last: Op, parts: readonly Op[]): Replacement => ({
    remove: [div, erf, add, mul, ...parts],
    insert: [{ ...last, type: 'com.microsoft.Gelu', inputs: [input], attributes: {} }],
  });
  const side = other(mul, add.outputs[0]);
  const half = view.makerOf(side, 'Mul');
  if (half && timesNumber(view, half, 0.5) === input && view.readers(side).length === 1) return made(mul, [half]);
  const last = side === input ? readerByNumber(view, mul, 'Mul', 0.5) : undefined;
  return last && made(last, [last]);
}

/** 0.044715 in both of its roundings, and sqrt(2 / pi). */
const [CUBIC, ROOT] = [0.044715, 0.7978845834732056];

/** sqrt(2 / pi) * (x + 0.044715 * x^3), seen from x^3 or 0.044715 * x: the ops and x. */
function tanhArgument(view: PatternView, op: Op): { readonly input: string; readonly ops: readonly Op[] } | undefined {
  if (op.type === 'Pow') {
    const [input, exponent] = op.inputs;
    const mul = isNumber(view, exponent, 3) ? readerByNumber(view, op, 'Mul', CUBIC) : undefined;
    const add = mul && view.onlyReader(mul, 'Add');
    const scaled = add && other(add, mul.outputs[0]) === input ? readerByNumber(view, add, 'Mul', ROOT) : undefined;
    return scaled && { input, ops: [op, mul!, add!, scaled] };
  }
  const input = timesNumber(view, op, CUBIC);
  const square = input === undefined ? undefined : view.onlyReader(op, 'Mul');
  const add = square && other(square, op.outputs[0]) === input ? readerByNumber(view, square, 'Add', 1) : undefined;
  const product = add && view.onlyReader(add, 'Mul');
  const scaled = product && view.makerOf(other(product, add.outputs[0]), 'Mul');
  if (!scaled || timesNumber(view, scaled, ROOT) !== input || view.readers(scaled.outputs[0]).length !== 1)
    return undefined;
  return { input: input!, ops: [op, square!, add, scaled, product] };
}

/** x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))). */
function fastGelu(view: PatternView, op: Op): Replacement | undefined {
  const argument = tanhArgument(view, op);
  const tanh = argument && view.onlyReader(argument.ops[argument.ops.length - 1], 'Tanh');
  const add = tanh && readerByNumber(view, tanh, 'Add', 1);
  const last = add && view.onlyReader(add, 'Mul');
  const half = last && view.makerOf(other(last, add.outputs[0]), 'Mul');
  if (!half || timesNumber(view, half, 0.5) !== argument.input || view.isOutput(last.outputs[0])) return undefined;
  const fused: Op = { ...last, type: 'com.microsoft.FastGelu', inputs: [argument.input], attributes: {} };
  return { remove: [...argument.ops, tanh, add, last], release: [half], insert: [fused] };
}

/** A row is added before Gelu. */
function biasGelu(view: PatternView, add: Op): Replacement | undefined {
  const reader = view.onlyReader(add, 'com.microsoft.Gelu', 'com.microsoft.FastGelu');
  if (!reader || reader.inputs.length > 1) return undefined;
  const [left, right] = add.inputs.map((name) => view.tensor(name)!);
  if (left.shape.length === 0 || left.shape[left.shape.length - 1] !== right.shape[right.shape.length - 1])
    return undefined;
  const isRow = (shape: readonly number[]) => shape.length === 1;
  const inputs = isRow(left.shape) ? [right.name, left.name] : isRow(right.shape) ? [left.name, right.name] : undefined;
  const type = reader.type === 'com.microsoft.Gelu' ? 'com.microsoft.BiasGelu' : reader.type;
  return inputs && { remove: [reader, add], insert: [{ ...reader, type, inputs }] };
}

/** x * sigmoid(x), or x * sigmoid(alpha * x). */
function quickGelu(view: PatternView, op: Op): Replacement | undefined {
  const factor = op.type === 'Mul' ? op.inputs.findIndex((name) => view.tensor(name)?.constant) : -1;
  const isScaled = factor >= 0 && view.scalar(op.inputs[factor]) !== undefined;
  const sigmoid = op.type === 'Sigmoid' ? op : isScaled ? view.onlyReader(op, 'Sigmoid') : undefined;
  const mul = sigmoid && view.onlyReader(sigmoid, 'Mul');
  const input = isScaled ? op.inputs[1 - factor] : op.inputs[0];
  if (!mul || other(mul, sigmoid.outputs[0]) !== input) return undefined;
  const fused: Op = { ...mul, type: 'com.microsoft.QuickGelu', inputs: [input], attributes: {} };
  return { remove: [mul, sigmoid, ...(isScaled ? [op] : [])], insert: [fused] };
}

/** In the order in which onnxruntime tries them. */
export const GELU: PatternRule = {
  at: ['Div'],
  among: ['Erf'],
  match: gelu,
  reason: 'x * (1 + erf(x / sqrt(2))) / 2 is one Gelu',
  origin: 'gelu_fusion.cc',
};

export const BIAS_GELU: PatternRule = {
  at: ['Add'],
  among: ['com.microsoft.Gelu', 'com.microsoft.FastGelu'],
  match: biasGelu,
  reason: 'the bias before Gelu is added by it',
  origin: 'bias_gelu_fusion.cc',
};

export const FAST_GELU: PatternRule = {
  at: ['Pow', 'Mul'],
  among: ['Tanh'],
  match: fastGelu,
  reason: 'x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) is one FastGelu',
  origin: 'fast_gelu_fusion.cc',
};

export const QUICK_GELU: PatternRule = {
  at: ['Mul', 'Sigmoid'],
  among: ['Sigmoid'],
  match: quickGelu,
  reason: 'x * sigmoid(x) is one QuickGelu',
  origin: 'quick_gelu_fusion.cc',
};
