/**
 * The sources of a training, each cross-validated with all candidates, fitted with the chosen ones, and weighed by how well
 * it explains whole networks.
 */
import { type Fit, type FoldResult, type FoldTask, fitSource, runFold, type SourceName } from './cross-validation';
import { type Composed, composeEndToEnd, composeKernelRows, errorOf } from './fit-composition';
import type { RegressorOptions } from './fit-regressor';
import { type Candidate, candidatesOf, defaultCandidate, type Learner } from './learner';
import { FALLBACK } from './predictor-model';
import { createRandom } from './random';
import { isPermuted, mayBePermuted } from './row-order';
import { type Selection, selectCandidates } from './selection';
import { sourcesOf } from './sources';
import type { TrainingRows } from './training-rows';

export interface SourceOptions {
  readonly learner: Learner;
  /** Seeds every random choice; the same request gives the same bytes. */
  readonly seed: number;
  /** Settings that are drawn and tried for each learner, besides the default ones. Default 0. */
  readonly searched?: number;
  /** Runs a fit of the cross-validation elsewhere, many at a time; by default they run here, one after the other. */
  readonly runFold?: (task: FoldTask) => Promise<FoldResult>;
  readonly signal?: AbortSignal;
}

/** One source, cross-validated and fitted. */
export interface TrainedSource {
  readonly source: SourceName;
  readonly selection: Selection;
  readonly composed: Composed;
  /** Whether rows stood on the wrong kernels and were exchanged. */
  readonly permuted: boolean;
  /** Mean absolute relative error of whole networks out of fold. */
  readonly error: number;
}

/** Sources that leave less than this are equally good. */
const SMALLEST_ERROR = 0.005;

/** Cross-validates and fits every source that there is. */
export async function trainSources(
  rows: TrainingRows,
  folds: ReadonlyMap<string, number>,
  request: SourceOptions,
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
  return defaultCandidate(learner === 'lasso' ? learner : 'gaussianProcess');
}

/**
 * How much each source counts. Rows that do not explain the whole count little. Errors of independent sources would ask for
 * weights of error^-2; those of the same networks go together, and the better one deserves more.
 */
export function sharesOf(trained: readonly TrainedSource[]): number[] {
  const weights = trained.map(({ error }) => Math.max(error, SMALLEST_ERROR) ** -4);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** All candidates on all folds: by the caller's threads if there are any, else here, one after the other. */
async function crossValidate(
  common: Omit<FoldTask, 'candidate' | 'fold'>,
  candidates: readonly Candidate[],
  { runFold: run, signal }: Pick<SourceOptions, 'runFold' | 'signal'>,
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
