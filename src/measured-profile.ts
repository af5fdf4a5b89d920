/** A profile file of measured latencies: one row a network, in our own format as JSON. Must not know where it goes. */
import { createHash } from 'node:crypto';

/** All measurements of a network in a scenario, in microseconds. */
export interface MeasuredNetwork {
  readonly network: string;
  readonly latenciesUs: readonly number[];
}

/** The file's bytes and their SHA-256. The same measurements give the same bytes. */
export function measuredProfile(
  scenario: string,
  networks: readonly MeasuredNetwork[],
): { bytes: Buffer; sha256: string } {
  const rows = [...networks]
    .sort((a, b) => (a.network < b.network ? -1 : 1))
    .map(({ network, latenciesUs }) => {
      const latencyUs = median(latenciesUs);
      const deviationUs = median(latenciesUs.map((each) => Math.abs(each - latencyUs))) * DEVIATIONS_OF_MAD;
      // One measurement says nothing of its spread.
      const spread = latenciesUs.length > 1 ? { deviationUs } : {};
      return { network, scenario, latencyUs, ...spread, statistic: 'median' };
    });
  const bytes = Buffer.from(`${JSON.stringify(rows, null, 1)}\n`);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Median absolute deviations of a normal distribution in its standard deviation. */
const DEVIATIONS_OF_MAD = 1.4826;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
