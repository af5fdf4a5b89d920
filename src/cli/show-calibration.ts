/**
 * How calibrations and drift look to a person.
 */
import { formatLatency, formatPercent, type Output } from './output';

export interface CalibrationResult {
  readonly id: string;
  readonly name: string;
  readonly factor: number;
  readonly offsetUs: number;
  readonly widening: number;
  readonly warnings: readonly string[];
  readonly errorBefore: { readonly mape: number };
  readonly errorAfter: { readonly mape: number };
  readonly networks: readonly {
    readonly network: string;
    readonly measuredUs: number;
    readonly predictedUs: number;
    readonly calibratedUs: number;
    readonly heldOutUs: number;
    readonly isOutlier: boolean;
  }[];
}

export interface DriftResult {
  readonly scenario: string;
  readonly level: number;
  readonly pendingNetworks: number;
  readonly version: { readonly id: string; readonly number: number };
  readonly alert: { readonly id: string; readonly test: string; readonly createdAt: string } | null;
  readonly tests: {
    readonly verdict: string;
    readonly test: string;
    readonly pValue: number;
    readonly networks: number;
    readonly covered: number;
    readonly signedError: number;
  } | null;
  readonly buckets: readonly {
    readonly startsAt: string;
    readonly measurements: number;
    readonly networks: number;
    readonly covered: number;
    readonly signedError: number;
    readonly mape: number;
  }[];
}

/** The line, its error before and after, and the networks it was made with. */
export function showCalibration(output: Output, calibration: CalibrationResult): string {
  const { id, factor, offsetUs, errorBefore, errorAfter, networks } = calibration;
  const table = output.table(
    ['network', 'measured', 'predicted', 'calibrated', 'without it', ''],
    networks.map(({ network, measuredUs, predictedUs, calibratedUs, heldOutUs, isOutlier }) => [
      network,
      ...[measuredUs, predictedUs, calibratedUs, heldOutUs].map(formatLatency),
      isOutlier ? 'outlier' : '',
    ]),
  );
  const sign = offsetUs < 0 ? '-' : '+';
  const line = `${factor.toPrecision(4)} x latency ${sign} ${formatLatency(Math.abs(offsetUs))}`;
  const errors = `error ${formatPercent(errorBefore.mape)} before, ${formatPercent(errorAfter.mape)} after (networks left out in turn)`;
  return [line, errors, table, id].join('\n\n');
}

/** Errors over time, and what the tests say. */
export function showDrift(
  output: Output,
  { scenario, version, level, alert, tests, buckets, pendingNetworks }: DriftResult,
): string {
  const table = output.table(
    ['from', 'measurements', 'networks', 'inside', 'signed error', 'error'],
    buckets.map(({ startsAt, measurements, networks, covered, signedError, mape }) => [
      startsAt.slice(0, 10),
      String(measurements),
      String(networks),
      formatPercent(100 * covered),
      formatPercent(signedError),
      formatPercent(mape),
    ]),
  );
  const lines = [
    `${scenario}, version ${version.number}: ${formatPercent(100 * level)} are promised inside the interval`,
    table,
  ];
  if (tests) {
    const { verdict, test, pValue, networks, covered, signedError } = tests;
    lines.push(
      `last fortnight: ${verdict}, by ${test} (p ${pValue.toPrecision(2)}): ${networks} networks, ${formatPercent(100 * covered)} inside, signed error ${formatPercent(signedError)}`,
    );
  }
  if (pendingNetworks > 0) lines.push(`${pendingNetworks} networks are not compared yet`);
  if (alert) lines.push(`alert since ${alert.createdAt}: ${alert.test}`);
  return lines.join('\n\n');
}
