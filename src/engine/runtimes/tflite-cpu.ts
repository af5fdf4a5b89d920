/**
 * TensorFlow Lite 2.10 on the CPU: one kernel an op, with its activation inside. The converter fuses an activation into the
 * op before it; a network that does not come from a TFLite file is planned as the converter would make it.
 */
import { RENAMING } from './plain';
import type { FusionRule, RulePack } from './rule-pack';
import { byChannelConstant, othersAreConstant } from './window-rules';

/** Ops whose TFLite options have a fused activation (lite/schema/schema.fbs). */
const WITH_ACTIVATION = ['Conv', 'Gemm', 'Add', 'Sub', 'Mul', 'Div', 'MaxPool', 'AveragePool', 'Concat'];

/** Activations that can be fused: NONE, RELU, RELU_N1_TO_1, RELU6 (ActivationFunctionType in schema.fbs). */
const ACTIVATIONS = ['Relu', 'Clip'];

const CONVERTER = 'tensorflow/compiler/mlir/lite/transforms/optimize_patterns.td';

export const TFLITE_CPU: RulePack = {
  runtime: 'tflite-cpu',
  version: '2.10',
  vanishing: RENAMING,
  prologues: [],
  expansions: [],
  fusions: [
    ...['Conv', 'Gemm'].flatMap((first) => [
      ...['Mul', 'Add'].map(
        (next): FusionRule => ({
          first,
          next,
          into: 'weights',
          when: byChannelConstant,
          reason: `${next} by constants is folded into the weights by the converter`,
          origin: CONVERTER,
        }),
      ),
      {
        first,
        next: 'BatchNormalization',
        into: 'weights',
        when: othersAreConstant,
        reason: 'BatchNormalization is folded into the weights by the converter',
        origin: CONVERTER,
      } satisfies FusionRule,
    ]),
    ...WITH_ACTIVATION.flatMap((first) =>
      ACTIVATIONS.map(
        (next): FusionRule => ({
          first,
          next,
          into: 'epilogue',
          when: othersAreConstant,
          reason: `${next} is the op's own activation`,
          origin: CONVERTER,
        }),
      ),
    ),
  ],
};
