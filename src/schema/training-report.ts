/** What a training says of its result, as a version's row keeps it. The engine writes it; nothing here computes. */
import { GraphQLJSONObject } from 'graphql-scalars';
import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { ValueTransformer } from 'typeorm';
import type { TrainingReport as EngineTrainingReport, SourceName } from '../engine';
import { Learner } from './enums';

@ObjectType({ description: 'Whole networks, by cross-validation grouped by network.' })
class EndToEndError {
  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;

  @Field(() => Float, { description: 'Median absolute percentage error, percent.' })
  medianApe!: number;

  @Field(() => Float, { description: 'Share of networks within 10 % of the truth, 0 to 1.' })
  within10!: number;
}

@ObjectType({ description: 'A learner with settings.' })
class Candidate {
  @Field(() => Learner)
  learner!: Exclude<Learner, 'auto'>;

  @Field(() => GraphQLJSONObject, { description: "The learner's settings by name; empty if it has none." })
  settings!: object;
}

@ObjectType({ description: 'A candidate with its cross-validated error.' })
class CandidateError extends Candidate {
  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;
}

@ObjectType({ description: 'Which learner was taken, and why: its cross-validated error is least.' })
class LearnerChoice {
  @Field(() => String, {
    nullable: true,
    description: 'Kernel kind that it predicts; null for all kinds together, where no single kernel was measured.',
  })
  kind!: string | null;

  @Field(() => Int, { description: 'Measurements that the errors are of: kernels of the kind, or whole networks.' })
  rows!: number;

  @Field(() => Candidate)
  chosen!: Candidate;

  @Field(() => [CandidateError], { description: 'All that were tried, best first.' })
  candidates!: readonly CandidateError[];
}

@ObjectType({ description: 'One kind of measurements that the kernel models were fitted to.' })
class TrainingSource {
  @Field(() => String, {
    description: '`kernel rows`, `end-to-end rows`, or `other scenarios`: end-to-end rows of scenarios alike.',
  })
  name!: SourceName;

  @Field(() => Int, { description: 'Networks that its error is of.' })
  networks!: number;

  @Field(() => Float, { description: 'Cross-validated mean absolute percentage error of whole networks, percent.' })
  mape!: number;

  @Field(() => Float, {
    description: 'Its share of the prediction, 0 to 1. Measurements that do not explain the whole count little.',
  })
  share!: number;

  @Field({ description: 'Whether latencies stood on the wrong kernels of their networks, and were exchanged.' })
  permuted!: boolean;

  @Field(() => [LearnerChoice], { description: 'By kernel kind; empty in versions of before there was a choice.' })
  choices!: readonly LearnerChoice[];
}

@ObjectType({ description: 'A network as predicted by models that did not see it.' })
class NetworkError {
  @Field()
  network!: string;

  @Field(() => Float, { description: 'End to end, microseconds.' })
  predictedUs!: number;

  @Field(() => Float, { description: 'End to end, microseconds.' })
  measuredUs!: number;
}

@ObjectType({ description: 'How well the intervals of one level keep their promise.' })
class IntervalCalibration {
  @Field(() => Float, { description: 'How often an interval shall hold the true latency, 0 to 1.' })
  level!: number;

  @Field(() => Float, {
    description: 'Share of networks that the interval held which other networks gave them, 0 to 1.',
  })
  covered!: number;

  @Field(() => Float, { description: 'Upper over lower end of the interval, less 1.' })
  relativeWidth!: number;
}

@ObjectType({ description: 'Single kernels of one kind, by the same cross-validation.' })
class KernelKindError {
  @Field()
  kind!: string;

  @Field(() => Int, { description: 'Measured kernels.' })
  rows!: number;

  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;
}

@ObjectType({ description: 'How much the latency of kernels depends on a feature.' })
class FeatureImportance {
  @Field()
  feature!: string;

  @Field(() => Float, {
    description: "Mean relative change of a kernel's latency when it has another kernel's value, percent.",
  })
  change!: number;
}

@ObjectType({ description: 'latency = kernelFactor * sum of kernels + perKernelUs * number of kernels + fixedUs' })
class Composition {
  @Field(() => Float, { description: 'No unit.' })
  kernelFactor!: number;

