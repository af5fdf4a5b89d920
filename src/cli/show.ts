/**
 * How results look to a person.
 */
import type { NetworkPrediction } from '../engine';
import { formatLatency, formatPercent, type Output } from './output';

/** A line a network, and the costliest kernels where there is only one network. */
export function showPredictions(output: Output, predictions: readonly NetworkPrediction[]): string {
  const summary = output.table(
    ['network', 'scenario', 'latency', 'interval', 'level', 'covered'],
    predictions.map(({ network, scenario, latencyUs, interval, coverage }) => [
      network,
      scenario,
      formatLatency(latencyUs),
      `${formatLatency(interval.lowerUs)} to ${formatLatency(interval.upperUs)}`,
      formatPercent(100 * interval.level),
      formatPercent(100 * coverage),
    ]),
  );
  return predictions.length === 1 ? `${summary}\n\n${showKernels(output, predictions[0])}` : summary;
}

/** Every kernel of a prediction, in execution order. */
export function showKernels(
  output: Output,
  { latencyUs, fixedUs, kernels }: Pick<NetworkPrediction, 'latencyUs' | 'fixedUs' | 'kernels'>,
): string {
  const rows = kernels.map((kernel) => [
    kernel.kind,
    kernel.fused.join('+'),
    formatLatency(kernel.latencyUs),
    formatPercent((100 * kernel.latencyUs) / latencyUs),
    kernel.coverage,
    kernel.reason,
  ]);
  if (fixedUs > 0)
    rows.push([
      '(fixed, whatever the network)',
      '',
      formatLatency(fixedUs),
      formatPercent((100 * fixedUs) / latencyUs),
      '',
      '',
    ]);
  return output.table(['kernel', 'fused', 'latency', 'share', 'coverage', 'reason'], rows);
}
