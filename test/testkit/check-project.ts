/**
 * What `fusecast check` is tested with: a service with predictors of six scenarios of known laws, repositories with
 * networks and a fusecast.yaml, and a proxy that keeps every byte that goes through it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { NetworkBuilder } from '../../src/cli/network-builder';
import { createRandom, stripNetwork } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';
import { type ApiClient, until } from './client';
import { createTemporaryDirectory } from './postgres';
import { createSyntheticData, SYNTHETIC_SCENARIO } from './synthetic-profile';

const NETWORKS = 18;
const SEED = 5;
const NOISE = 0.02;

/** Machines that are so many times slower than the first. */
export const SCENARIOS = [1, 2, 3, 4, 5, 6].map((times) => SYNTHETIC_SCENARIO.replace('synthetic', `slow${times}`));

/** Kernel and end-to-end rows of the first `count` scenarios, as CSV. */
async function writeProfile(count: number): Promise<Buffer> {
  const { harnesses, networks, kernels } = createSyntheticData(NETWORKS, NOISE, SEED).profile;
  const slowed = <Row extends { scenario: string; latencyUs: number }>(rows: readonly Row[]) =>
    SCENARIOS.slice(0, count).flatMap((scenario, i) =>
      rows.map((row) => ({ ...row, scenario, latencyUs: (i + 1) * row.latencyUs })),
    );
  const directory = await createTemporaryDirectory('profile');
  try {
    const file = path.join(directory, 'profile.csv');
    await writeProfileTable({ harnesses, networks: slowed(networks), kernels: slowed(kernels) }, file);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Trains a version for each of the first scenarios, and answers their ids. */
export async function trainScenarios(client: ApiClient, count = SCENARIOS.length): Promise<string[]> {
  const dataset = await client.createDataset('profile.csv', await writeProfile(count));
  for (const { name, bytes } of buildDemoNetworks(NETWORKS, SEED)) {
    await client.createNetwork(name, stripNetwork(bytes).bytes);
  }
  const ids: string[] = [];
  for (const [i, scenario] of SCENARIOS.slice(0, count).entries()) {
    const { trainPredictor } = await client.query(
      'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
      { input: { name: `slow${i + 1}`, scenario, datasetIds: [dataset.id], learner: 'LASSO' } },
    );
    const query = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status failure { message } } } }';
    const { status, failure } = await until(
      async () => (await client.query(query, trainPredictor.version)).node,
      (version) => version.status !== 'QUEUED' && version.status !== 'TRAINING',
    );
    if (status !== 'READY') throw new Error(`The version became ${status}: ${failure?.message}`);
    ids.push(trainPredictor.version.id);
  }
  return ids;
}

/** A network of convolutions, each as wide as said, with random weights. */
export function buildNetwork(name: string, widths: readonly number[], size = 96): Uint8Array {
  const random = createRandom(SEED);
  const builder = new NetworkBuilder(name, size, () => random.uniform());
  let x = builder.convolution(builder.input(), 16, { stride: 2 });
  for (const width of widths) x = builder.convolution(x, width);
  return builder.classify(x, 10);
}

/** Writes files into a folder; folders on the way are made. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** An HTTP proxy on loopback before a service: what goes through it, it keeps. */
export class RecordingProxy {
  readonly #requests: Buffer[] = [];
  /** Where it sends requests to; set once the service is there, which wants to know the proxy first. */
  target = '';

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<RecordingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new RecordingProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    server.on('request', (incoming, outgoing) => {
      proxy.#requests.push(Buffer.from(`${incoming.method} ${incoming.url}\n${JSON.stringify(incoming.headers)}\n`));
      const { hostname, port } = new URL(proxy.target);
      const { method, url, headers } = incoming;
      const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      incoming.on('data', (chunk: Buffer) => {
        proxy.#requests.push(chunk);
        forwarded.write(chunk);
      });
      incoming.on('end', () => forwarded.end());
    });
    return proxy;
  }

  /** Every byte that was sent since the last call. */
  takeSent(): Buffer {
    return Buffer.concat(this.#requests.splice(0));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
