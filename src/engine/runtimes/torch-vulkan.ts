/**
 * PyTorch Mobile 2.0 on Vulkan, after optimize_for_mobile(backend='vulkan'). Kernels are named as the runtime's own shader
 * profiler names them. Checked against the kernels that three phones recorded for 65 networks.
 */
import { type Op, snakeCase } from '../graph';
import { OpReader } from '../shape-reader';
import type { GraphView, RulePack, Selection } from './rule-pack';
import { fromTable, type KernelTable, PADDED_WINDOWS, pad, prepacking, REMOVED } from './torch-mobile';

const SHADERS = 'aten/src/ATen/native/vulkan/ops';

/** Kernels that were recorded; a relu is a clamp without an upper bound. */
const KERNELS: KernelTable = {
  Gemm: 'vulkan.addmm',
  MaxPool: 'vulkan.max_pool2d',
  AveragePool: 'vulkan.avg_pool2d',
  GlobalAveragePool: 'vulkan.mean',
  BatchNormalization: 'vulkan.batchnorm',
  Add: 'vulkan.add',
  Mul: 'vulkan.mul',
  Relu: 'vulkan.clamp',
  Clip: 'vulkan.clamp',
  HardSwish: 'vulkan.hardswish',
  Sigmoid: 'vulkan.sigmoid',
};

/** Kernels that run as well and of which the benchmark lists none: named after PyTorch's operator. */
const UNLISTED: KernelTable = {
  HardSigmoid: 'vulkan.hardsigmoid',
  Concat: 'vulkan.cat',
  Resize: 'vulkan.upsample_nearest2d',
  MatMul: 'vulkan.mm',
  // A texture's channels stand in its depth, so that a change of shape is a copy.
  Reshape: 'vulkan.view',
  Flatten: 'vulkan.view',
  Squeeze: 'vulkan.view',
  Unsqueeze: 'vulkan.view',
};

/** Depthwise windows with a shader that is unrolled for them. */
const UNROLLED_DEPTHWISE: readonly string[] = ['3x3', '5x5'];

/** determine_method in Convolution.cpp: depthwise before pointwise before all others, grouped ones among them. */
function convolution({ graph }: GraphView, op: Op): Selection {
  const [outputs, depth, ...window] = graph.tensors.get(op.inputs[1])!.shape;
  const groups = new OpReader(op, graph.tensors).integer('group', 1);
  const size = window.join('x');
  if (outputs === groups && depth === 1) {
    const unrolled = UNROLLED_DEPTHWISE.includes(size);
    return {
      kind: unrolled ? `vulkan.conv2d_dw_${size}` : 'vulkan.conv2d_dw',
      reason: `depthwise: ${outputs} output channels in ${groups} groups of one input channel; ${
        unrolled
          ? `${size} has a shader of its own`
          : `${size} has no shader of its own (${UNROLLED_DEPTHWISE.join(', ')} have)`
      }`,
    };
  }
  if (window.every((extent) => extent === 1)) {
    return { kind: 'vulkan.conv2d_pw_2x2', reason: 'pointwise: a 1x1 window, 2x2 output pixels a shader invocation' };
  }
  return {
    kind: 'vulkan.conv2d',
    reason: `sliding window: ${size} over ${depth} input channels a group, ${groups} groups`,
    nearMiss:
      groups > 1 && depth === 1
        ? `depthwise needs as many output channels as groups: ${outputs} are not ${groups}`
        : undefined,
  };
}

/** Pad modes with an operator. */
const PADS: KernelTable = { reflect: 'vulkan.reflection_pad2d', edge: 'vulkan.replication_pad2d' };

export const TORCH_VULKAN: RulePack = {
  runtime: 'torch-vulkan',
  version: '2.0',
  vanishing: REMOVED,
  expansions: [],
  ...prepacking(['Conv'], 'vulkan_rewrite.cpp', PADDED_WINDOWS),
  select: (view, op) =>
    op.type === 'Conv'
      ? convolution(view, op)
      : op.type === 'Pad'
        ? pad(view, op, PADS)
        : (fromTable(KERNELS, op, SHADERS) ??
          fromTable(UNLISTED, op, SHADERS) ?? {
            kind: `vulkan.${snakeCase(op.type)}`,
            reason: `one kernel for ${op.type}; no recorded name`,
          }),
};
