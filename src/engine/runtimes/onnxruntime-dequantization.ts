/**
 * How onnxruntime puts QuantizeLinear and DequantizeLinear where a file left them out: around weights and biases of quantised
 * ops, behind and before ops that only move data, one for each reader. Source files are of onnxruntime/core/optimizer/
 * qdq_transformer, release 1.30. Knows nothing of kernels.
 */
import type { ElementType, Op, Tensor } from '../graph';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

export const QUANTIZE: readonly string[] = ['QuantizeLinear', 'com.microsoft.QuantizeLinear'];
export const DEQUANTIZE: readonly string[] = ['DequantizeLinear', 'com.microsoft.DequantizeLinear'];

/** A DequantizeLinear of a constant that the file does not have. */
interface Dequantized {
  readonly op: Op;
  readonly tensors: readonly Tensor[];
}

function dequantized(view: PatternView, owner: Op, tensor: Tensor, type: ElementType): Dequantized {
  const made = (suffix: string, shape: readonly number[], of: ElementType, constant: boolean): Tensor => ({
    name: view.unusedName(`${tensor.name}/${owner.name}/${suffix}`),
    type: of,
    shape,
    constant,
  });
  const integers = made('integers', tensor.shape, type, true);
  const scale = made('scale', [], tensor.type, true);
  const zeroPoint: Tensor = { ...made('zero point', [], type, true), values: [0] };
  const output = made('dequantized', tensor.shape, tensor.type, false);
  return {
    op: {
      name: owner.name,
      type: 'DequantizeLinear',
      inputs: [integers.name, scale.name, zeroPoint.name],
      outputs: [output.name],
      attributes: {},
    },
    tensors: [integers, scale, zeroPoint, output],
  };
}

/** QuantizeLinear alone reads the op, behind any Relu and Clip. */
function leadsToQuantize(view: PatternView, op: Op): boolean {
  const reader = view.onlyReader(op, 'Relu', 'Clip', ...QUANTIZE);
  return reader !== undefined && (QUANTIZE.includes(reader.type) || leadsToQuantize(view, reader));
}

function isNumber(view: PatternView, name: string): boolean {
  const shape = view.tensor(name)?.shape;
  return shape !== undefined && (shape.length === 0 || (shape.length === 1 && shape[0] === 1));
}

/** Scales per channel stand along the axis of the output's channels, as many as the bias has. */
function scalesFit(view: PatternView, op: Op, weight: Op, bias: Tensor): boolean {
  if (isNumber(view, weight.inputs[1])) return true;
  const scales = view.tensor(weight.inputs[1])!.shape;
  const { axis = 1, block_size: block = 0 } = weight.attributes;
  const rank = view.tensor(weight.inputs[0])!.shape.length;
  const expected = op.type === 'Gemm' && op.attributes.transB !== 1 ? 1 : 0;
  return scales.length === 1 && scales[0] === bias.shape[0] && block === 0 && (Number(axis) + rank) % rank === expected;
}

/** Float weights and biases between quantised activations are quantised ahead of time. */
function weightAndBias(view: PatternView, op: Op): Replacement | undefined {
  const before = view.makerOf(op.inputs[0], ...DEQUANTIZE);
  if (!before || !isNumber(view, before.inputs[1]) || !leadsToQuantize(view, op)) return undefined;
  const [weight, bias] = [1, 2].map((input) => (op.inputs[input] ? view.tensor(op.inputs[input]) : undefined));
  const known = view.makerOf(op.inputs[1], ...DEQUANTIZE);
  const isFloat = weight!.constant && weight!.type === 'float32';
  if ((!known && !isFloat) || (bias && (!bias.constant || bias.shape.length !== 1)) || (known && !bias))
    return undefined;
  if (known && !scalesFit(view, op, known, bias!)) return undefined;
  const weights = known ? undefined : dequantized(view, op, weight!, 'int8');
  const biases = bias && dequantized(view, op, bias, 'int32');
  const made = [weights, biases].flatMap((each) => each ?? []);
  const inputs = [op.inputs[0], weights?.op.outputs[0] ?? op.inputs[1], ...(biases ? [biases.op.outputs[0]] : [])];
  return {
    remove: [op],
    insert: [...made.map((each) => each.op), { ...op, inputs }],
    main: made.length,
    tensors: made.flatMap(({ tensors }) => tensors),
  };
}

