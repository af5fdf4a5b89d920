/**
 * An object store that is killed, slow, failing or full, under load: what was accepted is done, once, and what is stored is
 * whole. FUSECAST_FAULTS=long (npm run test:faults) takes longer over each.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyObjects } from '../../src/backup/verify';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import type { Config } from '../../src/config';
import { S3ObjectStore } from '../../src/storage/s3';
import { type ApiClient, CREATE_NETWORK, type Data, until } from '../testkit/client';
import { FaultyStore } from '../testkit/faulty-store';
import { createMeasuredNetworks, type MeasuredNetworks } from '../testkit/measured-networks';
import { createTemporaryDirectory } from '../testkit/postgres';
import { TestService, withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';
import { TrainingTeam } from '../testkit/training-team';
import { describeWithS3, type S3Server, startS3Server } from '../testkit/versitygw';

const LONG = process.env.FUSECAST_FAULTS === 'long';
const AWAY_MS = LONG ? 60_000 : 4_000;
const NETWORKS = LONG ? 40 : 12;
const KILLS = LONG ? 20 : 4;
const REGION = 'us-east-1';
const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }';

/** A file system of its own that can be filled up; absent where this process may not mount one. */
function mountSmall(directory: string, sizeMegabytes: number): boolean {
  mkdirSync(directory);
  const mount = ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m`, 'tmpfs', directory];
  return spawnSync('mount', mount).status === 0;
}

describeWithS3('an object store that fails', () => {
  let scratch: string;
  let isSmall: boolean;
  let server: S3Server;
  let proxy: FaultyStore;
  let service: TestService;
  let measured: MeasuredNetworks;
  let team: TrainingTeam;
  let client: ApiClient;
  let undisturbed: Data;
  let firstVersion: string;
  let firstNetwork: string;
  let api: ServiceProcess | undefined;
  const files = buildDemoNetworks(1000, 11);
  const disk = () => path.join(scratch, 'disk');

  const bucket = (endpoint: string) => ({
    kind: 's3' as const,
    endpoint,
    bucket: 'fusecast',
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
    region: REGION,
  });

  beforeAll(async () => {
    measured = await createMeasuredNetworks(14, 0);
    scratch = await createTemporaryDirectory('store-faults');
    isSmall = mountSmall(disk(), 400);
    server = await startS3Server(disk());
    proxy = await FaultyStore.start(server.endpoint);
    const objects: Config['objects'] = bucket(proxy.endpoint);
    service = await TestService.start({ objects });
    team = await TrainingTeam.create(service, measured);
    client = team.team.client;
    firstVersion = await team.train();
    undisturbed = await team.ended(firstVersion);
    const { networks } = await client.query('{ networks(first: 1) { edges { node { id } } } }');
    firstNetwork = networks.edges[0].node.id;
  }, 180_000);
  afterEach(() => {
    proxy.fault = {};
  });
  afterAll(async () => {
    await api?.kill();
    await service?.stop();
    await proxy?.stop();
    await server?.stop();
    if (isSmall) execFileSync('umount', [disk()]);
    rmSync(scratch, { recursive: true, force: true });
  });

  interface Load {
    readonly networks: string[];
    readonly predictions: string[];
    refused: number;
  }

  /** Uploads networks, each with bytes of its own, and predicts, until stopped; remembers what was answered. */
  async function load(prefix: string, signal: AbortSignal): Promise<Load> {
    const done: Load = { networks: [], predictions: [], refused: 0 };
    for (let i = 0; !signal.aborted && i < 200; i++) {
      const name = `${prefix}-${i}`;
      const { bytes } = files.next().value!;
      try {
        const uploadId = await client.upload('NETWORK', `${name}.onnx`, bytes);
        const { createNetwork } = await client.query(CREATE_NETWORK, { input: { uploadId, name } });
        done.networks.push(createNetwork.network.id);
        const networkIds = [firstNetwork];
        const { predict } = await client.query(PREDICT, { input: { networkIds, versionIds: [firstVersion] } });
        done.predictions.push(predict.predictions[0].id);
      } catch (error) {
        // The store's own answers to a PUT, or a coded one.
        expect(String(error)).toMatch(/UNAVAILABLE|PUT|fetch failed|BAD_INPUT/);
        done.refused += 1;
        await delay(50);
      }
    }
    return done;
  }

  const predictionRows = async () =>
    withDatabase(service.database.superuserUrl, async (each) => {
      const { rows } = await each.query('SELECT count(*)::int AS rows FROM prediction');
      return rows[0].rows;
    });

  /** Everything that was accepted is there, once, and whole. */
  async function check(version: string, done: Load, predictionsBefore: number): Promise<void> {
    expect(await team.ended(version)).toMatchObject({ status: 'READY', sha256: undisturbed.sha256 });
    for (const id of done.networks) {
      const read = async () => (await client.ingested(id)).status;
      expect(await until(read, (status) => status !== 'PENDING', 90_000)).toBe('READY');
    }
    expect(await predictionRows()).toBe(predictionsBefore + done.predictions.length);
    for (const queue of ['ingestNetwork', 'trainPredictor']) {
      const left = await until(
        () => team.queue(queue),
        (states) => Object.keys(states).length === 1,
        90_000,
      );
      expect(Object.keys(left)).toEqual(['completed']);
    }
    expect(await team.failedJobs()).toEqual([]);
    const { endpoint, bucket: name, ...credentials } = bucket(server.endpoint);
    const store = new S3ObjectStore({ endpoint, bucket: name, region: REGION, credentials, forcePathStyle: true });
    const verified = await withDatabase(service.database.url, (each) => verifyObjects(each, store));
    expect(verified.damaged).toEqual([]);
    expect(verified.checked).toBeGreaterThan(done.networks.length);
    store.close();
  }

  /** Trains and loads while `disturb` lasts and for some networks after it. */
  async function under(name: string, disturb: () => Promise<void>): Promise<Load> {
    const before = await predictionRows();
    const ending = new AbortController();
    const version = await team.train();
    const loading = load(name, ending.signal);
    await disturb();
    proxy.fault = {};
    await team.ended(version);
    ending.abort();
    const done = await loading;
    await check(version, done, before);
    return done;
  }

  test('that is killed and comes back: jobs wait for it, however long', async () => {
    // Without patience the first failure would be the last.
    await withDatabase(service.database.superuserUrl, (each) =>
      each.query("UPDATE pgboss.queue SET retry_limit = 0 WHERE name IN ('trainPredictor', 'ingestNetwork')"),
    );
    const accepted: string[] = [];
    const done = await under('killed', async () => {
      // Accepted right before it goes, so that it is read while the store is away.
      const uploadIds: string[] = [];
      for (let i = 0; i < 5; i++)
        uploadIds.push(await client.upload('NETWORK', `k${i}.onnx`, files.next().value!.bytes));
      const creating = uploadIds.map((uploadId, i) =>
        client.query(CREATE_NETWORK, { input: { uploadId, name: `at-once-${i}` } }),
      );
      for (const each of await Promise.all(creating)) accepted.push(each.createNetwork.network.id);
      await server.kill();
      const ready = async () => (await fetch(`${service.anonymous.url}/health/ready`)).status;
      expect(await until(ready, (status) => status === 503)).toBe(503);
      await delay(AWAY_MS);
      await server.revive();
      await until(ready, (status) => status === 200);
    });
    expect(done.refused).toBeGreaterThan(0);
    for (const id of accepted) expect((await client.ingested(id)).status).toBe('READY');
    expect(service.log.some((line) => line.includes('job postponed: the object store is away'))).toBe(true);
  }, 240_000);

  test('that is slow', async () => {
    const done = await under('slow', async () => {
      proxy.fault = { delayMs: 400 };
      await delay(AWAY_MS);
    });
    expect(done.networks.length).toBeGreaterThan(0);
  }, 240_000);

  test('that fails one request in five, before or after it has done it', async () => {
    const before = proxy.failed;
    const done = await under('failing', async () => {
      proxy.fault = { failsOneIn: 5 };
      await until(
        async () => proxy.failed - before,
        (failed) => failed >= NETWORKS,
        120_000,
      );
    });
    expect(done.networks.length).toBeGreaterThan(3);
  }, 240_000);

  test('whose disk is full', async () => {
    if (!isSmall) {
      process.stderr.write('not tested: this process may mount no file system that could be filled up\n');
      return;
    }
    const done = await under('full', async () => {
      const free = statfsSync(disk());
      execFileSync('fallocate', ['-l', String(free.bavail * free.bsize), path.join(disk(), 'filler')]);
      const uploadId = client.upload('NETWORK', 'full.onnx', files.next().value!.bytes);
      await expect(uploadId).rejects.toThrow(/PUT full.onnx: 5/);
      await delay(AWAY_MS);
      rmSync(path.join(disk(), 'filler'));
    });
    expect(done.refused).toBeGreaterThan(0);
  }, 240_000);

  test(`while the API is killed between upload and create, ${KILLS} times`, async () => {
    const variables = {
      FUSECAST_ROLE: 'api',
      DATABASE_URL: service.database.url,
      FUSECAST_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
      S3_ENDPOINT: server.endpoint,
      S3_BUCKET: 'fusecast',
      S3_ACCESS_KEY_ID: server.accessKeyId,
      S3_SECRET_ACCESS_KEY: server.secretAccessKey,
      S3_REGION: REGION,
    };
    api = await ServiceProcess.start(variables);
    const seen: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const name = `killed-api-${kill}`;
      const first = api.anonymous.as(team.team.key);
      const uploadId = await first.upload('NETWORK', `${name}.onnx`, files.next().value!.bytes);
      // By turns before it is asked for, and in the middle of it.
      const asked =
        kill % 2 === 0 ? undefined : first.answer(CREATE_NETWORK, { input: { uploadId, name } }).catch(() => {});
      if (asked) await delay(kill);
      await api.kill();
      await asked;
      api = await ServiceProcess.start(variables);
      const answer = await api.anonymous.as(team.team.key).answer(CREATE_NETWORK, { input: { uploadId, name } });
      // What the dead process had done is said to have been done.
      if (answer.errors) expect(answer.errors[0].extensions.code).toBe('CONFLICT');
      const { networks } = await client.query('{ networks(first: 100) { edges { node { id name } } } }');
      const made = networks.edges.map(({ node }: Data) => node).filter((node: Data) => node.name === name);
      expect(made).toHaveLength(1);
      seen.push((await client.ingested(made[0].id)).status);
    }
    await api.stop();
    api = undefined;
    expect(seen).toEqual(seen.map(() => 'READY'));
  }, 300_000);
});
