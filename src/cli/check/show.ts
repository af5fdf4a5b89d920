/** How a check looks to a person. */
import { formatLatency, type Output } from '../output';
import { type CheckReport, explainKernels, formatBudget, formatChange, formatInterval, headline } from './report';

/** A line a result, then the kernels that changed. The verdict comes first: no file's name begins a line of its own. */
export function showCheck(output: Output, report: CheckReport): string {
  const { results, notes, base } = report;
  const table = output.table(
    ['verdict', 'network', 'scenario', 'latency', 'interval', 'budget', 'change'],
    results.map((result) => [
      result.verdict ?? 'no budget',
      oneLine(result.network),
      result.scenario,
      formatLatency(result.latencyUs),
      formatInterval(result),
      result.budgets.map(formatBudget).join(', '),
      result.change ? formatChange(result.change.percent) : '',
    ]),
  );
  const kernels = results.flatMap((result) => {
    const lines = explainKernels(result);
    return lines.length > 0
      ? [`kernels of ${oneLine(result.network)} on ${result.scenario}:`, ...lines.map((line) => `  - ${oneLine(line)}`)]
      : [];
  });
  return [
    headline(report),
    ...(base ? [`compared with ${base.name}`] : []),
    ...notes.map(oneLine),
    '',
    table,
    ...(kernels.length > 0 ? ['', ...kernels] : []),
  ].join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