  @Field(() => Float, { description: 'Dispatch of a kernel, microseconds.' })
  perKernelUs!: number;

  @Field(() => Float, { description: 'What a run costs whatever the network, microseconds.' })
  fixedUs!: number;
}

@ObjectType({ description: 'How latencies were measured, as far as the dataset says it.' })
export class Harness {
  @Field(() => String, { nullable: true, description: 'Runtime and its build.' })
  runtimeBuild?: string;

  @Field(() => Int, { nullable: true })
  threads?: number;

  @Field(() => String, { nullable: true, description: 'CPU set or core names.' })
  affinity?: string;

  @Field(() => Int, { nullable: true, description: 'Runs before those that count.' })
  warmUps?: number;

  @Field(() => Int, { nullable: true, description: 'Runs that count.' })
  repetitions?: number;

  @Field(() => String, { nullable: true, description: '`mean`, `median` or `minimum` of the runs.' })
  statistic?: string;

  @Field(() => String, { nullable: true, description: 'Frequency governor.' })
  governor?: string;
}

@ObjectType({ description: 'What a training says of its result: how good, how sure, on what grounds, from where.' })
export class TrainingReport {
  @Field()
  engineVersion!: string;

  @Field({ description: 'Rules that plan the kernels, with their version.' })
  runtime!: string;

  @Field(() => Learner, { description: 'That was asked for.' })
  learner!: Learner;

  @Field(() => Int, { description: 'Seeded every random choice.' })
  seed!: number;

  @Field(() => [TrainingSource], { description: 'What the kernel models were fitted to.' })
  sources!: readonly TrainingSource[];

  @Field(() => Int, { description: 'Networks trained on.' })
  networks!: number;

  @Field(() => Int, { description: 'Kernel measurements trained on.' })
  kernelRows!: number;

  @Field(() => EndToEndError)
  endToEnd!: EndToEndError;

  @Field(() => [NetworkError], {
    description: 'Networks by models that did not see them, largest error first; 500 at most.',
  })
  worstNetworks!: readonly NetworkError[];

  @Field(() => [IntervalCalibration], { description: 'By level, on networks that the intervals were not made from.' })
  calibration!: readonly IntervalCalibration[];

  @Field(() => [KernelKindError], { description: 'Empty without kernel measurements.' })
  kernelKinds!: readonly KernelKindError[];

  @Field(() => [FeatureImportance], { description: 'Most important first.' })
  importance!: readonly FeatureImportance[];

  @Field(() => Composition)
  composition!: Composition;

  @Field(() => Float, {
    nullable: true,
    description: 'Median relative standard deviation of the measurements, no unit; null if the datasets have none.',
  })
  noiseFloor!: number | null;

  @Field(() => [String], { description: 'What was left out or is unexpected, and why, in sentences.' })
  dropped!: readonly string[];

  @Field(() => [String], { description: 'SHA-256 of the datasets.' })
  datasets!: readonly string[];

  @Field(() => [Harness], { description: 'How the scenario was measured, each way once.' })
  harnesses!: readonly Harness[];

  @Field(() => Float, {
    description: 'Largest relative difference between the trained model and the exported file, no unit.',
  })
  exportDifference!: number;
}

type NewerFields = 'sources' | 'worstNetworks' | 'calibration' | 'importance' | 'harnesses';

/** A report as the first engine wrote it. */
type FirstReport = Omit<EngineTrainingReport, NewerFields> & { readonly source: SourceName };

/** Versions are never changed, so that reports of the first engine stay as they are: they are completed when read. */
export const trainingReportColumn: ValueTransformer = {
  to: (report?: EngineTrainingReport | null) => report,
  from: (report?: EngineTrainingReport | FirstReport | null): TrainingReport | null | undefined => {
    if (!report || 'sources' in report) return report;
    const { networks, endToEnd } = report;
    const source = { name: report.source, networks, mape: endToEnd.mape, share: 1, permuted: false, choices: [] };
    return { ...report, sources: [source], worstNetworks: [], calibration: [], importance: [], harnesses: [] };
  },
};
