/** The command profile as a process: its options, what it says of how it measured, and what it does when disturbed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { spreadOf, summarize } from '../../src/cli/profile/statistics';
import { readProfile } from '../../src/profiles';
import { runCommand } from '../testkit/command';

const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-test-'));
const run = (...parameters: string[]) => runCommand(folder, ['profile', ...parameters]);
const SHORT = ['--warm-up', '1', '--repetitions', '4'];

beforeAll(() => {
  for (const { name, bytes } of buildDemoNetworks(2, 3)) writeFileSync(path.join(folder, `${name}.onnx`), bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Keeps every core busy twice over while something runs. */
async function disturbed<T>(work: () => Promise<T>): Promise<T> {
  const children: ChildProcess[] = [];
  try {
    for (let i = 0; i < 2 * os.availableParallelism(); i++) {
      // It ends by itself if nobody ends it.
      const program = 'console.log("busy"); const end = Date.now() + 120_000; while (Date.now() < end);';
      const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
      children.push(child);
      await once(child.stdout!, 'data');
    }
    return await work();
  } finally {
    for (const child of children) {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    }
  }
}

test('a profile says how it was measured', async () => {
  const options = ['--threads', '2', '--statistic', 'median', '--allow-noise', '--json'];
  const { stdout, status } = await run('.', '-o', 'quiet.csv', ...SHORT, ...options);
  expect(status).toBe(0);
  const result = JSON.parse(stdout);
  const device = os.hostname().toLowerCase();
  expect(result.scenario).toBe(`onnxruntime/${device}/2threads/float`);
  expect(result.machine).toMatchObject({ cores: os.cpus().length, system: `${os.type()} ${os.release()}` });
  expect(Object.keys(result.noise)).toEqual(['referenceSpread', 'waitingShare', 'rowSpread', 'isNoisy']);
  const { harnesses, networks, kernels } = await readProfile(path.join(folder, 'quiet.csv'));
  expect(networks).toHaveLength(2);
  expect(kernels.length).toBe(result.kernels);
  const harness = { threads: 2, warmUps: 1, repetitions: 4, statistic: 'median' };
  for (const each of harnesses) {
    expect(each).toMatchObject(harness);
    expect(each.runtimeBuild).toMatch(
      new RegExp(`^onnxruntime [\\d.]+ ${process.platform}-${process.arch} on .+ cores$`),
    );
  }
  for (const [i, { latencyUs, minimumUs, medianUs, interquartileUs }] of result.latencies.entries()) {
    expect(latencyUs).toBe(medianUs);
    expect(minimumUs).toBeLessThanOrEqual(interquartileUs[0]);
    expect(interquartileUs[1]).toBeGreaterThanOrEqual(medianUs);
    expect(networks[i].latencyUs).toBeCloseTo(latencyUs, 6);
  }
}, 60_000);

test('nothing is written of a machine that others keep busy, unless it is allowed', async () => {
  const [refused, allowed] = await disturbed(async () => [
    await run('.', '-o', 'noisy.csv', ...SHORT, '--json'),
    await run('.', '-o', 'allowed.csv', ...SHORT, '--json', '--allow-noise'),
  ]);
  expect(refused.status).toBe(3);
  const { error } = JSON.parse(refused.stdout);
  expect(error.code).toBe('NOISY_MACHINE');
  expect(error.message).toMatch(/the process waited for a core for \d+ % \(at most 10 %\)/);
  expect(existsSync(path.join(folder, 'noisy.csv'))).toBe(false);
  expect(allowed.status).toBe(0);
  expect(JSON.parse(allowed.stdout).noise.isNoisy).toBe(true);
  expect(existsSync(path.join(folder, 'allowed.csv'))).toBe(true);
}, 120_000);

describe('cores', () => {
  test('that are not cores, or not there, are refused', async () => {
    for (const cores of ['first', '0-', '9999']) {
      const { status, stderr } = await run('.', '-o', 'cores.csv', '--affinity', cores);
      expect(status).toBe(2);
      expect(stderr).toMatch(/error AFFINITY_UNAVAILABLE: [\s\S]*at --affinity/);
    }
  }, 60_000);

  test('a system without taskset says so', async () => {
    const command = ['profile', '.', '-o', 'cores.csv', '--affinity', '0'];
    const { status, stderr } = await runCommand(folder, command, { PATH: folder });
    expect(status).toBe(2);
    expect(stderr).toMatch(/error AFFINITY_UNAVAILABLE: this system has no command taskset/);
  }, 60_000);

  const isHeld = process.platform === 'linux' && existsSync('/usr/bin/taskset');
  (isHeld ? test : test.skip)(
    'hold the process, and the profile says which',
    async () => {
      const [, first] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
      const { status, stdout } = await run(
        '.',
        '-o',
        'held.csv',
        ...SHORT,
        '--affinity',
        first,
        '--allow-noise',
        '--json',
      );
      expect(status).toBe(0);
      expect(JSON.parse(stdout).machine.affinity).toBe(first);
      const { harnesses } = await readProfile(path.join(folder, 'held.csv'));
      for (const { affinity } of harnesses) expect(affinity).toBe(first);
    },
    60_000,
  );
});

test.each([
  ['--threads', '0'],
  ['--repetitions', 'many'],
  ['--warm-up', '-1'],
  ['--statistic', 'mode'],
])(
  '%s %s is refused',
  async (option, value) => {
    const { status, stderr } = await run('.', '-o', 'never.csv', option, value);
    expect(status).toBe(2);
    expect(stderr).toMatch(/is invalid/);
  },
  30_000,
);

describe('statistics', () => {
  const rounds = [
    [10, 11, 12, 13],
    [9, 14, 15, 900],
  ];

  test('of all runs of all rounds', () => {
    // numpy: median 12.5, of |x - 12.5| 2; quantiles 10.75 and 14.25.
    const all = [9, 10, 11, 12, 13, 14, 15, 900];
    expect(spreadOf(all)).toEqual({
      minimumUs: 9,
      medianUs: 12.5,
      medianAbsoluteDeviationUs: 2,
      interquartileUs: [10.75, 14.25],
    });
    expect(summarize(rounds, 'median')).toEqual({ latencyUs: 12.5, deviationUs: 1.4826 * 2 });
    expect(summarize(rounds, 'mean').latencyUs).toBe(123);
  });

  test('the minimum deviates as the fastest quarter of its round does', () => {
    expect(summarize(rounds, 'minimum')).toEqual({ latencyUs: 9, deviationUs: Math.sqrt(12.5) });
    expect(summarize([[7]], 'minimum')).toEqual({ latencyUs: 7 });
  });
});
