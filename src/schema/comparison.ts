/** What a comparison of two predictor versions, A and B, says. Computed when asked for, never stored; nothing here computes. */
import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { Comparison as EngineComparison, VersionDifferences as EngineDifferences } from '../engine';
import { Verdict } from './enums';
import { EvaluationSet } from './evaluation-set';
import { PredictorVersion } from './predictor-version';

@ObjectType({ description: 'Errors of whole networks.' })
class ErrorSummary {
  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;

  @Field(() => Float, { description: 'Median absolute percentage error, percent.' })
  medianApe!: number;

  @Field(() => Float, { description: 'Share of networks within 10 % of the truth, 0 to 1.' })
  within10!: number;
}

@ObjectType({ description: 'How well intervals of one level kept their promise on the set.' })
class IntervalCoverage {
  @Field(() => Float, { description: 'How often an interval shall hold the true latency, 0 to 1.' })
  level!: number;

  @Field(() => Float, { description: 'How often it did, 0 to 1.' })
  covered!: number;

  @Field(() => Float, { description: 'Mean of upper over lower end, less 1.' })
  relativeWidth!: number;
}

@ObjectType({ description: "How good one version is on one scenario's networks." })
class VersionQuality {
  @Field(() => ErrorSummary)
  error!: ErrorSummary;

  @Field(() => Float, {
    nullable: true,
    description: "Kendall's tau-b of its order of the networks and the measured one, -1 to 1; null without an order.",
  })
  kendallTau!: number | null;

  @Field(() => Float, { description: 'Mean share of the latency from kernels inside what training saw, 0 to 1.' })
  coverage!: number;

  @Field(() => [IntervalCoverage], { description: "By each level of the version's file." })
  calibration!: readonly IntervalCoverage[];
}

@ObjectType({
  description: 'Mean of what B errs more than A, by network, with its bootstrap interval; below 0 B is better.',
})
class PairedDifference {
  @Field(() => Float, { description: 'Absolute percentage error of B less that of A, percentage points.' })
  mean!: number;

  @Field(() => Float, { description: 'Lower end of the interval, percentage points.' })
  lower!: number;

  @Field(() => Float, { description: 'Upper end of the interval, percentage points.' })
  upper!: number;

  @Field(() => Float, { description: 'Confidence of the interval, 0 to 1.' })
  level!: number;

  @Field(() => Int, { description: 'Networks, which were resampled.' })
  networks!: number;

  @Field(() => Int)
  resamples!: number;

  @Field(() => Float, {
    description: 'Differences up to it are none that counts, percentage points: 5 % of the mean error of both.',
  })
  margin!: number;

  @Field(() => Verdict)
  verdict!: Verdict;
}

@ObjectType({ description: 'Two networks that a version puts in another order than the measurement.' })
class OrderFlip {
  @Field({ description: 'The faster one, measured.' })
  faster!: string;

  @Field({ description: 'The slower one, measured.' })
  slower!: string;

  @Field(() => Float, { description: 'Measured latency of the slower over the faster, less 1, percent.' })
  measuredGap!: number;

  @Field()
  flippedByA!: boolean;

  @Field()
  flippedByB!: boolean;
}

@ObjectType({ description: 'Pairs of networks whose order versions get wrong.' })
class OrderFlips {
  @Field(() => Int, { description: 'Pairs of networks of different measured latency.' })
  pairs!: number;

  @Field(() => Int)
  byA!: number;

  @Field(() => Int)
  byB!: number;

  @Field(() => [OrderFlip], { description: 'Those of the largest measured gap, 20 at most.' })
  gravest!: readonly OrderFlip[];
}

@ObjectType({ description: 'One version on kernels of one kind.' })
class KindQuality {
  @Field(() => Float, {
    nullable: true,
    description: 'Mean error of the kind in each network that has it measured, percent; null without measured kernels.',
  })
  mape!: number | null;

  @Field(() => Float, { description: "The kind's part of all predicted kernel latency, 0 to 1." })
  share!: number;
}

