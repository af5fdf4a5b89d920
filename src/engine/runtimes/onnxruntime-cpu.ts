/**
 * ONNX Runtime on its CPU execution provider at graph optimisation level 'extended'. Checked against the optimised models
 * that onnxruntime 1.30 itself writes. Source files are of onnxruntime/core/optimizer in that release.
 */
import { type Op, snakeCase } from '../graph';
import { elementCount } from '../shape-reader';
import { transformGraph } from './onnxruntime-transformations';
import type { Cleaning, FusionRule, GraphView, RulePack, VanishingRule } from './rule-pack';
import { mergePadding, othersAreConstant } from './window-rules';

function tensorOf({ graph }: GraphView, name: string) {
  return graph.tensors.get(name);
}

/** Consumer adds or multiplies, from the right, by one constant per output channel. */
function perChannelConstant(view: GraphView, producer: Op, consumer: Op): boolean {
  const [left, right] = consumer.inputs;
  const tensor = tensorOf(view, right);
  if (left !== producer.outputs[0] || !tensor?.constant) return false;
  const output = tensorOf(view, producer.outputs[0])!.shape;
  const count = elementCount(tensor.shape);
  return count === output[1] && tensor.shape[tensor.shape.length - output.length + 1] === output[1];
}

/** As above, or by a scalar of rank 0. */
function channelOrScalarFactor(view: GraphView, producer: Op, consumer: Op): boolean {
  const factor = tensorOf(view, consumer.inputs[1]);
  return (factor?.constant && factor.shape.length === 0) || perChannelConstant(view, producer, consumer);
}

/**
 * An op can go if nobody misses its output: the output of the graph keeps its name only if the op before can make it
 * (graph_utils.cc, CanRemoveNode).
 */
function isRemovable(view: GraphView, op: Op): boolean {
  const [output, ...others] = op.outputs;
  if (others.some((name) => view.readers(name).length > 0 || view.isOutput(name))) return false;
  if (!view.isOutput(output)) return true;
  const source = op.inputs.find((name) => name && !tensorOf(view, name)!.constant)!;
  return view.maker(source) !== undefined && !view.isOutput(source) && view.readers(source).length === 1;
}

/** One input is the neutral element, a constant of one value, and does not widen the other. */
function isNeutral(element: number, sides: readonly number[]): VanishingRule['when'] {
  return (view, op) => {
    const side = sides.find((input) => {
      const tensor = tensorOf(view, op.inputs[input]);
      const other = tensorOf(view, op.inputs[1 - input])!;
      return tensor?.values?.length === 1 && tensor.values[0] === element && tensor.shape.length <= other.shape.length;
    });
    return side !== undefined && isRemovable(view, op);
  };
}

function keepsShape(view: GraphView, op: Op): boolean {
  const [from, to] = [tensorOf(view, op.inputs[0])!, tensorOf(view, op.outputs[0])!];
  return from.type === to.type && String(from.shape) === String(to.shape) && isRemovable(view, op);
}

/** The only reader is a Clip with known bounds, which takes over the lower bound 0. */
function isClipped(view: GraphView, op: Op): boolean {
  const readers = view.readers(op.outputs[0]);
  return (
    readers.length === 1 &&
    readers[0].type === 'Clip' &&
    readers[0].inputs.slice(1).every((name) => !name || tensorOf(view, name)?.values) &&
    isRemovable(view, op)
  );
}

/** 1 / x, once. */
function isReciprocal(view: GraphView, producer: Op, _consumer: Op, first: Op): boolean {
  const one = tensorOf(view, producer.inputs[0]);
  return producer === first && one?.values?.length === 1 && one.values[0] === 1;
}

function foldsIntoConv(next: string, origin: string, when: FusionRule['when']): FusionRule {
  return {
    first: 'Conv',
    next,
    into: 'weights',
    when,
    reason: `${next} by constants is folded into the weights`,
    origin,
  };
}

