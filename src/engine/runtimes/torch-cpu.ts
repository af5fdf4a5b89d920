/**
 * PyTorch Mobile 2.0 on the CPU, after optimize_for_mobile: XNNPACK runs convolutions and linear layers with their clamp
 * (prepacked::conv2d_clamp_run, prepacked::linear_clamp_run), QNNPACK the same of quantised ones (quantized::conv2d_relu,
 * quantized::linear_relu); everything else runs eagerly, one kernel an op.
 * No list of recorded kernels exists for the CPU. The rules are those that the recorded Vulkan kernels of the same models
 * confirm, since both optimisers fold and fuse alike; which ops QNNPACK fuses besides (add with relu) is left out, because
 * one pack serves both number types. Kinds are the general ones: XNNPACK picks its microkernel by shape.
 */
import { RENAMING } from './plain';
import type { RulePack } from './rule-pack';
import { prepacking } from './torch-mobile';

export const TORCH_CPU: RulePack = {
  runtime: 'torch-cpu',
  version: '2.0',
  // A view shares its input's memory.
  vanishing: RENAMING,
  expansions: [],
  ...prepacking(['Conv', 'Gemm'], 'xnnpack_rewrite.cpp'),
};
