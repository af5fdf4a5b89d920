/** A team with a READY version of the synthetic law, and its networks: trained in seconds, measured without noise. */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { stripNetwork } from '../../src/engine';
import { type ApiClient, type Data, until } from './client';
import { createSyntheticData, SYNTHETIC_SCENARIO } from './synthetic-profile';

export interface TrainedTeam {
  readonly scenario: string;
  readonly versionId: string;
  readonly datasetId: string;
  /** With what the law says of each, microseconds. */
  readonly networks: readonly { readonly id: string; readonly name: string; readonly latencyUs: number }[];
}

const NETWORKS = 24;
const SEED = 1;
const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
const STATUS = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status failure { message } } } }';

/** Uploads, trains and waits. */
export async function trainOnSynthetic(client: ApiClient): Promise<TrainedTeam> {
  const { profile, truth } = createSyntheticData(NETWORKS, 0.02, SEED);
  const rows = profile.networks.map(({ harness: _index, ...row }) => ({ ...row, threads: 1, statistic: 'median' }));
  const dataset = await client.createDataset('synthetic.json', Buffer.from(JSON.stringify(rows)));
  const networks: Data[] = [];
  for (const { name, bytes } of buildDemoNetworks(NETWORKS, SEED)) {
    const { id } = await client.createNetwork(name, stripNetwork(bytes).bytes);
    networks.push({ id, name, latencyUs: truth.get(name)! });
  }
  const input = { name: 'synthetic', scenario: SYNTHETIC_SCENARIO, datasetIds: [dataset.id], learner: 'LASSO' };
  const { version } = (await client.query(TRAIN, { input })).trainPredictor;
  const read = async () => (await client.query(STATUS, { id: version.id })).node;
  const ended = await until(read, ({ status }) => status !== 'QUEUED' && status !== 'TRAINING', 60_000);
  if (ended.status !== 'READY') throw new Error(`The version became ${ended.status}: ${ended.failure?.message}`);
  return { scenario: SYNTHETIC_SCENARIO, versionId: version.id, datasetId: dataset.id, networks };
}
