/** The reports of fusecast check: valid by their formats' own rules, whatever the names in them. */
import '@microsoft/jest-sarif';
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { toAnnotations } from '../../src/cli/check/annotations';
import type { CheckResult } from '../../src/cli/check/assessment';
import { toJunit } from '../../src/cli/check/junit';
import { escapeMarkdown, toMarkdown } from '../../src/cli/check/markdown';
import { type CheckReport, headline } from '../../src/cli/check/report';
import { toSarif } from '../../src/cli/check/sarif';
import { showCheck } from '../../src/cli/check/show';
import type { Verdict } from '../../src/cli/check/verdict';
import { createOutput } from '../../src/cli/output';

const SCENARIO = 'tflite/pixel4/gpu/float';

/** What a file may be called, and a report must not take for its own. */
const HOSTILE = [
  '"><script>alert(1)</script>',
  ']]></failure>&amp;<x a="',
  '| a | **b** | `c` | [d](javascript:e)',
  '@everyone https://example.com <!-- x -->',
  '::error file=x::y%0A\r\n::stop-commands::z',
  'nul\u0000 bell\u0007 escape\u001b[31m \ufffe surrogate\ud800',
  'naïve 模型 🙂',
];

function result(network: string, verdict: Verdict, more: Partial<CheckResult> = {}): CheckResult {
  return {
    network,
    networkId: 'n',
    file: `models/${network}.onnx`,
    scenario: SCENARIO,
    version: { id: 'v', number: 3, predictor: 'pixel' },
    predictionId: 'p',
    latencyUs: 31_000,
    interval: { lowerUs: 28_000, upperUs: 34_000, level: 0.9 },
    coverage: 1,
    verdict,
    budgets: [{ kind: 'latency', verdict, budget: 30_000, line: 11, column: 5 }],
    base: { latencyUs: 30_000, recordedLatencyUs: 30_000, versionId: 'v' },
    change: { percent: 3.3, lowerPercent: 2, upperPercent: 4.5 },
    kernelChanges: [
      {
        change: 'SLOWER',
        kind: 'convolution_2d',
        fused: ['relu'],
        op: network,
        reason: `because ${network}`,
        latencyUs: 2000,
        baseLatencyUs: 1000,
      },
    ],
    ...more,
  };
}

function report(results: readonly CheckResult[], more: Partial<CheckReport> = {}): CheckReport {
  return {
    verdict: 'FAIL',
    inconclusive: 'report',
    repository: 'acme/vision',
    configuration: 'fusecast.yaml',
    branch: 'faster',
    baseBranch: 'main',
    commit: '0123456789abcdef',
    run: '1',
    url: null,
    base: { name: 'main (abc)', commit: 'abc', checkId: 'c' },
    checkId: null,
    notes: [],
    results,
    ...more,
  };
}

const MIXED = report([
  result('good', 'PASS', { kernelChanges: [] }),
  result('bad', 'FAIL', {
    budgets: [
      { kind: 'latency', verdict: 'FAIL', budget: 20_000, line: 11, column: 5 },
      { kind: 'regression', verdict: 'FAIL', budget: 1, line: 12, column: 5 },
    ],
  }),
  result('unclear', 'INCONCLUSIVE', { scenario: 'tflite/s10/gpu/float' }),
  result('free', 'PASS', { verdict: null, budgets: [], kernelChanges: [] }),
]);
const NASTY = report(HOSTILE.map((name) => result(name, 'FAIL')));

test('the headline counts', () => {
  expect(headline(MIXED)).toBe('FAIL: 1 failed, 1 inconclusive, 1 passed, 1 without a budget');
});

describe('SARIF', () => {
  test.each([
    ['of all verdicts', MIXED],
    ['of hostile names', NASTY],
    ['of nothing to say', report([result('good', 'PASS')])],
  ])('%s is valid by the schema', (_what, of) => {
    expect(JSON.parse(toSarif(of))).toBeValidSarifLog();
  });

  test('that is none is found out', () => {
    const log = JSON.parse(toSarif(MIXED));
    log.runs[0].results[0].level = 'terrible';
    expect(() => expect(log).toBeValidSarifLog()).toThrow();
  });

  test('has a result for each budget that is not kept, at its line', () => {
    const [run] = JSON.parse(toSarif(MIXED)).runs;
    expect(
      run.results.map(({ ruleId, level, locations }: never) => [
        ruleId,
        level,
        (locations as { physicalLocation: { region: object } }[])[0].physicalLocation.region,
      ]),
    ).toEqual([
      ['latency-budget', 'error', { startLine: 11, startColumn: 5 }],
      ['latency-regression', 'error', { startLine: 12, startColumn: 5 }],
      ['latency-budget', 'warning', { startLine: 11, startColumn: 5 }],
    ]);
    expect(run.results[0].message.text).toMatch(
      /^bad on tflite\/pixel4.*beyond the budget of 20\.0 ms\nslower convolution/,
    );
    expect(run.results[0].relatedLocations[0].physicalLocation.artifactLocation.uri).toBe('models/bad.onnx');
  });
});

