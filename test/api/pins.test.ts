/** Pins: they answer with one version for ever, keep its file, and are seen by who sees the version. */
import { type ApiClient, type Data } from '../testkit/client';
import { ALL_SCOPES, createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

const CREATE = 'mutation ($input: CreatePinInput!) { createPin(input: $input) { pin { id name version { id } } } }';
const DELETE = 'mutation ($input: DeletePinInput!) { deletePin(input: $input) { name } }';
const PINS = 'query ($filter: PinFilter! = {}) { pins(filter: $filter) { edges { node { id name version { id } } } } }';
const OTHER = 'tflite/phone/gpu/float';

describe('pins', () => {
  let service: TestService;
  let team: TestTeam;
  let versions: TrainedVersions;
  let first: Data;
  let second: Data;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    versions = await TrainedVersions.create(team);
    first = await versions.train('p', 1);
    second = await versions.train('p', 2);
  }, 120_000);
  afterAll(() => service?.stop());

  const create = async (name: string, versionId: string): Promise<Data> =>
    (await team.client.query(CREATE, { input: { name, versionId } })).createPin.pin;
  const listed = async (filter: object = {}, client: ApiClient = team.client): Promise<Data[]> =>
    (await client.query(PINS, { filter })).pins.edges.map(({ node }: Data) => node);

  test('predict with their version, beside scenarios and versions, in the order asked', async () => {
    const pin = await create('release-1', first.id);
    expect(pin).toMatchObject({ name: 'release-1', version: { id: first.id } });
    await create('release-2', second.id);
    const asked = { scenarios: [versions.scenario], versionIds: [first.id], pins: ['release-2', 'release-1'] };
    expect(await versions.answering(asked)).toEqual([second.id, first.id, second.id, first.id]);
  });

  test('never move: not by promotion, retirement or roll back, and not by SQL', async () => {
    await create('stays', first.id);
    for (const [mutation, id] of [
      ['promoteVersion', first.id],
      ['promoteVersion', second.id],
    ]) {
      await versions.change(mutation, id);
      expect(await versions.answering({ pins: ['stays'] })).toEqual([first.id]);
    }
    expect((await versions.version(first.id)).stage).toBe('RETIRED');
    await versions.change('retireVersion', second.id);
    expect(await versions.answering({ pins: ['stays'] })).toEqual([first.id]);
    await withDatabase(service.database.superuserUrl, async (client) => {
      const move = 'UPDATE pin SET predictor_version_id = (SELECT id FROM predictor_version WHERE number = 2)';
      await expect(client.query(move)).rejects.toMatchObject({ code: '55000' });
      await expect(client.query(`SET ROLE fusecast_app; ${move}`)).rejects.toMatchObject({ code: '42501' });
    });
  });

  test('a name is taken once in a team, also of many that ask at a time, and free again once deleted', async () => {
    const asked = Array.from({ length: 6 }, (_, i) =>
      team.client.answer(CREATE, { input: { name: 'wanted', versionId: [first.id, second.id][i % 2] } }),
    );
    const answers = await Promise.all(asked);
    const made = answers.filter(({ errors }) => !errors);
    expect(made).toHaveLength(1);
    for (const { errors } of answers) {
      if (errors) expect(errors[0].extensions).toMatchObject({ code: 'CONFLICT', where: 'input.name' });
    }
    const [pin] = await listed({ name: 'wanted' });
    expect(pin).toEqual(made[0].data.createPin.pin);
    expect((await team.client.query(DELETE, { input: { pinId: pin.id } })).deletePin).toEqual({ name: 'wanted' });
    const gone = await team.client.refusal(DELETE, { input: { pinId: pin.id } });
    expect(gone.extensions.code).toBe('NOT_FOUND');
    const refusal = await versions.predictionRefusal({ pins: ['wanted'] });
    expect(refusal.extensions).toMatchObject({ code: 'NOT_FOUND', where: 'input.pins[0]' });
    await create('wanted', second.id);
    const other = await service.createTeam('Other');
    expect(await listed({}, other.client)).toEqual([]);
  });

  test('name a READY version only', async () => {
    const train = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
    const cancel = 'mutation ($input: CancelTrainingInput!) { cancelTraining(input: $input) { version { id } } }';
    const input = { name: 'q', scenario: versions.scenario, datasetIds: [versions.datasetId], learner: 'LASSO' };
    const { id } = (await team.client.query(train, { input })).trainPredictor.version;
    await team.client.query(cancel, { input: { versionId: id } });
    const refusal = await team.client.refusal(CREATE, { input: { name: 'early', versionId: id } });
    expect(refusal.extensions).toMatchObject({ code: 'CONFLICT', where: 'input.versionId' });
    for (const name of ['', 'x'.repeat(201)]) {
      const bad = await team.client.refusal(CREATE, { input: { name, versionId: first.id } });
      expect(bad.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'name' });
    }
  });

  test('a key of one scenario sees the pins, stages and history of that one, and no others', async () => {
    await team.client.createDataset('other.csv', Buffer.from(`network,scenario,latencyUs\na,${OTHER},100\n`));
    const restrictedTo = async (scenario: string) =>
      service.anonymous.as((await createApiKey(team.owner, { scopes: ALL_SCOPES, scenarios: [scenario] })).key);
    const [restricted, elsewhere] = [await restrictedTo(versions.scenario), await restrictedTo(OTHER)];
    const pin = await create('restricted', first.id);
    const history = '{ stageChanges { edges { node { version { id } } } } }';
    expect(await listed({ name: 'restricted' }, restricted)).toHaveLength(1);
    expect((await restricted.query(history)).stageChanges.edges).not.toEqual([]);
    expect(await versions.answering({ pins: ['restricted'] }, restricted)).toEqual([first.id]);
    expect(await listed({}, elsewhere)).toEqual([]);
    expect((await elsewhere.query(history)).stageChanges.edges).toEqual([]);
    expect((await versions.predictionRefusal({ pins: ['restricted'] }, elsewhere)).extensions.code).toBe('NOT_FOUND');
    for (const [query, input] of [
      [CREATE, { name: 'theirs', versionId: first.id }],
      [DELETE, { pinId: pin.id }],
    ] as const) {
      expect((await elsewhere.refusal(query, { input })).extensions.code).toBe('NOT_FOUND');
    }
    expect((await versions.refusal('promoteVersion', first.id, {}, elsewhere)).extensions.code).toBe('NOT_FOUND');
    expect(await listed({ name: 'restricted' })).toHaveLength(1);
  });
});
