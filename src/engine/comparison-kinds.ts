/**
 * Two versions by kernel kind: the error of each where a profile measured kernels, and everywhere what part of the latency
 * each kind is said to be. Must not know what the versions are.
 */
import { mean } from './metrics';

/** Latency of all kernels of one kind in one network, microseconds. */
export interface KindLatency {
  readonly kind: string;
  readonly latencyUs: number;
}

/** One version on kernels of one kind. */
export interface KindQuality {
  /** Mean over the networks that have the kind measured, percent; null where no kernel rows are. */
  readonly mape: number | null;
  /** The kind's part of all predicted kernel latency, 0 to 1. */
  readonly share: number;
}

export interface KindComparison {
  readonly kind: string;
  /** Networks with measured kernels of the kind. */
  readonly networks: number;
  /** The kind's part of all measured kernel latency, 0 to 1; null where no kernel rows are. */
  readonly measuredShare: number | null;
  readonly a: KindQuality;
  readonly b: KindQuality;
}

/** One network's kernels: as measured (empty if they were not) and as each version predicts them. */
export interface NetworkKinds {
  readonly measured: readonly KindLatency[];
  readonly a: readonly KindLatency[];
  readonly b: readonly KindLatency[];
}

/** By kind, in order of name. */
export function compareKinds(networks: readonly NetworkKinds[]): KindComparison[] {
  const measured = totals(networks.map((network) => network.measured));
  const predicted = { a: totals(networks.map(({ a }) => a)), b: totals(networks.map(({ b }) => b)) };
  const kinds = new Set([measured, predicted.a, predicted.b].flatMap(({ byKind }) => [...byKind.keys()]));
  return [...kinds].sort().map((kind) => {
    const having = networks.filter((network) => latencyOf(network.measured, kind) > 0);
    const qualityOf = (side: 'a' | 'b'): KindQuality => {
      const errors = having.map((network) => {
        const measuredUs = latencyOf(network.measured, kind);
        return Math.abs(latencyOf(network[side], kind) - measuredUs) / measuredUs;
      });
      return { mape: errors.length > 0 ? 100 * mean(errors) : null, share: shareOf(predicted[side], kind) };
    };
    return {
      kind,
      networks: having.length,
      measuredShare: measured.totalUs > 0 ? shareOf(measured, kind) : null,
      a: qualityOf('a'),
      b: qualityOf('b'),
    };
  });
}

interface Totals {
  readonly byKind: ReadonlyMap<string, number>;
  readonly totalUs: number;
}

function totals(networks: readonly (readonly KindLatency[])[]): Totals {
  const byKind = new Map<string, number>();
  let totalUs = 0;
  for (const { kind, latencyUs } of networks.flat()) {
    byKind.set(kind, (byKind.get(kind) ?? 0) + latencyUs);
    totalUs += latencyUs;
  }
  return { byKind, totalUs };
}

function latencyOf(kinds: readonly KindLatency[], kind: string): number {
  return kinds.find((each) => each.kind === kind)?.latencyUs ?? 0;
}

function shareOf({ byKind, totalUs }: Totals, kind: string): number {
  return totalUs > 0 ? (byKind.get(kind) ?? 0) / totalUs : 0;
}
