/**
 * Training: from profiles and graphs to one self-contained ONNX predictor and its report. Kernel rows train the kernel
 * models where the scenario has them, end-to-end rows alone where not; cross-validation grouped by network says how good
 * the result is, and its out-of-fold predictions fit the composition and the intervals.
 */
import type { Composition } from './composition';
import { crossValidate, kernelKindErrors } from './cross-validation';
import { EngineError, throwIfCancelled } from './errors';
import { exportPredictor } from './export';
import type { KernelFeatures } from './features';
import { LEARNERS, type Learner } from './fit-kernel-rows';
import type { Graph } from './graph';
import { conformalRadii } from './intervals';
import { dealFolds, type ErrorSummary, quantile, summarizeErrors } from './metrics';
import { hullOf, type PredictorModel } from './predictor-model';
import type { Harness, Profile } from './profile';
import { createRandom } from './random';
import { chooseSource, type Source } from './sources';
import {
  type FeaturedKernel,
  featuresByKind,
  gatherTrainingRows,
  type PlannedNetwork,
  plannedKernels,
  type TrainingRows,
} from './training-rows';
import { verifyExport } from './verification';
import { ENGINE_VERSION } from './version';

export interface TrainingRequest {
  /** `runtime/device/processor/type`. */
  readonly scenario: string;
  /** The device's GPU, where the runtime's rules need it and the device is not a known one. */
  readonly gpu?: string;
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
  readonly step: 'planning' | 'cross-validating' | 'fitting' | 'exporting' | 'verifying';
  /** 0 to 1 over the whole training. */
  readonly fraction: number;
}

export interface TrainingReport {
  readonly scenario: string;
  readonly runtime: string;
  readonly learner: Learner;
  /** What the kernel models were fitted to. */
  readonly source: 'kernel rows' | 'end-to-end rows';
  readonly seed: number;
  readonly engineVersion: string;
  /** SHA-256 of the datasets. */
  readonly datasets: readonly string[];
  readonly networks: number;
  readonly kernelRows: number;
  /** Cross-validated, grouped by network: whole networks. */
  readonly endToEnd: ErrorSummary;
  /** Cross-validated: single kernels, per kind, percent. Empty when trained from end-to-end rows. */
  readonly kernelKinds: readonly { readonly kind: string; readonly rows: number; readonly mape: number }[];
  readonly composition: Composition;
  /** Median relative standard deviation of the measurements, or null. */
  readonly noiseFloor: number | null;
  /** What was left out and why, in sentences. */
  readonly dropped: readonly string[];
  /** Largest relative difference between the trained model and the exported file. */
  readonly exportDifference: number;
}

export interface TrainedPredictor {
  readonly onnx: Uint8Array;
  readonly report: TrainingReport;
}

/** Folds of the cross-validation. */
const FOLDS = 5;

/**
 * Trains one scenario.
 *
 * @throws EngineError INSUFFICIENT_DATA, UNKNOWN_NAME, EXPORT_MISMATCH, CANCELLED
 */
export async function trainPredictor(request: TrainingRequest): Promise<TrainedPredictor> {
  const { scenario, learner, seed, signal } = request;
  if (!LEARNERS.includes(learner)) {
    throw new EngineError(
      'UNKNOWN_NAME',
      `there is no learner ${learner}`,
      'learner',
      `Learners: ${LEARNERS.join(', ')}.`,
    );
  }
  const progress = (step: TrainingProgress['step'], fraction: number) => {
    throwIfCancelled(signal);
    request.onProgress?.({ step, fraction });
  };
  progress('planning', 0);
  const profiles = request.profiles.map(({ profile }) => profile);
  const rows = gatherTrainingRows(scenario, profiles, request.graphs, request.gpu);
  const source = chooseSource(rows, learner);
  const folds = dealFolds(source.groups, Math.min(FOLDS, source.groups.length), createRandom(seed));
  const outOfFold = await crossValidate(rows, source, folds, request, (done) =>
    progress('cross-validating', 0.05 + 0.7 * done),
  );
  progress('fitting', 0.75);
  const fit = source.fit(() => true, request);
  const composed = source.compose(outOfFold.networks, folds, fit.fixedUs);
  const features = trainedFeatures(rows, source);
  const kinds = new Map(fit.kinds);
  if (composed.unlisted) {
    for (const [kind, kernels] of unlistedFeatures(rows)) {
      kinds.set(kind, composed.unlisted);
      features.set(kind, kernels);
    }
  }
  const model: PredictorModel = {
    scenario,
    runtime: rows.runtime,
    kinds,
    hulls: new Map([...features].filter(([kind]) => kinds.has(kind)).map(([kind, kernels]) => [kind, hullOf(kernels)])),
    composition: composed.composition,
    radii: conformalRadii(composed.predictedUs, composed.measuredUs),
    noiseFloor: noiseFloor(rows.networks),
  };
  progress('exporting', 0.9);
  const datasets = request.profiles.map(({ sha256 }) => sha256).sort();
  const onnx = exportPredictor(model, { learner, seed, datasets, harnesses: harnessesOf(scenario, profiles) });
  progress('verifying', 0.95);
  const exportDifference = await verifyExport(model, onnx, features, seed);
  progress('verifying', 1);
  return {
    onnx,
    report: {
      scenario,
      runtime: rows.runtime,
      learner,
      source: source.name,
      seed,
      engineVersion: ENGINE_VERSION,
      datasets,
      networks: composed.measuredUs.length,
      kernelRows: rows.kernels.length,
      endToEnd: summarizeErrors(relativeErrors(composed.predictedUs, composed.measuredUs)),
      kernelKinds: kernelKindErrors(outOfFold),
      composition: composed.composition,
      noiseFloor: model.noiseFloor,
      dropped: rows.dropped,
      exportDifference,
    },
  };
}

function relativeErrors(predictedUs: readonly number[], measuredUs: readonly number[]): number[] {
  return predictedUs.map((predicted, i) => Math.abs(predicted - measuredUs[i]) / measuredUs[i]);
}

/** Kernels that the models were fitted to, by kind. */
function trainedFeatures(rows: TrainingRows, source: Source): Map<string, KernelFeatures[]> {
  return featuresByKind(source.name === 'kernel rows' ? rows.kernels : measuredKernels(rows));
}

/** Kernels of kinds that no kernel row is of. */
function unlistedFeatures(rows: TrainingRows): Map<string, KernelFeatures[]> {
  const listed = new Set(rows.kernels.map(({ kind }) => kind));
  return featuresByKind(measuredKernels(rows).filter(({ kind }) => !listed.has(kind)));
}

/** Kernels of the networks that were measured end to end. */
function measuredKernels({ networks }: TrainingRows): FeaturedKernel[] {
  return plannedKernels(networks.filter(({ latencyUs }) => latencyUs !== undefined));
}

function noiseFloor(networks: readonly PlannedNetwork[]): number | null {
  const deviations = networks.flatMap(({ relativeDeviation }) =>
    relativeDeviation === undefined ? [] : [relativeDeviation],
  );
  return deviations.length > 0 ? quantile(deviations, 0.5) : null;
}

/** How the scenario's rows were measured, each way once. */
function harnessesOf(scenario: string, profiles: readonly Profile[]): Harness[] {
  const found = profiles.flatMap(({ harnesses, networks, kernels }) => {
    const used = new Set(
      [...networks, ...kernels].filter((row) => row.scenario === scenario).map(({ harness }) => harness),
    );
    return [...used].sort((a, b) => a - b).map((index) => harnesses[index]);
  });
  return [...new Map(found.map((harness) => [JSON.stringify(harness), harness])).values()];
}
