/**
 * The same networks in several scenarios, or by several versions: latencies side by side, the order of the networks in each,
 * and how far two orders agree. Must not know what the columns are.
 */
import { kendallTau } from './rank-correlation';

/** Predicted latencies of the networks in one scenario by one version. */
export interface LatencyColumn {
  /** Microseconds, in the order of the networks. */
  readonly latenciesUs: readonly number[];
}

export interface OrderAgreement {
  /** Positions of the two columns. */
  readonly first: number;
  readonly second: number;
  /** Kendall's tau-b of the two orders, -1 to 1; null where one has no order. */
  readonly kendallTau: number | null;
}

export interface ColumnsComparison {
  /** For each column the positions of the networks, fastest first. */
  readonly orders: readonly (readonly number[])[];
  /** Of every two columns. */
  readonly agreements: readonly OrderAgreement[];
}

export function compareColumns(columns: readonly LatencyColumn[]): ColumnsComparison {
  return {
    orders: columns.map(({ latenciesUs }) =>
      latenciesUs.map((_, network) => network).sort((a, b) => latenciesUs[a] - latenciesUs[b]),
    ),
    agreements: columns.flatMap((first, f) =>
      columns.slice(f + 1).map((second, s) => ({
        first: f,
        second: f + 1 + s,
        kendallTau: kendallTau(first.latenciesUs, second.latenciesUs),
      })),
    ),
  };
}
