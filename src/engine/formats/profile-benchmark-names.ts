/** What the names of kernels in mobile-ml-benchmark's per-kernel files say. */

/** What the name of a kernel says. `kernel` is empty where the name is only a kind. */
export interface NamedKernel {
  readonly kernel: string;
  readonly kind: string;
  readonly fused: readonly string[];
}

const NODE_NUMBERS = /(_\d+)+$/;
const LINKED = '_linked_:_';
const TFLITE_KERNEL = /^[a-z][a-z0-9_]*?(_\d+)+(_linked_:_[a-z][a-z_]*_\d+)*$/;

/** Kind of the kernel that does a depthwise convolution and the pointwise one behind it. */
export const DEPTHWISE_POINTWISE = 'depthwise_conv_plus_1x1_conv';

/**
 * Takes a TFLite kernel's name apart: `convolution_2d_12_linked_:_relu_13` is kind `convolution_2d`, fused `relu`; the
 * numbers at the ends are nodes of the graph (three after a depthwise with its pointwise, if a relu stands between).
 */
export function tfliteKernel(name: string): NamedKernel | undefined {
  if (!TFLITE_KERNEL.test(name)) return undefined;
  const [first, ...linked] = name.split(LINKED);
  return {
    kernel: name,
    kind: first!.replace(NODE_NUMBERS, ''),
    fused: linked.map((op) => op.replace(NODE_NUMBERS, '')),
  };
}

/**
 * What torch calls a kernel (`vulkan.conv2d_pw_2x2`, `metal.prepack_conv2d`) names a kind, not one kernel of a network,
 * so the kernel itself has no name here. The kind is kept as the runtime spells it: each is decided by what a graph says
 * as well (op, groups, kernel size), and what Metal does not tell apart (all convolutions are one kind there), features
 * do. Where no name was recorded, the operation is the kind. What was fused is not recorded.
 */
export function torchKernel(name: string, operation: string): NamedKernel {
  return { kernel: '', kind: name === '' ? operation : name, fused: [] };
}
