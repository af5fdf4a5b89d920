/** What a profile holds, small enough to keep and to plot: counts, how it was measured, how latencies are spread. */
import { groupBy } from './grouping';
import { quantile } from './metrics';
import type { Harness, Profile } from './profile';

/** At most so many of each are listed; the counts say how many there are. */
const MAXIMUM_HARNESSES = 20;
const MAXIMUM_KINDS = 60;
/** Fewer networks than this in a scenario leave cross-validation next to nothing. */
const FEW_NETWORKS = 10;
/** A standard deviation over the latency itself from which a row counts as noisy. */
const NOISY = 0.2;

/** Of latencies, microseconds; quartiles by linear interpolation. */
export interface LatencySpread {
  readonly rows: number;
  readonly minimumUs: number;
  readonly lowerQuartileUs: number;
  readonly medianUs: number;
  readonly upperQuartileUs: number;
  readonly maximumUs: number;
}

/** Of the kernels of a kind. */
export interface KindSpread extends LatencySpread {
  readonly kind: string;
}

/** One scenario of a profile. */
export interface ScenarioSpread {
  /** End to end; absent where only kernels were measured. */
  readonly networks?: LatencySpread;
  /** Those with most rows first; 60 at most. */
  readonly kinds: readonly KindSpread[];
}

/** A profile as a whole. */
export interface ProfileContents {
  /** Networks by their names, over all scenarios. */
  readonly networkCount: number;
  /** Ways of measuring. */
  readonly harnessCount: number;
  /** 20 at most. */
  readonly harnesses: readonly Harness[];
  /** What is allowed and will cost accuracy, a sentence each. */
  readonly warnings: readonly string[];
}

/** What the profile holds in all. */
export function contentsOf(profile: Profile): ProfileContents {
  const names = new Set<string>();
  const used = new Set<number>();
  for (const rows of [profile.networks, profile.kernels]) {
    for (const { network, harness } of rows) {
      names.add(network);
      used.add(harness);
    }
  }
  const harnesses = [...used].map((index) => profile.harnesses[index]);
  return {
    networkCount: names.size,
    harnessCount: harnesses.length,
    harnesses: harnesses.slice(0, MAXIMUM_HARNESSES),
    warnings: warningsOf(profile, harnesses),
  };
}

/** How the latencies of each scenario are spread, by its name. */
export function spreadsOf({ networks, kernels }: Profile): Map<string, ScenarioSpread> {
  const wholes = groupBy(networks, ({ scenario }) => scenario);
  const parts = groupBy(kernels, ({ scenario }) => scenario);
  const names = new Set([...wholes.keys(), ...parts.keys()]);
  return new Map(
    [...names].map((name) => {
      const whole = wholes.get(name);
      const kinds = [...groupBy(parts.get(name) ?? [], ({ kind }) => kind)]
        .sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
        .slice(0, MAXIMUM_KINDS)
        .map(([kind, rows]) => ({ kind, ...spreadOf(rows) }));
      return [name, { ...(whole && { networks: spreadOf(whole) }), kinds }];
    }),
  );
}

function spreadOf(rows: readonly { readonly latencyUs: number }[]): LatencySpread {
  const latencies = rows.map(({ latencyUs }) => latencyUs).sort((a, b) => a - b);
  return {
    rows: rows.length,
    minimumUs: latencies[0],
    lowerQuartileUs: quantile(latencies, 0.25),
    medianUs: quantile(latencies, 0.5),
    upperQuartileUs: quantile(latencies, 0.75),
    maximumUs: latencies[latencies.length - 1],
  };
}

function warningsOf({ networks, kernels }: Profile, harnesses: readonly Harness[]): string[] {
  const warnings: string[] = [];
  if (harnesses.some((harness) => Object.values(harness).every((value) => value === undefined))) {
    warnings.push(
      'Some rows do not say how they were measured (runtime build, threads, statistic, ...): latencies measured in another way may differ by half.',
    );
  }
  const noisy = [networks, kernels].reduce((sum, rows) => sum + rows.filter(isNoisy).length, 0);
  if (noisy > 0) {
    const rows = noisy === 1 ? '1 row has' : `${noisy} rows have`;
    warnings.push(`${rows} a standard deviation over ${100 * NOISY} % of the latency: measure longer.`);
  }
  const few = [...groupBy(networks, ({ scenario }) => scenario)].filter(([, rows]) => rows.length < FEW_NETWORKS);
  if (few.length > 0) {
    const named = few.slice(0, 3).map(([name]) => name);
    const more = few.length > 3 ? ` and ${few.length - 3} more` : '';
    warnings.push(
      `Fewer than ${FEW_NETWORKS} networks are measured in ${named.join(', ')}${more}: too few for an honest error.`,
    );
  }
  return warnings;
}

function isNoisy({ latencyUs, deviationUs }: { readonly latencyUs: number; readonly deviationUs?: number }): boolean {
  return deviationUs !== undefined && deviationUs > NOISY * latencyUs;
}
