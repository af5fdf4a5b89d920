/**
 * The GPU delegate of TensorFlow Lite 2.10. Source files are of tensorflow/lite/delegates/gpu in that release. Checked
 * against the kernels that mobile-ml-benchmark recorded on six phones (test/engine/runtimes-tflite.test.ts).
 */
import type { Op } from '../graph';
import { RENAMING } from './plain';
import type { FusionRule, GraphView, RulePack } from './rule-pack';
import { convolution, ELEMENTWISE, type GpuFamily, JOINED, select } from './tflite-gpu-selection';
import { byChannelConstant, mergePadding, othersAreConstant } from './window-rules';

/** By GPU name; the first that fits. */
const FAMILIES: readonly (GpuFamily & { readonly pattern: RegExp })[] = [
  {
    pattern: /^adreno-6\d\d/,
    name: 'Adreno 6xx',
    winograd: { inputSlices: 32, outputSlices: 32, tiles: 128 },
    joinsPointwise: false,
  },
  {
    pattern: /^adreno-/,
    name: 'Adreno',
    winograd: { inputSlices: 32, outputSlices: 32, tiles: 64 },
    joinsPointwise: false,
  },
  { pattern: /^amd-/, name: 'AMD', winograd: { inputSlices: 16, outputSlices: 8, tiles: 32 }, joinsPointwise: false },
  {
    pattern: /^mali-/,
    name: 'Mali',
    winograd: { inputSlices: 16, outputSlices: 16, tiles: 32 },
    joinsPointwise: false,
  },
  {
    pattern: /^powervr-/,
    name: 'PowerVR',
    winograd: { inputSlices: 16, outputSlices: 16, tiles: 32 },
    joinsPointwise: false,
  },
  {
    pattern: /^apple-/,
    name: 'Apple',
    winograd: { inputSlices: 16, outputSlices: 16, tiles: 32 },
    joinsPointwise: true,
  },
  {
    pattern: /./,
    name: 'other GPUs',
    winograd: { inputSlices: 16, outputSlices: 16, tiles: 32 },
    joinsPointwise: false,
  },
];

/** The rule pack for one GPU. @param gpu for example `adreno-640` */
export function tfliteGpu(gpu: string): RulePack {
  const family = FAMILIES.find(({ pattern }) => pattern.test(gpu))!;
  return {
    runtime: 'tflite-gpu',
    version: '2.10',
    vanishing: [
      ...RENAMING.filter(({ type }) => type !== 'Reshape'),
      {
        type: 'Reshape',
        when: keepsShape,
        reason: 'Reshape to the same shape',
        origin: 'common/transformations/remove_noop.cc',
      },
      ...['Concat', 'Add'].map((type) => ({
        type,
        when: (_view: GraphView, op: Op) => op.inputs.length === 1,
        reason: `${type} of one input does nothing`,
        origin: 'common/transformations/remove_noop.cc',
      })),
    ],
    prologues: ['Conv', 'MaxPool', 'AveragePool'].map((into) => ({
      first: 'Pad',
      into,
      merge: mergePadding,
      reason: `Pad with zeros is done by ${into} itself`,
      origin: 'common/transformations/merge_padding_with.cc',
    })),
    expansions: [],
    fusions: [...intoWeights(), ...(family.joinsPointwise ? JOINS : [])],
    chain: {
      names: ELEMENTWISE,
      symmetric: ['Add', 'Mul'],
      origin: 'common/gpu_model.cc, MergeNodes and MergeElementwiseNodes',
    },
    select: (view, op) => select(view, op, family),
  };
}

function keepsShape({ graph }: GraphView, op: Op): boolean {
  return String(graph.tensors.get(op.inputs[0])!.shape) === String(graph.tensors.get(op.outputs[0])!.shape);
}

/** common/transformations/fuse_mul_to_conv.cc and fuse_add_to_conv.cc; the converter does the same to normalisation. */
function intoWeights(): FusionRule[] {
  const origin = 'common/transformations/fuse_mul_to_conv.cc, fuse_add_to_conv.cc';
  return ['Conv', 'Gemm'].flatMap((first) => [
    ...['Mul', 'Add'].map(
      (next): FusionRule => ({
        first,
        next,
        into: 'weights',
        when: byChannelConstant,
        reason: `${next} by constants is folded into the weights`,
        origin,
      }),
    ),
    {
      first,
      next: 'BatchNormalization',
      into: 'weights',
      when: othersAreConstant,
      reason: 'BatchNormalization is folded into the weights by the converter',
      origin: 'tensorflow/compiler/mlir/lite/transforms/optimize_patterns.td',
    },
  ]);
}

/** The same before its pointwise convolution is reached: an activation stands between. */
const JOINING = 'DepthwiseConvActivation';

const JOIN_ORIGIN = 'common/tasks/special/depthwise_conv_plus_1x1_conv.cc, IsDepthwiseConvPlus1x1ConvSupported';

const JOINS: readonly FusionRule[] = [
  {
    first: 'Conv',
    next: 'Conv',
    into: { type: JOINED },
    when: canJoin,
    reason: 'the pointwise convolution behind is small enough to be done by the same kernel',
    origin: JOIN_ORIGIN,
  },
  ...['Relu', 'Clip'].map(
    (next): FusionRule => ({
      first: 'Conv',
      next,
      into: { type: JOINING },
      when: (view, depthwise, relu) => {
        const [reader, ...others] = view.readers(relu.outputs[0]);
        return (
          reader?.type === 'Conv' &&
          others.length === 0 &&
          !view.isOutput(relu.outputs[0]) &&
          canJoin(view, depthwise, reader)
        );
      },
      reason: 'the activation between is done on the way',
      origin: JOIN_ORIGIN,
    }),
  ),
  {
    first: JOINING,
    next: 'Conv',
    into: { type: JOINED },
    reason: 'the pointwise convolution behind is done by the same kernel',
    origin: JOIN_ORIGIN,
  },
];

/** 16-bit on Apple: d <= 16 depthwise channels, d * kh * kw <= 144, co <= 16, ci * co <= 256. */
function canJoin(view: GraphView, depthwise: Op, pointwise: Op): boolean {
  const first = convolution(view, depthwise);
  const second = convolution(view, pointwise);
  if (!first.isDepthwise || first.multiplier !== 1 || second.groups !== 1 || !second.isPointwise || second.padded)
    return false;
  const channels = first.outputChannels;
  return (
    channels <= 16 &&
    channels * first.kernel[0] * first.kernel[1] <= 144 &&
    second.outputChannels <= 16 &&
    second.inputChannels * second.outputChannels <= 256
  );
}
