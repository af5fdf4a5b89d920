/**
 * Workers that die, hang, race or have a wrong clock: every training ends READY, once, with the bytes that an undisturbed
 * one has. FUSECAST_FAULTS=long (npm run test:faults) kills twenty times instead of three.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../src/engine';
import { DirectoryObjectStore } from '../../src/storage/directory';
import { until } from '../testkit/client';
import { createMeasuredNetworks, type MeasuredNetworks } from '../testkit/measured-networks';
import { TestService, withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';
import { TrainingTeam } from '../testkit/training-team';

const KILLS = process.env.FUSECAST_FAULTS === 'long' ? 20 : 3;
const LEASE_SECONDS = 3;
const SEED = 7;

describe('workers that fail', () => {
  let service: TestService;
  let measured: MeasuredNetworks;
  let team: TrainingTeam;
  let undisturbed: { sha256: string; durationMs: number };
  const workers: ServiceProcess[] = [];

  beforeAll(async () => {
    measured = await createMeasuredNetworks(14, 0);
    service = await TestService.start({ role: 'api' });
    const worker = await startWorker();
    team = await TrainingTeam.create(service, measured);
    const { sha256, startedAt, finishedAt } = await team.ended(await team.train());
    undisturbed = { sha256, durationMs: Date.parse(finishedAt) - Date.parse(startedAt) };
    await worker.stop();
  }, 180_000);
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.kill();
  });
  afterAll(() => service?.stop());

  async function startWorker(variables: Record<string, string> = {}): Promise<ServiceProcess> {
    const worker = await ServiceProcess.start({
      FUSECAST_ROLE: 'worker',
      DATABASE_URL: service.database.url,
      FUSECAST_DATA: service.directory,
      FUSECAST_URL: 'http://127.0.0.1',
      FUSECAST_JOB_LEASE_SECONDS: String(LEASE_SECONDS),
      ...variables,
    });
    workers.push(worker);
    return worker;
  }

  /** Files of the team's trained versions in the object store. */
  async function stored(): Promise<string[]> {
    const { config, directory } = service;
    const store = new DirectoryObjectStore({
      directory: config.objects.kind === 'directory' ? config.objects.directory : directory,
      signingSecret: 'signs nothing'.repeat(5),
      publicUrl: () => '',
    });
    const keys: string[] = [];
    for await (const key of store.list(`teams/${team.team.rowId}/predictors/`)) keys.push(key);
    return keys;
  }

  const linesOf = (worker: ServiceProcess, message: string) =>
    worker.log.split('\n').filter((line) => line.includes(`"msg":"${message}"`));

  test(
    `a worker killed in mid-training at ${KILLS} random moments: the next one does the training, once`,
    async () => {
      const random = createRandom(SEED);
      const moments: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const worker = await startWorker();
        const version = await team.train();
        await team.begun(version);
        const momentMs = Math.round(random.uniform() * undisturbed.durationMs);
        moments.push(momentMs);
        // The moment is what is tested: it comes whether or not anything happens until then.
        await delay(momentMs);
        await worker.kill();
        const next = await startWorker();
        expect({ momentMs, ...(await team.ended(version)) }).toMatchObject({
          momentMs,
          status: 'READY',
          sha256: undisturbed.sha256,
        });
        await next.stop();
      }
      // The first is the undisturbed one's; all have one file, because all have the same bytes.
      expect(await team.queue('trainPredictor')).toEqual({ completed: KILLS + 1 });
      expect(await stored()).toHaveLength(1);
      expect(await team.failedJobs()).toEqual([]);
      const { predictorVersions } = await team.team.client.query(
        '{ predictorVersions(first: 100) { edges { node { number } } } }',
      );
      expect(predictorVersions.edges).toHaveLength(KILLS + 1);
      process.stderr.write(`killed after ${moments.join(', ')} ms of ${undisturbed.durationMs} ms\n`);
    },
    60_000 + KILLS * 60_000,
  );

  test('a worker that hangs loses its job, and finds that out instead of writing over its successor', async () => {
    const hanging = await startWorker();
    const version = await team.train();
    await team.begun(version);
    hanging.hang();
    const successor = await startWorker();
    const ended = await team.ended(version);
    expect(ended).toMatchObject({ status: 'READY', sha256: undisturbed.sha256 });
    expect(linesOf(successor, 'the worker of a job does not answer: anybody may take it')).toHaveLength(1);
    hanging.continue();
    await until(
      async () => linesOf(hanging, 'job lost: another worker has it'),
      (lines) => lines.length === 1,
      // Its training gives way to whatever else runs on the machine.
      90_000,
    );
    expect(linesOf(hanging, 'job done')).toEqual([]);
    expect(await team.version(version)).toEqual(ended);
    expect(await stored()).toHaveLength(1);
  }, 120_000);

  test('a job whose workers die of it is given up, and its team sees why', async () => {
    const worker = await startWorker();
    await withDatabase(service.database.superuserUrl, (client) =>
      client.query("UPDATE pgboss.queue SET retry_limit = 0 WHERE name = 'trainPredictor'"),
    );
    const version = await team.train();
    await team.begun(version);
    await worker.kill();
    // Starting sets the limit to what it was; the job keeps its own.
    await startWorker();
    const failure = { code: 'INTERNAL', message: expect.stringContaining('ended before it was done, 1 times') };
    expect(await team.ended(version)).toMatchObject({ status: 'FAILED', failure });
    const dead = await until(
      () => team.failedJobs(),
      (jobs) => jobs.length > 0,
    );
    expect(dead).toEqual([
      expect.objectContaining({
        name: 'trainPredictor',
        subjectType: 'PredictorVersion',
        subjectId: version,
        attempts: 1,
        requestId: expect.any(String),
        failure: expect.objectContaining(failure),
      }),
    ]);
  }, 120_000);

  test('of two workers that race for jobs, exactly one does each', async () => {
    const pair = await Promise.all([startWorker(), startWorker()]);
    const names = Array.from({ length: 30 }, (_, i) => `racing-${i}`);
    const { bytes } = measured.networks[0];
    const networks = await Promise.all(names.map((name) => team.team.client.createNetwork(name, bytes)));
    expect(networks.map(({ status }) => status)).toEqual(names.map(() => 'READY'));
    await until(
      async () => (await team.queue('ingestNetwork')).active ?? 0,
      (active) => active === 0,
    );
    const done = await until(
      async () => pair.map((worker) => linesOf(worker, 'job done').map((line) => JSON.parse(line).jobId)),
      (each) => each.flat().length >= names.length,
    );
    expect(new Set(done.flat()).size).toBe(names.length);
    expect(done.flat()).toHaveLength(names.length);
    for (const jobs of done) expect(jobs.length).toBeGreaterThan(0);
  }, 120_000);

  test('clocks that are wrong by a day change nothing', async () => {
    const preload = `--require ${path.join(__dirname, '../testkit/shifted-clock.cjs')}`;
    const shifted = (seconds: number) =>
      startWorker({ NODE_OPTIONS: preload, FUSECAST_TEST_CLOCK_SHIFT_SECONDS: String(seconds) });
    const [ahead, behind] = await Promise.all([shifted(86_400), shifted(-86_400)]);
    const before = Date.now();
    const versions = [await team.train(), await team.train('LASSO', 'q')];
    for (const id of versions) {
      const { status, startedAt, finishedAt } = await team.ended(id);
      expect(status).toBe('READY');
      for (const time of [startedAt, finishedAt]) expect(Math.abs(Date.parse(time) - before)).toBeLessThan(300_000);
    }
    expect((await team.version(versions[0])).sha256).toBe(undisturbed.sha256);
    for (const worker of [ahead, behind]) {
      expect(linesOf(worker, 'the worker of a job does not answer: anybody may take it')).toEqual([]);
      expect(linesOf(worker, 'job lost: another worker has it')).toEqual([]);
    }
    // The clocks were wrong, then.
    const [first] = ahead.log.split('\n').filter((line) => line.startsWith('{'));
    expect(Math.abs(JSON.parse(first).time - Date.now())).toBeGreaterThan(80_000_000);
  }, 120_000);
});
