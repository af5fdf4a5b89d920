/**
 * What `fusecast check` is tested with: a service with predictors of six scenarios of known laws, repositories with
 * networks and a fusecast.yaml, and a proxy that keeps every byte that goes through it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { NetworkBuilder } from '../../src/cli/network-builder';
import { createRandom, stripNetwork } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';
import { type ApiClient, type Data, until } from './client';
import { type CommandResult, runCommand } from './command';
import { createTemporaryDirectory } from './postgres';
import { TestService, type TestTeam } from './service';
import { createSyntheticData, SYNTHETIC_SCENARIO } from './synthetic-profile';

const NETWORKS = 18;
const SEED = 5;
const NOISE = 0.02;

/** Machines that are so many times slower than the first. */
export const SCENARIOS = [1, 2, 3, 4, 5, 6].map((times) => SYNTHETIC_SCENARIO.replace('synthetic', `slow${times}`));

/** Kernel and end-to-end rows of the first `count` scenarios, as CSV. */
async function writeProfile(count: number): Promise<Buffer> {
  const { harnesses, networks, kernels } = createSyntheticData(NETWORKS, NOISE, SEED).profile;
  const slowed = <Row extends { network: string; scenario: string; latencyUs: number }>(rows: readonly Row[]) =>
    SCENARIOS.slice(0, count).flatMap((scenario, i) =>
      rows
        // Two of its kernels do parts of the same op; a profile has one row of a name.
        .filter(({ network }) => !network.startsWith('inverted-residual'))
        .map((row) => ({ ...row, scenario, latencyUs: (i + 1) * row.latencyUs })),
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
async function trainScenarios(client: ApiClient, count: number): Promise<string[]> {
  const dataset = await client.createDataset('profile.csv', await writeProfile(count));
  if (dataset.status !== 'READY') throw new Error(`The dataset became ${dataset.status}: ${dataset.failure?.message}`);
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
function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
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

/** Layers of the network that most tests check. */
export const WIDTHS = [32, 32, 48, 64];

/** The parameters by which a run of a commit is kept. */
export function recordedRun(commit: string, branch: string, ...more: string[]): string[] {
  const run = [
    '--repository',
    'acme/vision',
    '--commit',
    commit,
    '--branch',
    branch,
    '--run',
    `${commit}-1`,
    '--record',
  ];
  return [...run, ...more];
}

/** A service behind a recording proxy, with predictors of the first scenarios, and folders that are checked by it. */
export class CheckedProject {
  #folders = 0;

  private constructor(
    readonly proxy: RecordingProxy,
    readonly service: TestService,
    readonly team: TestTeam,
    /** Ids of the versions, in the order of the scenarios. */
    readonly versions: readonly string[],
    /** For files. */
    readonly root: string,
  ) {}

  /** @param scenarios how many (some 3 s each) */
  static async start(scenarios: number): Promise<CheckedProject> {
    const proxy = await RecordingProxy.start();
    const http = { host: '127.0.0.1', port: 0, bodySeconds: 10, publicUrl: proxy.url };
    const service = await TestService.start({ config: { http } });
    proxy.target = service.anonymous.url;
    const team = await service.createTeam();
    const versions = await trainScenarios(team.client, scenarios);
    return new CheckedProject(proxy, service, team, versions, await createTemporaryDirectory('check'));
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.proxy.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** A repository with these files; the configuration is written as JSON, which YAML is a superset of. */
  repository(files: Readonly<Record<string, string | Uint8Array>>, configuration: object): string {
    const folder = path.join(this.root, `repository-${++this.#folders}`);
    mkdirSync(folder);
    writeFiles(folder, { ...files, 'fusecast.yaml': JSON.stringify(configuration, null, 1) });
    return folder;
  }

  get environment(): Record<string, string> {
    // A test may itself run in CI.
    return { FUSECAST_URL: this.proxy.url, FUSECAST_API_KEY: this.team.key, CI: '', GITHUB_ACTIONS: '', GITLAB_CI: '' };
  }

  check(folder: string, parameters: readonly string[] = [], more: Record<string, string> = {}): Promise<CommandResult> {
    return runCommand(folder, ['check', ...parameters], { ...this.environment, ...more });
  }

  /** What a check of an expected exit code prints with --json. */
  async report(
    folder: string,
    status: number,
    parameters: readonly string[] = [],
    more: Record<string, string> = {},
  ): Promise<Data> {
    const result = await this.check(folder, ['--json', ...parameters], more);
    if (result.status !== status) throw new Error(`exit ${result.status}: ${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout);
  }
}

/** Compiles the command, unless it is, and answers the file that `npx fusecast` runs. */
export function builtCommand(): string {
  const root = path.resolve(__dirname, '../..');
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/ready.mjs')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`It was not compiled: ${stderr}`);
  return path.join(root, 'dist/src/cli/main.js');
}
