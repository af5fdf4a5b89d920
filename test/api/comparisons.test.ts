/** Evaluation sets and comparisons through the API and the command: frozen, held out, refused, compared. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ApiClient, type Data, until } from '../testkit/client';
import { runCommand } from '../testkit/command';
import { createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const CREATE = `mutation ($input: CreateEvaluationSetInput!) {
  createEvaluationSet(input: $input) { evaluationSet { id status } } }`;
const SET = `query ($id: ID!) { node(id: $id) { ... on EvaluationSet { id name status sha256 networkCount rowCount leftOut
  failure { code message where } scenarios { name } rows(first: 3) { edges { node { latencyUs relativeDeviation
  kinds { kind } network { name } scenario { name } } } pageInfo { hasNextPage } } } } }`;
const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
const VERSION = `query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status report { networks dropped }
  evaluationSets { name } trainedNetworks(first: 100) { edges { node { name sha256 } } } } } }`;
const COMPARE = `query ($input: CompareVersionsInput!) { compareVersions(input: $input) {
  difference { mean lower upper networks margin verdict } leftOut versionA { number } evaluationSet { name }
  scenarios { scenario networks a { error { mape } calibration { level } } b { error { mape } } kinds { kind a { mape share } } }
  networks { network change } versionDifferences { networks { onlyInA onlyInB } settings { name a b } } } }`;
const SCENARIOS = `query ($input: CompareScenariosInput!) { compareScenarios(input: $input) {
  columns { scenario version { id } latencies { network latencyUs rank } } agreements { first second kendallTau } } }`;
const PLANS = `query ($input: ComparePlansInput!) { comparePlans(input: $input) {
  runtimeA runtimeB onlyInA { ops reason } onlyInB { ops } same { reasonA reasonB } } }`;

const HELD_OUT = 9;

describe('evaluation sets and comparisons', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-comparisons-'));
  let service: TestService;
  let team: TestTeam;
  let client: ApiClient;
  let trained: TrainedTeam;
  let held: string[];
  let set: Data;
  /** Trained without the set's networks, with two seeds. */
  let versions: string[];

  const create = async (input: object) => {
    const { evaluationSet } = (await client.query(CREATE, { input: { datasetId: trained.datasetId, ...input } }))
      .createEvaluationSet;
    return until(
      async () => (await client.query(SET, { id: evaluationSet.id })).node,
      ({ status }) => status !== 'PENDING',
    );
  };
  const train = async (more: object) => {
    const input = {
      name: 'judged',
      scenario: trained.scenario,
      datasetIds: [trained.datasetId],
      learner: 'LASSO',
      ...more,
    };
    const { id } = (await client.query(TRAIN, { input })).trainPredictor.version;
    const read = async () => (await client.query(VERSION, { id })).node;
    const version = await until(read, ({ status }) => status !== 'QUEUED' && status !== 'TRAINING', 120_000);
    return { id, ...version };
  };

  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    client = team.client;
    trained = await trainOnSynthetic(client);
    held = trained.networks.slice(0, HELD_OUT).map(({ name }) => name);
    set = await create({ name: 'held out', networks: held });
    versions = [];
    for (const seed of [1, 2]) {
      versions.push((await train({ evaluationSetIds: [set.id], seed, learner: seed === 1 ? 'LASSO' : 'FOREST' })).id);
    }
  }, 300_000);
  afterAll(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  test('a set freezes the named networks of a dataset, and says so by a digest of its content', async () => {
    expect(set).toMatchObject({
      status: 'READY',
      networkCount: HELD_OUT,
      rowCount: HELD_OUT,
      leftOut: [],
      failure: null,
    });
    expect(set.scenarios).toEqual([{ name: trained.scenario }]);
    expect(set.rows.pageInfo.hasNextPage).toBe(true);
    const [{ node }] = set.rows.edges;
    expect(held).toContain(node.network.name);
    expect(node.latencyUs).toBeGreaterThan(0);
    const same = await create({ name: 'held out again', networks: [...held].reverse() });
    expect(same.sha256).toBe(set.sha256);
    const all = await create({ name: 'everything' });
    expect(all).toMatchObject({ networkCount: trained.networks.length });
    expect(all.sha256).not.toBe(set.sha256);
  });

  test('names are unique, networks and scenarios must be measured', async () => {
    const input = { name: 'held out', datasetId: trained.datasetId };
    expect((await client.refusal(CREATE, { input })).extensions).toMatchObject({
      code: 'CONFLICT',
      where: 'input.name',
    });
    const elsewhere = { ...input, name: 'x', scenarios: ['a/b/c/d'] };
    expect((await client.refusal(CREATE, { input: elsewhere })).extensions).toMatchObject({
      code: 'NOT_FOUND',
      where: 'input.scenarios[0]',
    });
    const rejected = await create({ name: 'y', networks: [held[0], 'nobody'] });
    expect(rejected).toMatchObject({ status: 'REJECTED', failure: { code: 'NOT_FOUND', message: /nobody/ } });
    // The name of what was rejected is free.
    expect(await create({ name: 'y', networks: [held[0]] })).toMatchObject({ status: 'READY' });
  });

  test('nobody changes a frozen set, the owner of the database included', async () => {
    await withDatabase(service.database.superuserUrl, async (database) => {
      const refused = /is frozen/;
      await expect(database.query("UPDATE evaluation_set SET name = 'other'")).rejects.toThrow(refused);
      await expect(database.query('UPDATE evaluation_set_row SET latency_us = 1')).rejects.toThrow(refused);
      const copied = `INSERT INTO evaluation_set_row (id, team_id, evaluation_set_id, network_id, scenario_id, latency_us, kinds)
        SELECT gen_random_uuid(), team_id, evaluation_set_id, network_id, scenario_id, 1, '[]' FROM evaluation_set_row LIMIT 1`;
      await expect(database.query(copied)).rejects.toThrow(refused);
    });
  });

  test('a training leaves the networks out, counts them, and says what it was trained on', async () => {
    const version = (await client.query(VERSION, { id: versions[0] })).node;
    expect(version.evaluationSets).toEqual([{ name: 'held out' }]);
    expect(version.report.networks).toBe(trained.networks.length - HELD_OUT);
    expect(version.report.dropped).toContain(
      `All rows of ${HELD_OUT} networks that are in the evaluation sets held out.`,
    );
    const names = version.trainedNetworks.edges.map(({ node }: Data) => node.name);
    expect(names.sort()).toEqual(
      trained.networks
        .slice(HELD_OUT)
        .map(({ name }) => name)
        .sort(),
    );
    expect(version.trainedNetworks.edges.every(({ node }: Data) => /^[0-9a-f]{64}$/.test(node.sha256))).toBe(true);
  });

  const input = (more: object = {}) => ({
    input: { versionAId: versions[0], versionBId: versions[1], evaluationSetId: set.id, seed: 3, ...more },
  });

  test('two versions are compared on what neither has seen', async () => {
    const { compareVersions } = await client.query(COMPARE, input());
    expect(compareVersions).toMatchObject({
      difference: { networks: HELD_OUT },
      leftOut: [],
      evaluationSet: { name: 'held out' },
      scenarios: [{ scenario: trained.scenario, networks: HELD_OUT }],
      versionDifferences: { networks: { onlyInA: [], onlyInB: [] } },
    });
    const [{ a, b, kinds }] = compareVersions.scenarios;
    expect(compareVersions.difference.mean).toBeCloseTo(b.error.mape - a.error.mape, 9);
    expect(a.calibration.map(({ level }: Data) => level)).toEqual([0.5, 0.8, 0.9, 0.95]);
    expect(kinds.every(({ a: side }: Data) => side.mape === null && side.share >= 0)).toBe(true);
    const settings = compareVersions.versionDifferences.settings.map(({ name }: Data) => name);
    expect(settings).toEqual(expect.arrayContaining(['learner', 'seed']));
    expect(settings).not.toContain('rules');
    expect((await client.query(COMPARE, input())).compareVersions).toEqual(compareVersions);
    // A version does not differ from itself.
    const self = (await client.query(COMPARE, input({ versionBId: versions[0] }))).compareVersions;
    expect(self.difference).toMatchObject({ mean: 0, lower: 0, upper: 0, verdict: 'NO_DIFFERENCE' });
    expect(self.versionDifferences.settings).toEqual([]);
  });

  test('a version that was trained on the networks is refused, or they are left out and counted', async () => {
    const all = (await create({ name: 'all of them' })).id;
    const refusal = await client.refusal(COMPARE, input({ evaluationSetId: all }));
    expect(refusal.extensions).toMatchObject({ code: 'CONFLICT', where: 'input.evaluationSetId' });
    expect(refusal.message).toMatch(`trained on ${trained.networks.length - HELD_OUT} networks`);
    const left = await client.query(COMPARE, input({ evaluationSetId: all, onTrainedNetworks: 'LEAVE_OUT' }));
    expect(left.compareVersions.leftOut).toHaveLength(trained.networks.length - HELD_OUT);
    expect(left.compareVersions.difference.networks).toBe(HELD_OUT);
    const nothing = input({ versionBId: trained.versionId, onTrainedNetworks: 'LEAVE_OUT' });
    expect((await client.refusal(COMPARE, nothing)).message).toMatch(/nothing is left/);
    // What a version of before was trained on, nobody knows.
    await withDatabase(service.database.superuserUrl, (database) =>
      database.query('DELETE FROM predictor_version_network WHERE predictor_version_id = $1', [
        Buffer.from(trained.versionId, 'base64url').toString().split(':')[1],
      ]),
    );
    expect((await client.refusal(COMPARE, nothing)).message).toMatch(/not known which networks/);
  });

  test('a key of another scenario sees neither the set nor the versions', async () => {
    const scopes = ['PREDICTOR_READ', 'SCENARIO_READ'];
    const { key } = await createApiKey(team.owner, { scopes, scenarios: ['a/b/c/d'] });
    const restricted = service.anonymous.as(key);
    expect((await restricted.query('{ evaluationSets { edges { node { id } } } }')).evaluationSets.edges).toEqual([]);
    expect((await restricted.refusal(COMPARE, input())).extensions.code).toBe('NOT_FOUND');
  });

  test('networks over scenarios, and the plans of two runtimes', async () => {
    const networkIds = trained.networks.slice(0, 5).map(({ id }) => id);
    const asked = { networkIds, scenarios: [trained.scenario], versionIds: [versions[0]] };
    const { columns, agreements } = (await client.query(SCENARIOS, { input: asked })).compareScenarios;
    expect(columns).toHaveLength(2);
    const [, { latencies, version }] = columns;
    expect(version.id).toBe(versions[0]);
    expect(latencies.map(({ rank }: Data) => rank)).toEqual([1, 2, 3, 4, 5]);
    const us = latencies.map(({ latencyUs }: Data) => latencyUs);
    expect(us).toEqual([...us].sort((x, y) => x - y));
    expect(agreements).toMatchObject([{ first: 0, second: 1 }]);
    expect((await client.refusal(SCENARIOS, { input: { networkIds } })).extensions.code).toBe('BAD_INPUT');

    const plans = { networkId: networkIds[0], runtimeA: 'tflite-gpu/adreno-640', runtimeB: 'tflite-cpu' };
    const { comparePlans } = await client.query(PLANS, { input: plans });
    expect(comparePlans.runtimeA).toMatch(/^tflite-gpu@.*adreno-640$/);
    expect(comparePlans.onlyInA.length).toBeGreaterThan(0);
    expect(comparePlans.onlyInA.every(({ reason }: Data) => reason.length > 0)).toBe(true);
    const unknown = { input: { ...plans, runtimeB: 'acme' } };
    expect((await client.refusal(PLANS, unknown)).extensions.code).toBe('UNKNOWN_NAME');
  });

  test('the command compares, as JSON and as Markdown for a pull request', async () => {
    const environment = { FUSECAST_URL: client.url, FUSECAST_API_KEY: team.key };
    const run = (...parameters: string[]) => runCommand(folder, parameters, environment);
    const compare = ['compare', 'judged@1', 'judged@2', '--on', 'held out', '--seed', '3'];
    const { status, stdout, stderr } = await run(...compare, '--markdown', 'comparison.md', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { compareVersions } = await client.query(COMPARE, input());
    expect(JSON.parse(stdout)).toMatchObject({ difference: compareVersions.difference, leftOut: [] });
    const markdown = readFileSync(path.join(folder, 'comparison.md'), 'utf8');
    expect(markdown).toMatch(/^## judged@1 \(A\) and judged@2 \(B\)\n\n\*\*/);
    expect(markdown).toMatch(/\| mean error \| [\d.]+ % \| [\d.]+ % \|/);
    expect(markdown).toMatch(/### What differs[\s\S]*\| learner \| lasso \| forest \|/);

    const dataset = ['--dataset', 'synthetic.json'];
    const made = await run('evaluation-set', 'create', 'by command', ...dataset, '--network', held[0], '--json');
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'by command', status: 'READY', networkCount: 1 });
    expect((await run('evaluation-set', 'list')).stdout).toMatch(/by command +READY +1/);
    const refused = await run('compare', 'judged@1', 'judged@2', '--on', 'everything else');
    expect(refused.status).toBe(2);
  }, 60_000);
});
