/**
 * `fusecast demo`: the main job from end to end on this very machine. Builds small networks, measures them here, runs the
 * service in this process, and does through its API what a team would do. Nothing in it is prepared: another machine gives
 * other numbers.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import pino from 'pino';
import { readConfig } from '../config';
import { type Profile, readNetwork, stripNetwork } from '../engine';
import { writeProfileTable } from '../profiles';
import { Client } from './client';
import { buildDemoNetworks, type DemoNetwork } from './demo-networks';
import { localScenario, measureNetworks } from './measure';
import { formatLatency, formatPercent, type Output } from './output';
import { predict, type ServicePrediction } from './service-commands';
import { showKernels } from './show';
import { type TrainedVersion, train } from './train';

/** Of these the last HELD_OUT are kept out of training; every family has a part in both. */
const NETWORKS = 42;
const HELD_OUT = 12;
const SEED = 7;
const LEARNERS = ['lasso', 'auto'] as const;

/** What the demo's key may do: all that the main job needs, and no more. */
const KEY_SCOPES = [
  'DATASET_READ',
  'DATASET_WRITE',
  'NETWORK_READ',
  'NETWORK_WRITE',
  'SCENARIO_READ',
  'PREDICTOR_READ',
  'PREDICTOR_WRITE',
  'PREDICTION_READ',
  'PREDICTION_WRITE',
];

/** A network that was measured here. */
interface MeasuredNetwork extends DemoNetwork {
  readonly latencyUs: number;
}

export function addDemoCommand(program: Command, output: () => Output): void {
  program
    .command('demo')
    .description('the main job on this machine: measure, upload, train, predict; takes a few minutes')
    .action(async () => runDemo(output()));
}

async function runDemo(output: Output): Promise<void> {
  const scenario = localScenario();
  output.note(`Fusecast demo: ${NETWORKS} small networks, measured on this machine as scenario ${scenario}\n`);
  const { networks, profile } = await measure(scenario, output);
  const training = new Set(networks.slice(0, -HELD_OUT).map(({ name }) => name));

  const config = readConfig();
  const port = await freePort(config.http.host, config.http.port);
  const mails = new EventEmitter();
  // Loaded here and not above: the service is most of what there is to load, and the other commands do without.
  const { startService } = require('../main') as typeof import('../main');
  const service = await startService(
    { ...config, http: { ...config.http, port }, mail: undefined },
    { log: pino({ level: 'error' }, pino.destination(2)), printMail: (text) => mails.emit('mail', text) },
  );
  try {
    output.note(`service at ${service.url}`);
    const { client, key } = await signUp(service.url, mails, output);
    const { datasetId, networkIds } = await upload(client, networks, onlyNetworks(profile, training), output);
    const versions: TrainedVersion[] = [];
    for (const learner of LEARNERS) {
      versions.push(
        await train(
          client,
          { name: `this-machine-${learner}`, scenario, datasetIds: [datasetId], learner, seed: SEED },
          output,
        ),
      );
    }
    const held = networks.slice(-HELD_OUT);
    const heldIds = networkIds.slice(-HELD_OUT);
    const predictions = await predict(client, { networkIds: heldIds, versionIds: versions.map(({ id }) => id) });
    const result = { scenario, networks: compare(held, predictions), versions, kernels: predictions[0].kernels };
    output.result(result, () => show(held, predictions, versions, output));
    output.note(
      [
        '',
        `The data is in ${path.dirname(config.database.kind === 'embedded' ? config.database.directory : '.')}; delete that folder to forget it.`,
        'To go on with the API on the same data:  npm start',
        `then, with this team's key:  curl -s ${service.url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${key}' -d '{"query":"{ networks { edges { node { id name } } } }"}'`,
      ].join('\n'),
    );
  } finally {
    await service.stop();
  }
}

async function measure(scenario: string, output: Output): Promise<{ networks: MeasuredNetwork[]; profile: Profile }> {
  const built = [...buildDemoNetworks(NETWORKS, SEED)];
  const progress = output.progress('measuring', 100);
  const measurable = built.map(({ name, bytes }) => ({ bytes, graph: readNetwork(bytes, { name }) }));
  const options = { scenario, warmUps: 5, repetitions: 12 };
  const profile = await measureNetworks(measurable, options, (done) => progress.update(100 * done));
  progress.stop();
  return { networks: built.map((network, i) => ({ ...network, latencyUs: profile.networks[i].latencyUs })), profile };
}

