/**
 * What can learn, with which settings: the names that requests and reports use, the settings that do well without a search,
 * and the ranges that a search draws from.
 */
import type { Random } from './random';

/** The paper's four learners (Li, Paolieri and Golubchik 2023, section 4.2), and Gaussian processes. */
const CANDIDATE_LEARNERS = ['lasso', 'forest', 'boosting', 'perceptron', 'gaussianProcess'] as const;
export type CandidateLearner = (typeof CANDIDATE_LEARNERS)[number];

/** What a training can ask for; `auto` takes the learner that cross-validation finds best, for each kernel kind. */
export const LEARNERS = ['auto', ...CANDIDATE_LEARNERS] as const;
export type Learner = (typeof LEARNERS)[number];

export interface ForestSettings {
  readonly trees: number;
  readonly minSamplesLeaf: number;
  readonly columnSubsample: number;
  /** Whether more work never lowers the factor on the linear base. */
  readonly monotone: boolean;
}

export interface BoostingSettings extends ForestSettings {
  readonly learningRate: number;
  readonly maxLeaves: number;
  readonly rowSubsample: number;
}

export interface PerceptronSettings {
  /** Units of each of the two hidden layers. */
  readonly units: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly l2: number;
}

export interface ProcessSettings {
  /** Kernels whose sizes differ by a factor of 2 to the power of this are alike to exp(-1/2). */
  readonly length: number;
  /** Relative standard deviation of a good measurement. */
  readonly noise: number;
}

/** A learner with settings. */
export type Candidate =
  | { readonly learner: 'lasso'; readonly settings: Readonly<Record<string, never>> }
  | { readonly learner: 'forest'; readonly settings: ForestSettings }
  | { readonly learner: 'boosting'; readonly settings: BoostingSettings }
  | { readonly learner: 'perceptron'; readonly settings: PerceptronSettings }
  | { readonly learner: 'gaussianProcess'; readonly settings: ProcessSettings };

/** Settings that do well on the benchmark's training part, whatever the scenario. */
const DEFAULTS: { readonly [L in CandidateLearner]: Extract<Candidate, { learner: L }> } = {
  lasso: { learner: 'lasso', settings: {} },
  forest: { learner: 'forest', settings: { trees: 100, minSamplesLeaf: 4, columnSubsample: 0.5, monotone: false } },
  boosting: {
    learner: 'boosting',
    settings: {
      trees: 400,
      learningRate: 0.05,
      maxLeaves: 15,
      minSamplesLeaf: 5,
      rowSubsample: 0.8,
      columnSubsample: 0.8,
      monotone: false,
    },
  },
  perceptron: { learner: 'perceptron', settings: { units: 16, epochs: 50, learningRate: 0.005, l2: 1e-3 } },
  gaussianProcess: { learner: 'gaussianProcess', settings: { length: 1.5, noise: 0.02 } },
};

/** The learner with its default settings. */
export function defaultCandidate(learner: CandidateLearner): Candidate {
  return DEFAULTS[learner];
}

/**
 * The candidates of a training: every learner that may be taken with its default settings, and as many drawn ones besides.
 *
 * @param searched drawn settings for each learner that has any
 */
export function candidatesOf(learner: Learner, searched: number, random: Random): Candidate[] {
  const learners = learner === 'auto' ? CANDIDATE_LEARNERS : [learner];
  const candidates: Candidate[] = learners.map(defaultCandidate);
  for (const name of learners) {
    if (name === 'lasso') continue;
    for (let i = 0; i < searched; i++) candidates.push(drawCandidate(name, random));
  }
  return candidates;
}

function drawCandidate(learner: Exclude<CandidateLearner, 'lasso'>, random: Random): Candidate {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)];
  switch (learner) {
    case 'forest':
      return {
        learner,
        settings: {
          trees: pick([50, 100, 200]),
          minSamplesLeaf: pick([1, 2, 5]),
          columnSubsample: pick([0.3, 0.5, 0.8]),
          monotone: pick([false, true]),
        },
      };
    case 'boosting':
      return {
        learner,
        settings: {
          trees: pick([100, 200, 400]),
          learningRate: pick([0.03, 0.05, 0.1]),
          maxLeaves: pick([7, 15, 31]),
          minSamplesLeaf: pick([2, 5, 10]),
          rowSubsample: pick([0.6, 0.8, 1]),
          columnSubsample: pick([0.5, 0.8, 1]),
          monotone: pick([false, true]),
        },
      };
    case 'perceptron':
      return {
        learner,
        settings: {
          units: pick([8, 16, 32]),
          epochs: pick([25, 50, 100]),
          learningRate: pick([0.002, 0.005, 0.01]),
          l2: pick([1e-4, 1e-3, 1e-2]),
        },
      };
    case 'gaussianProcess':
      return { learner, settings: { length: pick([1, 1.5, 2, 3]), noise: pick([0.01, 0.02, 0.05]) } };
  }
}
