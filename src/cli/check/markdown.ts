/** A check as Markdown, for a pull request. Names come from files that anybody may have named: all are escaped. */
import { formatLatency } from '../output';
import type { CheckResult } from './assessment';
import { type CheckReport, explainKernels, formatBudget, formatChange, formatInterval, headline } from './report';

/** By which a comment is found again, to be replaced. */
const MARKER = '<!-- fusecast check -->';

/** Text that Markdown shows as it is: no markup, no HTML, no mention, no link, one line. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~$-]/g, '\\$&')
    .replace(/@/g, '@<!-- -->')
    .replace(/:\/\//g, ':<!-- -->//');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function resultRow(result: CheckResult): string {
  const { network, scenario, latencyUs, verdict, budgets, change } = result;
  return row([
    verdict ? (verdict === 'PASS' ? 'PASS' : `**${verdict}**`) : '',
    escapeMarkdown(network),
    escapeMarkdown(scenario),
    formatLatency(latencyUs),
    formatInterval(result),
    budgets.map(formatBudget).map(escapeMarkdown).join(', '),
    change ? escapeMarkdown(formatChange(change.percent)) : '',
  ]);
}

function kernels(result: CheckResult): string[] {
  const lines = explainKernels(result, 10);
  if (lines.length === 0) return [];
  const { network, scenario, change } = result;
  const summary = `${escapeMarkdown(network)} on ${escapeMarkdown(scenario)}: ${escapeMarkdown(formatChange(change?.percent ?? 0))}`;
  return [
    '',
    `<details><summary>${summary}</summary>`,
    '',
    ...lines.map((line) => `- ${escapeMarkdown(line)}`),
    '',
    '</details>',
  ];
}

export function toMarkdown(report: CheckReport): string {
  const { base, commit, results, notes } = report;
  const changed = results.filter(({ kernelChanges }) => kernelChanges.length > 0);
  return [
    MARKER,
    `## Latency: ${headline(report)}`,
    '',
    [
      commit && `Commit ${escapeMarkdown(commit.slice(0, 10))}`,
      base ? `compared with ${escapeMarkdown(base.name)}` : 'compared with nothing',
    ]
      .filter(Boolean)
      .join(', ')
      .concat('.'),
    ...notes.flatMap((note) => ['', `> ${escapeMarkdown(note)}`]),
    '',
    row(['verdict', 'network', 'scenario', 'latency', 'interval', 'budget', 'change']),
    row(['---', '---', '---', '---:', '---:', '---:', '---:']),
    ...results.map(resultRow),
    ...(changed.length > 0 ? ['', '### Kernels that changed', ...changed.flatMap(kernels)] : []),
    '',
  ].join('\n');
}
