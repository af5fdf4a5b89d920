/**
 * Serving side of a predictor version: load its one ONNX file, predict many networks in one run.
 * CONTRACT STUB while the engine is being written; the types below are final.
 */

export type KernelCoverage = 'trained' | 'extrapolated' | 'unmodelled';

export interface KernelPrediction {
  /** Kernel kind, for example `convolution`. */
  readonly kind: string;
  /** What was fused behind the first op, for example `['add', 'relu']`. */
  readonly fused: readonly string[];
  /** Names of the graph's ops that the kernel does. */
  readonly ops: readonly string[];
  /** Why the runtime launches this kernel, in words. */
  readonly reason: string;
  readonly latencyUs: number;
  readonly coverage: KernelCoverage;
}

export interface NetworkPrediction {
  readonly network: string;
  readonly scenario: string;
  readonly latencyUs: number;
  readonly interval: { readonly lowerUs: number; readonly upperUs: number; readonly level: number };
  /** Share of the predicted latency that comes from kernels inside what training saw, 0 to 1. */
  readonly coverage: number;
  readonly kernels: readonly KernelPrediction[];
}
