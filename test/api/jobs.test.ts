/**
 * Jobs: they outlive the process that was to do them, are cancelled, and are followed from any replica.
 */
import { type ApiClient, CREATE_DATASET, type Data, until } from '../testkit/client';
import { createMeasuredNetworks, type MeasuredNetworks } from '../testkit/measured-networks';
import { TestService, type TestTeam } from '../testkit/service';

const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id status } } }';
const CANCEL = `mutation ($input: CancelTrainingInput!) {
  cancelTraining(input: $input) { version { id status finishedAt } } }`;
const PROGRESS = 'subscription ($versionId: ID!) { trainingProgress(versionId: $versionId) { status step fraction } }';
const STATUS = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status finishedAt sha256 } } }';

describe('jobs', () => {
  let service: TestService;
  let team: TestTeam;
  let measured: MeasuredNetworks;
  let datasetId: string;
  beforeAll(async () => {
    measured = await createMeasuredNetworks(14, 0);
    service = await TestService.start();
    team = await service.createTeam();
    datasetId = (await team.client.createDataset('profile.csv', measured.profile)).id;
    for (const { name, bytes } of measured.networks) await team.client.createNetwork(name, bytes);
  }, 120_000);
  afterAll(() => service?.stop());

  async function train(learner: string, name = 'p'): Promise<string> {
    const input = { name, scenario: measured.scenario, datasetIds: [datasetId], learner };
    const { version } = (await team.client.query(TRAIN, { input })).trainPredictor;
    expect(version.status).toBe('QUEUED');
    return version.id;
  }

  async function status(id: string): Promise<Data> {
    return (await team.client.query(STATUS, { id })).node;
  }

  const ended = (id: string) =>
    until(
      () => status(id),
      ({ finishedAt }) => finishedAt !== null,
    );

  test('a queued job is done by the next process', async () => {
    await service.pause();
    await service.run('api');
    const uploadId = await team.client.upload('DATASET', 'later.csv', Buffer.from(`${measured.profile}\n`));
    const { dataset } = (await team.client.query(CREATE_DATASET, { input: { uploadId, name: 'later' } })).createDataset;
    const version = await train('LASSO');
    await service.pause();
    await service.run('api');
    expect(
      (await team.client.query('{ datasets(filter: { name: "later" }) { edges { node { status } } } }')).datasets,
    ).toEqual({
      edges: [{ node: { status: 'PENDING' } }],
    });
    await service.pause();
    await service.run('all');
    expect((await team.client.ingested(dataset.id)).status).toBe('READY');
    expect((await ended(version)).status).toBe('READY');
  });

  test('a training that a stopping process could not end is done by the next one', async () => {
    const version = await train('BOOSTING');
    await until(
      () => status(version),
      (node) => node.status === 'TRAINING',
    );
    await service.pause();
    await service.run('api');
    expect((await status(version)).status).toBe('QUEUED');
    await service.pause();
    await service.run('all');
    expect((await ended(version)).status).toBe('READY');
  });

  test('a training is followed from a replica that does not do it', async () => {
    const replica = await TestService.start({ sharedWith: service, role: 'api' });
    try {
      const client = replica.anonymous.as(team.key);
      const version = await train('LASSO');
      const seen: Data[] = [];
      for await (const { data } of client.subscribe(PROGRESS, { versionId: version })) seen.push(data.trainingProgress);
      expect(seen.at(-1)).toEqual({ status: 'READY', step: null, fraction: 1 });
      expect(seen.length).toBeGreaterThan(1);
      const late: Data[] = [];
      for await (const { data } of client.subscribe(PROGRESS, { versionId: version })) late.push(data.trainingProgress);
      expect(late).toEqual([seen.at(-1)]);
    } finally {
      await replica.pause();
    }
  });

  test('a training is cancelled while it runs', async () => {
    const version = await train('BOOSTING');
    const seen: string[] = [];
    for await (const { data } of team.client.subscribe(PROGRESS, { versionId: version })) {
      seen.push(data.trainingProgress.status);
      if (data.trainingProgress.status !== 'TRAINING' || seen.filter((each) => each === 'TRAINING').length > 1)
        continue;
      const { cancelTraining } = await team.client.query(CANCEL, { input: { versionId: version } });
      expect(cancelTraining.version.status).toBe('CANCELLED');
    }
    expect(seen.at(-1)).toBe('CANCELLED');
    // The worker is free again, and what was cancelled stays so.
    expect((await ended(await train('LASSO'))).status).toBe('READY');
    expect(await status(version)).toMatchObject({ status: 'CANCELLED', sha256: null });
  });

  test('a queued training is cancelled and never begins; one that has ended is not cancelled', async () => {
    await service.pause();
    await service.run('api');
    const version = await train('LASSO');
    await team.client.query(CANCEL, { input: { versionId: version } });
    const again = await team.client.query(CANCEL, { input: { versionId: version } });
    expect(again.cancelTraining.version.status).toBe('CANCELLED');
    await service.pause();
    await service.run('all');
    const next = await train('LASSO');
    expect((await ended(next)).status).toBe('READY');
    expect((await status(version)).status).toBe('CANCELLED');
    const refusal = await team.client.refusal(CANCEL, { input: { versionId: next } });
    expect(refusal.extensions.code).toBe('CONFLICT');
  });

  test('what was refused leaves neither row nor job', async () => {
    const versions = async (client: ApiClient) =>
      (await client.query(
        '{ predictorVersions { edges { node { id } } } predictors { edges { node { name } } } }',
      )) as Data;
    const before = await versions(team.client);
    const attempt = async (changes: object) => {
      const input = { name: 'q', scenario: measured.scenario, datasetIds: [datasetId], learner: 'LASSO', ...changes };
      return (await team.client.refusal(TRAIN, { input })).extensions;
    };
    expect(await attempt({ scenario: 'tflite/other/gpu/float' })).toMatchObject({
      code: 'NOT_FOUND',
      where: 'input.scenario',
    });
    const other = await team.client.createDataset(
      'other.csv',
      Buffer.from('network,scenario,latencyUs\na,tflite/phone/gpu/float,1\n'),
    );
    expect(await attempt({ datasetIds: [datasetId, other.id] })).toMatchObject({
      code: 'BAD_INPUT',
      where: 'input.datasetIds[1]',
    });
    expect(await attempt({ name: 'p', scenario: 'tflite/phone/gpu/float', datasetIds: [other.id] })).toMatchObject({
      code: 'CONFLICT',
      where: 'input.name',
    });
    expect(await versions(team.client)).toEqual(before);
  });
});
