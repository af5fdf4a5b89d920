/**
 * The result of a check as a whole, and the words in which all reports say it.
 */
import { formatLatency, formatPercent } from '../output';
import type { BudgetVerdict, CheckResult } from './assessment';
import type { Verdict } from './verdict';

export interface CheckReport {
  /** The worst of all results. */
  readonly verdict: Verdict;
  /** How an inconclusive verdict counts. */
  readonly inconclusive: 'report' | 'pass' | 'fail';
  readonly repository: string | null;
  readonly configuration: string;
  readonly branch: string | null;
  readonly baseBranch: string | null;
  readonly commit: string | null;
  readonly run: string;
  readonly url: string | null;
  /** What it was compared with. */
  readonly base: { readonly name: string; readonly commit: string | null; readonly checkId: string | null } | null;
  /** Id in the service; null if it was not recorded. */
  readonly checkId: string | null;
  /** What a reader should know besides, in sentences. */
  readonly notes: readonly string[];
  readonly results: readonly CheckResult[];
}

/** What comes of a verdict. */
export type Outcome = 'pass' | 'fail' | 'inconclusive';

export function outcomeOf(verdict: Verdict | null, inconclusive: CheckReport['inconclusive']): Outcome {
  if (verdict === 'FAIL') return 'fail';
  if (verdict !== 'INCONCLUSIVE') return 'pass';
  return inconclusive === 'report' ? 'inconclusive' : inconclusive;
}

/** `30.0 ms`; `+5.0 %`. */
export function formatBudget({ kind, budget }: BudgetVerdict): string {
  return kind === 'latency' ? formatLatency(budget) : formatChange(budget);
}

export function formatChange(percent: number): string {
  return `${percent > 0 ? '+' : ''}${formatPercent(percent)}`;
}

export function formatInterval({ interval }: CheckResult): string {
  return `${formatLatency(interval.lowerUs)} to ${formatLatency(interval.upperUs)}`;
}

const RELATION: Readonly<Record<Verdict, string>> = { PASS: 'within', FAIL: 'beyond', INCONCLUSIVE: 'around' };

/** A sentence on one budget of a result. */
export function explain(result: CheckResult, budget: BudgetVerdict): string {
  const { network, scenario, latencyUs, change } = result;
  const of = `${network} on ${scenario}`;
  const relation = `interval ${RELATION[budget.verdict]} the budget of ${formatBudget(budget)}`;
  if (budget.kind === 'latency') return `${of}: ${formatLatency(latencyUs)} (${formatInterval(result)}), ${relation}`;
  if (!change) return `${of}: nothing to compare with, for the budget of ${formatBudget(budget)}`;
  const { percent, lowerPercent, upperPercent } = change;
  return `${of}: ${formatChange(percent)} (${formatChange(lowerPercent)} to ${formatChange(upperPercent)}) against the base, ${relation}`;
}

/** A line on each kernel that changed, the greatest first, at most so many. */
export function explainKernels({ kernelChanges }: CheckResult, most = 5): string[] {
  const lines = kernelChanges.slice(0, most).map(({ change, kind, fused, op, reason, latencyUs, baseLatencyUs }) => {
    const name = [kind, ...fused].join('+');
    const latencies = [baseLatencyUs, latencyUs].map((each) => (each === null ? 'none' : formatLatency(each)));
    return `${change.toLowerCase()} ${name}${op ? ` (${op})` : ''}: ${latencies.join(' to ')}; ${reason}`;
  });
  const more = kernelChanges.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

export function count({ results }: CheckReport): Record<Verdict | 'without budget', number> {
  const counts = { PASS: 0, FAIL: 0, INCONCLUSIVE: 0, 'without budget': 0 };
  for (const { verdict } of results) counts[verdict ?? 'without budget'] += 1;
  return counts;
}

/** `FAIL: 1 failed, 2 inconclusive, 27 passed`. */
export function headline(report: CheckReport): string {
  const counts = count(report);
  const parts = [
    [counts.FAIL, 'failed'],
    [counts.INCONCLUSIVE, 'inconclusive'],
    [counts.PASS, 'passed'],
    [counts['without budget'], 'without a budget'],
  ] as const;
  const said = parts.filter(([amount]) => amount > 0).map(([amount, what]) => `${amount} ${what}`);
  return `${report.verdict}: ${said.join(', ')}`;
}
