/**
 * One learner fitted to the kernels of one kind, whatever the learner: what it predicts is a number for each kernel, measured
 * for each of them or only in sums over bags of kernels (learners/bags).
 */
import { type Column, FEATURE_NAMES, type FeatureName, type KernelFeatures } from './features';
import { fitProcesses } from './fit-process';
import { columnMatrix, type FittedRegressor } from './kernel-model';
import type { BoostingSettings, Candidate, ForestSettings, PerceptronSettings } from './learner';
import { type Bags, singletons } from './learners/bags';
import { boostBags, fitBoosting } from './learners/boosting';
import { fitForest, forestOfBags } from './learners/forest';
import { fitPerceptron, perceptronOfBags } from './learners/perceptron-training';
import { createRandom } from './random';

export interface RegressorOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** A Gaussian process takes time and memory with the cube and the square of its rows: it sees a random choice of more. */
const MOST_PROCESS_ROWS = 700;

/** A single kernel's measurement is noisier than a network's, by about this factor. */
const KERNEL_NOISE = 3;

/** More of these is more work. */
const WORK: ReadonlySet<FeatureName> = new Set<FeatureName>([
  'inputElements',
  'outputElements',
  'weightElements',
  'activationElements',
  'multiplyAccumulates',
  'paddedMultiplyAccumulates',
  'roofline16',
  'roofline64',
]);

/** Candidates that fit something beyond the linear base. */
export type RegressorCandidate = Exclude<Candidate, { learner: 'lasso' }>;

/**
 * Fits kernels that were measured one by one; undefined if they are all alike to the learner.
 *
 * @param target one a kernel
 * @throws EngineError CANCELLED
 */
export function fitToKernels(
  candidate: RegressorCandidate,
  features: readonly KernelFeatures[],
  target: Float64Array,
  options: RegressorOptions,
): FittedRegressor | undefined {
  if (candidate.learner === 'gaussianProcess') {
    const chosen = chooseRows(features.length, options.seed);
    const bags = singletons(
      chosen.map((i) => target[i]),
      undefined,
    );
    const kernels = { features: chosen.map((i) => features[i]), rows: chosen.map((_, row) => row) };
    const settings = { ...candidate.settings, noise: KERNEL_NOISE * candidate.settings.noise };
    return fitProcesses(new Map([['', kernels]]), bags, settings, options.signal).get('');
  }
  const columns = varyingColumns(features);
  if (columns.length === 0) return undefined;
  const x = columnMatrix(columns, features);
  const reads = positions(columns);
  switch (candidate.learner) {
    case 'forest':
      return trees(columns, fitForest(x, target, { ...treeOptions(candidate.settings, columns), ...options }));
    case 'boosting':
      return trees(columns, fitBoosting(x, target, { ...treeOptions(candidate.settings, columns), ...options }));
    case 'perceptron': {
      const perceptron = fitPerceptron(x, target, { ...perceptronOptions(candidate.settings), ...options });
      return { columns, regressor: { form: 'perceptron', reads, perceptron } };
    }
  }
}

/**
 * Fits kernels that were only measured in sums.
 *
 * @param bags one row for each of the kernels
 * @throws EngineError CANCELLED
 */
export function fitToBags(
  candidate: Exclude<RegressorCandidate, { learner: 'gaussianProcess' }>,
  features: readonly KernelFeatures[],
  bags: Bags,
  options: RegressorOptions,
): FittedRegressor | undefined {
  const columns = varyingColumns(features);
  if (columns.length === 0) return undefined;
  const x = columnMatrix(columns, features);
  switch (candidate.learner) {
    case 'forest':
      return trees(columns, forestOfBags(x, bags, { ...treeOptions(candidate.settings, columns), ...options }));
    case 'boosting':
      return trees(columns, boostBags(x, bags, { ...treeOptions(candidate.settings, columns), ...options }));
    case 'perceptron': {
      const perceptron = perceptronOfBags(x, bags, { ...perceptronOptions(candidate.settings), ...options });
      return { columns, regressor: { form: 'perceptron', reads: positions(columns), perceptron } };
    }
  }
}

function trees(columns: readonly Column[], ensemble: ReturnType<typeof fitForest>): FittedRegressor {
  return { columns, regressor: { form: 'trees', reads: positions(columns), ensemble } };
}

function treeOptions<S extends ForestSettings | BoostingSettings>(
  { monotone, ...settings }: S,
  columns: readonly Column[],
) {
  const directions = columns.map(({ term }) => (WORK.has(term as FeatureName) ? 1 : 0));
  return { ...settings, monotone: monotone ? directions : undefined };
}

function perceptronOptions({ units, ...settings }: PerceptronSettings) {
  return { ...settings, hiddenLayers: [units, units], logarithm: true };
}

/** Features that differ between the kernels. */
function varyingColumns(features: readonly KernelFeatures[]): Column[] {
  const varying = FEATURE_NAMES.filter((name) => features.some((kernel) => kernel[name] !== features[0][name]));
  return varying.map((term) => ({ term }));
}

function positions(columns: readonly Column[]): number[] {
  return columns.map((_, j) => j);
}

function chooseRows(count: number, seed: number): number[] {
  const rows = Array.from({ length: count }, (_, i) => i);
  const random = createRandom(seed);
  for (let i = 0; i < Math.min(count, MOST_PROCESS_ROWS); i++) {
    const j = i + random.below(count - i);
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows.slice(0, MOST_PROCESS_ROWS);
}
