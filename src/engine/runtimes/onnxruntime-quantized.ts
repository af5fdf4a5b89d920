/**
 * What onnxruntime makes of ops between DequantizeLinear and QuantizeLinear on a CPU: one op on 8-bit integers. Source files
 * are of onnxruntime/core/optimizer/qdq_transformer, release 1.30. Knows nothing of kernels.
 */
import type { ElementType, Op, Tensor } from '../graph';
import { DEQUANTIZE, QUANTIZE } from './onnxruntime-dequantization';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

const EIGHT_BITS: readonly ElementType[] = ['int8', 'uint8'];

/** A tensor with its scale and zero point, the empty name if it has none: what an op on integers reads. */
function quantized({ inputs: [tensor, scale, zeroPoint = ''] }: Op): string[] {
  return [tensor, scale, zeroPoint];
}

/** One op with what stands around it. */
interface Unit {
  readonly op: Op;
  /** The DequantizeLinear before each input that has one. */
  readonly before: readonly (Op | undefined)[];
  /** The QuantizeLinear that alone reads the output. */
  readonly behind?: Op;
}

function unitOf(view: PatternView, op: Op): Unit {
  const before = op.inputs.map((name) => (name ? view.makerOf(name, ...DEQUANTIZE) : undefined));
  const behind = op.outputs.length === 1 ? view.onlyReader(op, ...QUANTIZE) : undefined;
  return { op, before, behind };
}

/** Every input that is not left out is dequantised. */
function isWhole({ op, before }: Unit): boolean {
  return op.inputs.every((name, i) => !name || before[i]);
}

function typeBefore(view: PatternView, unit: Unit, input: number): ElementType | undefined {
  const dequantize = unit.before[input];
  return dequantize && view.tensor(dequantize.inputs[0])!.type;
}

function typeBehind(view: PatternView, { behind }: Unit): ElementType | undefined {
  return behind && view.tensor(behind.outputs[0])!.type;
}

/** The op of the unit on integers; `type` and inputs as given, the output is what QuantizeLinear made. */
function onIntegers({ op, before, behind }: Unit, type: string, inputs: readonly string[]): Replacement {
  return {
    remove: behind ? [op, behind] : [op],
    release: before.flatMap((each) => (each ? [each] : [])),
    insert: [{ ...op, type, inputs, outputs: behind ? behind.outputs : op.outputs }],
  };
}

/** Constant numbers of both, explicit and the same (qdq_util.cc, IsQDQPairSupported). */
function hasSameParameters(view: PatternView, dequantize: Op, quantize: Op): boolean {
  return [1, 2].every((input) => {
    const [a, b] = [dequantize, quantize].map(({ inputs }) => inputs[input] ?? '');
    const [first, second] = [a, b].map((name) => view.scalar(name));
    return first !== undefined && first === second && view.tensor(a)!.type === view.tensor(b)!.type;
  });
}

/** An op that only moves data, or picks some, does so with integers as well. */
function moved(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const { before, behind } = unit;
  if (!before[0] || !behind || before.filter((each) => each).length !== 1) return undefined;
  const type = typeBefore(view, unit, 0)!;
  const compares = ['MaxPool', 'ReduceMax', 'ReduceMin'].includes(op.type);
  if (!hasSameParameters(view, before[0], behind) || type !== typeBehind(view, unit)) return undefined;
  if ((compares || op.type === 'Resize') && !EIGHT_BITS.includes(type)) return undefined;
  if (compares && view.scalar(before[0].inputs[1])! <= 0) return undefined;
  return onIntegers(unit, op.type, [before[0].inputs[0], ...op.inputs.slice(1)]);
}

/** Split gives parts with the parameters of the whole. */
function split(view: PatternView, op: Op): Replacement | undefined {
  const before = view.makerOf(op.inputs[0], ...DEQUANTIZE);
  const behind = op.outputs.map((name) => {
    const readers = view.readers(name);
    const isQuantized = readers.length === 1 && QUANTIZE.includes(readers[0].type) && !view.isOutput(name);
    return isQuantized ? readers[0] : undefined;
  });
  if (!before || !behind.every((each) => each && hasSameParameters(view, before, each))) return undefined;
  const outputs = behind.map((each) => each!.outputs[0]);
  const inputs = [before.inputs[0], ...op.inputs.slice(1)];
  return { remove: [op, ...behind.map((each) => each!)], release: [before], insert: [{ ...op, inputs, outputs }] };
}

function argMax(view: PatternView, op: Op): Replacement | undefined {
  const before = view.makerOf(op.inputs[0], ...DEQUANTIZE);
  if (!before || view.scalar(before.inputs[1]) === undefined || !before.inputs[2]) return undefined;
  return { remove: [op], release: [before], insert: [{ ...op, inputs: [before.inputs[0]] }] };
}

