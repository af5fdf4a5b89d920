/**
 * Training: from profiles and graphs to one self-contained ONNX predictor and its report. Every source of truth that the
 * profiles have is trained from (train-sources.ts); cross-validation grouped by network says how good the result is, and its
 * out-of-fold predictions make the intervals.
 */
import { EngineError, throwIfCancelled } from './errors';
import { exportPredictor } from './export';
import type { KernelFeatures } from './features';
import { blend, type Composed } from './fit-composition';
import type { Graph } from './graph';
import { conformalRadii } from './intervals';
import { LEARNERS, type Learner } from './learner';
import { dealFolds, quantile } from './metrics';
import { hullOf, type PredictorModel } from './predictor-model';
import type { Harness, Profile } from './profile';
import { createRandom } from './random';
import { type SourceOptions, sharesOf, type TrainedSource, trainSources } from './train-sources';
import { reportImportance, reportKernels, reportNetworks, type TrainingReport } from './training-report';
import {
  featuresByKind,
  gatherTrainingRows,
  isMeasured,
  type PlannedNetwork,
  plannedKernels,
  type TrainingRows,
} from './training-rows';
import { verifyExport } from './verification';
import { ENGINE_VERSION } from './version';

export interface TrainingRequest extends SourceOptions {
  /** `runtime/device/processor/type`. */
  readonly scenario: string;
  /** The device's GPU, where the runtime's rules need it and the device is not a known one. */
  readonly gpu?: string;
  readonly profiles: readonly { readonly sha256: string; readonly profile: Profile }[];
  /** Graphs by network name; those that the profiles do not name are ignored. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly step: 'planning' | 'cross-validating' | 'exporting' | 'verifying';
  /** 0 to 1 over the whole training. */
  readonly fraction: number;
}

export interface TrainedPredictor {
  readonly onnx: Uint8Array;
  readonly report: TrainingReport;
  /** Names of all networks that it was trained on, in whichever scenario they were measured, in order. */
  readonly networks: readonly string[];
}

/** Folds of the cross-validation. */
const FOLDS = 5;

/** Shares of the whole that the steps begin at. */
const STEPS = { planning: 0, 'cross-validating': 0.05, exporting: 0.9, verifying: 0.95 } as const;

/**
 * Trains one scenario.
 *
 * @throws EngineError INSUFFICIENT_DATA, UNKNOWN_NAME, EXPORT_MISMATCH, CANCELLED
 */
export async function trainPredictor(request: TrainingRequest): Promise<TrainedPredictor> {
  const { scenario, learner, seed, signal } = request;
  checkLearner(learner);
  let fraction = 0;
  const progress = (step: TrainingProgress['step'], done = 0) => {
    throwIfCancelled(signal);
    const span = step === 'cross-validating' ? STEPS.exporting - STEPS['cross-validating'] : 0;
    // Sources that turn out permuted are cross-validated again: what was reached stays reached.
    fraction = Math.max(fraction, STEPS[step] + done * span);
    request.onProgress?.({ step, fraction });
  };
  progress('planning');
  const profiles = request.profiles.map(({ profile }) => profile);
  const rows = gatherTrainingRows(scenario, profiles, request.graphs, request.gpu);
  const folds = dealFolds(networksOf(rows), FOLDS, createRandom(seed));
  const trained = await trainSources(rows, folds, request, (done) => progress('cross-validating', done));
  const shares = sharesOf(trained);
  const composed = blend(
    trained.map((each) => each.composed),
    shares,
  );
  progress('exporting');
  const features = trainedFeatures(rows, composed);
  const datasets = request.profiles.map(({ sha256 }) => sha256).sort();
  const harnesses = harnessesOf(scenario, profiles);
  const model: PredictorModel = {
    scenario,
    runtime: rows.runtime,
    kinds: composed.kinds,
    hulls: new Map([...features].map(([kind, kernels]) => [kind, hullOf(kernels)])),
    composition: composed.composition,
    radii: conformalRadii(composed.predictedUs, composed.measuredUs),
    noiseFloor: noiseFloor(rows.networks),
  };
  const onnx = exportPredictor(model, { learner, seed, datasets, harnesses });
  progress('verifying');
  const exportDifference = await verifyExport(model, onnx, features, seed);
  request.onProgress?.({ step: 'verifying', fraction: 1 });
  const report: TrainingReport = {
    scenario,
    runtime: rows.runtime,
    learner,
    sources: trained.map(({ source, composed: { names }, selection, permuted, error }, i) => ({
      name: source,
      networks: names.length,
      mape: 100 * error,
      share: shares[i],
      permuted,
      choices: selection.choices,
    })),
    seed,
    engineVersion: ENGINE_VERSION,
    datasets,
    harnesses,
    ...reportNetworks(composed, folds),
    kernelRows: rows.kernels.length,
    kernelKinds: reportKernels(rows.kernels, trained[0].selection.outOfFold),
    importance: reportImportance(composed.kinds, features, seed),
    composition: composed.composition,
    noiseFloor: model.noiseFloor,
    dropped: [...rows.dropped, ...remarksOn(trained)],
    exportDifference,
  };
  const borrowed = rows.siblings.flatMap((sibling) => sibling.map(({ name }) => name));
  return { onnx, report, networks: [...new Set([...networksOf(rows), ...borrowed])].sort() };
}

function checkLearner(learner: Learner): void {
  if (LEARNERS.includes(learner)) return;
  const remedy = `Learners: ${LEARNERS.join(', ')}.`;
  throw new EngineError('UNKNOWN_NAME', `there is no learner ${learner}`, 'learner', remedy);
}

/** Sentences on what a reader would not expect. */
function remarksOn(trained: readonly TrainedSource[]): string[] {
  return trained.flatMap(({ source, permuted }) =>
    permuted
      ? [
          `${source}: latencies stand on the wrong kernels of their networks (exchanging them within a network removes much of the error); each fit put them where they fit best. The errors of kernel kinds are against the rows as listed.`,
        ]
      : [],
  );
}

function networksOf({ kernels, networks }: TrainingRows): string[] {
  return [
    ...new Set([...kernels.map(({ network }) => network), ...networks.filter(isMeasured).map(({ name }) => name)]),
  ];
}

/** Kernels that the models were fitted to, by kind: measured ones, and those of measured networks where those count. */
function trainedFeatures(rows: TrainingRows, { kinds }: Composed): Map<string, KernelFeatures[]> {
  const planned = plannedKernels(rows.networks.filter(isMeasured));
  const listed = new Set(rows.kernels.map(({ kind }) => kind));
  const unlisted = planned.filter(({ kind }) => !listed.has(kind));
  return featuresByKind([...rows.kernels, ...unlisted].filter(({ kind }) => kinds.has(kind)));
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
