/**
 * Serving of versions: many at once load one file once, and a stored file that has changed is noticed and not used.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ApiClient, type Data, sha256, until } from '../testkit/client';
import { createMeasuredNetworks } from '../testkit/measured-networks';
import { TestService, type TestTeam } from '../testkit/service';

const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { latencyUs } } }';

describe('serving', () => {
  let service: TestService;
  let team: TestTeam;
  let version: Data;
  let networkIds: string[];
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    const measured = await createMeasuredNetworks(8, 0);
    const dataset = await team.client.createDataset('profile.csv', measured.profile);
    networkIds = [];
    for (const { name, bytes } of measured.networks) networkIds.push((await team.client.createNetwork(name, bytes)).id);
    const { trainPredictor } = await team.client.query(
      'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
      { input: { name: 'p', scenario: measured.scenario, datasetIds: [dataset.id], learner: 'LASSO' } },
    );
    const query = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { id status sha256 finishedAt } } }';
    version = await until(
      async () => (await team.client.query(query, trainPredictor.version)).node,
      ({ finishedAt }) => finishedAt !== null,
    );
    expect(version.status).toBe('READY');
  }, 120_000);
  afterAll(() => service?.stop());

  const predict = (client: ApiClient, ids = networkIds) =>
    client.query(PREDICT, { input: { networkIds: ids, versionIds: [version.id] } });

  test('calls at the same time, right after a start, are answered alike', async () => {
    await service.pause();
    await service.run();
    const answers = await Promise.all(Array.from({ length: 20 }, () => predict(team.client)));
    expect(answers[0].predict.predictions).toHaveLength(networkIds.length);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('the amount of one call is limited', async () => {
    const none = await team.client.refusal(PREDICT, { input: { networkIds } });
    expect(none.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input' });
    const twice = [networkIds[0], networkIds[0]];
    const doubled = await team.client.refusal(PREDICT, { input: { networkIds: twice, versionIds: [version.id] } });
    expect(doubled.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'networkIds' });
  });

  test('a stored file that has changed is not used', async () => {
    const file = findFile(path.join(service.directory, 'objects'), version.sha256);
    const damaged = readFileSync(file);
    damaged[damaged.length - 1] ^= 1;
    // The running process has the version in memory and goes on with it.
    writeFileSync(file, damaged);
    await predict(team.client);
    await service.pause();
    await service.run();
    const refusal = await team.client.refusal(PREDICT, { input: { networkIds, versionIds: [version.id] } });
    expect(refusal.extensions.code).toBe('CHECKSUM_MISMATCH');
    expect(refusal.message).not.toContain(service.directory);
  });
});

function findFile(directory: string, digest: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return files.find((file) => sha256(readFileSync(file)) === digest)!;
}