/** One, two or any number of tensors of one type, and the output of the same. */
function elementwise(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const type = typeBehind(view, unit);
  const sameTypes = op.inputs.every((_, i) => typeBefore(view, unit, i) === type);
  if (!unit.behind || !isWhole(unit) || !type || !EIGHT_BITS.includes(type) || !sameTypes) return undefined;
  const inputs = unit.before.flatMap((each) => quantized(each!));
  const [, scale, zeroPoint] = quantized(unit.behind);
  const parameters = [scale, zeroPoint];
  const order = op.type === 'Concat' ? [...parameters, ...inputs] : [...inputs, ...parameters];
  return onIntegers(unit, `com.microsoft.QLinear${op.type}`, order);
}

/** Where reads its condition as it is. */
function where(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const type = typeBehind(view, unit);
  const [, yes, no] = unit.before;
  if (!yes || !no || !unit.behind || [1, 2].some((input) => typeBefore(view, unit, input) !== type)) return undefined;
  const inputs = [op.inputs[0], ...quantized(yes), ...quantized(no), ...quantized(unit.behind).slice(1)];
  return onIntegers(unit, 'com.microsoft.QLinearWhere', inputs);
}

/** 8-bit activations, unsigned, and weights; the bias, if there is one, is dequantised from 32 bits. */
function hasProductTypes(view: PatternView, unit: Unit): boolean {
  const [input, weight, bias] = [0, 1, 2].map((each) => typeBefore(view, unit, each));
  const isOne = (type?: ElementType) => type !== undefined && EIGHT_BITS.includes(type);
  return input === 'uint8' && isOne(weight) && (bias === undefined || bias === 'int32');
}

/** How far a bias's scale may be from the product of the others, relative: they are written in float32. */
const SCALE_TOLERANCE = 1e-4;

/** The bias counts in units of the input's scale times the weights'; scales that the file does not give are taken to. */
function isBiasScaled(view: PatternView, { before: [input, weight, bias] }: Unit): boolean {
  if (!bias) return true;
  const [a, b, product] = [input!, weight!, bias].map(({ inputs }) => view.tensor(inputs[1])?.values);
  if (!a || !b || !product) return true;
  return b.every((scale, i) => {
    const expected = a[0] * scale;
    return Math.abs((product.length === 1 ? product[0] : product[i]) - expected) <= SCALE_TOLERANCE * expected;
  });
}

function convolution(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const { before, behind } = unit;
  if (!isWhole(unit) || !behind || !hasProductTypes(view, unit) || !isBiasScaled(view, unit)) return undefined;
  if (typeBefore(view, unit, 0) !== typeBehind(view, unit)) return undefined;
  const bias = before[2] ? [before[2].inputs[0]] : [];
  const inputs = [...quantized(before[0]!), ...quantized(before[1]!), ...quantized(behind).slice(1), ...bias];
  return onIntegers(unit, 'QLinearConv', inputs);
}

/** Without QuantizeLinear behind it the output is float; a Relu or Clip there keeps the product as it is. */
function matMul(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const [left, right] = unit.before;
  if (!left || !right || !hasProductTypes(view, unit) || view.onlyReader(op, 'Relu', 'Clip')) return undefined;
  if (unit.behind) {
    if (typeBefore(view, unit, 0) !== typeBehind(view, unit)) return undefined;
    const inputs = [...quantized(left), ...quantized(right), ...quantized(unit.behind).slice(1)];
    return onIntegers(unit, 'QLinearMatMul', inputs);
  }
  if (view.readers(op.outputs[0]).some(({ type }) => QUANTIZE.includes(type))) return undefined;
  const [a, b] = [quantized(left), quantized(right)];
  const inputs = [a[0], b[0], a[1], b[1], a[2], b[2]];
  return onIntegers(unit, 'com.microsoft.MatMulIntegerToFloat', inputs);
}

function gemm(view: PatternView, op: Op): Replacement | undefined {
  const unit = unitOf(view, op);
  const { before, behind } = unit;
  if (!isWhole(unit) || !hasProductTypes(view, unit) || view.onlyReader(op, 'Relu', 'Clip')) return undefined;
  if (
    behind
      ? typeBefore(view, unit, 0) !== typeBehind(view, unit)
      : view.readers(op.outputs[0]).some(({ type }) => QUANTIZE.includes(type))
  )
    return undefined;
  if (before[2] && (op.attributes.beta ?? 1) !== 1) return undefined;
  const bias = before[2]?.inputs[0] ?? '';
  const inputs = [
    ...quantized(before[0]!),
    ...quantized(before[1]!),
    bias,
    ...(behind ? quantized(behind).slice(1) : []),
  ];
  return onIntegers(unit, 'com.microsoft.QGemm', inputs);
}

