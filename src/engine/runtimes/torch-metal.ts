/**
 * PyTorch Mobile 2.0 on Metal, after optimize_for_mobile(backend='metal'). Kernels are named as the benchmark recorded
 * them on an iPhone XS; where it recorded none (relu and the other activations, batch normalisation, concat, ...) the
 * kernel goes by PyTorch's operator. Metal tells neither convolutions nor elementwise arithmetic apart: features do.
 */
import { type Op, snakeCase } from '../graph';
import { OpReader } from '../shape-reader';
import { spatialPadding } from '../shape-rules';
import type { GraphView, RulePack, Selection } from './rule-pack';
import { fromTable, type KernelTable, PADDED_WINDOWS, pad, prepacking, REMOVED } from './torch-mobile';
import { imageOf } from './window-rules';

const OPERATORS = 'aten/src/ATen/native/metal/ops';

const KERNELS: KernelTable = {
  Conv: 'metal.prepack_conv2d',
  Gemm: 'metal.linear',
  MaxPool: 'metal.max_pool2d',
  GlobalAveragePool: 'metal.adaptive_avg_pool2d',
  Add: 'metal.elementwise_mpscnn',
  Sub: 'metal.elementwise_mpscnn',
  Mul: 'metal.elementwise_mpscnn',
  Div: 'metal.elementwise_mpscnn',
};

/** PyTorch's operators by op type, where it does not only write the type in another way. */
const UNRECORDED: KernelTable = {
  Relu: 'aten::relu',
  Clip: 'aten::clamp',
  HardSwish: 'aten::hardswish',
  HardSigmoid: 'aten::hardsigmoid',
  BatchNormalization: 'aten::batch_norm',
  Concat: 'aten::cat',
  Resize: 'aten::upsample_nearest2d',
  Reshape: 'aten::view',
  Flatten: 'aten::view',
  Squeeze: 'aten::view',
  Unsqueeze: 'aten::view',
};

/** An average over the whole image is recorded as the adaptive pool, any other as the max pool's wrapper of MPSCNNPooling. */
function averagePool(view: GraphView, op: Op): Selection {
  const reader = new OpReader(op, view.graph.tensors);
  const window = reader.integers('kernel_shape')!;
  const { height, width } = imageOf(view, op.inputs[0]);
  const padded = spatialPadding(reader, window).some((size) => size > 0);
  const sizes = `the window ${window.join('x')} of the ${height}x${width} image`;
  return !padded && window[0] === height && window[1] === width
    ? { kind: 'metal.adaptive_avg_pool2d', reason: `average over all: ${sizes}` }
    : { kind: 'metal.max_pool2d', reason: `average in a sliding window: ${sizes}${padded ? ', padded' : ''}` };
}

/** Pad modes with an operator. */
const PADS: KernelTable = { reflect: 'aten::reflection_pad2d' };

export const TORCH_METAL: RulePack = {
  runtime: 'torch-metal',
  version: '2.0',
  vanishing: REMOVED,
  expansions: [],
  ...prepacking(['Conv', 'Gemm'], 'metal_rewrite.cpp', PADDED_WINDOWS),
  select: (view, op) =>
    op.type === 'AveragePool'
      ? averagePool(view, op)
      : op.type === 'Pad'
        ? pad(view, op, PADS)
        : (fromTable(KERNELS, op, OPERATORS) ??
          fromTable(UNRECORDED, op, OPERATORS) ?? {
            kind: `aten::${snakeCase(op.type)}`,
            reason: `one kernel for ${op.type}; no recorded name`,
          }),
};
