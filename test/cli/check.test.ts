/** fusecast check without a service: the configuration, verdicts, kernels that changed, where a run comes from. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConfiguration } from '../../src/cli/check/configuration';
import { compareKernels, describeChanges, type PredictedKernel } from '../../src/cli/check/kernel-changes';
import { describePipeline, repositoryOf } from '../../src/cli/check/pipeline';
import { changeByIntervals, changeByKernels, judge, worst } from '../../src/cli/check/verdict';
import { ServiceError } from '../../src/cli/client';

const GOOD = `
networks:
  - models/*.onnx
  - files: [exports/**/*.tflite, "!exports/old/**"]
    names: path
    bindings: { batch: 1 }
scenarios:
  - tflite/pixel4/gpu/float
  - { scenario: tflite/s10/gpu/float, pin: release }
budgets:
  - latency: 30 ms
  - networks: detector*
    scenarios: [tflite/s10/**]
    latency: 1.5 s
    regression: +5 %
`;

describe('the configuration', () => {
  test('says networks, scenarios and budgets, with their lines', () => {
    expect(parseConfiguration(GOOD, 'fusecast.yaml')).toEqual({
      file: 'fusecast.yaml',
      networks: [
        { files: ['models/*.onnx'], names: 'file', bindings: {}, line: 3, column: 5 },
        {
          files: ['exports/**/*.tflite', '!exports/old/**'],
          names: 'path',
          bindings: { batch: 1 },
          line: 4,
          column: 5,
        },
      ],
      scenarios: [
        { scenario: 'tflite/pixel4/gpu/float', line: 8, column: 5 },
        { scenario: 'tflite/s10/gpu/float', pin: 'release', line: 9, column: 5 },
      ],
      budgets: [
        { networks: ['**'], scenarios: ['**'], latency: 30_000, line: 11, column: 5 },
        { networks: ['detector*'], scenarios: ['tflite/s10/**'], latency: 1.5e6, regression: 5, line: 12, column: 5 },
      ],
    });
  });

  test.each([
    ['12 us', 12],
    ['12µs', 12],
    ['0.5 ms', 500],
    ['2 s', 2e6],
  ])('reads the latency %s', (written, microseconds) => {
    const [{ latency }] = parseConfiguration(GOOD.replace('30 ms', written), 'f').budgets;
    expect(latency).toBe(microseconds);
  });

  test.each([
    ['+5 %', 5],
    ['5%', 5],
    ['0 %', 0],
    ['-2.5 %', -2.5],
  ])('reads the regression %s', (written, percent) => {
    expect(parseConfiguration(GOOD.replace('+5 %', written), 'f').budgets[1].regression).toBe(percent);
  });

  const refusal = (source: string): string => {
    try {
      parseConfiguration(source, 'fusecast.yaml');
    } catch (error) {
      if (error instanceof ServiceError) return `${error.failure.code} ${error.failure.where} ${error.message}`;
      throw error;
    }
    throw new Error('It was taken.');
  };

  test.each([
    ['30 ms', '30', /fusecast\.yaml:11:14 budgets\[0\]\.latency: 30 is not a latency above 0 with its unit/],
    ['30 ms', '-30 ms', /:11:14 .*is not a latency/],
    ['30 ms', '0 ms', /:11:14 .*is not a latency/],
    ['+5 %', '5', /:15:17 .*is not a change in percent/],
    ['+5 %', '-100 %', /:15:17 .*is not a change in percent/],
    ['tflite/pixel4/gpu/float', 'pixel4', /:8:5 scenarios\[0\]\.scenario: expected runtime\/device/],
    ['latency: 30 ms', 'networks: a', /:11:5 budgets\[0\]: expected latency, regression or both/],
    ['pin: release', 'pin: release, version: x', /has a version and a pin/],
    ['batch: 1', 'batch: 0', /:6:24 networks\[1\]\.bindings\.batch/],
    ['names: path', 'named: path', /:5:12 networks\[1\]\.named: is no key that is known/],
    ['budgets:', 'budget:', /budgets: expected a list/],
    ['networks:\n', 'networks: []\nmore:\n', /networks: is empty/],
    ['- models/*.onnx', '- models/*.onnx\n  - [', /BAD_INPUT fusecast\.yaml:\d+:\d+ /],
  ])('in which %s is %s is refused with the place', (from, to, message) => {
    expect(refusal(GOOD.replace(from, to))).toMatch(message);
  });

  test('is refused with everything that is wrong at once', () => {
    const text = refusal(GOOD.replace('30 ms', '30').replace('+5 %', 'five'));
    expect(text).toMatch(/2 things are wrong\nfusecast\.yaml:11:14: .*\nfusecast\.yaml:15:17: /);
  });

  test.each(['', '[]', 'hello', '42'])('that is %j is refused', (source) => {
    expect(refusal(source)).toMatch(/BAD_INPUT fusecast\.yaml:1:1/);
  });

  test('whose aliases multiply is refused', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
      .split('')
      .map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[i]}`).join(', ')}]`)
      .join('\n')}\n`;
    expect(refusal(bomb)).toMatch(/alias/i);
  });
});

describe('a verdict', () => {
  test.each([
    [10, 20, 20, 'PASS'],
    [10, 20, 19.9, 'INCONCLUSIVE'],
    [10, 20, 10, 'INCONCLUSIVE'],
    [10, 20, 9.9, 'FAIL'],
    [20, 20, 20, 'PASS'],
  ])('of %d to %d against %d is %s', (lower, upper, budget, verdict) => {
    expect(judge(lower, upper, budget)).toBe(verdict);
  });

  test('of many is the gravest', () => {
    expect(worst(['PASS', undefined, 'INCONCLUSIVE', 'PASS'])).toBe('INCONCLUSIVE');
    expect(worst(['INCONCLUSIVE', 'FAIL'])).toBe('FAIL');
    expect(worst([undefined])).toBeUndefined();
  });
});

const kernel = (op: string, latencyUs: number, more: Partial<PredictedKernel> = {}): PredictedKernel => ({
  kind: 'convolution',
  fused: ['relu'],
  ops: [op],
  reason: `because of ${op}`,
  latencyUs,
  coverage: 'trained',
  ...more,
});

const estimate = (kernels: readonly PredictedKernel[], factor = 1.2) => {
  const latencyUs = kernels.reduce((sum, each) => sum + each.latencyUs, 0);
  return { latencyUs, interval: { lowerUs: latencyUs / factor, upperUs: latencyUs * factor, level: 0.9 } };
};

describe('kernels that changed', () => {
  const BASE = [kernel('a', 100), kernel('b', 200), kernel('c', 300), kernel('d', 300)];
  const changes = (head: readonly PredictedKernel[], base = BASE) =>
    describeChanges(compareKernels(base, head)).map(({ change, op, baseLatencyUs, latencyUs }) => [
      change,
      op,
      baseLatencyUs,
      latencyUs,
    ]);

  test('are none where nothing did, whatever the order and the rounding', () => {
    expect(changes(BASE)).toEqual([]);
    expect(changes([...BASE].reverse())).toEqual([]);
    expect(changes(BASE.map((each) => ({ ...each, latencyUs: each.latencyUs * 1.00005 })))).toEqual([]);
  });

  test('are none where an exporter named all ops anew', () => {
    expect(changes(BASE.map((each, i) => ({ ...each, ops: [`node_${i}`] })))).toEqual([]);
  });

  test('are slower, faster, added, removed or replaced, the greatest change first', () => {
    const head = [
      kernel('a', 150),
      kernel('b', 190),
      kernel('c', 300, { kind: 'grouped_convolution' }),
      kernel('e', 500, { kind: 'pooling', fused: [] }),
    ];
    expect(changes(head)).toEqual([
      ['ADDED', 'e', null, 500],
      ['REMOVED', 'd', 300, null],
      ['SLOWER', 'a', 100, 150],
      ['FASTER', 'b', 200, 190],
      ['REPLACED', 'c', 300, 300],
    ]);
  });

  test('name the reason of the kernel that is there now', () => {
    const [change] = describeChanges(compareKernels(BASE, [...BASE, kernel('new', 10)]));
    expect(change).toEqual({
      change: 'ADDED',
      kind: 'convolution',
      fused: ['relu'],
      op: 'new',
      reason: 'because of new',
      latencyUs: 10,
      baseLatencyUs: null,
    });
  });
});

describe('the change against the base', () => {
  const BASE = [kernel('a', 900), kernel('b', 100)];
  const change = (head: readonly PredictedKernel[], errors: [string, number][] = [['convolution', 10]]) =>
    changeByKernels(estimate(BASE), estimate(head), compareKernels(BASE, head), new Map(errors));

  test('is exactly nothing where no kernel changed, however wide the intervals', () => {
    expect(change(BASE)).toEqual({ percent: 0, lowerPercent: 0, upperPercent: 0 });
  });

  test('has the error of the kernels that changed only', () => {
    const { percent, lowerPercent, upperPercent } = change([kernel('a', 900), kernel('b', 150)]);
    expect(percent).toBeCloseTo(5, 10);
    // By hand: the 90 % quantile of a Laplace distribution of mean absolute value 10 % is ln(10) * 10 %.
    const error = Math.log(10) * 0.1 * Math.hypot(100, 150);
    expect(lowerPercent).toBeCloseTo((100 * (50 - error)) / 1200, 10);
    expect(upperPercent).toBeCloseTo((100 * (50 + error)) / (1000 / 1.2), 10);
    // Intervals that ignore what the two share would say nothing at all.
    const independent = changeByIntervals(estimate(BASE), estimate([kernel('a', 900), kernel('b', 150)]));
    expect(upperPercent - lowerPercent).toBeLessThan((independent.upperPercent - independent.lowerPercent) / 5);
  });

  test('is surer where the version knows the kind better', () => {
    const head = [kernel('a', 900), kernel('b', 150)];
    const width = (error: number) => {
      const { lowerPercent, upperPercent } = change(head, [['convolution', error]]);
      return upperPercent - lowerPercent;
    };
    expect(width(5)).toBeLessThan(width(10) / 1.5);
  });

  test('of a kind that no error is known of has the interval of the network, widened for a part', () => {
    const { upperPercent } = change([...BASE, kernel('c', 50)], []);
    const share = 50 / 1050;
    expect(upperPercent).toBeCloseTo((100 * (50 + (50 * 0.2) / Math.sqrt(share))) / (1000 / 1.2), 8);
  });

  test('of an unmodelled kernel is hardly known', () => {
    const { lowerPercent, upperPercent } = change([...BASE, kernel('c', 50, { coverage: 'unmodelled' })]);
    expect(upperPercent).toBeCloseTo((100 * 200) / (1000 / 1.2), 8);
    expect(lowerPercent).toBeLessThan(0);
  });

  test('against intervals of another service takes the worst of both', () => {
    const base = estimate([kernel('a', 100)], 1.1);
    expect(changeByIntervals(base, base)).toEqual({
      percent: 0,
      lowerPercent: expect.closeTo(100 * (1 / 1.21 - 1), 8),
      upperPercent: expect.closeTo(21, 8),
    });
  });
});

describe('a run', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-check-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['https://github.com/acme/vision.git', 'acme/vision'],
    ['https://user:secret@example.com/acme/vision', 'acme/vision'],
    ['git@gitlab.com:acme/group/vision.git', 'acme/group/vision'],
    ['ssh://git@example.com:22/acme/vision.git/', 'acme/vision'],
    ['/srv/vision', undefined],
    ['vision', undefined],
  ])('of the remote %s is of %s', (remote, repository) => {
    expect(repositoryOf(remote)).toBe(repository);
  });

  const GITHUB = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/vision',
    GITHUB_SHA: 'abc',
    GITHUB_REF_NAME: 'main',
    GITHUB_RUN_ID: '7',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_JOB: 'check',
    GITHUB_SERVER_URL: 'https://github.com',
  };
  const GITLAB = {
    GITLAB_CI: 'true',
    CI_PROJECT_PATH: 'acme/group/vision',
    CI_COMMIT_SHA: 'abc',
    CI_COMMIT_REF_NAME: 'main',
    CI_JOB_ID: '9',
    CI_JOB_URL: 'https://gitlab.com/acme/group/vision/-/jobs/9',
  };

  test('is what GitHub Actions says', async () => {
    const run = { repository: 'acme/vision', commit: 'abc', run: '7/2/check', isContinuousIntegration: true };
    const url = 'https://github.com/acme/vision/actions/runs/7';
    expect(await describePipeline(folder, GITHUB, {})).toEqual({ ...run, url, branch: 'main' });
    const pull = { ...GITHUB, GITHUB_REF_NAME: '7/merge', GITHUB_HEAD_REF: 'faster', GITHUB_BASE_REF: 'main' };
    expect(await describePipeline(folder, pull, {})).toEqual({ ...run, url, branch: 'faster', baseBranch: 'main' });
  });

  test('is what GitLab CI says', async () => {
    const merge = { CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'faster', CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' };
    expect(await describePipeline(folder, { ...GITLAB, ...merge }, {})).toEqual({
      isContinuousIntegration: true,
      repository: 'acme/group/vision',
      branch: 'faster',
      baseBranch: 'main',
      commit: 'abc',
      run: '9',
      url: GITLAB.CI_JOB_URL,
    });
  });

  test('is what git says elsewhere, unless options say it', async () => {
    const nothing = await describePipeline(folder, {}, {});
    expect(nothing).toMatchObject({ isContinuousIntegration: false, run: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(nothing.repository).toBeUndefined();
    const git = (...parameters: string[]) => execFileSync('git', parameters, { cwd: folder });
    git('init', '--quiet', '--initial-branch', 'topic');
    git('remote', 'add', 'origin', 'git@example.com:acme/vision.git');
    git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--allow-empty', '-m', 'x');
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim();
    expect(await describePipeline(folder, {}, {})).toMatchObject({
      repository: 'acme/vision',
      branch: 'topic',
      commit,
    });
    const options = { repository: 'a/b', branch: 'c', commit: 'd', run: 'e' };
    expect(await describePipeline(folder, {}, options)).toMatchObject(options);
    expect(await describePipeline(folder, GITHUB, options)).toMatchObject(options);
  });
});
