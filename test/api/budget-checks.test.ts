/** Budget checks through the API: kept once, found again as a base, told as a trend, and shown to whom they concern. */
import type { ApiClient, Data } from '../testkit/client';
import { type FilledTeam, fillTeam } from '../testkit/filled-team';
import { ALL_SCOPES, createApiKey, TestService, type TestTeam } from '../testkit/service';

const RECORD = `mutation ($input: RecordBudgetCheckInput!) { recordBudgetCheck(input: $input) { check {
  id repository configuration branch baseBranch commit run url verdict scenarios base { id } results {
    verdict latencyUs interval { lowerUs upperUs level } budgetUs budgetPercent baseLatencyUs
    change { percent lowerPercent upperPercent } network { id } scenario { name } version { id }
    kernelChanges { change kind fused op reason latencyUs baseLatencyUs } } } } }`;
const LIST = `query ($filter: BudgetCheckFilter!) { budgetChecks(filter: $filter) { edges { node { id commit } } } }`;
const TREND = `query ($input: BudgetTrendInput!) { budgetTrend(input: $input) { points {
  latencyUs verdict check { commit branch } } } }`;
const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  id latencyUs interval { lowerUs upperUs level } } } }`;
const OTHER = 'tflite/phone/gpu/float';

describe('budget checks', () => {
  let service: TestService;
  let team: TestTeam;
  let client: ApiClient;
  let filled: FilledTeam;
  let prediction: Data;

  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    client = team.client;
    filled = await fillTeam(team);
    prediction = await predict();
  }, 120_000);
  afterAll(() => service?.stop());

  const predict = async (): Promise<Data> => {
    const input = { networkIds: [filled.ids.Network], versionIds: [filled.ids.PredictorVersion] };
    return (await client.query(PREDICT, { input })).predict.predictions[0];
  };

  const check = (commit: string, more: object = {}) => ({
    repository: 'acme/vision',
    branch: 'main',
    commit,
    run: '1',
    verdict: 'PASS',
    results: [{ predictionId: prediction.id, verdict: 'PASS', budgetUs: 1e6 }],
    ...more,
  });
  const record = async (input: object): Promise<Data> =>
    (await client.query(RECORD, { input })).recordBudgetCheck.check;
  const commits = async (filter: object): Promise<string[]> =>
    (await client.query(LIST, { filter })).budgetChecks.edges.map(({ node }: Data) => node.commit);

  test('are kept with what their predictions say, and what the command found', async () => {
    const base = await record(check('a1'));
    const change = { percent: 3, lowerPercent: 1, upperPercent: 6 };
    const kernelChanges = [
      {
        change: 'SLOWER',
        kind: 'convolution',
        fused: ['relu'],
        op: 'conv_1',
        reason: 'why',
        latencyUs: 2,
        baseLatencyUs: 1,
      },
      {
        change: 'REMOVED',
        kind: 'pooling',
        fused: [],
        op: 'pool_1',
        reason: 'why not',
        latencyUs: null,
        baseLatencyUs: 1,
      },
    ];
    const result = {
      verdict: 'INCONCLUSIVE',
      budgetUs: 30_000,
      budgetPercent: 5,
      baseLatencyUs: 10,
      change,
      kernelChanges,
    };
    const kept = await record(
      check('a2', {
        branch: 'faster',
        baseBranch: 'main',
        baseId: base.id,
        url: 'https://ci.example.com/1',
        verdict: 'INCONCLUSIVE',
        results: [{ predictionId: prediction.id, ...result }],
      }),
    );
    expect(kept).toMatchObject({
      repository: 'acme/vision',
      configuration: 'fusecast.yaml',
      branch: 'faster',
      baseBranch: 'main',
      base: { id: base.id },
      scenarios: [filled.scenario],
    });
    const { latencyUs, interval } = prediction;
    expect(kept.results).toEqual([
      {
        ...result,
        latencyUs,
        interval,
        network: { id: filled.ids.Network },
        scenario: { name: filled.scenario },
        version: { id: filled.ids.PredictorVersion },
      },
    ]);
  });

  test('are kept once a run, however often they are sent, at the same time too', async () => {
    const [first, second] = await Promise.all([record(check('b1')), record(check('b1'))]);
    expect(second.id).toBe(first.id);
    // A job that runs again predicts anew, and finds the same.
    const again = await predict();
    expect(again.id).not.toBe(prediction.id);
    const results = [{ predictionId: again.id, verdict: 'PASS', budgetUs: 1e6 }];
    expect((await record(check('b1', { results }))).id).toBe(first.id);
    expect(first.results).toHaveLength(1);
    expect(await commits({ commit: 'b1' })).toEqual(['b1']);
    expect((await record(check('b1', { run: '2' }))).id).not.toBe(first.id);
  });

  test('with other results under the same run are a conflict', async () => {
    await record(check('c1'));
    const input = check('c1', {
      verdict: 'FAIL',
      results: [{ predictionId: prediction.id, verdict: 'FAIL', budgetUs: 1 }],
    });
    const { extensions } = await client.refusal(RECORD, { input });
    expect(extensions).toMatchObject({ code: 'CONFLICT', where: 'input.run' });
  });

  test.each<[string, () => object, string]>([
    ['no results', () => ({ results: [] }), 'BAD_INPUT'],
    ['a prediction that is none', () => ({ results: [{ predictionId: 'x' }] }), 'BAD_INPUT'],
    ['a URL that a browser would run', () => ({ url: 'javascript:alert(1)' }), 'BAD_INPUT'],
    ['an empty repository', () => ({ repository: '' }), 'BAD_INPUT'],
    ['a negative budget', () => ({ results: [{ predictionId: prediction.id, budgetUs: -1 }] }), 'BAD_INPUT'],
    ['two results of the same', () => ({ results: Array(2).fill({ predictionId: prediction.id }) }), 'BAD_INPUT'],
    ['too many results', () => ({ results: Array(501).fill({ predictionId: prediction.id }) }), 'BAD_INPUT'],
    ['a base that is none', () => ({ baseId: filled.ids.Prediction }), 'BAD_INPUT'],
  ])('with %s are refused', async (_what, more, code) => {
    const { extensions } = await client.refusal(RECORD, { input: check('d1', more()) });
    expect(extensions.code).toBe(code);
    expect(await commits({ commit: 'd1' })).toEqual([]);
  });

  test('are found by repository and branch, pull requests apart', async () => {
    const repository = 'acme/found';
    await record(check('e1', { repository }));
    await record(check('e2', { repository, branch: 'main', baseBranch: 'main' }));
    await record(check('e3', { repository, branch: 'other' }));
    await record(check('e4', { repository, configuration: 'speech/fusecast.yaml' }));
    expect(await commits({ repository })).toEqual(['e4', 'e3', 'e2', 'e1']);
    expect(await commits({ repository, branch: 'main' })).toEqual(['e4', 'e2', 'e1']);
    expect(await commits({ repository, branch: 'main', pullRequest: true })).toEqual(['e2']);
    const base = { repository, branch: 'main', configuration: 'fusecast.yaml', pullRequest: false };
    expect(await commits(base)).toEqual(['e1']);
  });

  test('make a trend, oldest first', async () => {
    const repository = 'acme/trend';
    for (const commit of ['f1', 'f2', 'f3']) await record(check(commit, { repository }));
    await record(check('f4', { repository, branch: 'other' }));
    const input = { repository, network: filled.networkName, scenario: filled.scenario };
    const trend = async (more: object = {}) =>
      (await client.query(TREND, { input: { ...input, ...more } })).budgetTrend.points.map(
        ({ check: of }: Data) => of.commit,
      );
    expect(await trend()).toEqual(['f1', 'f2', 'f3', 'f4']);
    expect(await trend({ branch: 'main' })).toEqual(['f1', 'f2', 'f3']);
    expect(await trend({ branch: 'main', last: 2 })).toEqual(['f2', 'f3']);
    expect(await trend({ network: 'other' })).toEqual([]);
    expect((await client.refusal(TREND, { input: { ...input, last: 501 } })).extensions.code).toBe('BAD_INPUT');
    expect((await client.refusal(TREND, { input: { ...input, scenario: OTHER } })).extensions.code).toBe('NOT_FOUND');
  });

  test('are seen by a key of their scenarios, and by no key of others', async () => {
    const other = `network,scenario,latencyUs\n${filled.networkName},${OTHER},100\n`;
    await client.createDataset('other.csv', Buffer.from(other));
    const keyOf = async (...scenarios: string[]) =>
      service.anonymous.as((await createApiKey(team.owner, { scopes: ALL_SCOPES, scenarios })).key);
    const [own, both, elsewhere] = [
      await keyOf(filled.scenario),
      await keyOf(filled.scenario, OTHER),
      await keyOf(OTHER),
    ];
    const { id } = await record(check('g1', { repository: 'acme/keys' }));
    const filter = { repository: 'acme/keys' };
    for (const key of [own, both]) expect((await key.query(LIST, { filter })).budgetChecks.edges).toHaveLength(1);
    expect((await elsewhere.query(LIST, { filter })).budgetChecks.edges).toEqual([]);
    const one = 'query ($id: ID!) { budgetCheck(id: $id) { id } }';
    expect((await elsewhere.refusal(one, { id })).extensions.code).toBe('NOT_FOUND');
    const foreign = check('g2', { repository: 'acme/keys' });
    expect((await elsewhere.refusal(RECORD, { input: foreign })).extensions.code).toBe('NOT_FOUND');
    const kept = await own.query(RECORD, { input: foreign });
    expect(kept.recordBudgetCheck.check.results).toHaveLength(1);
  });

  test('need the scope to predict, and are in the audit log', async () => {
    const reader = service.anonymous.as((await createApiKey(team.owner, { scopes: ['PREDICTION_READ'] })).key);
    expect((await reader.refusal(RECORD, { input: check('h1') })).extensions.code).toBe('FORBIDDEN');
    const { id } = await record(check('h2'));
    const entries = `query ($filter: AuditEntryFilter!) { auditEntries(filter: $filter) { edges { node { action details } } } }`;
    const { auditEntries } = await team.owner.query(entries, { filter: { subjectId: id } });
    const details = { repository: 'acme/vision', branch: 'main', commit: 'h2', verdict: 'PASS', results: 1 };
    expect(auditEntries.edges).toEqual([{ node: { action: 'recordBudgetCheck', details } }]);
  });
});