function onlyNetworks({ harnesses, networks, kernels }: Profile, names: ReadonlySet<string>): Profile {
  return {
    harnesses,
    networks: networks.filter(({ network }) => names.has(network)),
    kernels: kernels.filter(({ network }) => names.has(network)),
  };
}

/** A new person with a new team and a key for everything: what a first user does by hand. @param mails emits each as `mail` */
export async function signUp(
  url: string,
  mails: EventEmitter,
  output: Output,
): Promise<{ client: Client; key: string }> {
  const email = `demo-${randomBytes(4).toString('hex')}@example.com`;
  const arrival = once(mails, 'mail');
  await new Client(url).request('mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }', {
    input: { email, name: 'Demo', password: randomBytes(24).toString('base64url') },
  });
  const [mail] = await arrival;
  const token = /#(\S+)/.exec(mail)?.[1];
  const { verifyEmail } = await new Client(url).request<{ verifyEmail: { token: string } }>(
    'mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { token } }',
    { input: { token } },
  );
  const session = new Client(url, verifyEmail.token);
  await session.request('mutation ($input: CreateTeamInput!) { createTeam(input: $input) { team { id } } }', {
    input: { name: 'Demo team' },
  });
  const { createApiKey } = await session.request<{ createApiKey: { key: string } }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }',
    { input: { name: 'demo', scopes: KEY_SCOPES } },
  );
  output.note(`signed up ${email}, made a team and an API key`);
  return { client: new Client(url, createApiKey.key), key: createApiKey.key };
}

/** Uploads the profile of the training networks, and all networks without their weights, in their order. */
async function upload(
  client: Client,
  networks: readonly DemoNetwork[],
  profile: Profile,
  output: Output,
): Promise<{ datasetId: string; networkIds: string[] }> {
  const progress = output.progress('uploading', networks.length + 1);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-demo-'));
  try {
    const file = path.join(folder, 'this-machine.parquet');
    await writeProfileTable(profile, file);
    const dataset = await client.pushDataset(await readFile(file), path.basename(file), { name: 'this-machine' });
    progress.update(1);
    const networkIds: string[] = [];
    for (const { name, bytes } of networks) {
      const network = await client.pushNetwork(stripNetwork(bytes).bytes, `${name}.onnx`, name);
      networkIds.push(network.id);
      progress.update(1 + networkIds.length);
    }
    return { datasetId: dataset.id, networkIds };
  } finally {
    progress.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function compare(held: readonly MeasuredNetwork[], predictions: readonly ServicePrediction[]) {
  return held.map(({ name, latencyUs }) => ({
    network: name,
    measuredUs: latencyUs,
    predictions: predictions
      .filter(({ network }) => network === name)
      .map(({ version, latencyUs: predictedUs, interval }) => ({
        predictor: version.predictor,
        latencyUs: predictedUs,
        interval,
      })),
  }));
}

function show(
  held: readonly MeasuredNetwork[],
  predictions: readonly ServicePrediction[],
  versions: readonly TrainedVersion[],
  output: Output,
): string {
  const rows = compare(held, predictions);
  const networkTable = output.table(
    ['held-out network', 'measured', ...LEARNERS.flatMap((learner) => [learner, 'error', 'interval (90 %)'])],
    rows.map(({ network, measuredUs, predictions: all }) => [
      network,
      formatLatency(measuredUs),
      ...all.flatMap(({ latencyUs, interval }) => [
        formatLatency(latencyUs),
        formatPercent(100 * (latencyUs / measuredUs - 1)),
        `${formatLatency(interval.lowerUs)} to ${formatLatency(interval.upperUs)}`,
      ]),
    ]),
  );
  const heldOutError = (index: number) => {
    const errors = rows.map(({ measuredUs, predictions: all }) => Math.abs(all[index].latencyUs / measuredUs - 1));
    return formatPercent((100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length);
  };
  const versionTable = output.table(
    ['version', 'mean error, cross-validated', 'mean error, held out'],
    versions.map(({ learner, report }, i) => [learner, formatPercent(report!.endToEnd.mape), heldOutError(i)]),
  );
  const explained = predictions[1];
  return [
    networkTable,
    '',
    versionTable,
    '',
    `kernels of ${explained.network}, predicted by ${explained.version.predictor}: ${formatLatency(explained.latencyUs)}`,
    showKernels(output, explained),
  ].join('\n');
}

/** The wanted port if nobody listens there, else 0 for any. */
async function freePort(host: string, port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, host, () => probe.close(() => resolve(port)));
  });
}
