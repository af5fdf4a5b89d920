/** A check as JUnit XML: a suite a scenario, a case a network. */
import { create } from 'xmlbuilder';
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

function totals(results: readonly CheckResult[], inconclusive: CheckReport['inconclusive']) {
  const problems = results.map((result) => problemOf(result, inconclusive));
  const amount = (of: 'failure' | 'skipped') => problems.filter((each) => each === of).length;
  return { tests: results.length, failures: amount('failure'), errors: 0, skipped: amount('skipped') };
}

export function toJunit({ results, inconclusive }: CheckReport): string {
  const root = create('testsuites', { version: '1.0', encoding: 'UTF-8' });
  root.att({ name: 'fusecast check', ...totals(results, inconclusive) });
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    const ofScenario = results.filter((result) => result.scenario === scenario);
    const suite = root.ele('testsuite', { name: clean(scenario), ...totals(ofScenario, inconclusive) });
    for (const result of ofScenario) {
      const { network, latencyUs, verdict, budgets } = result;
      const time = (latencyUs / 1e6).toFixed(9);
      const testcase = suite.ele('testcase', { name: clean(network), classname: clean(scenario), time });
      const problem = problemOf(result, inconclusive);
      const sentences = budgets
        .filter((budget) => budget.verdict !== 'PASS')
        .map((each) => clean(explain(result, each)));
      const [message] = sentences;
      if (problem === 'skipped') testcase.ele('skipped', { message });
      if (problem === 'failure') {
        const text = [...sentences, ...explainKernels(result).map(clean)].join('\n');
        testcase.ele('failure', { message, type: verdict! }, text);
      }
      if (!problem) testcase.ele('system-out', clean(`${latencyUs} us (${formatInterval(result)})`));
    }
  }
  return `${root.end({ pretty: true })}\n`;
}
