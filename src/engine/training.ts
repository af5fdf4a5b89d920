/**
 * Training: from profiles and graphs to one self-contained ONNX predictor and its report. Kernel rows train the kernel
 * models where the scenario has them, end-to-end rows alone where not; cross-validation grouped by network says how good
 * the result is, and its out-of-fold predictions fit the composition and the intervals.
 */
import { type Fit, type FoldResult, type FoldTask, fitSource, runFold, type SourceName } from './cross-validation';
import { EngineError, throwIfCancelled } from './errors';
import { exportPredictor } from './export';
import type { KernelFeatures } from './features';
import { blend, type Composed, composeEndToEnd, composeKernelRows, errorOf } from './fit-composition';
import type { RegressorOptions } from './fit-regressor';
import type { Graph } from './graph';
import { conformalRadii } from './intervals';
import { type Candidate, candidatesOf, LEARNERS, type Learner } from './learner';
import { dealFolds, quantile } from './metrics';
import { FALLBACK, hullOf, type PredictorModel } from './predictor-model';
import type { Harness, Profile } from './profile';
import { createRandom } from './random';
import { isPermuted, mayBePermuted } from './row-order';
import { type Selection, selectCandidates } from './selection';
import { sourcesOf } from './sources';
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
  /** Settings that are drawn and tried for each learner, besides the default ones. Default 0. */
  readonly searched?: number;
  /** Runs a fit of the cross-validation elsewhere, many at a time; by default they run here, one after the other. */
  readonly runFold?: (task: FoldTask) => Promise<FoldResult>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TrainingProgress {
  readonly step: 'planning' | 'cross-validating' | 'exporting' | 'verifying';
  /** 0 to 1 over the whole training. */
  readonly fraction: number;
}

export interface TrainedPredictor {
  readonly onnx: Uint8Array;
  readonly report: TrainingReport;
}

/** Folds of the cross-validation. */
const FOLDS = 5;

/** Sources that leave less than this are equally good. */
const SMALLEST_ERROR = 0.005;

/** Shares of the whole that the steps begin at. */
const STEPS = { planning: 0, 'cross-validating': 0.05, exporting: 0.9, verifying: 0.95 } as const;

/** One source, cross-validated and fitted. */
interface TrainedSource {
  readonly source: SourceName;
  readonly selection: Selection;
  readonly composed: Composed;
  /** Whether rows stood on the wrong kernels and were exchanged. */
  readonly permuted: boolean;
  /** Mean absolute relative error of whole networks out of fold. */
  readonly error: number;
}

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
  return { onnx, report };
}

function checkLearner(learner: Learner): void {
  if (LEARNERS.includes(learner)) return;
  const remedy = `Learners: ${LEARNERS.join(', ')}.`;
  throw new EngineError('UNKNOWN_NAME', `there is no learner ${learner}`, 'learner', remedy);
}

/** Cross-validates and fits every source that there is. */
async function trainSources(
  rows: TrainingRows,
  folds: ReadonlyMap<string, number>,
  request: TrainingRequest,
  onProgress: (done: number) => void,
): Promise<TrainedSource[]> {
  const { learner, seed, searched = 0, signal } = request;
  const sources = sourcesOf(rows);
  const trained: TrainedSource[] = [];
  for (const [index, source] of sources.entries()) {
    // Beside kernel rows, end-to-end rows are a second opinion: one candidate of theirs is enough.
    const candidates = index > 0 ? [secondOpinion(learner)] : candidatesOf(learner, searched, createRandom(seed));
    const select = async (permuted: boolean) => {
      const results = await crossValidate({ source, rows, folds, permuted, seed }, candidates, request, (done) =>
        onProgress((index + done) / sources.length),
      );
      return selectCandidates(source, rows, folds, candidates, results);
    };
    let selection = await select(false);
    let permuted = false;
    if (source === 'kernel rows' && mayBePermuted(rows.kernels, selection.outOfFold.rowsUs)) {
      const inOrder = await select(true);
      permuted = isPermuted(rows.kernels, inOrder.outOfFold.rowsUs);
      if (permuted) selection = inOrder;
    }
    const fit = fitChosen({ source, rows, permuted }, candidates, selection, { seed, signal });
    const composed =
      source === 'kernel rows'
        ? composeKernelRows(rows, folds, selection.outOfFold, fit)
        : composeEndToEnd(rows, selection.outOfFold, fit);
    trained.push({ source, selection, composed, permuted, error: errorOf(composed) });
  }
  return trained;
}

function secondOpinion(learner: Learner): Candidate {
  return candidatesOf(learner === 'lasso' ? learner : 'gaussianProcess', 0, createRandom(0))[0];
}

/**
 * How much each source counts. Rows that do not explain the whole count little. Errors of independent sources would ask for
 * weights of error^-2; those of the same networks go together, and the better one deserves more.
 */
function sharesOf(trained: readonly TrainedSource[]): number[] {
  const weights = trained.map(({ error }) => Math.max(error, SMALLEST_ERROR) ** -4);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
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

/** All candidates on all folds: by the caller's threads if there are any, else here, one after the other. */
async function crossValidate(
  common: Omit<FoldTask, 'candidate' | 'fold'>,
  candidates: readonly Candidate[],
  { runFold: run, signal }: Pick<TrainingRequest, 'runFold' | 'signal'>,
  onProgress: (done: number) => void,
): Promise<FoldResult[][]> {
  const count = Math.max(...common.folds.values()) + 1;
  const tasks = candidates.map((candidate) =>
    Array.from({ length: count }, (_, fold): FoldTask => ({ ...common, candidate, fold })),
  );
  let done = 0;
  const runOne = async (task: FoldTask) => {
    const result = run ? await run(task) : await runHere(task, signal);
    done += 1;
    onProgress(done / (candidates.length * count));
    return result;
  };
  if (run) return Promise.all(tasks.map((ofCandidate) => Promise.all(ofCandidate.map(runOne))));
  const results: FoldResult[][] = [];
  for (const ofCandidate of tasks) {
    const ofFolds: FoldResult[] = [];
    for (const task of ofCandidate) ofFolds.push(await runOne(task));
    results.push(ofFolds);
  }
  return results;
}

async function runHere(task: FoldTask, signal: AbortSignal | undefined): Promise<FoldResult> {
  // A turn of the event loop, in which a cancellation can arrive.
  await new Promise((resolve) => setImmediate(resolve));
  return runFold(task, signal);
}

/** Final models: every kind by its candidate, on all networks. */
function fitChosen(
  task: Pick<FoldTask, 'source' | 'rows' | 'permuted'>,
  candidates: readonly Candidate[],
  { candidateOf, choices }: Selection,
  options: RegressorOptions,
): Fit {
  const used = new Set([candidateOf(FALLBACK), ...choices.map(({ kind }) => candidateOf(kind ?? FALLBACK))]);
  const fits = new Map(
    [...used].map((i) => [i, fitSource({ ...task, candidate: candidates[i] }, () => true, options)]),
  );
  const first = fits.get(candidateOf(FALLBACK))!;
  const kinds = [...first.kinds.keys()].map((kind) => [kind, fits.get(candidateOf(kind))!.kinds.get(kind)!] as const);
  return { kinds: new Map(kinds), fixedUs: first.fixedUs };
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
