/** The life of a version: stages and their history, promotion and roll back, two at a time, and what stays as it was. */
import type { Data } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

const HISTORY = `query ($filter: StageChangeFilter!) { stageChanges(first: 100, filter: $filter) {
  edges { node { id fromStage toStage reason personId apiKeyId version { id number } } } } }`;
const ROLL_BACK = `mutation ($input: RollBackPredictorInput!) { rollBackPredictor(input: $input) {
  predictor { id versionInUse { id } } version { id stage } replaced { id stage } } }`;
const IN_USE = 'query ($id: ID!) { node(id: $id) { ... on Predictor { versionInUse { id } } } }';

describe('the life of a version', () => {
  let service: TestService;
  let replica: TestService;
  let team: TestTeam;
  let versions: TrainedVersions;
  let trained: Data[];
  let predictorId: string;
  beforeAll(async () => {
    service = await TestService.start();
    replica = await TestService.start({ sharedWith: service, role: 'api' });
    team = await service.createTeam();
    versions = await TrainedVersions.create(team);
    trained = [];
    for (const seed of [1, 2, 3]) trained.push(await versions.train('p', seed));
    predictorId = trained[0].predictor.id;
  }, 120_000);
  afterAll(async () => {
    await replica?.pause();
    await service?.stop();
  });

  const sql = (text: string, values: unknown[] = [], url = service.database.superuserUrl) =>
    withDatabase(url, async (client) => (await client.query(text, values)).rows);
  const history = async (filter: object): Promise<Data[]> =>
    (await team.client.query(HISTORY, { filter })).stageChanges.edges.map(({ node }: Data) => node).reverse();
  const stages = async () => Promise.all(trained.map(async ({ id }) => (await versions.version(id)).stage));
  const inUse = async () => (await team.client.query(IN_USE, { id: predictorId })).node.versionInUse?.id;
  const byScenario = () => versions.answering({ scenarios: [versions.scenario] });
  const rollBack = (reason = 'worse on phones') =>
    team.client.query(ROLL_BACK, { input: { predictorId, reason } }).then((data) => data.rollBackPredictor);

  /** Everything a DRAFT again, without history: what only a test does. */
  async function startAgain(): Promise<void> {
    await sql(`SET session_replication_role = replica; TRUNCATE stage_change, pin;
      UPDATE predictor_version SET stage = 'DRAFT', in_use_since = NULL;
      UPDATE predictor SET earlier_version_ids = '{}'`);
  }
  beforeEach(startAgain);

  test('begins as a DRAFT, and the newest one answers for the scenario while none is in use', async () => {
    expect(await stages()).toEqual(['DRAFT', 'DRAFT', 'DRAFT']);
    expect(await inUse()).toBeUndefined();
    expect(await byScenario()).toEqual([trained[2].id]);
    await versions.change('nominateVersion', trained[0].id);
    expect(await byScenario()).toEqual([trained[2].id]);
    await versions.change('retireVersion', trained[2].id);
    expect(await byScenario()).toEqual([trained[1].id]);
  });

  test('promotion puts it in use on every replica at once, and retires the one before', async () => {
    const [first, second] = trained;
    const promoted = await versions.change('promoteVersion', first.id);
    expect(promoted).toMatchObject({ version: { stage: 'IN_USE', inUseSince: expect.any(String) }, replaced: null });
    const elsewhere = replica.anonymous.as(team.key);
    const everywhere = async () => [
      ...(await byScenario()),
      ...(await versions.answering({ scenarios: [versions.scenario] }, elsewhere)),
    ];
    expect(await everywhere()).toEqual([first.id, first.id]);
    await versions.change('nominateVersion', second.id);
    expect(await everywhere()).toEqual([first.id, first.id]);
    const next = await versions.change('promoteVersion', second.id);
    expect(next.replaced).toEqual({ id: first.id, stage: 'RETIRED' });
    expect(await everywhere()).toEqual([second.id, second.id]);
    expect(await stages()).toEqual(['RETIRED', 'IN_USE', 'DRAFT']);
    // A retired one still answers by its id.
    expect(await versions.answering({ versionIds: [first.id] })).toEqual([first.id]);
  });

  test('when all are retired, nothing answers for the scenario', async () => {
    for (const { id } of trained) await versions.change('retireVersion', id);
    const refusal = await versions.predictionRefusal({ scenarios: [versions.scenario] });
    expect(refusal.extensions).toMatchObject({ code: 'NOT_FOUND', where: 'input.scenarios[0]' });
    const elsewhere = await versions.predictionRefusal(
      { scenarios: [versions.scenario] },
      replica.anonymous.as(team.key),
    );
    expect(elsewhere.message).toBe(refusal.message);
  });

  test('of two predictors of a scenario, the version that was promoted last answers', async () => {
    const other = await versions.train('another', 9);
    await versions.change('promoteVersion', other.id);
    await versions.change('promoteVersion', trained[0].id);
    expect(await byScenario()).toEqual([trained[0].id]);
    await versions.change('retireVersion', trained[0].id);
    expect(await byScenario()).toEqual([other.id]);
    await versions.change('retireVersion', other.id);
  });

  test('a roll back goes to the version in use before, and further to the one before that', async () => {
    for (const { id } of trained) await versions.change('promoteVersion', id);
    const rolledBack = await rollBack();
    expect(rolledBack).toEqual({
      predictor: { id: predictorId, versionInUse: { id: trained[1].id } },
      version: { id: trained[1].id, stage: 'IN_USE' },
      replaced: { id: trained[2].id, stage: 'RETIRED' },
    });
    expect(await byScenario()).toEqual([trained[1].id]);
    expect((await rollBack()).version.id).toBe(trained[0].id);
    const refusal = await team.client.refusal(ROLL_BACK, { input: { predictorId, reason: 'once more' } });
    expect(refusal.extensions).toMatchObject({ code: 'CONFLICT', where: 'input.predictorId' });
    expect(await stages()).toEqual(['IN_USE', 'RETIRED', 'RETIRED']);
    await versions.change('retireVersion', trained[0].id);
    const none = await team.client.refusal(ROLL_BACK, { input: { predictorId, reason: 'from nothing' } });
    expect(none).toMatchObject({ message: 'No version of p is in use.', extensions: { code: 'CONFLICT' } });
  });

  test('a roll back never goes to the version that it leaves, nor to one that was retired itself', async () => {
    const [first, second, third] = trained;
    for (const { id } of [first, second]) await versions.change('promoteVersion', id);
    await versions.change('retireVersion', second.id);
    await versions.change('promoteVersion', third.id);
    expect((await rollBack()).version.id).toBe(first.id);
    for (const each of ['nominateVersion', 'promoteVersion']) await versions.change(each, third.id);
    await versions.change('retireVersion', third.id);
    await versions.change('nominateVersion', first.id);
    await versions.change('promoteVersion', first.id);
    const refusal = await team.client.refusal(ROLL_BACK, { input: { predictorId, reason: 'where to?' } });
    expect(refusal.extensions.code).toBe('CONFLICT');
    expect(await inUse()).toBe(first.id);
  });

  test('the history says who, why and in which order, of a predictor or of a version', async () => {
    const { person } = (await team.owner.query('{ viewer { person { id } } }')).viewer;
    await versions.change('promoteVersion', trained[0].id, { reason: 'the first' });
    await versions.change('promoteVersion', trained[1].id, { reason: 'less error' }, team.owner);
    await rollBack('worse on phones');
    const told = (await history({ predictorId })).map(({ version, fromStage, toStage, reason }) => [
      version.number,
      `${fromStage} ${toStage}`,
      reason,
    ]);
    expect(told).toEqual([
      [1, 'DRAFT IN_USE', 'the first'],
      [1, 'IN_USE RETIRED', 'less error'],
      [2, 'DRAFT IN_USE', 'less error'],
      [2, 'IN_USE RETIRED', 'worse on phones'],
      [1, 'RETIRED IN_USE', 'worse on phones'],
    ]);
    const [byKey, byPerson] = await history({ versionId: trained[0].id });
    expect(byKey).toMatchObject({ personId: null, apiKeyId: expect.any(String) });
    expect(byPerson).toMatchObject({ personId: person.id, apiKeyId: null });
  });

  test.each([
    ['promoteVersion', 'RETIRED', ['retireVersion']],
    ['promoteVersion', 'IN_USE', ['promoteVersion']],
    ['nominateVersion', 'CANDIDATE', ['nominateVersion']],
    ['nominateVersion', 'IN_USE', ['promoteVersion']],
    ['retireVersion', 'RETIRED', ['retireVersion']],
  ])('%s refuses one that is %s', async (mutation, stage, before) => {
    const { id } = trained[0];
    for (const each of before) await versions.change(each, id);
    const { message, extensions } = await versions.refusal(mutation, id);
    expect(extensions).toMatchObject({ code: 'CONFLICT', where: 'input.versionId' });
    expect(message).toContain(stage);
    expect(await history({ versionId: id })).toHaveLength(before.length);
  });

  test('a retired one comes back by being nominated', async () => {
    const { id } = trained[0];
    for (const each of ['retireVersion', 'nominateVersion', 'promoteVersion']) await versions.change(each, id);
    expect(await inUse()).toBe(id);
  });

  test('one that is not READY has no life, and a reason says something', async () => {
    const query = 'mutation ($input: CancelTrainingInput!) { cancelTraining(input: $input) { version { status } } }';
    const train = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
    const input = {
      name: 'cancelled',
      scenario: versions.scenario,
      datasetIds: [versions.datasetId],
      learner: 'LASSO',
    };
    const { id } = (await team.client.query(train, { input })).trainPredictor.version;
    await team.client.query(query, { input: { versionId: id } });
    for (const mutation of ['nominateVersion', 'promoteVersion', 'retireVersion']) {
      const refusal = await versions.refusal(mutation, id);
      expect(refusal).toMatchObject({
        message: 'The version is CANCELLED, not READY.',
        extensions: { code: 'CONFLICT' },
      });
    }
    for (const reason of ['', '   ', 'x'.repeat(2001)]) {
      const refusal = await versions.refusal('promoteVersion', trained[0].id, { reason });
      expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'reason' });
    }
  });

  test('promotions at the same time follow one another: one is in use, and the history leads to it', async () => {
    const clients = [team.client, replica.anonymous.as(team.key)];
    for (let round = 0; round < 5; round++) {
      await startAgain();
      const asked = trained.map(({ id }, i) => versions.change('promoteVersion', id, {}, clients[i % 2]));
      asked.push(versions.change('retireVersion', trained[0].id, {}, clients[1]));
      for (const outcome of await Promise.allSettled(asked)) {
        // The first of them may have been retired before it was to be promoted.
        if (outcome.status === 'rejected') expect(String(outcome.reason)).toContain('"code": "CONFLICT"');
      }
      const used = (await sql("SELECT id FROM predictor_version WHERE stage = 'IN_USE'")).length;
      expect(used).toBeLessThanOrEqual(1);
      const stageOf = new Map<string, string>();
      for (const { version, fromStage, toStage } of await inOrder()) {
        expect(stageOf.get(version) ?? 'DRAFT').toBe(fromStage);
        stageOf.set(version, toStage);
        expect([...stageOf.values()].filter((stage) => stage === 'IN_USE').length).toBeLessThanOrEqual(1);
      }
      expect(trained.map(({ id }) => stageOf.get(rowIdOf(id)))).toEqual(await stages());
    }
  });

  const rowIdOf = (id: string) => Buffer.from(id, 'base64url').toString().split(':')[1];

  /** In the order in which they were written, which ids do not tell of two replicas within a millisecond. */
  const inOrder = () =>
    sql(`SELECT predictor_version_id AS version, from_stage AS "fromStage", to_stage AS "toStage"
      FROM stage_change ORDER BY ctid`);

  test('two in use are refused by the database itself, and so is any other change of what has ended', async () => {
    await versions.change('promoteVersion', trained[0].id);
    const tried = (statement: string) => sql(statement);
    const both = "UPDATE predictor_version SET stage = 'IN_USE', in_use_since = now() WHERE status = 'READY'";
    await expect(tried(both)).rejects.toMatchObject({ code: '23505' });
    for (const change of ["sha256 = repeat('0', 64)", 'file_deleted_at = now()', 'object_key = NULL', 'seed = 7']) {
      await expect(tried(`UPDATE predictor_version SET ${change} WHERE status = 'READY'`)).rejects.toMatchObject({
        code: '55000',
      });
    }
    const used = "SET app.cleaning = 'on'; UPDATE predictor_version SET file_deleted_at = now() WHERE stage = 'IN_USE'";
    await expect(tried(used)).rejects.toMatchObject({ code: '23514' });
  });

  test.each(["UPDATE stage_change SET reason = 'nothing'", 'DELETE FROM stage_change', 'TRUNCATE stage_change'])(
    'history is only added to: %s',
    async (statement) => {
      await versions.change('promoteVersion', trained[0].id);
      await expect(sql(statement)).rejects.toMatchObject({ code: '55000' });
      const asApplication = `SET ROLE fusecast_app; ${statement}`;
      await expect(sql(asApplication)).rejects.toMatchObject({ code: '42501' });
    },
  );
});
