/**
 * Commands that talk to a service: dataset push, network push, train, predict.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { readClientConfig } from '../config';
import { EngineError, LEARNERS, type NetworkPrediction, stripNetwork } from '../engine';
import { Client, type Ingested, ServiceError } from './client';
import { collectBinding, networkPaths, openNetwork, parseNetwork } from './files';
import { formatPercent, type Output } from './output';
import { showPredictions } from './show';

/** Networks that are uploaded at the same time. */
const UPLOADS_AT_ONCE = 4;

/** A version as training left it. */
export interface TrainedVersion {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly learner: string;
  readonly report: {
    readonly networks: number;
    readonly kernelRows: number;
    readonly endToEnd: { readonly mape: number; readonly medianApe: number; readonly within10: number };
    readonly dropped: readonly string[];
  } | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly where?: string;
    readonly remedy?: string;
  } | null;
}

export interface ServicePrediction extends NetworkPrediction {
  /** Id and number of the version that answered. */
  readonly version: { readonly id: string; readonly number: number; readonly predictor: string };
}

export function addServiceCommands(program: Command, output: () => Output): void {
  const dataset = program.command('dataset').description('profiles in the service');
  dataset
    .command('push')
    .description('upload a profile')
    .argument('<file>', 'profile (.csv, .json, .jsonl, .parquet)')
    .option('--name <name>', "the dataset's name; the file's, if left out")
    .option('--network <name>', "network that was measured, for onnxruntime's own profile")
    .option('--scenario <scenario>', "runtime/device/processor/type, for onnxruntime's own profile")
    .action(async (file: string, options: { name?: string; network?: string; scenario?: string }) => {
      const fileName = path.basename(file);
      const { network, scenario, name = path.basename(file, path.extname(file)) } = options;
      const pushed = await connect().pushDataset(await readFile(file), fileName, { name, network, scenario });
      const { id, networkRows, kernelRows } = pushed;
      output().result(
        { id, name, networkRows, kernelRows },
        () => `dataset ${name}: ${networkRows} end-to-end rows, ${kernelRows} kernel rows\n${id}`,
      );
    });

  const network = program.command('network').description('networks in the service');
  network
    .command('push')
    .description('upload networks, without their weights unless told to keep them')
    .argument('<files...>', 'network files, or folders of them')
    .option('--keep-weights', 'upload the files as they are')
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(async (given: string[], { keepWeights, bind }: { keepWeights?: boolean; bind: Record<string, number> }) => {
      const pushed = await pushNetworks(connect(), given, { keepWeights, bind, output: output() });
      output().result(pushed, () =>
        output().table(
          ['network', 'id'],
          pushed.map(({ name, id }) => [name, id]),
        ),
      );
    });

  program
    .command('train')
    .description('train a new version of a predictor and follow it to its end')
    .argument('<name>', "the predictor's name")
    .requiredOption(
      '--dataset <name or id>',
      'dataset to train on; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .requiredOption('--scenario <scenario>', 'runtime/device/processor/type')
    .addOption(new Option('--learner <learner>').choices(LEARNERS).default('lasso'))
    .option('--seed <number>', 'seeds every random choice', Number, 1)
    .action(async (name: string, options: { dataset: string[]; scenario: string; learner: string; seed: number }) => {
      const client = connect();
      const datasetIds = await Promise.all(options.dataset.map((each) => findDataset(client, each)));
      const { scenario, learner, seed } = options;
      const version = await train(client, { name, scenario, datasetIds, learner, seed }, output());
      output().result(version, () => {
        const { endToEnd, networks, kernelRows, dropped } = version.report!;
        return [
          `version ${version.number} of ${name}: ${networks} networks, ${kernelRows} kernel rows`,
          `cross-validated error of whole networks: mean ${formatPercent(endToEnd.mape)}, median ${formatPercent(endToEnd.medianApe)}, within 10 %: ${formatPercent(100 * endToEnd.within10)}`,
          ...dropped,
          version.id,
        ].join('\n');
      });
    });

  program
    .command('predict')
    .description('predict networks; files are uploaded first, without their weights')
    .argument('<files...>', 'network files, or folders of them')
    .option(
      '--scenario <scenario>',
      'newest version of a scenario; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--version <id>',
      'a certain version; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(
      async (given: string[], options: { scenario: string[]; version: string[]; bind: Record<string, number> }) => {
        const { scenario, version, bind } = options;
        if (scenario.length + version.length === 0) {
          throw new EngineError(
            'UNKNOWN_NAME',
            'neither --scenario nor --version-id is given',
            undefined,
            'Say at least one scenario or version.',
          );
        }
        const client = connect();
        const networks = await pushNetworks(client, given, { bind, output: output() });
        const input = { networkIds: networks.map(({ id }) => id), scenarios: scenario, versionIds: version };
        const predictions = await predict(client, input);
        output().result(predictions, () => showPredictions(output(), predictions));
      },
    );
}

/** A client by FUSECAST_URL and FUSECAST_API_KEY. */
function connect(): Client {
  const { url, apiKey } = readClientConfig();
  if (!apiKey) {
    throw new ServiceError({
      code: 'UNAUTHENTICATED',
      message: 'FUSECAST_API_KEY is not set',
      remedy: 'Make a key with the mutation createApiKey.',
    });
  }
  return new Client(url, apiKey);
}

/** Uploads networks and waits until all are read. Each is parsed here first: a bad file never leaves the machine. */
async function pushNetworks(
  client: Client,
  given: readonly string[],
  { keepWeights = false, bind, output }: { keepWeights?: boolean; bind: Record<string, number>; output: Output },
): Promise<Ingested[]> {
  const files = await networkPaths(given);
  const progress = output.progress('uploading', files.length);
  const pushed: Ingested[] = [];
  let next = 0;
  const push = async () => {
    while (next < files.length) {
      const position = next++;
      const network = await openNetwork(files[position]);
      parseNetwork(network, bind);
      const bytes = keepWeights ? network.bytes : stripNetwork(network.bytes).bytes;
      pushed[position] = await client.pushNetwork(bytes, path.basename(files[position]), network.name, bind);
      progress.update(pushed.filter(Boolean).length);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, push));
  progress.stop();
  return pushed;
}

async function findDataset(client: Client, nameOrId: string): Promise<string> {
  const { datasets } = await client.request<{ datasets: { edges: { node: { id: string } }[] } }>(
    'query ($filter: DatasetFilter!) { datasets(first: 2, filter: $filter) { edges { node { id } } } }',
    { filter: { name: nameOrId, status: 'READY' } },
  );
  if (datasets.edges.length > 1) {
    throw new ServiceError({
      code: 'BAD_INPUT',
      message: `several datasets are called ${nameOrId}`,
      where: '--dataset',
      remedy: 'Give the id that dataset push printed.',
    });
  }
  return datasets.edges[0]?.node.id ?? nameOrId;
}

/** Trains a version, with a progress bar. @throws ServiceError if it fails */
export async function train(
  client: Client,
  input: { name: string; scenario: string; datasetIds: string[]; learner: string; seed: number },
  output: Output,
): Promise<TrainedVersion> {
  const { trainPredictor } = await client.request<{ trainPredictor: { version: { id: string } } }>(
    'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
    { input: { ...input, learner: input.learner.toUpperCase() } },
  );
  const progress = output.progress(`training ${input.name}`, 100);
  await client.followTraining(trainPredictor.version.id, ({ fraction }) => progress.update(100 * fraction));
  progress.stop();
  const { node } = await client.request<{ node: TrainedVersion }>(
    `query ($id: ID!) { node(id: $id) { ... on PredictorVersion {
      id number status learner failure { code message where remedy }
      report { networks kernelRows endToEnd { mape medianApe within10 } dropped } } } }`,
    { id: trainPredictor.version.id },
  );
  if (node.status !== 'READY') {
    const { code, message, where, remedy } = node.failure ?? {
      code: 'CANCELLED',
      message: `the training is ${node.status}`,
    };
    throw new ServiceError({ code, message, where, remedy });
  }
  return node;
}

/** Predicts every network under every scenario and version. @throws ServiceError */
export async function predict(
  client: Client,
  input: { networkIds: readonly string[]; scenarios?: readonly string[]; versionIds?: readonly string[] },
): Promise<ServicePrediction[]> {
  type Answer = Omit<NetworkPrediction, 'network' | 'scenario'> & {
    network: { name: string };
    scenario: { name: string };
    version: { id: string; number: number; predictor: { name: string } };
  };
  const answer = await client.request<{ predict: { predictions: Answer[] } }>(
    `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
      network { name } scenario { name } version { id number predictor { name } }
      latencyUs fixedUs interval { lowerUs upperUs level } coverage kernels { kind fused ops reason latencyUs coverage } } } }`,
    { input },
  );
  return answer.predict.predictions.map(({ network, scenario, version, ...prediction }) => ({
    network: network.name,
    scenario: scenario.name,
    version: { id: version.id, number: version.number, predictor: version.predictor.name },
    ...prediction,
    kernels: prediction.kernels.map((kernel) => ({
      ...kernel,
      coverage: kernel.coverage.toLowerCase() as typeof kernel.coverage,
    })),
  }));
}
