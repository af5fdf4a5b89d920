/**
 * The engine's one public door: bytes and numbers in, values out. It knows no file, network, clock, environment or log.
 */
export {
  applyCalibration,
  type CalibratedNetwork,
  type CalibrationFit,
  type CalibrationPoint,
  compareHarness,
  type FittedCalibration,
  fitCalibration,
  MAXIMUM_CALIBRATION_NETWORKS,
  MINIMUM_CALIBRATION_NETWORKS,
} from './calibration';
export {
  type Comparison,
  compareVersions,
  type EvaluatedNetwork,
  type EvaluatedPrediction,
  evaluatePrediction,
} from './comparison';
export { comparePlans, type PlansComparison } from './comparison-plans';
export { compareColumns } from './comparison-scenarios';
export {
  type BootstrapOptions,
  FEWEST_FOR_VERDICT,
  type PairedDifference,
  pairedBootstrap,
  VERDICTS,
  type Verdict,
} from './comparison-statistics';
export { differencesOf, type VersionDifferences, type VersionFacts } from './comparison-versions';
export { type FoldResult, type FoldTask, runFold, type SourceName } from './cross-validation';
export {
  assessDrift,
  type BucketErrors,
  DRIFT_BUCKETS,
  DRIFT_TESTS,
  DRIFT_VERDICTS,
  type DriftAssessment,
  type DriftBucket,
  type DriftTest,
  type DriftVerdict,
  errorsOverTime,
  type Observation,
} from './drift';
export { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode } from './errors';
export { canonicalContent, type EvaluationRow, evaluationRows, type FrozenNetwork } from './evaluation-set';
export { type PredictorMetadata, readMetadata } from './export';
export { FEATURE_NAMES, FEATURES, type FeatureName, featurize } from './features';
export type { DimensionBindings } from './formats/dimension-bindings';
export type { StrippedNetwork } from './formats/onnx-strip';
export { type OnnxAttribute, type OnnxConstant, type OnnxNode, writeOnnx } from './formats/onnx-writer';
export { type OnnxruntimeProfileOptions, profileFromOnnxruntime } from './formats/profile-onnxruntime';
export { MAXIMUM_RULE_FILE_BYTES } from './formats/rule-file-schema';
export type { Graph } from './graph';
export { DEFAULT_LEVEL, INTERVAL_LEVELS } from './intervals';
export { type KernelFlow, kernelFlow } from './kernel-flow';
export { LEARNERS, type Learner } from './learner';
export {
  MAXIMUM_COMPARED_NETWORKS,
  type MeasureNextAnswer,
  measureNext,
  type NextMeasurement,
} from './measure-next';
export { describeNetwork, type NetworkDescription, readNetwork } from './network';
export { type Kernel, type KernelPlan, planKernels } from './plan';
export { type KernelPrediction, type LoadedPredictor, loadPredictor, type NetworkPrediction } from './predictor';
export type { KernelCoverage } from './predictor-model';
export {
  type Harness,
  type KernelMeasurement,
  type NetworkMeasurement,
  type Profile,
  parseScenario,
  type Scenario,
  STATISTICS,
  type Statistic,
} from './profile';
export {
  contentsOf,
  type KindSpread,
  type LatencySpread,
  type ProfileContents,
  type ScenarioSpread,
  spreadsOf,
} from './profile-summary';
export { createRandom } from './random';
export { kendallTau, spearmanRho } from './rank-correlation';
export { explainFusions, type FusionReport } from './rule-learning';
export { RUNTIMES, resolveRuntime, runtimeOfScenario, withGpu } from './runtimes/registry';
export { parseRuleFile, rulePackOf } from './runtimes/rule-file';
export type { RulePack } from './runtimes/rule-pack';
export { ONNXRUNTIME_VERSION, openSession } from './session';
export { dynamicDimensions, stripNetwork } from './stripping';
export {
  type TrainedPredictor,
  type TrainingProgress,
  type TrainingRequest,
  trainPredictor,
} from './training';
export type { TrainingReport } from './training-report';
export { ENGINE_VERSION } from './version';
export { answerWhatIf, type WhatIf, type WhatIfPoint, type WhatIfQuestion } from './what-if';
export {
  CHANGED_PROPERTIES,
  MAXIMUM_CHANGED_VALUE,
  MAXIMUM_CHANGES,
  MAXIMUM_SWEPT_VALUES,
  type NetworkChange,
  parseChange,
  parseSweep,
} from './what-if-changes';
export { changeGraph } from './what-if-graph';
