/** The last line of .ci/run, for every way in which checks and tests can end. */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'fusecast-test-count-'));
});
afterAll(() => rm(directory, { recursive: true }));

const results = (numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number) => ({
  numPassedTests,
  numFailedTests,
  numRuntimeErrorTestSuites,
  testResults: [{ assertionResults: [{ status: 'pending', fullName: 'accuracy (needs ../shared)' }] }],
});

test.each([
  ['all is well', results(5, 0, 0), 0, 0, '6 passed, 0 failed', 0],
  ['a check fails', results(5, 0, 0), 1, 0, '5 passed, 1 failed', 1],
  ['tests fail', results(4, 1, 0), 0, 1, '5 passed, 1 failed', 1],
  ['a file of tests does not run', results(4, 0, 1), 0, 1, '5 passed, 1 failed', 1],
  ['everything fails', results(3, 1, 1), 2, 1, '3 passed, 3 failed', 1],
  ['the test run fails without a failed test', results(5, 0, 0), 0, 1, '6 passed, 1 failed', 1],
  ['the test run leaves nothing', undefined, 0, 1, '1 passed, 1 failed', 1],
])('%s', async (_name, content, checks, tests, line, status) => {
  const file = path.join(directory, 'jest.json');
  await rm(file, { force: true });
  if (content) await writeFile(file, JSON.stringify(content));
  const program = path.resolve(__dirname, '../../.ci/count-results');
  const run = spawnSync(process.execPath, [program, file, String(checks), String(tests)], { encoding: 'utf8' });
  expect(run.stdout.trim().split('\n').at(-1)).toBe(line);
  if (content) expect(run.stdout).toContain('skipped: accuracy (needs ../shared)\n');
  expect(run.status).toBe(status);
});
