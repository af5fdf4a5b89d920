/** API keys: restricted to scenarios, rotated with an overlap, revoked everywhere at once. */
import type { ApiClient, Data } from '../testkit/client';
import { type FilledTeam, fillTeam } from '../testkit/filled-team';
import { ALL_SCOPES, createApiKey, TestService, type TestTeam } from '../testkit/service';

const VIEWER = '{ viewer { apiKey { id lastUsedAt } } }';
const ROTATE = `mutation ($input: RotateApiKeyInput!) {
  rotateApiKey(input: $input) { key apiKey { id name scopes rotatedAt previousSecretExpiresAt expiresAt } } }`;
const REVOKE = 'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { revokedAt } } }';

describe('API keys', () => {
  let service: TestService;
  let replica: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await TestService.start();
    replica = await TestService.start({ sharedWith: service, role: 'api' });
    team = await service.createTeam();
  });
  afterAll(async () => {
    await replica?.pause();
    await service?.stop();
  });

  /** What each replica answers a key, as codes. */
  async function accepted(key: string): Promise<boolean[]> {
    const answers = await Promise.all([service, replica].map((each) => each.anonymous.as(key).answer(VIEWER)));
    return answers.map(({ errors }) => errors === undefined);
  }

  const hoursFromNow = (hours: number) => new Date(Date.now() + hours * 3600 * 1000).toISOString();

  describe('rotation', () => {
    test('gives a new secret to the same key; without an overlap the old one ends at once, on every replica', async () => {
      const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'], name: 'pipeline' });
      expect(await accepted(key)).toEqual([true, true]);
      const { rotateApiKey } = await team.owner.query(ROTATE, { input: { apiKeyId: id } });
      expect(rotateApiKey.apiKey).toMatchObject({ id, name: 'pipeline', scopes: ['DATASET_READ'] });
      expect(rotateApiKey.apiKey.previousSecretExpiresAt).toBeNull();
      expect(await accepted(key)).toEqual([false, false]);
      expect(await accepted(rotateApiKey.key)).toEqual([true, true]);
    });

    test('with an overlap both secrets count, until it ends, and not a third one', async () => {
      const { key: first, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      const overlapUntil = hoursFromNow(1);
      const rotated = (await team.owner.query(ROTATE, { input: { apiKeyId: id, overlapUntil } })).rotateApiKey;
      expect(new Date(rotated.apiKey.previousSecretExpiresAt)).toEqual(new Date(overlapUntil));
      expect([await accepted(first), await accepted(rotated.key)]).toEqual([
        [true, true],
        [true, true],
      ]);
      const again = (await team.owner.query(ROTATE, { input: { apiKeyId: id, overlapUntil } })).rotateApiKey;
      expect([await accepted(first), await accepted(rotated.key), await accepted(again.key)]).toEqual([
        [false, false],
        [true, true],
        [true, true],
      ]);
      await team.owner.query(REVOKE, { input: { apiKeyId: id } });
      expect([await accepted(rotated.key), await accepted(again.key)]).toEqual([
        [false, false],
        [false, false],
      ]);
    });

    test('the overlap ends by itself', async () => {
      const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      const overlapUntil = new Date(Date.now() + 1000);
      await team.owner.query(ROTATE, { input: { apiKeyId: id, overlapUntil: overlapUntil.toISOString() } });
      while (new Date() <= overlapUntil) await accepted(key);
      expect(await accepted(key)).toEqual([false, false]);
    });

    test.each([
      ['in the past', () => hoursFromNow(-1)],
      ['too far ahead', () => hoursFromNow(24 * 31)],
    ])('an overlap %s is refused', async (_what, until) => {
      const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      const refusal = await team.owner.refusal(ROTATE, { input: { apiKeyId: id, overlapUntil: until() } });
      expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.overlapUntil' });
      expect(await accepted(key)).toEqual([true, true]);
    });

    test('a revoked key is not rotated', async () => {
      const { id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      await team.owner.query(REVOKE, { input: { apiKeyId: id } });
      expect((await team.owner.refusal(ROTATE, { input: { apiKeyId: id } })).extensions.code).toBe('CONFLICT');
    });
  });

  test('a revocation counts for requests that are sent when it has been answered, on every replica', async () => {
    for (let round = 0; round < 20; round++) {
      const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      expect(await accepted(key)).toEqual([true, true]);
      await team.owner.query(REVOKE, { input: { apiKeyId: id } });
      expect(await accepted(key)).toEqual([false, false]);
    }
  });

  test('their last use is known', async () => {
    const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
    const query = 'query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt } } }';
    expect((await team.owner.query(query, { id })).node.lastUsedAt).toBeNull();
    const before = Date.now();
    await accepted(key);
    const { node } = await team.owner.query(query, { id });
    expect(new Date(node.lastUsedAt).getTime()).toBeGreaterThanOrEqual(before);
  });

  describe('of one scenario', () => {
    const LISTS = `{
      devices { edges { node { name } } }
      scenarios { edges { node { name } } }
      predictors { edges { node { name } } }
      predictorVersions { edges { node { id } } }
      predictions { edges { node { id } } }
      datasets { edges { node { scenarios { scenario { name } } } } }
    }`;
    const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { latencyUs } } }';
    const OTHER = 'tflite/phone/gpu/float';
    let filled: FilledTeam;
    let restricted: ApiClient;
    let elsewhere: ApiClient;
    beforeAll(async () => {
      filled = await fillTeam(team);
      const other = `network,scenario,latencyUs\n${filled.networkName},${OTHER},100\n`;
      await team.client.createDataset('other.csv', Buffer.from(other));
      const restrictedTo = async (scenario: string) =>
        service.anonymous.as((await createApiKey(team.owner, { scopes: ALL_SCOPES, scenarios: [scenario] })).key);
      restricted = await restrictedTo(filled.scenario);
      elsewhere = await restrictedTo(OTHER);
    }, 120_000);

    const namesIn = (connection: Data) => connection.edges.map(({ node }: Data) => node.name);

    test('it lists that one and what belongs to it', async () => {
      expect(namesIn((await team.client.query(LISTS)).scenarios)).toHaveLength(2);
      const lists = await restricted.query(LISTS);
      expect(namesIn(lists.scenarios)).toEqual([filled.scenario]);
      expect(lists.devices.edges).toHaveLength(1);
      expect(lists.predictions.edges).not.toEqual([]);
      const named = lists.datasets.edges.flatMap(({ node }: Data) => node.scenarios);
      expect(named).toEqual([{ scenario: { name: filled.scenario } }]);
    });

    test('it predicts for that one, and another has nothing for it', async () => {
      const networkIds = [filled.ids.Network];
      const { predict } = await restricted.query(PREDICT, { input: { networkIds, scenarios: [filled.scenario] } });
      expect(predict.predictions).toHaveLength(1);
      for (const what of [{ scenarios: [filled.scenario] }, { versionIds: [filled.ids.PredictorVersion] }]) {
        const refusal = await elsewhere.refusal(PREDICT, { input: { networkIds, ...what } });
        expect(refusal.extensions.code).toBe('NOT_FOUND');
      }
      const lists = await elsewhere.query(LISTS);
      for (const field of ['predictors', 'predictorVersions', 'predictions']) expect(lists[field].edges).toEqual([]);
    });

    test.each(['Scenario', 'Device', 'Predictor', 'PredictorVersion', 'Prediction'])(
      'another does not find a %s by its id',
      async (type) => {
        const query = 'query ($id: ID!) { node(id: $id) { id } }';
        expect((await restricted.query(query, { id: filled.ids[type] })).node.id).toBe(filled.ids[type]);
        const refusal = await elsewhere.refusal(query, { id: filled.ids[type] });
        expect(refusal.extensions.code).toBe('NOT_FOUND');
      },
    );

    test('another neither trains for it, nor takes the name of its predictor', async () => {
      const train = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
      const input = { name: 'mine', scenario: filled.scenario, datasetIds: [filled.ids.Dataset], learner: 'LASSO' };
      expect((await elsewhere.refusal(train, { input })).extensions.code).toBe('NOT_FOUND');
      const { datasets } = await team.client.query(
        '{ datasets(filter: { name: "other.csv" }) { edges { node { id } } } }',
      );
      const same = { ...input, scenario: OTHER, datasetIds: [datasets.edges[0].node.id] };
      expect((await elsewhere.refusal(train, { input: same })).extensions).toMatchObject({
        code: 'CONFLICT',
        where: 'input.name',
      });
    });
  });
});