/** conv_activation_fusion.cc: activations that FusedConv computes on its output. */
const CONV_ACTIVATIONS = ['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'Clip', 'HardSigmoid'];

/** gemm_activation_fusion.cc: activations that FusedGemm computes on its output. */
const GEMM_ACTIVATIONS = [
  'Relu',
  'Sigmoid',
  'Tanh',
  'LeakyRelu',
  'HardSigmoid',
  'Elu',
  'Selu',
  'Softplus',
  'Softsign',
  'ThresholdedRelu',
];

/** Ops that change nothing by a number, and the inputs where it may stand. */
const NEUTRAL_ELEMENTS: readonly (readonly [type: string, element: number, sides: readonly number[]])[] = [
  ['Add', 0, [0, 1]],
  ['Sub', 0, [1]],
  ['Mul', 1, [0, 1]],
  ['Div', 1, [1]],
];

/** What the first level does to ops one by one, as often as patterns are replaced. */
const CLEANING: Cleaning = {
  vanishing: [
    {
      type: 'Identity',
      when: isRemovable,
      reason: 'Identity only renames its input',
      origin: 'identity_elimination.cc',
    },
    {
      type: 'Dropout',
      when: isRemovable,
      reason: 'Dropout does nothing in inference',
      origin: 'dropout_elimination.cc',
    },
    ...NEUTRAL_ELEMENTS.map(
      ([type, element, sides]): VanishingRule => ({
        type,
        when: isNeutral(element, sides),
        reason: `${type} by ${element} does nothing`,
        origin: 'noop_elimination.cc',
      }),
    ),
    { type: 'Expand', when: keepsShape, reason: 'Expand to the same shape', origin: 'expand_elimination.cc' },
    { type: 'Cast', when: keepsShape, reason: 'Cast to the same type', origin: 'cast_elimination.cc' },
    {
      type: 'Relu',
      when: isClipped,
      reason: 'the Clip behind takes over the lower bound',
      origin: 'relu_clip_fusion.cc',
    },
  ],
  prologues: [
    ...['Conv', 'MaxPool', 'AveragePool'].map((into) => ({
      first: 'Pad',
      into,
      merge: mergePadding,
      reason: `Pad with zeros is done by ${into} itself`,
      origin: 'pad_fusion.cc',
    })),
  ],
  sharing: { origin: 'common_subexpression_elimination.cc' },
};

/** Names a kernel of one of onnxruntime's own operators as its profile does: without the domain, a product as plain ones. */
const selectOwn: RulePack['select'] = (_view, { type }) => {
  if (!type.startsWith('com.microsoft.')) return undefined;
  const own = /^com\.microsoft\.(\w+)$/.exec(type)?.[1];
  if (!own || own === 'FusedConv' || own === 'FusedGemm') return undefined;
  return { kind: snakeCase(own === 'FusedMatMul' ? 'MatMul' : own), reason: `one kernel for ${own}` };
};

export const ONNXRUNTIME_CPU: RulePack = {
  runtime: 'onnxruntime-cpu',
  version: '1.30',
  vanishing: CLEANING.vanishing,
  prologues: CLEANING.prologues,
  select: selectOwn,
  rewrite: (graph) => transformGraph(graph, CLEANING),
  expansions: [
    {
      type: 'HardSwish',
      into: ['HardSigmoid', 'Mul'],
      reason: 'HardSwish has no CPU kernel and is replaced by its function body',
      origin: 'onnx/defs/nn/defs.cc, HardSwish function body',
    },
  ],
  fusions: [
    foldsIntoConv('BatchNormalization', 'conv_bn_fusion.cc', othersAreConstant),
    foldsIntoConv('Mul', 'conv_mul_fusion.cc', channelOrScalarFactor),
    foldsIntoConv('Add', 'conv_add_fusion.cc', perChannelConstant),
    ...CONV_ACTIVATIONS.map(
      (next): FusionRule => ({
        first: 'Conv',
        next,
        into: 'epilogue',
        when: othersAreConstant,
        reason: `${next} is computed by FusedConv`,
        origin: 'conv_activation_fusion.cc',
      }),
    ),
    {
      first: 'MatMul',
      next: 'BatchNormalization',
      into: { type: 'Gemm' },
      when: othersAreConstant,
      reason: 'BatchNormalization by constants is folded into the weights of a Gemm',
      origin: 'matmul_bn_fusion.cc',
    },
    {
      first: 'Div',
      next: 'Mul',
      into: { type: 'Div' },
      when: isReciprocal,
      reason: '1 / x * y is one Div',
      origin: 'div_mul_fusion.cc',
    },
    ...GEMM_ACTIVATIONS.map(
      (next): FusionRule => ({
        first: 'Gemm',
        next,
        into: 'epilogue',
        reason: `${next} is computed by FusedGemm`,
        origin: 'gemm_activation_fusion.cc',
      }),
    ),
  ],
};
