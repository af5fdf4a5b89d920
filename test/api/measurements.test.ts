/** Latencies from production: reported once, compared with the version in use, told of when they drift, made a dataset. */
import { type Data, until } from '../testkit/client';
import { createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const REPORT = `mutation ($input: ReportLatenciesInput!) { reportLatencies(input: $input) { measurements isRepeated } }`;
const MEASURED = `query ($filter: MeasuredLatencyFilter! = {}) { measuredLatencies(first: 100, filter: $filter) { edges { node {
  id latencyUs deviationUs measuredAt source clientKey network { id name } scenario { name } } } } }`;
const DRIFT = `query ($name: String!, $bucket: DriftBucket! = DAY) { scenarios(filter: { name: $name }) { edges { node {
  drift(bucket: $bucket) { level pendingNetworks version { id } alert { id test clearedAt }
    buckets { startsAt measurements networks covered signedError mape }
    tests { verdict test pValue since until measurements networks covered signedError } } } } } }`;
const ALERTS = `query ($filter: DriftAlertFilter! = {}) { driftAlerts(filter: $filter) { edges { node {
  id test pValue level covered signedError networks measurements since until createdAt clearedAt
  version { id } scenario { name } } } } }`;
const DATASET = `mutation ($input: CreateDatasetFromMeasurementsInput!) { createDatasetFromMeasurements(input: $input) { dataset {
  id name status fileName provenance { scenario since until measurements networks sources } } } }`;

const DAY_MS = 24 * 3600 * 1000;
const NETWORKS = 12;

describe('latencies from production', () => {
  let service: TestService;
  let team: TestTeam;
  let trained: TrainedTeam;
  let keys = 0;
  const newKey = () => {
    keys += 1;
    return `key-${keys}`;
  };
  beforeEach(async () => {
    team = await service.createTeam();
    trained = await trainOnSynthetic(team.client);
  }, 120_000);
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service?.stop());

  /** Every network once, so many days ago, `ratio` times as slow as the law says. */
  const measurements = (daysAgo: number, ratio: number): Data[] =>
    trained.networks.slice(0, NETWORKS).map(({ id, latencyUs }) => ({
      networkId: id,
      scenario: trained.scenario,
      latencyUs: ratio * latencyUs,
      measuredAt: new Date(Date.now() - daysAgo * DAY_MS).toISOString(),
      source: 'fleet',
    }));
  const report = async (rows: Data[], clientKey = newKey()): Promise<Data> =>
    (await team.client.query(REPORT, { input: { clientKey, measurements: rows } })).reportLatencies;
  const drift = async (bucket = 'DAY'): Promise<Data> =>
    (await team.client.query(DRIFT, { name: trained.scenario, bucket })).scenarios.edges[0].node.drift;
  const compared = () => until(drift, ({ pendingNetworks, tests }) => pendingNetworks === 0 && tests !== null);
  const alerts = async (filter: object = {}): Promise<Data[]> =>
    (await team.client.query(ALERTS, { filter })).driftAlerts.edges.map(({ node }: Data) => node);

  test('a report is taken once, however often it is sent, and by its key nothing else is', async () => {
    const rows = measurements(1, 1);
    const sent = await Promise.all([report(rows, 'night 1'), report(rows, 'night 1'), report(rows, 'night 1')]);
    expect(sent.filter(({ isRepeated }) => !isRepeated)).toEqual([{ measurements: NETWORKS, isRepeated: false }]);
    expect(await report(rows, 'night 1')).toEqual({ measurements: NETWORKS, isRepeated: true });
    const { measuredLatencies } = await team.client.query(MEASURED, { filter: { scenario: trained.scenario } });
    expect(measuredLatencies.edges).toHaveLength(NETWORKS);
    expect(measuredLatencies.edges.map(({ node }: Data) => node)).toContainEqual({
      ...rows[0],
      id: expect.any(String),
      deviationUs: null,
      clientKey: 'night 1',
      networkId: undefined,
      network: { id: rows[0].networkId, name: trained.networks[0].name },
      scenario: { name: trained.scenario },
    });
    const input = { clientKey: 'night 1', measurements: rows.slice(1) };
    const refusal = await team.client.refusal(REPORT, { input });
    expect(refusal.extensions).toMatchObject({ code: 'CONFLICT', where: 'input.clientKey' });
  });

  test('a report with bad rows is refused as a whole, and every bad row is named', async () => {
    const [good] = measurements(1, 1);
    const bad = [
      good,
      { ...good, latencyUs: 0 },
      { ...good, measuredAt: new Date(Date.now() + DAY_MS).toISOString() },
      { ...good, scenario: 'tflite/nowhere/gpu/float' },
      { ...good, networkId: undefined, network: 'never uploaded' },
      { ...good, deviationUs: -1, source: '' },
    ];
    const { message, extensions } = await team.client.refusal(REPORT, {
      input: { clientKey: 'bad', measurements: bad },
    });
    expect(extensions.code).toBe('BAD_INPUT');
    const places = ['[1].latencyUs', '[2].measuredAt', '[3].scenario', '[4].network', '[5].deviationUs', '[5].source'];
    for (const place of places) expect(message).toContain(`input.measurements${place} is `);
    expect(message).not.toContain('measurements[0]');
    expect((await team.client.query(MEASURED)).measuredLatencies.edges).toEqual([]);
    expect(await report(bad.slice(0, 1), 'bad')).toEqual({ measurements: 1, isRepeated: false });
    const many = { clientKey: 'many', measurements: Array.from({ length: 1001 }, () => good) };
    expect((await team.client.refusal(REPORT, { input: many })).extensions.code).toBe('BAD_INPUT');
    expect(await report(many.measurements.slice(1), 'many')).toEqual({ measurements: 1000, isRepeated: false });
  });

  test('production that fits is steady: errors by day and week, no alert', async () => {
    await report([...measurements(9, 1.01), ...measurements(2, 0.99)]);
    const { level, buckets, tests, alert, version } = await compared();
    expect({ level, alert, version }).toEqual({ level: 0.9, alert: null, version: { id: trained.versionId } });
    expect(buckets).toHaveLength(2);
    for (const bucket of buckets) {
      expect(bucket).toMatchObject({ measurements: NETWORKS, networks: NETWORKS });
      expect(bucket.startsAt).toMatch(/T00:00:00\.000Z$/);
      expect(bucket.mape).toBeLessThan(15);
    }
    expect(tests).toMatchObject({ measurements: 2 * NETWORKS, networks: NETWORKS });
    expect(tests.verdict).not.toBe('DRIFTING');
    expect((await drift('WEEK')).buckets.length).toBeLessThanOrEqual(2);
    expect(await alerts()).toEqual([]);
  });

  test('a drift is told of once: an alert with its numbers, a mail to each admin; it ends when production recovers', async () => {
    service.mails.length = 0;
    await report(measurements(20, 1));
    await report(measurements(3, 1.8));
    const [alert] = await until(alerts, (found) => found.length > 0);
    expect(alert).toMatchObject({
      level: 0.9,
      networks: NETWORKS,
      measurements: NETWORKS,
      clearedAt: null,
      version: { id: trained.versionId },
      scenario: { name: trained.scenario },
    });
    expect(alert.pValue).toBeLessThan(0.001);
    expect(alert.covered).toBeLessThan(0.5);
    expect(alert.signedError).toBeLessThan(-30);
    const mails = () => Promise.resolve(service.mails.filter((mail) => mail.includes('no longer fit production')));
    const [mail] = await until(mails, (sent) => sent.length > 0);
    expect(mail).toContain(team.person.email);
    expect(mail).toContain(trained.scenario);
    await report(measurements(2, 1.8));
    await until(drift, ({ tests }) => tests?.measurements === 2 * NETWORKS);
    expect((await drift()).alert).toEqual({ id: alert.id, test: alert.test, clearedAt: null });
    // More than half of each network's fortnight is as predicted: its median is, too.
    await report([0.1, 0.2, 0.3].flatMap((daysAgo) => measurements(daysAgo, 1)));
    await until(
      () => alerts({ isOpen: true }),
      (open) => open.length === 0,
    );
    const [over] = await alerts({ scenario: trained.scenario, isOpen: false });
    expect(over).toEqual({ ...alert, clearedAt: expect.any(String) });
    expect(await mails()).toHaveLength(1);
  });

  test('one call makes them a dataset, which a next version is trained on', async () => {
    await report(measurements(3, 1.5));
    await report(measurements(2, 1.7));
    await report(measurements(1, 1.5));
    const input = { name: 'production', scenario: trained.scenario };
    const { dataset } = (await team.client.query(DATASET, { input })).createDatasetFromMeasurements;
    expect(dataset).toMatchObject({
      name: 'production',
      provenance: { scenario: trained.scenario, measurements: 3 * NETWORKS, networks: NETWORKS, sources: ['fleet'] },
    });
    const ready = await team.client.ingested(dataset.id);
    expect(ready).toMatchObject({ status: 'READY', networkRows: NETWORKS, kernelRows: 0 });
    expect(ready.scenarios[0].scenario.name).toBe(trained.scenario);
    const { trainPredictor } = await team.client.query(
      'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id number } } }',
      { input: { name: 'synthetic', scenario: trained.scenario, datasetIds: [dataset.id], learner: 'LASSO' } },
    );
    expect(trainPredictor.version.number).toBe(2);
    const { id: versionId } = trainPredictor.version;
    const status = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status } } }';
    await until(
      async () => (await team.client.query(status, { id: versionId })).node.status,
      (each) => each === 'READY',
    );
    await until(alerts, (found) => found.length === 1);
    await team.client.query(
      'mutation ($input: PromoteVersionInput!) { promoteVersion(input: $input) { version { stage } } }',
      { input: { versionId, reason: 'it is trained on production' } },
    );
    // What is in use now is compared at once, and the alert was of the other.
    const compared = await until(drift, ({ version, pendingNetworks }) => version.id === versionId && !pendingNetworks);
    expect(compared.tests.verdict).not.toBe('DRIFTING');
    await until(drift, ({ alert }) => alert === null);
    expect((await alerts()).map(({ version, clearedAt }) => [version.id, clearedAt !== null])).toEqual([
      [trained.versionId, true],
    ]);
    const since = new Date(Date.now() - 1.5 * DAY_MS).toISOString();
    const recent = await team.client.query(DATASET, { input: { ...input, since } });
    expect(recent.createDatasetFromMeasurements.dataset.provenance.measurements).toBe(NETWORKS);
    const none = await team.client.refusal(DATASET, { input: { ...input, until: '2020-01-01T00:00:00Z' } });
    expect(none.extensions.code).toBe('BAD_INPUT');
  });

  test('a key of other scenarios reports nothing here and sees nothing; nor does another team', async () => {
    const rows = measurements(1, 1);
    await report(rows, 'mine');
    const scopes = ['MEASUREMENT_READ', 'MEASUREMENT_WRITE', 'NETWORK_READ', 'SCENARIO_READ', 'DATASET_WRITE'];
    const restricted = await createApiKey(team.owner, { scopes, scenarios: ['tflite/other/gpu/float'] });
    const other = await service.createTeam();
    for (const client of [service.anonymous.as(restricted.key), other.client]) {
      expect((await client.query(MEASURED)).measuredLatencies.edges).toEqual([]);
      expect((await client.query(ALERTS)).driftAlerts.edges).toEqual([]);
      const refusal = await client.refusal(REPORT, { input: { clientKey: 'mine', measurements: rows } });
      expect(['BAD_INPUT', 'CONFLICT']).toContain(refusal.extensions.code);
      const input = { name: 'x', scenario: trained.scenario };
      expect((await client.refusal(DATASET, { input })).extensions.code).toBe('NOT_FOUND');
    }
    await withDatabase(service.database.superuserUrl, async (database) => {
      const { rows: kept } = await database.query('SELECT FROM measured_latency WHERE team_id = $1', [team.rowId]);
      expect(kept).toHaveLength(NETWORKS);
    });
  });
});
