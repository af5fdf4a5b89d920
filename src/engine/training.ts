/**
 * Training: from profiles and graphs to one self-contained ONNX predictor and its report.
 * CONTRACT STUB while the engine is being written; the signature below is final.
 */
import type { Graph } from './graph';
import type { Profile } from './profile';

export const LEARNERS = ['lasso', 'boosting'] as const;
export type Learner = (typeof LEARNERS)[number];

export interface TrainingRequest {
  /** `runtime/device/processor/type`. */
  readonly scenario: string;
  readonly learner: Learner;
  /** Seeds every random choice; the same request gives the same bytes. */
  readonly seed: number;
  readonly profiles: readonly { readonly sha256: string; readonly profile: Profile }[];
  /** Graphs by network name; those that the profiles do not name are ignored. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TrainingProgress {
  readonly step: 'planning' | 'cross-validating' | 'fitting' | 'composing' | 'exporting' | 'verifying';
  /** 0 to 1 over the whole training. */
  readonly fraction: number;
}

export interface TrainingReport {
  readonly scenario: string;
  readonly runtime: string;
  readonly learner: Learner;
  readonly seed: number;
  readonly engineVersion: string;
  readonly datasets: readonly string[];
  readonly networks: number;
  readonly kernelRows: number;
  /** Grouped cross-validation, whole networks: mean absolute percentage error, percent. */
  readonly endToEnd: { readonly mape: number; readonly medianApe: number; readonly within10: number };
  /** The same for single kernels, per kernel kind; empty when trained from end-to-end rows alone. */
  readonly kernelKinds: readonly { readonly kind: string; readonly rows: number; readonly mape: number | null }[];
  /** Latency = kernelFactor * sum of kernels + perKernelUs * kernels + fixedUs. */
  readonly composition: { readonly kernelFactor: number; readonly perKernelUs: number; readonly fixedUs: number };
  /** What was left out and why, in sentences. */
  readonly dropped: readonly string[];
  /** Largest relative difference between the trained model and the exported file on held-out rows. */
  readonly exportDifference: number;
}

export interface TrainedPredictor {
  readonly onnx: Uint8Array;
  readonly report: TrainingReport;
}
