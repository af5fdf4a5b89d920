/**
 * Compares two predictor versions, A and B, on the measured networks of an evaluation set: errors, the paired interval of
 * their difference, orders that flip, intervals and coverage. Arrays in, statistics out: it must not know where measurements
 * and predictions come from. The words of the result are those of the API.
 */
import { compareKinds, type KindComparison, type KindLatency } from './comparison-kinds';
import {
  type BootstrapOptions,
  equivalenceMargin,
  type PairedDifference,
  pairedBootstrap,
} from './comparison-statistics';
import type { PredictorMetadata } from './export';
import { intervalAround } from './intervals';
import { type ErrorSummary, mean, summarizeErrors } from './metrics';
import type { NetworkPrediction } from './predictor';
import { kendallTau } from './rank-correlation';

/** What a comparison takes from one version's prediction of one network. */
export interface EvaluatedPrediction {
  readonly latencyUs: number;
  /** Share of the kernels' latency from kernels inside what training saw, 0 to 1. */
  readonly coverage: number;
  /** One for each level of the version's file. */
  readonly intervals: readonly { readonly lowerUs: number; readonly upperUs: number; readonly level: number }[];
  /** Kernel latencies before composition, summed by kind. */
  readonly kinds: readonly KindLatency[];
}

/** One network of an evaluation set in one scenario: measured, and predicted by both versions. */
export interface EvaluatedNetwork {
  readonly network: string;
  readonly scenario: string;
  readonly measuredUs: number;
  /** Measured kernel latencies, summed by kind; empty where only the whole network was measured. */
  readonly kinds: readonly KindLatency[];
  readonly a: EvaluatedPrediction;
  readonly b: EvaluatedPrediction;
}

/** How often a version's intervals of one level hold the measured latency. */
export interface IntervalCalibration {
  /** What the interval promises, 0 to 1. */
  readonly level: number;
  /** What it kept on the set, 0 to 1. */
  readonly covered: number;
  /** Mean of upper over lower end, less 1. */
  readonly relativeWidth: number;
}

/** How good one version is on one scenario's networks. */
export interface VersionQuality {
  readonly error: ErrorSummary;
  /** Agreement of its order of the networks with the measured one, -1 to 1; null if there is no order. */
  readonly kendallTau: number | null;
  /** Mean over the networks, 0 to 1. */
  readonly coverage: number;
  readonly calibration: readonly IntervalCalibration[];
}

/** One network in one scenario. Errors are signed: above 0 if predicted too slow, percent. */
export interface NetworkComparison {
  readonly network: string;
  readonly scenario: string;
  readonly measuredUs: number;
  readonly aUs: number;
  readonly bUs: number;
  readonly aError: number;
  readonly bError: number;
  /** Absolute percentage error of B less that of A, percentage points: above 0 where B is worse. */
  readonly change: number;
}

/** Two networks that a version puts in another order than the measurement. */
export interface OrderFlip {
  readonly faster: string;
  readonly slower: string;
  /** The slower measured latency over the faster, less 1, percent. */
  readonly measuredGap: number;
  readonly flippedByA: boolean;
  readonly flippedByB: boolean;
}

export interface OrderFlips {
  /** Pairs of networks of different measured latency. */
  readonly pairs: number;
  readonly byA: number;
  readonly byB: number;
  /** The gravest, by measured gap. */
  readonly gravest: readonly OrderFlip[];
}

export interface ScenarioComparison {
  readonly scenario: string;
  readonly networks: number;
  readonly a: VersionQuality;
  readonly b: VersionQuality;
  readonly difference: PairedDifference;
  readonly flips: OrderFlips;
  readonly kinds: readonly KindComparison[];
}

export interface Comparison {
  /** Over all scenarios: the mean of each network's differences, resampled by network. */
  readonly difference: PairedDifference;
  readonly scenarios: readonly ScenarioComparison[];
  /** Every network in every scenario, by scenario and name. */
  readonly networks: readonly NetworkComparison[];
  /** Where B errs more than A by most, and where it errs less by most. */
  readonly worstMovers: readonly NetworkComparison[];
  readonly bestMovers: readonly NetworkComparison[];
}

const MOVERS = 10;
const GRAVEST_FLIPS = 20;

/**
 * What a comparison takes from a prediction.
 *
 * @param metadata of the version that predicted: its radii give the intervals, its composition is undone for kernels, so
 *   that they stand beside kernels as profiles measure them
 */
export function evaluatePrediction(
  { latencyUs, coverage, kernels }: NetworkPrediction,
  { radii, composition }: Pick<PredictorMetadata, 'radii' | 'composition'>,
): EvaluatedPrediction {
  const { kernelFactor, perKernelUs } = composition;
  let unmodelledUs = 0;
  const kinds = new Map<string, number>();
  for (const kernel of kernels) {
    if (kernel.coverage === 'unmodelled') unmodelledUs += kernel.latencyUs;
    const aloneUs = kernelFactor > 0 ? (kernel.latencyUs - perKernelUs) / kernelFactor : kernel.latencyUs;
    kinds.set(kernel.kind, (kinds.get(kernel.kind) ?? 0) + aloneUs);
  }
  return {
    latencyUs,
    coverage,
    intervals: radii.map(({ level }) => intervalAround(latencyUs, radii, level, unmodelledUs)),
    kinds: [...kinds].map(([kind, kindUs]) => ({ kind, latencyUs: kindUs })),
  };
}

