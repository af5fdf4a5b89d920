/**
 * What PyTorch Mobile 2.0's optimisers for CPU, Vulkan and Metal have in common (torch/csrc/jit/passes: xnnpack_rewrite.cpp,
 * vulkan_rewrite.cpp, metal_rewrite.cpp): batch normalisations are folded, convolutions and linear layers are prepacked,
 * clamps behind them go into their output bounds. Everything else runs as it does eagerly, one kernel an op.
 */
import type { Op } from '../graph';
import { OpReader } from '../shape-reader';
import type { FusionRule, GraphView, PrologueRule, RulePack, Selection, VanishingRule } from './rule-pack';
import { clipBounds, restoreBatchNormalizations, WRITTEN_OUT_ACTIVATIONS } from './torch-exporter';
import { mergePadding, othersAreConstant } from './window-rules';

/** Ops that are not there in inference. */
export const REMOVED: readonly VanishingRule[] = [
  { type: 'Identity', reason: 'Identity only renames its input', origin: 'no operator of PyTorch' },
  { type: 'Dropout', reason: 'Dropout does nothing in inference', origin: 'remove_dropout.cpp' },
];

/**
 * Bounds of nn.ReLU6 and nn.Hardtanh, which run aten::hardtanh. A Clip to other bounds is taken for torch.clamp, which the
 * prepacking patterns do not name; the file tells them apart by nothing else.
 */
const HARDTANH_BOUNDS = ['0,6', '-1,1'];

function isHardtanh(view: GraphView, _producer: Op, clip: Op): boolean {
  return HARDTANH_BOUNDS.includes(String(clipBounds(view, clip)));
}

/** A normalisation of the file; one that was restored goes by the name of the convolution that it stays apart from. */
function isFolded(view: GraphView, conv: Op, norm: Op): boolean {
  return norm.name !== conv.name && othersAreConstant(view, conv, norm);
}

/** Adds one constant per column behind a product with constant weights, from either side. */
function addsBias({ graph }: GraphView, product: Op, add: Op): boolean {
  const columns = graph.tensors.get(product.inputs[1]);
  const bias = graph.tensors.get(add.inputs.find((name) => name !== product.outputs[0]) ?? '');
  if (!columns?.constant || columns.shape.length !== 2 || !bias?.constant) return false;
  return bias.shape.length === 1 && bias.shape[0] === columns.shape[1];
}

/**
 * Rules of the three optimisers.
 *
 * @param clamped ops whose prepacked form has output bounds that a clamp is fused into
 * @param origin the file of the pass
 * @param prologues rules of the processor's own, before the common ones
 */
export function prepacking(
  clamped: readonly string[],
  origin: string,
  prologues: readonly PrologueRule[] = [],
): Pick<RulePack, 'prologues' | 'fusions' | 'restore'> {
  const fusions: FusionRule[] = [
    {
      first: 'Conv',
      next: 'BatchNormalization',
      into: 'weights',
      when: isFolded,
      reason: 'BatchNormalization is folded into the weights',
      origin: 'fold_conv_bn.cpp',
    },
    {
      first: 'MatMul',
      next: 'Add',
      into: { type: 'Gemm' },
      when: addsBias,
      reason: 'a product with constant weights and its bias are one linear layer',
      origin: 'fuse_linear.cpp',
    },
    ...clamped.flatMap((first): FusionRule[] => [
      { first, next: 'Relu', into: 'epilogue', reason: 'Relu is its output bound 0', origin },
      {
        first,
        next: 'Clip',
        into: 'epilogue',
        when: isHardtanh,
        reason: 'Clip to the bounds of ReLU6 or Hardtanh is its output bounds',
        origin,
      },
    ]),
  ];
  return { prologues: [...prologues, ...WRITTEN_OUT_ACTIVATIONS], fusions, restore: restoreBatchNormalizations };
}

/**
 * Neither Vulkan nor Metal of 2.0 can pad with zeros (their padding files have reflection and replication only): a network
 * runs there if its windows do the padding, and every such convolution of the benchmark was recorded so.
 */
export const PADDED_WINDOWS: readonly PrologueRule[] = ['Conv', 'MaxPool', 'AveragePool'].map((into) => ({
  first: 'Pad',
  into,
  // The exporter writes the value 0 by leaving it out.
  merge: (view, pad, reader) =>
    mergePadding(view, pad.inputs[2] ? pad : { ...pad, inputs: pad.inputs.slice(0, 2) }, reader),
  reason: `zero padding is done by ${into}, as the GPU has no operator for it`,
  origin: 'aten/src/ATen/native: vulkan/ops/Padding.cpp, metal/ops/MetalPadding.mm',
}));

/** A Pad that no window took over: the GPU pads in some modes only, and not with zeros. */
export function pad({ graph }: GraphView, op: Op, modes: KernelTable): Selection {
  const mode = new OpReader(op, graph.tensors).text('mode', 'constant');
  return Object.hasOwn(modes, mode)
    ? { kind: modes[mode], reason: `one kernel for Pad of mode ${mode}` }
    : {
        kind: 'pad',
        reason: `the GPU has no Pad of mode ${mode} (${Object.keys(modes).join(', ')} only)`,
        unsupported: true,
      };
}

/** A kernel by the type of its op. */
export type KernelTable = Readonly<Record<string, string>>;

/** The kernel that a table names; undefined for a type that is not in it. */
export function fromTable(table: KernelTable, op: Op, origin: string): Selection | undefined {
  return Object.hasOwn(table, op.type)
    ? { kind: table[op.type], reason: `one kernel for ${op.type} (${origin})` }
    : undefined;
}