describe('JUnit', () => {
  /** The tags and the texts of a document. @throws Error of a strict parser for what is not well-formed */
  const parse = (xml: string): { tags: SaxesTagPlain[]; texts: string[] } => {
    const parser = new SaxesParser();
    const tags: SaxesTagPlain[] = [];
    const texts: string[] = [];
    parser.on('error', (error) => {
      throw error;
    });
    parser.on('opentag', (tag) => void tags.push(tag));
    parser.on('text', (text) => void texts.push(text));
    parser.write(xml).close();
    return { tags, texts };
  };

  test('that is not well-formed is found out', () => {
    expect(() => parse(toJunit(MIXED).replace('</testcase>', ''))).toThrow();
  });

  test('gives names and texts back as they were, but for what XML cannot hold', () => {
    const { tags, texts } = parse(toJunit(NASTY));
    const names = tags.filter(({ name }) => name === 'testcase').map(({ attributes }) => attributes.name);
    const held = [...HOSTILE];
    held[5] = 'nul\ufffd bell\ufffd escape\ufffd[31m \ufffd surrogate\ufffd';
    expect(names).toEqual(held);
    for (const name of held) expect(texts.join('')).toContain(`because ${name}`);
  });

  test.each([
    ['report', { tests: '4', failures: '2', skipped: '0' }],
    ['fail', { tests: '4', failures: '2', skipped: '0' }],
    ['pass', { tests: '4', failures: '1', skipped: '1' }],
  ] as const)('counts inconclusive as %s', (inconclusive, expected) => {
    const { tags } = parse(toJunit({ ...MIXED, inconclusive }));
    expect(tags[0].attributes).toMatchObject({ ...expected, errors: '0' });
    const count = (of: string) => String(tags.filter(({ name }) => name === of).length);
    expect({ tests: count('testcase'), failures: count('failure'), skipped: count('skipped') }).toEqual(expected);
  });
});

describe('annotations', () => {
  test('are a line each, whose parts end where they should', () => {
    const lines = toAnnotations(NASTY);
    expect(lines).toHaveLength(HOSTILE.length);
    for (const line of lines) {
      expect(line).toMatch(/^::error file=fusecast\.yaml,line=11,col=5,title=Latency budget::[^\r\n]+$/);
    }
    expect(lines[4]).toContain('y%250A%0D%0A::stop-commands');
  });

  test('are errors, warnings or notices', () => {
    const commands = (of: CheckReport) => toAnnotations(of).map((line) => line.split(' ')[0]);
    expect(commands(MIXED)).toEqual(['::error', '::error', '::warning']);
    expect(commands({ ...MIXED, inconclusive: 'pass' })).toEqual(['::error', '::error', '::notice']);
  });
});

describe('Markdown', () => {
  test('has a row a result and the kernels that changed', () => {
    const text = toMarkdown(MIXED);
    expect(text).toMatch(/^<!-- fusecast check -->\n## Latency: FAIL: 1 failed/);
    expect(text).toContain(
      '| **FAIL** | bad | tflite/pixel4/gpu/float | 31.0 ms | 28.0 ms to 34.0 ms | 20.0 ms, \\+1.0 % | \\+3.3 % |',
    );
    expect(text.match(/<details>/g)).toHaveLength(2);
  });

  test.each(HOSTILE)('shows %j as text', (name) => {
    const escaped = escapeMarkdown(name);
    // Only our own comments are markup; every other sign of it is escaped.
    const rest = escaped.replaceAll('<!-- -->', '').replace(/\\[\\`*_{}[\]()#+!|~$-]/g, '');
    expect(rest).not.toMatch(/[<>`*_[\]|\n\r]/);
    expect(escaped).not.toMatch(/@[a-z]|:\/\//);
    const columns = toMarkdown(report([result(name, 'FAIL')]))
      .split('\n')
      .find((line) => line.startsWith('| **FAIL**'))!
      .replace(/\\\|/g, '')
      .split('|');
    expect(columns).toHaveLength(9);
  });
});

test('for a person no name begins a line', () => {
  const shown = showCheck(createOutput(false), NASTY);
  expect(shown).not.toMatch(/^::/m);
  expect(shown).not.toContain('\u001b[31m');
});