/** On x86-64 signed activations count from 0 instead of -128, where one DequantizeLinear reads them. */
function unsignedPair(view: PatternView, quantize: Op): Replacement | undefined {
  const dequantize = view.onlyReader(quantize, ...DEQUANTIZE);
  const zeroPoints = [quantize, dequantize].map((op) => view.tensor(op?.inputs[2] ?? ''));
  const [value, other] = zeroPoints.map((tensor) => (tensor?.type === 'int8' ? view.scalar(tensor.name) : undefined));
  if (!dequantize || value === undefined || value !== other) return undefined;
  const zeroPoint: Tensor = {
    name: view.unusedName(`${quantize.outputs[0]}/zero point`),
    type: 'uint8',
    shape: [],
    constant: true,
    values: [value + 128],
  };
  const integers: Tensor = {
    ...view.tensor(quantize.outputs[0])!,
    name: view.unusedName(`${quantize.outputs[0]}/unsigned`),
    type: 'uint8',
  };
  const parameters = [quantize.inputs[1], zeroPoint.name];
  return {
    remove: [quantize, dequantize],
    insert: [
      { ...quantize, inputs: [quantize.inputs[0], ...parameters], outputs: [integers.name] },
      { ...dequantize, inputs: [integers.name, ...parameters] },
    ],
    tensors: [zeroPoint, integers],
  };
}

/** What zero point leaves nothing below zero, by type. */
const LOWEST: Partial<Record<ElementType, number>> = { int8: -128, uint8: 0 };

/** QuantizeLinear clips to zero anyway. */
function reluBeforeQuantize(view: PatternView, relu: Op): Replacement | undefined {
  const quantize = view.onlyReader(relu, ...QUANTIZE);
  const zeroPoint = quantize?.inputs[2];
  if (!zeroPoint || view.scalar(zeroPoint) !== LOWEST[view.tensor(zeroPoint)!.type]) return undefined;
  return { remove: [quantize, relu], insert: [{ ...quantize, inputs: [relu.inputs[0], ...quantize.inputs.slice(1)] }] };
}

/** Quantised again, for one reader, with what it was dequantised by. */
function requantized(view: PatternView, dequantize: Op): Replacement | undefined {
  const quantize = view.onlyReader(dequantize, ...QUANTIZE);
  if (!quantize || !hasSameParameters(view, dequantize, quantize)) return undefined;
  if (view.readers(quantize.outputs[0]).length !== 1 || view.isOutput(quantize.outputs[0])) return undefined;
  return {
    remove: [dequantize, quantize],
    insert: [],
    renamed: [[quantize.outputs[0], dequantize.inputs[0]]],
  };
}

const SELECTORS = 'qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc';

function rule(at: readonly string[], match: PatternRule['match'], reason: string): PatternRule {
  return { at, among: DEQUANTIZE, match, reason, origin: SELECTORS };
}

export const RELU_BEFORE_QUANTIZE: PatternRule = {
  at: ['Relu'],
  among: QUANTIZE,
  match: reluBeforeQuantize,
  reason: 'QuantizeLinear whose zero point is the lowest integer does the Relu before it',
  origin: 'qdq_transformer/relu_quantizelinear.cc',
};

export const UNSIGNED_ACTIVATIONS: PatternRule = {
  at: QUANTIZE,
  match: unsignedPair,
  reason: 'signed activations are made unsigned for x86-64',
  origin: 'qdq_transformer/qdq_s8_to_u8.cc',
};

export const QUANTIZED_UNITS: readonly PatternRule[] = [
  rule(['Split'], split, 'Split works on the integers themselves'),
  rule(
    [
      'MaxPool',
      'ReduceMax',
      'ReduceMin',
      'Resize',
      'Expand',
      'Flatten',
      'Gather',
      'GatherElements',
      'Reshape',
      'Slice',
    ].concat(['Squeeze', 'Tile', 'Transpose', 'Unsqueeze']),
    moved,
    'an op that only moves or compares data works on the integers themselves',
  ),
  rule(['ArgMax'], argMax, 'ArgMax works on the integers themselves'),
  rule(
    ['AveragePool', 'LeakyRelu', 'GlobalAveragePool', 'Sigmoid', 'Softmax', 'Add', 'Mul', 'Concat'],
    elementwise,
    'between DequantizeLinear and QuantizeLinear it is one op on integers',
  ),
  rule(['Where'], where, 'Where between DequantizeLinear and QuantizeLinear is one op on integers'),
  rule(['Conv'], convolution, 'Conv between DequantizeLinear and QuantizeLinear is one QLinearConv'),
  rule(['MatMul'], matMul, 'MatMul of dequantised matrices is one product of integers'),
  rule(['Gemm'], gemm, 'Gemm of dequantised matrices is one QGemm'),
];

export const REQUANTIZED: PatternRule = {
  at: DEQUANTIZE,
  among: QUANTIZE,
  match: requantized,
  reason: 'what is quantised by its own scale and zero point stays as it was',
  origin: 'qdq_transformer/qdq_final_cleanup.cc',
};
