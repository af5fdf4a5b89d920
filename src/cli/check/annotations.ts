/** A check as annotations of GitHub Actions: workflow commands, a line each. */
import type { CheckReport } from './report';
import { explain, explainKernels, outcomeOf } from './report';

/** In a message these would end the command, or be read as an escape. */
function escapeMessage(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

/** In a property these would end it. */
function escapeProperty(text: string): string {
  return escapeMessage(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}

export function toAnnotations({ configuration, inconclusive, results }: CheckReport): string[] {
  return results.flatMap((result) =>
    result.budgets
      .filter(({ verdict }) => verdict !== 'PASS')
      .map((budget) => {
        const outcome = outcomeOf(budget.verdict, inconclusive);
        const command = outcome === 'fail' ? 'error' : outcome === 'pass' ? 'notice' : 'warning';
        const title = budget.kind === 'latency' ? 'Latency budget' : 'Latency regression';
        const message = [explain(result, budget), ...explainKernels(result)].join('\n');
        const properties = { file: configuration, line: String(budget.line), col: String(budget.column), title };
        const written = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`);
        return `::${command} ${written.join(',')}::${escapeMessage(message)}`;
      }),
  );
}
