/**
 * Many networks under many scenarios in one call: more than one INSERT takes, in the order asked.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { stripNetwork } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';
import { type Data, until } from '../testkit/client';
import { createTemporaryDirectory } from '../testkit/postgres';
import { TestService, type TestTeam } from '../testkit/service';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const NETWORKS = 100;
const MEASURED = 12;
const SCENARIOS = 6;
const SEED = 3;

/** The synthetic scenario and others of machines that are so many times slower. */
const scenarios = Array.from({ length: SCENARIOS }, (_, i) => SYNTHETIC_SCENARIO.replace('synthetic', `slow${i + 1}`));

/** End-to-end rows of all scenarios, as CSV. */
async function writeProfile(): Promise<Buffer> {
  const { harnesses, networks } = createSyntheticData(MEASURED, 0.02, SEED).profile;
  const rows = scenarios.flatMap((scenario, i) =>
    networks.map((row) => ({ ...row, scenario, latencyUs: (i + 1) * row.latencyUs })),
  );
  const directory = await createTemporaryDirectory('profile');
  try {
    const file = path.join(directory, 'profile.csv');
    await writeProfileTable({ harnesses, networks: rows, kernels: [] }, file);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const names = [...buildDemoNetworks(NETWORKS, SEED)].map(({ name }) => name);
describe('many networks under many scenarios', () => {
  let service: TestService;
  let team: TestTeam;
  const networkIds: string[] = [];

  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    const { client } = team;
    const dataset = await client.createDataset('profile.csv', await writeProfile());
    for (const { name, bytes } of buildDemoNetworks(NETWORKS, SEED)) {
      networkIds.push((await client.createNetwork(name, stripNetwork(bytes).bytes)).id);
    }
    for (const [i, scenario] of scenarios.entries()) {
      const { trainPredictor } = await client.query(
        'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
        { input: { name: `p${i}`, scenario, datasetIds: [dataset.id], learner: 'LASSO' } },
      );
      const query =
        'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status finishedAt failure { message } } } }';
      const version = await until(
        async () => (await client.query(query, trainPredictor.version)).node,
        ({ finishedAt }) => finishedAt !== null,
      );
      expect(version).toMatchObject({ status: 'READY', failure: null });
    }
  }, 240_000);
  afterAll(() => service?.stop());

  const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  latencyUs interval { lowerUs upperUs } coverage network { name } scenario { name } kernels { kind latencyUs } } } }`;

  test('100 networks under 6 scenarios are answered at once, and kept', async () => {
    const { predictions } = (await team.client.query(PREDICT, { input: { networkIds, scenarios } })).predict;
    expect(predictions.map(({ network, scenario }: Data) => [network.name, scenario.name])).toEqual(
      names.flatMap((name) => scenarios.map((scenario) => [name, scenario])),
    );
    for (let i = 0; i < predictions.length; i += SCENARIOS) {
      const latencies = predictions.slice(i, i + SCENARIOS).map(({ latencyUs }: Data) => latencyUs);
      expect(latencies).toEqual([...latencies].sort((a, b) => a - b));
    }
    const last = await team.client.query(
      'query ($filter: PredictionFilter!) { predictions(first: 100, filter: $filter) { edges { node { id } } } }',
      { filter: { networkId: networkIds.at(-1) } },
    );
    expect(last.predictions.edges).toHaveLength(SCENARIOS);
  }, 60_000);
});
