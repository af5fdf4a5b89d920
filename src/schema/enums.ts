/** The closed sets of words that tables and GraphQL share. The engine's words are mapped onto them where they differ. */
import { registerEnumType } from 'type-graphql';
import {
  DRIFT_BUCKETS,
  DRIFT_TESTS,
  DRIFT_VERDICTS,
  type KernelCoverage as EngineKernelCoverage,
  type Learner as EngineLearner,
  type Harness,
  VERDICTS,
} from '../engine';
import { ERROR_CODES } from '../errors';

/** An object with each word as key and value, which is how type-graphql takes an enum. */
function wordsOf<T extends string>(words: readonly T[]): { [K in T]: K } {
  return Object.fromEntries(words.map((word) => [word, word])) as { [K in T]: K };
}

type WordOf<T> = T[keyof T];

export const Role = wordsOf(['OWNER', 'ADMIN', 'MEMBER', 'VIEWER']);
export type Role = WordOf<typeof Role>;
registerEnumType(Role, { name: 'Role', description: 'What a member may do in a team.' });

export const Scope = wordsOf([
  'TEAM_READ',
  'DATASET_READ',
  'DATASET_WRITE',
  'NETWORK_READ',
  'NETWORK_WRITE',
  'SCENARIO_READ',
  'PREDICTOR_READ',
  'PREDICTOR_WRITE',
  'PREDICTION_READ',
  'PREDICTION_WRITE',
  'MEASUREMENT_READ',
  'MEASUREMENT_WRITE',
]);
export type Scope = WordOf<typeof Scope>;
registerEnumType(Scope, { name: 'Scope', description: 'What an API key may do.' });

export const UploadKind = wordsOf(['DATASET', 'NETWORK', 'BATCH']);
export type UploadKind = WordOf<typeof UploadKind>;
registerEnumType(UploadKind, { name: 'UploadKind' });

export const IngestStatus = wordsOf(['PENDING', 'READY', 'REJECTED']);
export type IngestStatus = WordOf<typeof IngestStatus>;
registerEnumType(IngestStatus, { name: 'IngestStatus', description: 'How far the reading of an uploaded file is.' });

export const BatchStatus = wordsOf(['QUEUED', 'RUNNING', 'READY', 'FAILED', 'CANCELLED']);
export type BatchStatus = WordOf<typeof BatchStatus>;
registerEnumType(BatchStatus, { name: 'BatchStatus', description: 'How far a batch is.' });

export const VersionStatus = wordsOf(['QUEUED', 'TRAINING', 'READY', 'FAILED', 'CANCELLED']);
export type VersionStatus = WordOf<typeof VersionStatus>;
registerEnumType(VersionStatus, { name: 'VersionStatus', description: 'How far the training of a version is.' });

export const VersionStage = wordsOf(['DRAFT', 'CANDIDATE', 'IN_USE', 'RETIRED']);
export type VersionStage = WordOf<typeof VersionStage>;
registerEnumType(VersionStage, {
  name: 'VersionStage',
  description: 'Where a READY version is in its life.',
  valuesConfig: {
    DRAFT: { description: 'Trained, and nothing else; every version begins so.' },
    CANDIDATE: { description: 'Nominated to be promoted; its file is kept.' },
    IN_USE: { description: 'What a prediction by scenario uses; one at most of each predictor.' },
    RETIRED: { description: 'No prediction by scenario uses it; by its id and by pins it still answers.' },
  },
});

/** Values are the engine's words. */
export const Learner = {
  AUTO: 'auto',
  LASSO: 'lasso',
  FOREST: 'forest',
  BOOSTING: 'boosting',
  PERCEPTRON: 'perceptron',
  GAUSSIAN_PROCESS: 'gaussianProcess',
} as const satisfies Record<string, EngineLearner>;
export type Learner = WordOf<typeof Learner>;
registerEnumType(Learner, {
  name: 'Learner',
  description: 'What learns the latency of kernels. Each corrects a linear base, which LASSO is alone.',
  valuesConfig: {
    AUTO: { description: 'For each kernel kind the one whose cross-validated error is least.' },
    LASSO: { description: 'Linear with non-negative weights: more work never costs less.' },
    FOREST: { description: 'Random forest.' },
    BOOSTING: { description: 'Gradient boosting of trees.' },
    PERCEPTRON: { description: 'Multilayer perceptron of two hidden layers.' },
    GAUSSIAN_PROCESS: { description: 'Gaussian process: kernels of like sizes cost alike.' },
  },
});

