/**
 * Drift: whether networks measured in production still are what a version predicts. Errors over time, and two tests on the
 * newest fortnight; the unit of the tests is a network, because all measurements of one share the version's error of it.
 *
 * Coverage test: of n networks, how many have their median inside the interval. Without drift that number is beta-binomial,
 * because the interval itself comes from N training networks (Vovk 2012, "Conditional validity", proposition 2).
 * Shift test, each way: how many networks are off, that way, by more than the version's median error. Without drift at
 * most half of them are, whatever the distribution of errors: a sign test.
 * Of these three p-values the least counts three times (Bonferroni). A look at one fortnight raises an alert without a
 * reason less than once in a thousand; fortnights that overlap are nearly the same look, and 26 of a year do not.
 */
import { betaBinomialLowerTail, binomialUpperTail } from './binomial';
import { groupBy } from './grouping';
import { mean, quantile } from './metrics';

/** A measured latency with what the version predicts of the network. */
export interface Observation {
  readonly network: string;
  /** Milliseconds since 1970 in UTC. */
  readonly measuredAt: number;
  /** Microseconds, as all latencies. */
  readonly measuredUs: number;
  readonly predictedUs: number;
  readonly lowerUs: number;
  readonly upperUs: number;
}

/** What a version promises. */
export interface Promised {
  /** Coverage of its interval, 0 to 1. */
  readonly level: number;
  /** Median absolute percentage error in its cross-validation, percent. */
  readonly medianApe: number;
  /** Networks that it was trained on. */
  readonly trainingNetworks: number;
}

export const DRIFT_BUCKETS = ['DAY', 'WEEK'] as const;
export type DriftBucket = (typeof DRIFT_BUCKETS)[number];

export interface BucketErrors {
  /** Milliseconds since 1970: a midnight, that of a Monday for weeks, in UTC. */
  readonly startsAt: number;
  readonly measurements: number;
  readonly networks: number;
  /** Share of measurements inside the version's interval, 0 to 1. */
  readonly covered: number;
  /** Median of (predicted - measured) / measured, percent: below zero, production is slower than predicted. */
  readonly signedError: number;
  /** Mean absolute percentage error, percent. */
  readonly mape: number;
}

export const DRIFT_TESTS = ['COVERAGE', 'SLOWER', 'FASTER'] as const;
export type DriftTest = (typeof DRIFT_TESTS)[number];
export const DRIFT_VERDICTS = ['INSUFFICIENT_DATA', 'STEADY', 'UNCERTAIN', 'DRIFTING'] as const;
export type DriftVerdict = (typeof DRIFT_VERDICTS)[number];

/** What the tests say of the newest fortnight. */
export interface DriftAssessment {
  readonly verdict: DriftVerdict;
  /** Milliseconds since 1970: the first and the last measurement that count. */
  readonly since: number;
  readonly until: number;
  readonly measurements: number;
  readonly networks: number;
  /** Share of networks whose median is inside the interval, 0 to 1. */
  readonly covered: number;
  /** Median over networks of (predicted - measured) / measured, percent. */
  readonly signedError: number;
  /** The test that is surest of a drift. */
  readonly test: DriftTest;
  /** Its p-value, times the number of tests, at most 1. */
  readonly pValue: number;
}

const DAY_MS = 24 * 3600 * 1000;
/** How far back from the newest measurement the tests look. */
const WINDOW_MS = 14 * DAY_MS;
/** With fewer no verdict is given: an alert stays, or does not begin. */
export const NETWORKS_FOR_VERDICT = 4;
export const ALERT_P_VALUE = 0.001;
/** An alert ends above this, not right below the other: it does not flicker. */
export const RECOVERY_P_VALUE = 0.05;

/** Errors by day or week, oldest first; days and weeks without measurements are left out. */
export function errorsOverTime(observations: readonly Observation[], bucket: DriftBucket): BucketErrors[] {
  const buckets = groupBy(observations, ({ measuredAt }) => startOf(measuredAt, bucket));
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([startsAt, own]) => {
      const errors = own.map(signedError);
      return {
        startsAt,
        measurements: own.length,
        networks: new Set(own.map(({ network }) => network)).size,
        covered: mean(own.map((each) => Number(isInside(each)))),
        signedError: 100 * quantile(errors, 0.5),
        mape: 100 * mean(errors.map(Math.abs)),
      };
    });
}

/** Tests the fortnight that ends with the newest measurement; undefined if there is none. */
export function assessDrift(
  observations: readonly Observation[],
  { level, medianApe, trainingNetworks }: Promised,
): DriftAssessment | undefined {
  if (observations.length === 0) return undefined;
  const until = observations.reduce((latest, { measuredAt }) => Math.max(latest, measuredAt), -Infinity);
  const recent = observations.filter(({ measuredAt }) => measuredAt > until - WINDOW_MS);
  const medians = [...groupBy(recent, ({ network }) => network).values()].map(medianOf);
  const n = medians.length;
  const inside = medians.filter(isInside).length;
  const errors = medians.map(signedError);
  const margin = medianApe / 100;
  // The interval reaches to the rank-th smallest of N errors: a new network is inside with a probability that is beta.
  const rank = Math.min(trainingNetworks, Math.ceil((trainingNetworks + 1) * level));
  const pValues: Record<DriftTest, number> = {
    COVERAGE: betaBinomialLowerTail(inside, n, rank, trainingNetworks + 1 - rank),
    SLOWER: binomialUpperTail(errors.filter((error) => error < -margin).length, n, 0.5),
    FASTER: binomialUpperTail(errors.filter((error) => error > margin).length, n, 0.5),
  };
  const test = DRIFT_TESTS.reduce((surest, each) => (pValues[each] < pValues[surest] ? each : surest));
  const pValue = Math.min(1, DRIFT_TESTS.length * pValues[test]);
  return {
    verdict: verdictOf(n, pValue),
    since: recent.reduce((earliest, { measuredAt }) => Math.min(earliest, measuredAt), until),
    until,
    measurements: recent.length,
    networks: n,
    covered: inside / n,
    signedError: 100 * quantile(errors, 0.5),
    test,
    pValue,
  };
}

function verdictOf(networks: number, pValue: number): DriftVerdict {
  if (networks < NETWORKS_FOR_VERDICT) return 'INSUFFICIENT_DATA';
  if (pValue < ALERT_P_VALUE) return 'DRIFTING';
  return pValue > RECOVERY_P_VALUE ? 'STEADY' : 'UNCERTAIN';
}

function isInside({ measuredUs, lowerUs, upperUs }: Observation): boolean {
  return measuredUs >= lowerUs && measuredUs <= upperUs;
}

function signedError({ predictedUs, measuredUs }: Observation): number {
  return predictedUs / measuredUs - 1;
}

/** One observation for all of a network: its median latency. */
function medianOf(observations: readonly Observation[]): Observation {
  const measuredUs = quantile(
    observations.map((each) => each.measuredUs),
    0.5,
  );
  return { ...observations[0], measuredUs };
}

/** Monday 5 January 1970 is the fifth day of the epoch. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

function startOf(at: number, bucket: DriftBucket): number {
  if (bucket === 'DAY') return Math.floor(at / DAY_MS) * DAY_MS;
  const week = 7 * DAY_MS;
  return Math.floor((at - FIRST_MONDAY_MS) / week) * week + FIRST_MONDAY_MS;
}
