/** A check as SARIF 2.1.0: a result for each budget that was not kept, at the line of the configuration that sets it. */
import { ENGINE_VERSION } from '../../engine';
import type { BudgetVerdict, CheckResult } from './assessment';
import { type CheckReport, explain, explainKernels, outcomeOf } from './report';

const RULES = {
  latency: { id: 'latency-budget', text: 'A network takes longer than its budget in a scenario.' },
  regression: {
    id: 'latency-regression',
    text: 'A network became slower than the base by more than its budget allows.',
  },
} as const;

/** A path as a URI reference: every part encoded, so that no part is read as a scheme. */
function uriOf(file: string): string {
  return file
    .split('/')
    .map((part) => encodeURIComponent(part.replace(/\p{Surrogate}/gu, '\u{fffd}')))
    .join('/');
}

function toResult(result: CheckResult, budget: BudgetVerdict, { configuration, inconclusive }: CheckReport) {
  const { id } = RULES[budget.kind];
  const location = (file: string, region?: object) => ({
    physicalLocation: { artifactLocation: { uri: uriOf(file), uriBaseId: '%SRCROOT%' }, region },
  });
  const outcome = outcomeOf(budget.verdict, inconclusive);
  return {
    ruleId: id,
    level: outcome === 'fail' ? 'error' : outcome === 'pass' ? 'note' : 'warning',
    message: { text: [explain(result, budget), ...explainKernels(result)].join('\n') },
    locations: [location(configuration, { startLine: budget.line, startColumn: budget.column })],
    relatedLocations: [{ id: 1, ...location(result.file), message: { text: result.network } }],
    // Stays the same while the numbers move, so that a code host shows one alert.
    partialFingerprints: { 'networkScenario/v1': [id, result.network, result.scenario].join('|') },
    properties: { verdict: budget.verdict, latencyUs: result.latencyUs, budget: budget.budget },
  };
}

export function toSarif(report: CheckReport): string {
  const results = report.results.flatMap((result) =>
    result.budgets.filter(({ verdict }) => verdict !== 'PASS').map((budget) => toResult(result, budget, report)),
  );
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'fusecast check',
            version: ENGINE_VERSION,
            rules: Object.values(RULES).map(({ id, text }) => ({ id, shortDescription: { text } })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
