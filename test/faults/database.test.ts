/** PostgreSQL that ends and comes back, and connections that drop, under load: what was accepted is done, once. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/storage/embedded-postgres';
import { type ApiClient, CREATE_NETWORK, until } from '../testkit/client';
import { createMeasuredNetworks, type MeasuredNetworks } from '../testkit/measured-networks';
import { createTemporaryDirectory, type TestDatabase } from '../testkit/postgres';
import { Relay } from '../testkit/relay';
import { TestService } from '../testkit/service';
import { TrainingTeam } from '../testkit/training-team';

const LEASE_SECONDS = 2;
const DROPS = process.env.FUSECAST_FAULTS === 'long' ? 20 : 5;

describe('a database that fails', () => {
  let directory: string;
  let server: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
  let relay: Relay;
  let service: TestService;
  let measured: MeasuredNetworks;
  let team: TrainingTeam;
  let undisturbed: string;

  const portOf = (url: string) => Number(new URL(url).port);
  const throughRelay = (url: string) => {
    const changed = new URL(url);
    changed.port = String(relay.port);
    return changed.href;
  };
  const startPostgres = () => startEmbeddedPostgres({ directory: path.join(directory, 'postgres') });

  beforeAll(async () => {
    measured = await createMeasuredNetworks(14, 0);
    directory = await createTemporaryDirectory('faults');
    server = await startPostgres();
    relay = await Relay.start(portOf(server.url));
    const superuserUrl = new URL(throughRelay(server.superuserUrl));
    superuserUrl.pathname = new URL(server.url).pathname;
    const database: TestDatabase = {
      url: throughRelay(server.url),
      superuserUrl: superuserUrl.href,
      drop: async () => {},
    };
    service = await TestService.start({ database, config: { jobLeaseSeconds: LEASE_SECONDS } });
    team = await TrainingTeam.create(service, measured);
    undisturbed = (await team.ended(await team.train())).sha256;
  }, 180_000);
  afterAll(async () => {
    await service?.stop();
    await relay?.stop();
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Creates networks until stopped; remembers those whose creation was answered. */
  async function load(
    client: ApiClient,
    prefix: string,
    signal: AbortSignal,
  ): Promise<{ accepted: string[]; refused: number }> {
    const accepted: string[] = [];
    let refused = 0;
    const { bytes } = measured.networks[0];
    for (let i = 0; !signal.aborted; i++) {
      try {
        const name = `${prefix}-${i}`;
        const uploadId = await client.upload('NETWORK', `${name}.onnx`, bytes);
        const { createNetwork } = await client.query(CREATE_NETWORK, { input: { uploadId, name } });
        accepted.push(createNetwork.network.id);
      } catch (error) {
        // A refusal is a coded one: the service answers while its database does not.
        expect(String(error)).toMatch(/UNAVAILABLE|INTERNAL/);
        refused += 1;
        await delay(50);
      }
    }
    return { accepted, refused };
  }

  async function check(version: string, accepted: readonly string[]): Promise<void> {
    expect(await team.ended(version)).toMatchObject({ status: 'READY', sha256: undisturbed });
    for (const id of accepted) expect((await team.team.client.ingested(id)).status).toBe('READY');
    const names = await team.team.client.query('{ networks(first: 100) { edges { node { id } } } }');
    expect(new Set(names.networks.edges.map(({ node }: { node: { id: string } }) => node.id)).size).toBe(
      names.networks.edges.length,
    );
    for (const queue of ['ingestNetwork', 'trainPredictor']) {
      const left = await until(
        () => team.queue(queue),
        (states) => Object.keys(states).length === 1,
      );
      expect(Object.keys(left)).toEqual(['completed']);
    }
    expect(await team.failedJobs()).toEqual([]);
  }

  test('that is stopped and started again', async () => {
    const ending = new AbortController();
    const version = await team.train();
    const loading = load(team.team.client, 'stopped', ending.signal);
    await team.begun(version);
    await server.stop();
    const unready = await until(
      async () => (await fetch(`${service.anonymous.url}/health/ready`)).status,
      (status) => status === 503,
    );
    expect(unready).toBe(503);
    expect((await fetch(`${service.anonymous.url}/health/live`)).status).toBe(200);
    server = await startPostgres();
    relay.pointTo(portOf(server.url));
    await until(
      async () => (await fetch(`${service.anonymous.url}/health/ready`)).status,
      (status) => status === 200,
    );
    await team.ended(version);
    ending.abort();
    const { accepted, refused } = await loading;
    expect(accepted.length).toBeGreaterThan(3);
    expect(refused).toBeGreaterThan(0);
    await check(version, accepted);
  }, 180_000);

  test('whose connections drop, again and again', async () => {
    const ending = new AbortController();
    const version = await team.train();
    const loading = load(team.team.client, 'dropped', ending.signal);
    for (let i = 0; i < DROPS; i++) {
      relay.drop();
      await delay(300);
    }
    await team.ended(version);
    ending.abort();
    const { accepted } = await loading;
    expect(accepted.length).toBeGreaterThan(3);
    await check(version, accepted);
  }, 180_000);
});
