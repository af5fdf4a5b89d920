/**
 * Commands that talk to a service: dataset push, network push, train, predict.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { readClientConfig } from '../config';
import { EngineError, LEARNERS, type Learner, type NetworkPrediction, stripNetwork } from '../engine';
import { Client, type Ingested, ServiceError } from './client';
import { findEvaluationSet } from './comparison-query';
import { collectBinding, networkPaths, openNetwork, parseNetwork } from './files';
import type { Output } from './output';
import { searchedSettings } from './parameters';
import { showPredictions } from './show';
import { showReport } from './show-report';
import { train } from './train';

/** Networks that are uploaded at the same time. */
const UPLOADS_AT_ONCE = 4;

export interface ServicePrediction extends NetworkPrediction {
  /** Id and number of the version that answered. */
  readonly version: { readonly id: string; readonly number: number; readonly predictor: string };
  /** What its prediction was calibrated by. */
  readonly calibration: { readonly id: string; readonly name: string } | null;
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
    .option(
      '--hold-out <set>',
      'evaluation set whose networks are left out, so that it can judge the version; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .addOption(new Option('--learner <learner>', 'what learns').choices(LEARNERS).default('auto'))
    .option('--search <settings>', 'settings to draw and try for each learner, 0 to 32', searchedSettings, 0)
    .option('--seed <number>', 'seeds every random choice', Number, 1)
    .action(
      async (
        name: string,
        options: {
          dataset: string[];
          scenario: string;
          holdOut: string[];
          learner: Learner;
          search: number;
          seed: number;
        },
      ) => {
        const client = connect();
        const datasetIds = await Promise.all(options.dataset.map((each) => findDataset(client, each)));
        const evaluationSetIds = await Promise.all(options.holdOut.map((each) => findEvaluationSet(client, each)));
        const { scenario, learner, search, seed } = options;
        const input = { name, scenario, datasetIds, evaluationSetIds, learner, searchedSettings: search, seed };
        const version = await train(client, input, output());
        output().result(version, () =>
          [`version ${version.number} of ${name}: ${showReport(output(), version.report!)}`, version.id].join('\n\n'),
        );
      },
    );

  program
    .command('predict')
    .description('predict networks; files are uploaded first, without their weights')
    .argument('<files...>', 'network files, or folders of them')
    .option(
      '--scenario <scenario>',
      'the version in use for a scenario, or else the newest; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--version <id>',
      'a certain version; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--pin <name>',
      'the version that a pin names; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--calibration <id>',
      'its version, as the calibration says it; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--bind <name=size>', 'value of a dynamic dimension; may be repeated', collectBinding, {})
    .action(
      async (
        given: string[],
        options: {
          scenario: string[];
          version: string[];
          pin: string[];
          calibration: string[];
          bind: Record<string, number>;
        },
      ) => {
        const { scenario, version, pin, calibration, bind } = options;
        if (scenario.length + version.length + pin.length + calibration.length === 0) {
          throw new EngineError(
            'UNKNOWN_NAME',
            'none of --scenario, --version, --pin and --calibration is given',
            undefined,
            'Say at least one scenario, version, pin or calibration.',
          );
        }
        const client = connect();
        const networks = await pushNetworks(client, given, { bind, output: output() });
        const networkIds = networks.map(({ id }) => id);
        const asked = { scenarios: scenario, versionIds: version, pins: pin, calibrationIds: calibration };
        const input = { networkIds, ...asked };
        const predictions = await predict(client, input);
        output().result(predictions, () => showPredictions(output(), predictions));
      },
    );
}

/** A client by FUSECAST_URL and FUSECAST_API_KEY. */
export function connect(): Client {
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
export async function pushNetworks(
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

export async function findDataset(client: Client, nameOrId: string): Promise<string> {
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

/** Predicts every network under every scenario and version. @throws ServiceError */
export async function predict(
  client: Client,
  input: {
    networkIds: readonly string[];
    scenarios?: readonly string[];
    versionIds?: readonly string[];
    pins?: readonly string[];
    calibrationIds?: readonly string[];
  },
): Promise<ServicePrediction[]> {
  type Answer = Omit<NetworkPrediction, 'network' | 'scenario'> & {
    network: { name: string };
    scenario: { name: string };
    version: { id: string; number: number; predictor: { name: string } };
    calibration: { id: string; name: string } | null;
  };
  const answer = await client.request<{ predict: { predictions: Answer[] } }>(
    `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
      network { name } scenario { name } version { id number predictor { name } } calibration { id name }
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
