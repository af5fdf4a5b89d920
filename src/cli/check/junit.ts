/** A check as JUnit XML: a suite a scenario, a case a network. */
import { create } from 'xmlbuilder2';
import type { CheckResult } from './assessment';
import { type CheckReport, explain, explainKernels, formatInterval, outcomeOf } from './report';

/** Characters that XML 1.0 cannot hold, not even escaped. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const clean = (text: string) => text.replace(NOT_IN_XML, '\u{fffd}');

/** How a case that did not pass is written: what a CI shows as failed, or as skipped. */
function problemOf(result: CheckResult, inconclusive: CheckReport['inconclusive']): 'failure' | 'skipped' | undefined {
  if (!result.verdict || result.verdict === 'PASS') return undefined;
  return outcomeOf(result.verdict, inconclusive) === 'pass' ? 'skipped' : 'failure';
}

export function toJunit({ results, inconclusive }: CheckReport): string {
  const totals = (of: readonly CheckResult[]) => {
    const problems = of.map((result) => problemOf(result, inconclusive));
    return {
      tests: of.length,
      failures: problems.filter((each) => each === 'failure').length,
      errors: 0,
      skipped: problems.filter((each) => each === 'skipped').length,
    };
  };
  const { skipped: _none, ...all } = totals(results);
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('testsuites', { name: 'fusecast check', ...all });
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    const ofScenario = results.filter((result) => result.scenario === scenario);
    const suite = root.ele('testsuite', { name: clean(scenario), ...totals(ofScenario) });
    for (const result of ofScenario) {
      const { network, latencyUs, verdict, budgets } = result;
      const each = suite.ele('testcase', {
        name: clean(network),
        classname: clean(scenario),
        time: (latencyUs / 1e6).toFixed(9),
      });
      const problem = problemOf(result, inconclusive);
      const sentences = budgets
        .filter((budget) => budget.verdict !== 'PASS')
        .map((budget) => clean(explain(result, budget)));
      if (problem === 'skipped') each.ele('skipped', { message: sentences[0] });
      if (problem === 'failure') {
        const text = [...sentences, ...explainKernels(result).map(clean)].join('\n');
        each.ele('failure', { message: sentences[0], type: verdict! }).txt(text);
      }
      if (!problem) each.ele('system-out').txt(clean(`${latencyUs} us (${formatInterval(result)})`));
    }
  }
  return `${root.end({ prettyPrint: true })}\n`;
}