/**
 * Compares two versions. The order of the rows does not matter.
 *
 * @param rows one of each network and scenario; at least one
 */
export function compareVersions(rows: readonly EvaluatedNetwork[], options: BootstrapOptions): Comparison {
  const sorted = [...rows].sort((x, y) => compareText(x.scenario, y.scenario) || compareText(x.network, y.network));
  const networks = sorted.map(compareNetwork);
  const byScenario = grouped(sorted, ({ scenario }) => scenario);
  const scenarios = [...byScenario].map(([scenario, ofScenario]) => compareScenario(scenario, ofScenario, options));
  const byChange = [...networks].sort((x, y) => y.change - x.change);
  return {
    difference: scenarios.length === 1 ? scenarios[0].difference : compareOverall(networks, options),
    scenarios,
    networks,
    worstMovers: byChange.filter(({ change }) => change > 0).slice(0, MOVERS),
    bestMovers: byChange
      .filter(({ change }) => change < 0)
      .slice(-MOVERS)
      .reverse(),
  };
}

/** Each network counts once, by its mean over scenarios; in the order of names, because the bootstrap draws positions. */
function compareOverall(rows: readonly NetworkComparison[], options: BootstrapOptions): PairedDifference {
  const byNetwork = [...grouped(rows, ({ network }) => network)].sort(([x], [y]) => compareText(x, y));
  const meanOf = (figure: (row: NetworkComparison) => number) =>
    byNetwork.map(([, ofNetwork]) => mean(ofNetwork.map(figure)));
  const errors = [meanOf(({ aError }) => Math.abs(aError)), meanOf(({ bError }) => Math.abs(bError))].map(mean);
  const margin = equivalenceMargin(errors[0], errors[1]);
  return pairedBootstrap(
    meanOf(({ change }) => change),
    margin,
    options,
  );
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function compareNetwork({ network, scenario, measuredUs, a, b }: EvaluatedNetwork): NetworkComparison {
  const aError = (100 * (a.latencyUs - measuredUs)) / measuredUs;
  const bError = (100 * (b.latencyUs - measuredUs)) / measuredUs;
  const change = Math.abs(bError) - Math.abs(aError);
  return { network, scenario, measuredUs, aUs: a.latencyUs, bUs: b.latencyUs, aError, bError, change };
}

function compareScenario(
  scenario: string,
  rows: readonly EvaluatedNetwork[],
  options: BootstrapOptions,
): ScenarioComparison {
  const [a, b] = [qualityOf(rows, (row) => row.a), qualityOf(rows, (row) => row.b)];
  const changes = rows.map((row) => compareNetwork(row).change);
  return {
    scenario,
    networks: rows.length,
    a,
    b,
    difference: pairedBootstrap(changes, equivalenceMargin(a.error.mape, b.error.mape), options),
    flips: findFlips(rows),
    kinds: compareKinds(rows.map(({ kinds, a, b }) => ({ measured: kinds, a: a.kinds, b: b.kinds }))),
  };
}

type Side = (row: EvaluatedNetwork) => EvaluatedPrediction;

function qualityOf(rows: readonly EvaluatedNetwork[], side: Side): VersionQuality {
  const measured = rows.map(({ measuredUs }) => measuredUs);
  const predicted = rows.map((row) => side(row).latencyUs);
  const levels = side(rows[0]).intervals.map(({ level }) => level);
  return {
    error: summarizeErrors(predicted.map((latency, i) => Math.abs(latency - measured[i]) / measured[i])),
    kendallTau: kendallTau(measured, predicted),
    coverage: mean(rows.map((row) => side(row).coverage)),
    calibration: levels.map((level, l) => {
      const intervals = rows.map((row) => side(row).intervals[l]);
      const held = intervals.map(({ lowerUs, upperUs }, i) => Number(lowerUs <= measured[i] && measured[i] <= upperUs));
      return {
        level,
        covered: mean(held),
        relativeWidth: mean(intervals.map((each) => each.upperUs / each.lowerUs - 1)),
      };
    }),
  };
}

function findFlips(rows: readonly EvaluatedNetwork[]): OrderFlips {
  const flips: OrderFlip[] = [];
  let pairs = 0;
  const bySpeed = [...rows].sort((x, y) => x.measuredUs - y.measuredUs);
  bySpeed.forEach((slower, i) => {
    for (const faster of bySpeed.slice(0, i)) {
      if (faster.measuredUs === slower.measuredUs) continue;
      pairs += 1;
      const flippedByA = faster.a.latencyUs > slower.a.latencyUs;
      const flippedByB = faster.b.latencyUs > slower.b.latencyUs;
      if (!flippedByA && !flippedByB) continue;
      const measuredGap = 100 * (slower.measuredUs / faster.measuredUs - 1);
      flips.push({ faster: faster.network, slower: slower.network, measuredGap, flippedByA, flippedByB });
    }
  });
  return {
    pairs,
    byA: flips.filter(({ flippedByA }) => flippedByA).length,
    byB: flips.filter(({ flippedByB }) => flippedByB).length,
    gravest: flips.sort((x, y) => y.measuredGap - x.measuredGap).slice(0, GRAVEST_FLIPS),
  };
}
