/**
 * Shape rules of quantised ops: ONNX's own, and onnxruntime's (domain com.microsoft, docs/ContribOperators.md), whose
 * tensors come with a scale and a zero point each.
 */
import type { ElementType } from './graph';
import { sameAsFirst } from './shape-elementwise';
import { broadcast, type OpReader, type ShapeRule } from './shape-reader';
import { convolutionShape, gemmShape, poolShape, productShape } from './shape-rules';

const quantize: ShapeRule = (op) => {
  const type = op.optionalInput(2)?.type ?? (op.text('output_dtype', 'uint8') as ElementType);
  return [{ type, shape: op.shape(0) }];
};

const dequantize: ShapeRule = (op) => {
  const type = op.text('output_dtype', op.input(1).type) as ElementType;
  return [{ type, shape: op.shape(0) }];
};

const dynamicQuantize: ShapeRule = (op) => [
  { type: 'uint8', shape: op.shape(0) },
  { type: 'float32', shape: [] },
  { type: 'uint8', shape: [] },
];

/** Tensor, scale and zero point of both sides, then scale and zero point of the output, which has that one's type. */
function product(type: (op: OpReader) => ElementType, rightAt: number): ShapeRule {
  return (op) => [{ type: type(op), shape: productShape(op, op.shape(0), op.shape(rightAt)) }];
}

function convolution(type: (op: OpReader) => ElementType, weightAt: number): ShapeRule {
  return (op) => [{ type: type(op), shape: convolutionShape(op, weightAt) }];
}

const outputZeroPoint = (op: OpReader): ElementType => op.input(7).type;
const int32 = (): ElementType => 'int32';
const firstType = (op: OpReader): ElementType => op.input(0).type;

const qGemm: ShapeRule = (op) => [{ type: op.optionalInput(8)?.type ?? 'float32', shape: gemmShape(op, 3) }];

/** Elementwise over tensors that stand every third input, from `first` on. */
function everyThird(first: number, count: number): ShapeRule {
  return (op) => {
    const inputs = Array.from({ length: count }, (_, i) => op.input(first + 3 * i));
    const shape = inputs.map((input) => input.shape).reduce((a, b) => broadcast(a, b, op));
    return [{ type: inputs[0].type, shape }];
  };
}

const qLinearWhere: ShapeRule = (op) => {
  const [{ type, shape }] = everyThird(1, 2)(op);
  return [{ type, shape: broadcast(op.shape(0), shape, op) }];
};

/** Scale and zero point of the output, then every part with its own. */
const qLinearConcat: ShapeRule = (op) => {
  const parts = Array.from({ length: Math.floor((op.inputCount - 2) / 3) }, (_, i) => op.input(2 + 3 * i));
  if (parts.length === 0) throw op.invalid('there is nothing to join');
  const [{ type, shape: first }] = parts;
  const axis = op.axis(op.integer('axis', 0), first.length);
  for (const { name, shape } of parts) {
    if (shape.length !== first.length || shape.some((size, i) => i !== axis && size !== first[i]))
      throw op.invalid(`tensor ${name} of shape [${shape}] cannot be joined to [${first}] on axis ${axis}`);
  }
  const joined = parts.reduce((sum, { shape }) => sum + shape[axis], 0);
  return [{ type, shape: first.map((size, i) => (i === axis ? joined : size)) }];
};

/** The rule of an image in NCHW, whatever the layout of the op's own. */
function pooled(shapeOf: (op: OpReader, image: readonly number[]) => number[]): ShapeRule {
  return (op) => {
    const { type, shape } = op.input(0);
    if (op.integer('channels_last', 0) === 0) return [{ type, shape: shapeOf(op, shape) }];
    const [batch, channels, ...spatial] = shapeOf(op, [shape[0], shape[shape.length - 1], ...shape.slice(1, -1)]);
    return [{ type, shape: [batch, ...spatial, channels] }];
  };
}

const globalPooled = pooled((_, image) => image.map((size, i) => (i < 2 ? size : 1)));

export const QUANTIZED_RULES: Readonly<Record<string, ShapeRule>> = {
  QuantizeLinear: quantize,
  'com.microsoft.QuantizeLinear': quantize,
  DequantizeLinear: dequantize,
  'com.microsoft.DequantizeLinear': dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  QLinearConv: convolution(outputZeroPoint, 3),
  ConvInteger: convolution(int32, 1),
  QLinearMatMul: product(outputZeroPoint, 3),
  MatMulInteger: product(int32, 1),
  'com.microsoft.MatMulIntegerToFloat': product((op) => op.input(2).type, 1),
  'com.microsoft.DynamicQuantizeMatMul': product(firstType, 1),
  'com.microsoft.QGemm': qGemm,
  'com.microsoft.QLinearAdd': everyThird(0, 2),
  'com.microsoft.QLinearMul': everyThird(0, 2),
  'com.microsoft.QLinearWhere': qLinearWhere,
  'com.microsoft.QLinearConcat': qLinearConcat,
  'com.microsoft.QLinearAveragePool': pooled(poolShape),
  'com.microsoft.QLinearGlobalAveragePool': globalPooled,
  ...Object.fromEntries(
    ['LeakyRelu', 'Sigmoid', 'Softmax'].map((name) => [`com.microsoft.QLinear${name}`, sameAsFirst]),
  ),
};