@ObjectType({ description: 'Both versions on kernels of one kind.' })
class KindComparison {
  @Field()
  kind!: string;

  @Field(() => Int, { description: 'Networks with measured kernels of the kind.' })
  networks!: number;

  @Field(() => Float, { nullable: true, description: "The kind's part of all measured kernel latency, 0 to 1." })
  measuredShare!: number | null;

  @Field(() => KindQuality)
  a!: KindQuality;

  @Field(() => KindQuality)
  b!: KindQuality;
}

@ObjectType({ description: 'One network in one scenario. Errors are above 0 if predicted too slow.' })
class NetworkComparison {
  @Field()
  network!: string;

  @Field()
  scenario!: string;

  @Field(() => Float)
  measuredUs!: number;

  @Field(() => Float, { description: "A's prediction." })
  aUs!: number;

  @Field(() => Float, { description: "B's prediction." })
  bUs!: number;

  @Field(() => Float, { description: 'Percent.' })
  aError!: number;

  @Field(() => Float, { description: 'Percent.' })
  bError!: number;

  @Field(() => Float, { description: 'What B errs more than A, percentage points.' })
  change!: number;
}

@ObjectType({ description: 'Both versions in one scenario.' })
class ScenarioComparison {
  @Field()
  scenario!: string;

  @Field(() => Int)
  networks!: number;

  @Field(() => VersionQuality)
  a!: VersionQuality;

  @Field(() => VersionQuality)
  b!: VersionQuality;

  @Field(() => PairedDifference)
  difference!: PairedDifference;

  @Field(() => OrderFlips)
  flips!: OrderFlips;

  @Field(() => [KindComparison], { description: 'By kernel kind, in order of name.' })
  kinds!: readonly KindComparison[];
}

@ObjectType()
class OnlyIn {
  @Field(() => [String])
  onlyInA!: readonly string[];

  @Field(() => [String])
  onlyInB!: readonly string[];
}

@ObjectType({ description: 'A setting that two versions differ in; null where a version has none.' })
class SettingDifference {
  @Field()
  name!: string;

  @Field(() => String, { nullable: true })
  a!: string | null;

  @Field(() => String, { nullable: true })
  b!: string | null;
}

@ObjectType({ description: 'What two versions differ in besides their predictions.' })
class VersionDifferences implements EngineDifferences {
  @Field(() => OnlyIn, { description: 'SHA-256 of datasets that one of the two was trained on.' })
  datasets!: OnlyIn;

  @Field(() => OnlyIn, { description: 'Networks that one of the two was trained on.' })
  networks!: OnlyIn;

  @Field(() => [SettingDifference], {
    description: 'Learner, seed, sources, rules, engine and the like; only those that differ.',
  })
  settings!: readonly SettingDifference[];
}

@ObjectType({ description: 'Two versions on the same frozen networks.' })
export class Comparison implements EngineComparison {
  @Field(() => PredictorVersion)
  versionA!: PredictorVersion;

  @Field(() => PredictorVersion)
  versionB!: PredictorVersion;

  @Field(() => EvaluationSet)
  evaluationSet!: EvaluationSet;

  @Field(() => PairedDifference, { description: 'Over all scenarios, and its verdict.' })
  difference!: PairedDifference;

  @Field(() => [ScenarioComparison])
  scenarios!: readonly ScenarioComparison[];

  @Field(() => [NetworkComparison], { description: 'Every network in every scenario, by scenario and name.' })
  networks!: readonly NetworkComparison[];

  @Field(() => [NetworkComparison], { description: 'Where B errs more than A by most, 10 at most.' })
  worstMovers!: readonly NetworkComparison[];

  @Field(() => [NetworkComparison], { description: 'Where B errs less than A by most, 10 at most.' })
  bestMovers!: readonly NetworkComparison[];

  @Field(() => [String], {
    description: 'Networks of the set that were left out, because a version was trained on them.',
  })
  leftOut!: readonly string[];

  @Field(() => VersionDifferences)
  versionDifferences!: VersionDifferences;
}
