/** Calibrations through the API: what they are made of, what they say of themselves, and predictions with them. */
import type { Data } from '../testkit/client';
import { createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const CREATE = `mutation ($input: CreateCalibrationInput!) { createCalibration(input: $input) { calibration {
  id name factor offsetUs widening warnings harness version { id } scenario { name }
  errorBefore { mape medianApe within10 } errorAfter { mape medianApe within10 }
  networks { network measuredUs predictedUs calibratedUs heldOutUs isOutlier } } } }`;
const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  id latencyUs fixedUs interval { lowerUs upperUs level } kernels { latencyUs } version { id }
  calibration { id name } network { name } } } }`;

/** Another harness: slower by this, with so much on top. */
const FACTOR = 1.4;
const OFFSET_US = 300;

describe('calibrations', () => {
  let service: TestService;
  let team: TestTeam;
  let trained: TrainedTeam;
  let measurements: { networkId: string; latencyUs: number }[];
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    trained = await trainOnSynthetic(team.client);
    measurements = trained.networks.slice(0, 5).map(({ id, latencyUs }) => ({
      networkId: id,
      latencyUs: FACTOR * latencyUs + OFFSET_US,
    }));
  }, 120_000);
  afterAll(() => service?.stop());

  const create = async (more: object = {}): Promise<Data> => {
    const input = { versionId: trained.versionId, name: 'other harness', measurements, ...more };
    return (await team.client.query(CREATE, { input })).createCalibration.calibration;
  };

  test('five measurements by name or id give factor, offset and the error before and after', async () => {
    const byName = trained.networks.slice(0, 5).map(({ name }, i) => ({
      network: name,
      latencyUs: measurements[i].latencyUs,
    }));
    const [one, two] = [await create(), await create({ measurements: byName })];
    expect({ ...two, id: one.id }).toEqual(one);
    expect(one).toMatchObject({
      name: 'other harness',
      warnings: [],
      harness: {},
      version: { id: trained.versionId },
      scenario: { name: trained.scenario },
    });
    expect(one.factor).toBeGreaterThan(1.2);
    expect(one.factor).toBeLessThan(1.6);
    expect(one.errorBefore.mape).toBeGreaterThan(25);
    expect(one.errorAfter.mape).toBeLessThan(one.errorBefore.mape / 2);
    expect(one.networks.map(({ network }: Data) => network)).toEqual(byName.map(({ network }) => network));
    const { calibrations } = await team.client.query(
      'query ($filter: CalibrationFilter!) { calibrations(filter: $filter) { edges { node { id } } } }',
      { filter: { versionId: trained.versionId, scenario: trained.scenario } },
    );
    expect(calibrations.edges.map(({ node }: Data) => node.id)).toEqual([two.id, one.id]);
  });

  test('a prediction with it names it, is brought to what was measured, and its parts sum up', async () => {
    const calibration = await create();
    const networkIds = trained.networks.map(({ id }) => id);
    const input = { networkIds, versionIds: [trained.versionId], calibrationIds: [calibration.id] };
    const { predictions } = (await team.client.query(PREDICT, { input })).predict;
    expect(predictions).toHaveLength(2 * networkIds.length);
    const errors = { plain: 0, calibrated: 0 };
    trained.networks.forEach(({ latencyUs }, i) => {
      const [plain, calibrated] = predictions.slice(2 * i, 2 * i + 2);
      expect(plain.calibration).toBeNull();
      expect(calibrated.calibration).toEqual({ id: calibration.id, name: 'other harness' });
      expect(calibrated.version.id).toBe(trained.versionId);
      expect(calibrated.latencyUs).toBeCloseTo(calibration.factor * plain.latencyUs + calibration.offsetUs, 6);
      for (const { latencyUs: whole, fixedUs, kernels, interval } of [plain, calibrated]) {
        const sum = kernels.reduce((total: number, kernel: Data) => total + kernel.latencyUs, fixedUs);
        expect(sum / whole).toBeCloseTo(1, 4);
        expect(interval.lowerUs).toBeLessThan(whole);
        expect(interval.upperUs).toBeGreaterThan(whole);
      }
      const measuredUs = FACTOR * latencyUs + OFFSET_US;
      errors.plain += Math.abs(plain.latencyUs / measuredUs - 1) / networkIds.length;
      errors.calibrated += Math.abs(calibrated.latencyUs / measuredUs - 1) / networkIds.length;
    });
    expect(errors.plain).toBeGreaterThan(0.25);
    expect(errors.calibrated).toBeLessThan(0.12);
    const again = await team.client.query('query ($id: ID!) { prediction(id: $id) { calibration { id } } }', {
      id: predictions[1].id,
    });
    expect(again.prediction.calibration.id).toBe(calibration.id);
  });

  test('the version itself stays as it is', async () => {
    const query = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { sha256 sizeBytes stage } } }';
    const before = await team.client.query(query, { id: trained.versionId });
    await create();
    expect(await team.client.query(query, { id: trained.versionId })).toEqual(before);
  });

  test('a harness that differs from the one of the training is warned of', async () => {
    const { warnings, harness } = await create({ harness: { threads: 4, statistic: 'MEDIAN', governor: 'powersave' } });
    expect(warnings).toEqual(['threads is 4 here and 1 in what the version was trained on.']);
    expect(harness).toEqual({ threads: 4, statistic: 'median', governor: 'powersave' });
  });

  test('every row that is wrong is named, and nothing is made', async () => {
    const [good] = measurements;
    const rows = [
      good,
      { network: 'never uploaded', latencyUs: 5 },
      { networkId: trained.networks[1].id, network: 'both', latencyUs: 5 },
      { latencyUs: 5 },
      { ...good, latencyUs: -1 },
      { networkId: trained.versionId, latencyUs: 5 },
    ];
    const input = { versionId: trained.versionId, name: 'wrong', measurements: rows };
    const refusal = await team.client.refusal(CREATE, { input });
    expect(refusal.extensions.code).toBe('BAD_INPUT');
    for (const place of ['[1].network', '[2]', '[3]', '[4]', '[4].latencyUs', '[5].networkId']) {
      expect(refusal.message).toContain(`input.measurements${place} `);
    }
    expect(refusal.message).not.toContain('measurements[0]');
    const few = { ...input, measurements: measurements.slice(0, 2) };
    expect((await team.client.refusal(CREATE, { input: few })).extensions.code).toBe('INSUFFICIENT_DATA');
  });

  test('an API key of other scenarios sees none and makes none; another team neither', async () => {
    const calibration = await create();
    const restricted = await createApiKey(team.owner, {
      scopes: ['PREDICTOR_READ', 'PREDICTOR_WRITE', 'PREDICTION_WRITE', 'NETWORK_READ'],
      scenarios: ['tflite/other/gpu/float'],
    });
    const other = await service.createTeam();
    const input = { networkIds: [trained.networks[0].id], calibrationIds: [calibration.id] };
    for (const client of [service.anonymous.as(restricted.key), other.client]) {
      const { calibrations } = await client.query('{ calibrations { edges { node { id } } } }');
      expect(calibrations.edges).toEqual([]);
      expect((await client.refusal(PREDICT, { input })).extensions.code).toBe('NOT_FOUND');
      const mine = { versionId: trained.versionId, name: 'x', measurements };
      expect((await client.refusal(CREATE, { input: mine })).extensions.code).toBe('NOT_FOUND');
    }
  });

  test('nobody changes one', async () => {
    await create();
    await withDatabase(service.database.superuserUrl, async (database) => {
      await expect(database.query('UPDATE calibration SET factor = 1')).rejects.toMatchObject({ code: '55000' });
    });
  });
});
