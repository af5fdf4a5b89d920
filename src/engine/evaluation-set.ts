/**
 * What of a profile an evaluation set keeps, and the one text that says it: sets of the same content have the same SHA-256.
 * Must not know where profiles and networks come from.
 */
import type { KindLatency } from './comparison-kinds';
import { mean } from './metrics';
import type { KernelMeasurement, NetworkMeasurement, Profile } from './profile';

/** One network in one scenario, as measured. */
export interface EvaluationRow {
  readonly network: string;
  readonly scenario: string;
  /** End to end, microseconds; the mean where it was measured repeatedly. */
  readonly latencyUs: number;
  /** Standard deviation over latency; null if the profile does not tell. */
  readonly relativeDeviation: number | null;
  /** Measured kernels summed by kind, in order of name; empty where only the whole network was measured. */
  readonly kinds: readonly KindLatency[];
}

/** What tells a network's file, as an evaluation set holds on to it. */
export interface FrozenNetwork {
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** Sizes of its dynamic dimensions. */
  readonly bindings: Readonly<Record<string, number>>;
}

/**
 * The end-to-end rows of a profile in some scenarios, by scenario and network.
 *
 * @param networks names of the only networks; all if left out
 */
export function evaluationRows(
  profile: Profile,
  scenarios: ReadonlySet<string>,
  networks?: ReadonlySet<string>,
): EvaluationRow[] {
  const wanted = ({ scenario, network }: NetworkMeasurement) =>
    scenarios.has(scenario) && (networks?.has(network) ?? true);
  const kernels = grouped(profile.kernels.filter(wanted));
  return [...grouped(profile.networks.filter(wanted))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, rows]) => {
      const deviations = rows.flatMap(({ deviationUs, latencyUs }) =>
        deviationUs === undefined ? [] : [deviationUs / latencyUs],
      );
      return {
        network: rows[0].network,
        scenario: rows[0].scenario,
        latencyUs: mean(rows.map(({ latencyUs }) => latencyUs)),
        relativeDeviation: deviations.length > 0 ? mean(deviations) : null,
        kinds: kindsOf(kernels.get(key) ?? []),
      };
    });
}

/**
 * The canonical content: JSON, one row a line, keys in a fixed order, rows by scenario and network.
 *
 * @param networks by name, one for each that the rows name
 */
export function canonicalContent(rows: readonly EvaluationRow[], networks: ReadonlyMap<string, FrozenNetwork>): string {
  const lines = rows.map((row): [string, string] => {
    const { network, scenario, latencyUs, relativeDeviation } = row;
    const { sha256, bindings: unsorted } = networks.get(network)!;
    const bindings = Object.entries(unsorted).sort(([a], [b]) => (a < b ? -1 : 1));
    const kinds = row.kinds.map(({ kind, latencyUs: kindUs }) => [kind, kindUs]);
    return [
      `${scenario}\n${network}`,
      JSON.stringify({ scenario, network, sha256, bindings, latencyUs, relativeDeviation, kinds }),
    ];
  });
  return lines
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, line]) => `${line}\n`)
    .join('');
}

function grouped<T extends NetworkMeasurement>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = `${row.scenario}\n${row.network}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** Sums by kind; a network that several harnesses measured counts as their mean. */
function kindsOf(kernels: readonly KernelMeasurement[]): KindLatency[] {
  const harnesses = new Set(kernels.map(({ harness }) => harness)).size;
  const sums = new Map<string, number>();
  for (const { kind, latencyUs } of kernels) sums.set(kind, (sums.get(kind) ?? 0) + latencyUs / harnesses);
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, latencyUs]) => ({ kind, latencyUs }));
}