/** Ops that give the same integers for the same integers. */
const MOVES = ['MaxPool', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Slice'];

/** QuantizeLinear and DequantizeLinear by the parameters of another one, from one tensor to another. */
function pair({ name, type, inputs, attributes }: Op, from: string, to: string, integers: Tensor): Op[] {
  const domain = type.startsWith('com.microsoft.') ? 'com.microsoft.' : '';
  const make = (kind: string, input: string, output: string): Op => ({
    name,
    type: `${domain}${kind}`,
    inputs: [input, ...inputs.slice(1)],
    outputs: [output],
    attributes,
  });
  return [make('QuantizeLinear', from, integers.name), make('DequantizeLinear', integers.name, to)];
}

function alike(view: PatternView, name: string, suffix: string, type?: ElementType): Tensor {
  const { values: _, ...tensor } = view.tensor(name)!;
  return { ...tensor, name: view.unusedName(`${name}/${suffix}`), type: type ?? tensor.type, constant: false };
}

function hasNumbers(view: PatternView, { inputs }: Op): boolean {
  return inputs.slice(1).every((name) => !name || (view.tensor(name)!.constant && isNumber(view, name)));
}

/** What an op moves that was dequantised is quantised again behind it, by the same parameters. */
function behindMove(view: PatternView, move: Op): Replacement | undefined {
  const [output] = move.outputs;
  const before = view.makerOf(move.inputs[0], ...DEQUANTIZE);
  const readers = view.readers(output);
  if (!before || !hasNumbers(view, before) || readers.some(({ type }) => QUANTIZE.includes(type))) return undefined;
  if (view.readers(move.inputs[0]).length !== 1 || view.isOutput(move.inputs[0])) return undefined;
  if (readers.length > 0 === view.isOutput(output)) return undefined;
  const float = alike(view, output, 'float');
  const integers = alike(view, output, 'integers', view.tensor(before.inputs[0])!.type);
  const ops = pair(before, float.name, output, integers);
  return { remove: [move], insert: [{ ...move, outputs: [float.name] }, ...ops], tensors: [float, integers] };
}

/** What is quantised behind an op that moves it is quantised before it, too. */
function beforeMove(view: PatternView, move: Op): Replacement | undefined {
  const behind = view.onlyReader(move, ...QUANTIZE);
  const [input] = move.inputs;
  if (!behind || !hasNumbers(view, behind) || view.makerOf(input, ...DEQUANTIZE)) return undefined;
  if (view.maker(input) && (view.readers(input).length !== 1 || view.isOutput(input))) return undefined;
  const float = alike(view, input, 'float');
  const integers = alike(view, input, 'integers', view.tensor(behind.outputs[0])!.type);
  const ops = pair(behind, input, float.name, integers);
  const inputs = [float.name, ...move.inputs.slice(1)];
  return { remove: [move], insert: [...ops, { ...move, inputs }], main: 2, tensors: [float, integers] };
}

/** Every reader has a DequantizeLinear of its own. */
function onePerReader(view: PatternView, dequantize: Op): Replacement | undefined {
  const [output] = dequantize.outputs;
  const readers = view.readers(output);
  const spare = view.isOutput(output) ? readers : readers.slice(1);
  if (spare.length === 0) return undefined;
  const [reader] = spare;
  // An op that reads the tensor twice is listed twice: its first use stays as it is, unless the tensor is an output.
  const isSecond = readers.filter((each) => each === reader).length > 1 && !view.isOutput(output);
  const at = isSecond ? reader.inputs.lastIndexOf(output) : reader.inputs.indexOf(output);
  const copy: Tensor = { ...view.tensor(output)!, name: view.unusedName(`${output}/copy`) };
  const inputs = reader.inputs.map((name, i) => (i === at ? copy.name : name));
  return {
    remove: [reader],
    insert: [
      { ...dequantize, outputs: [copy.name] },
      { ...reader, inputs },
    ],
    main: 1,
    tensors: [copy],
  };
}

/** At the first level. */
export const QUANTIZED_WEIGHTS: PatternRule = {
  at: ['Conv', 'ConvTranspose', 'Gemm'],
  among: DEQUANTIZE,
  match: weightAndBias,
  reason: 'float weights between quantised activations are quantised ahead of time',
  origin: 'qdq_transformer/weight_bias_quantization.cc',
};

export const PROPAGATION: readonly PatternRule[] = [behindMove, beforeMove].map((match) => ({
  at: MOVES,
  among: [...QUANTIZE, ...DEQUANTIZE],
  match,
  reason: 'an op that only moves data stands between QuantizeLinear and DequantizeLinear',
  origin: 'qdq_transformer/qdq_propagation.cc',
}));

export const UNIQUE_DEQUANTIZATION: PatternRule = {
  at: DEQUANTIZE,
  match: onePerReader,
  reason: 'every reader has a DequantizeLinear of its own',
  origin: 'qdq_transformer/ensure_unique_dq_for_node_unit.cc',
};