/** Values are the engine's words. */
export const KernelCoverage = {
  TRAINED: 'trained',
  EXTRAPOLATED: 'extrapolated',
  UNMODELLED: 'unmodelled',
} as const satisfies Record<string, EngineKernelCoverage>;
export type KernelCoverage = WordOf<typeof KernelCoverage>;
registerEnumType(KernelCoverage, {
  name: 'KernelCoverage',
  description: 'Whether training saw kernels like it.',
  valuesConfig: {
    TRAINED: { description: 'Inside what training saw.' },
    EXTRAPOLATED: { description: 'Its kind was trained, but outside the range of these features.' },
    UNMODELLED: { description: 'No predictor for its kind; its latency is not part of the sum.' },
  },
});

export const BudgetVerdict = wordsOf(['PASS', 'FAIL', 'INCONCLUSIVE']);
export type BudgetVerdict = WordOf<typeof BudgetVerdict>;
registerEnumType(BudgetVerdict, {
  name: 'BudgetVerdict',
  valuesConfig: {
    PASS: { description: 'The whole interval is within the budget.' },
    FAIL: { description: 'The whole interval is beyond the budget.' },
    INCONCLUSIVE: { description: 'The budget lies in the interval.' },
  },
});

export const KernelChangeKind = wordsOf(['ADDED', 'REMOVED', 'SLOWER', 'FASTER', 'REPLACED']);
export type KernelChangeKind = WordOf<typeof KernelChangeKind>;
registerEnumType(KernelChangeKind, {
  name: 'KernelChangeKind',
  description: 'What became of a kernel since the base. REPLACED: the runtime launches another kernel for the same op.',
});

export const Verdict = wordsOf(VERDICTS);
export type Verdict = WordOf<typeof Verdict>;
registerEnumType(Verdict, {
  name: 'Verdict',
  description: 'What a comparison says of B against A, by the bootstrap interval of the difference of their errors.',
  valuesConfig: {
    BETTER: { description: 'The whole interval is below minus the margin.' },
    WORSE: { description: 'The whole interval is above the margin.' },
    NO_DIFFERENCE: { description: 'Neither, or there are fewer than six networks.' },
  },
});

export const TrainedNetworks = wordsOf(['REFUSE', 'LEAVE_OUT']);
export type TrainedNetworks = WordOf<typeof TrainedNetworks>;
registerEnumType(TrainedNetworks, {
  name: 'TrainedNetworks',
  description: 'What becomes of networks that are to judge a version which was trained on them.',
  valuesConfig: {
    REFUSE: { description: 'The comparison is refused, naming them.' },
    LEAVE_OUT: { description: 'They are left out, and listed.' },
  },
});

/** Values are the engine's words. */
export const Statistic = { MEAN: 'mean', MEDIAN: 'median', MINIMUM: 'minimum' } as const satisfies Record<
  string,
  Harness['statistic']
>;
export type Statistic = WordOf<typeof Statistic>;
registerEnumType(Statistic, { name: 'Statistic', description: 'What a latency is of its repetitions.' });

export const DriftBucket = wordsOf(DRIFT_BUCKETS);
export type DriftBucket = WordOf<typeof DriftBucket>;
registerEnumType(DriftBucket, { name: 'DriftBucket', description: 'What errors over time are gathered by, in UTC.' });

export const DriftTest = wordsOf(DRIFT_TESTS);
export type DriftTest = WordOf<typeof DriftTest>;
registerEnumType(DriftTest, {
  name: 'DriftTest',
  valuesConfig: {
    COVERAGE: { description: 'Fewer networks inside the interval than it promises: beta-binomial.' },
    SLOWER: {
      description:
        "More than half of the networks are slower than predicted by over the version's median error: sign test.",
    },
    FASTER: {
      description:
        "More than half of the networks are faster than predicted by over the version's median error: sign test.",
    },
  },
});

export const DriftVerdict = wordsOf(DRIFT_VERDICTS);
export type DriftVerdict = WordOf<typeof DriftVerdict>;
registerEnumType(DriftVerdict, {
  name: 'DriftVerdict',
  valuesConfig: {
    INSUFFICIENT_DATA: { description: 'Fewer than four networks: an alert stays, or does not begin.' },
    STEADY: { description: 'No sign of a drift; an alert ends.' },
    UNCERTAIN: { description: 'Between the two: an alert stays, or does not begin.' },
    DRIFTING: { description: 'An alert begins.' },
  },
});

export const ErrorCode = wordsOf(ERROR_CODES);
export type ErrorCode = WordOf<typeof ErrorCode>;
registerEnumType(ErrorCode, { name: 'ErrorCode', description: 'The closed list of `extensions.code` of errors.' });

export const NetworkOrder = wordsOf([
  'NAME',
  'FORMAT',
  'OPS',
  'PARAMETERS',
  'MULTIPLY_ACCUMULATES',
  'STATUS',
  'CREATED',
]);
export type NetworkOrder = WordOf<typeof NetworkOrder>;
registerEnumType(NetworkOrder, { name: 'NetworkOrder', description: 'What a list of networks is sorted by.' });
