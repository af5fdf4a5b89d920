/**
 * How the report of a training looks to a person.
 */
import { DEFAULT_LEVEL, type TrainingReport } from '../engine';
import { formatLatency, formatPercent, type Output } from './output';

/** Networks that are shown of all that a report names. */
const WORST_NETWORKS = 5;

/** How good, by what, how sure, and where it is worst. */
export function showReport(output: Output, report: TrainingReport): string {
  const { endToEnd, sources, networks, kernelRows, noiseFloor, dropped } = report;
  const several = sources.length > 1;
  const paragraphs = [
    [
      `${counted(networks, 'network')}, ${counted(kernelRows, 'kernel row')}`,
      `cross-validated error of whole networks: mean ${formatPercent(endToEnd.mape)}, median ${formatPercent(endToEnd.medianApe)}, within 10 %: ${formatPercent(100 * endToEnd.within10)}`,
      ...(noiseFloor === null ? [] : [`noise of the measurements: ${formatPercent(100 * noiseFloor)} (median)`]),
      ...showIntervals(report),
    ].join('\n'),
    ...(several ? [showSources(output, report)] : []),
    showChoices(output, report),
    showWorst(output, report),
    dropped.join('\n'),
  ];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function showIntervals({ calibration }: TrainingReport): string[] {
  if (calibration.length === 0) return [];
  const held = calibration.map(({ level, covered }) => `${100 * level} %: ${formatPercent(100 * covered)}`);
  const width = calibration.find(({ level }) => level === DEFAULT_LEVEL)?.relativeWidth;
  const widthText =
    width === undefined ? '' : `; those of ${100 * DEFAULT_LEVEL} % are ${formatPercent(100 * width)} wide`;
  return [`intervals that held networks not seen: ${held.join(', ')}${widthText}`];
}

function showSources(output: Output, { sources }: TrainingReport): string {
  return output.table(
    ['trained on', 'networks', 'error', 'share of the prediction'],
    sources.map(({ name, networks, mape, share, permuted }) => [
      permuted ? `${name} (put in order)` : name,
      String(networks),
      formatPercent(mape),
      formatPercent(100 * share),
    ]),
  );
}

/** A line for each kernel kind, with the best that each other learner could do. */
function showChoices(output: Output, { sources }: TrainingReport): string {
  const several = sources.length > 1;
  const rows = sources.flatMap(({ name, choices }) =>
    choices.map(({ kind, rows: count, chosen, candidates }) => {
      const best = new Map<string, number>();
      for (const { learner, mape } of candidates) if (!best.has(learner)) best.set(learner, mape);
      const others = [...best].filter(([learner]) => learner !== chosen.learner);
      return [
        ...(several ? [name] : []),
        kind ?? 'all kernels',
        String(count),
        chosen.learner,
        formatPercent(best.get(chosen.learner)!),
        others.map(([learner, mape]) => `${learner} ${formatPercent(mape)}`).join(', '),
      ];
    }),
  );
  if (rows.length === 0) return '';
  return output.table([...(several ? ['trained on'] : []), 'kernel', 'rows', 'learner', 'error', 'others'], rows);
}

function showWorst(output: Output, { worstNetworks }: TrainingReport): string {
  if (worstNetworks.length === 0) return '';
  return output.table(
    ['worst network', 'predicted', 'measured', 'error'],
    worstNetworks
      .slice(0, WORST_NETWORKS)
      .map(({ network, predictedUs, measuredUs }) => [
        network,
        formatLatency(predictedUs),
        formatLatency(measuredUs),
        formatPercent(100 * (predictedUs / measuredUs - 1)),
      ]),
  );
}
