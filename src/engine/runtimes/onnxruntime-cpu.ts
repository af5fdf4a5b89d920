/**
 * ONNX Runtime on its CPU execution provider at graph optimisation level 'extended'. Checked against the optimised models
 * that onnxruntime 1.30 itself writes. Source files are of onnxruntime/core/optimizer in that release.
 */
import type { Graph, Op } from '../graph';
import { elementCount } from '../shape-reader';
import type { FusionRule, RulePack } from './rule-pack';

/** Every input of the consumer but its first is a constant. */
function othersAreConstant(graph: Graph, _producer: Op, consumer: Op): boolean {
  return consumer.inputs.slice(1).every((name) => !name || graph.tensors.get(name)?.constant === true);
}

/** Consumer adds or multiplies by one constant per output channel, or one for all. */
function perChannelConstant(graph: Graph, producer: Op, consumer: Op): boolean {
  const other = consumer.inputs.find((name) => name !== producer.outputs[0]);
  const tensor = other === undefined ? undefined : graph.tensors.get(other);
  if (!tensor?.constant) return false;
  const output = graph.tensors.get(producer.outputs[0])!.shape;
  const count = elementCount(tensor.shape);
  if (count === 1) return false;
  return count === output[1] && tensor.shape[tensor.shape.length - output.length + 1] === output[1];
}

function foldsIntoConv(then: string, origin: string, when: FusionRule['when']): FusionRule {
  return {
    first: 'Conv',
    then,
    into: 'weights',
    when,
    reason: `${then} by constants is folded into the weights`,
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

export const ONNXRUNTIME_CPU: RulePack = {
  runtime: 'onnxruntime-cpu',
  version: '1.30',
  vanishing: [
    { type: 'Identity', reason: 'Identity only renames its input', origin: 'identity_elimination.cc' },
    { type: 'Dropout', reason: 'Dropout does nothing in inference', origin: 'dropout_elimination.cc' },
  ],
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
    foldsIntoConv('Mul', 'conv_mul_fusion.cc', perChannelConstant),
    foldsIntoConv('Add', 'conv_add_fusion.cc', perChannelConstant),
    ...CONV_ACTIVATIONS.map(
      (then): FusionRule => ({
        first: 'Conv',
        then,
        into: 'epilogue',
        when: othersAreConstant,
        reason: `${then} is computed by FusedConv`,
        origin: 'conv_activation_fusion.cc',
      }),
    ),
    ...GEMM_ACTIVATIONS.map(
      (then): FusionRule => ({
        first: 'Gemm',
        then,
        into: 'epilogue',
        reason: `${then} is computed by FusedGemm`,
        origin: 'gemm_activation_fusion.cc',
      }),
    ),
  ],
};
