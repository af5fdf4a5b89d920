/** The gate of promotions: what it lets through, what not, who may promote nevertheless, and that nothing goes round it. */
import type { Data } from '../testkit/client';
import { freezeNetworks } from '../testkit/evaluation-sets';
import { TestService, type TestTeam } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

const SET_GATE = `mutation ($input: SetPromotionGateInput!) { setPromotionGate(input: $input) {
  predictor { promotionGate { marginPercent evaluationSet { id } } } } }`;
const REMOVE_GATE = `mutation ($input: RemovePromotionGateInput!) { removePromotionGate(input: $input) {
  predictor { promotionGate { marginPercent } } } }`;
const HISTORY = `query ($filter: StageChangeFilter!) { stageChanges(first: 1, filter: $filter) { edges { node {
  toStage version { id } gate { comparedWith passed overridden differencePercent } } } } }`;
const COMPARE = `query ($input: CompareVersionsInput!) { compareVersions(input: $input) {
  difference { mean lower upper networks } } }`;
const ROLL_BACK =
  'mutation ($input: RollBackPredictorInput!) { rollBackPredictor(input: $input) { version { id stage } } }';
const NETWORKS = 16;
const MARGIN = 20;

describe('the gate of promotions', () => {
  let service: TestService;
  let team: TestTeam;
  let versions: TrainedVersions;
  let setId: string;
  let scaledId: string;
  let good: Data;
  let alike: Data;
  let bad: Data;
  let seen: Data;
  let predictorId: string;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    versions = await TrainedVersions.create(team, NETWORKS);
    const held = versions.networks.slice(NETWORKS / 2).map(({ name }) => name);
    setId = (await freezeNetworks(team.client, versions.datasetId, held)).id;
    // The same networks, four times as slow as they are.
    const rows = versions.networks.map(({ name, latencyUs }) => `${name},${versions.scenario},${4 * latencyUs}`);
    const scaled = ['network,scenario,latencyUs', ...rows, ''].join('\n');
    scaledId = (await team.client.createDataset('scaled.csv', Buffer.from(scaled))).id;
    const heldOut = { evaluationSetIds: [setId] };
    good = await versions.train('p', 1, heldOut);
    alike = await versions.train('p', 2, heldOut);
    bad = await versions.train('p', 3, { ...heldOut, datasetIds: [scaledId] });
    seen = await versions.train('p', 4);
    predictorId = good.predictor.id;
  }, 240_000);
  afterAll(() => service?.stop());

  const inUse = async (): Promise<string> => (await versions.answering({ scenarios: [versions.scenario] }))[0];
  const latest = async (): Promise<Data> =>
    (await team.client.query(HISTORY, { filter: { predictorId } })).stageChanges.edges[0].node;

  test('is set by admins, on a set that measures the scenario', async () => {
    const input = { predictorId, evaluationSetId: setId, marginPercent: MARGIN };
    expect((await team.client.refusal(SET_GATE, { input })).extensions.code).toBe('FORBIDDEN');
    const elsewhere = `network,scenario,latencyUs\n${versions.networks[0].name},tflite/phone/gpu/float,100\n`;
    const { id } = await team.client.createDataset('elsewhere.csv', Buffer.from(elsewhere));
    const other = await freezeNetworks(team.client, id, [versions.networks[0].name]);
    const refusal = await team.owner.refusal(SET_GATE, { input: { ...input, evaluationSetId: other.id } });
    expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.evaluationSetId' });
    for (const marginPercent of [-1, 101]) {
      const wrong = await team.owner.refusal(SET_GATE, { input: { ...input, marginPercent } });
      expect(wrong.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'marginPercent' });
    }
    const { predictor } = (await team.owner.query(SET_GATE, { input })).setPromotionGate;
    expect(predictor.promotionGate).toEqual({ marginPercent: MARGIN, evaluationSet: { id: setId } });
  });

  test('lets the first through, which there is nothing to compare with', async () => {
    expect((await versions.change('promoteVersion', good.id)).gate).toBeNull();
  });

  test('refuses a worse one with the numbers of the comparison, and changes nothing', async () => {
    const refusal = await versions.refusal('promoteVersion', bad.id);
    expect(refusal.extensions).toMatchObject({ code: 'CONFLICT', where: 'input.versionId' });
    const input = { versionAId: good.id, versionBId: bad.id, evaluationSetId: setId, seed: 0 };
    const { difference } = (await team.client.query(COMPARE, { input })).compareVersions;
    expect(difference.upper).toBeGreaterThan(MARGIN);
    for (const number of [difference.mean, difference.lower, difference.upper]) {
      expect(refusal.message).toContain(number.toFixed(2));
    }
    expect(refusal.message).toContain(`margin ${MARGIN}, ${difference.networks} networks`);
    expect(await inUse()).toBe(good.id);
    expect((await versions.version(bad.id)).stage).toBe('DRAFT');
    expect((await latest()).version.id).toBe(good.id);
  });

  test('lets one through that is not worse by more than the margin, and keeps the numbers', async () => {
    const { gate, replaced } = await versions.change('promoteVersion', alike.id);
    expect(replaced.id).toBe(good.id);
    expect(gate).toMatchObject({ comparedWith: good.number, passed: true, overridden: false, marginPercent: MARGIN });
    expect(gate.upperPercent).toBeLessThanOrEqual(MARGIN);
    expect(await latest()).toMatchObject({ toStage: 'IN_USE', gate: { passed: true, comparedWith: good.number } });
  });

  test('does not stand in the way of a roll back', async () => {
    await team.client.query(ROLL_BACK, { input: { predictorId, reason: 'worse' } });
    expect(await inUse()).toBe(good.id);
    expect((await latest()).gate).toBeNull();
  });

  test('refuses what cannot be compared: it was trained on the set', async () => {
    const refusal = await versions.refusal('promoteVersion', seen.id);
    expect(refusal.extensions.code).toBe('CONFLICT');
    expect(refusal.message).toContain('cannot be compared');
  });

  test('is not opened by retiring the version in use first', async () => {
    await versions.change('retireVersion', good.id);
    expect((await versions.refusal('promoteVersion', bad.id)).message).toContain('The gate refuses');
    // What was in use last needs no comparison with itself.
    await versions.change('nominateVersion', good.id);
    await versions.change('promoteVersion', good.id);
  });

  test('of promotions at the same time none is judged by what is no longer in use', async () => {
    await versions.change('nominateVersion', alike.id);
    const asked = await Promise.allSettled([
      versions.change('promoteVersion', alike.id),
      versions.change('retireVersion', good.id),
    ]);
    for (const each of asked) if (each.status === 'rejected') expect(String(each.reason)).toContain('CONFLICT');
    const stages = await Promise.all([good, alike].map(async ({ id }) => (await versions.version(id)).stage));
    expect(stages[0]).toBe('RETIRED');
    expect(stages[1]).toBe(asked[0].status === 'fulfilled' ? 'IN_USE' : 'CANDIDATE');
  });

  test('is overridden by an admin who says so, on record; by nobody else', async () => {
    const refusal = await versions.refusal('promoteVersion', bad.id, { overrideGate: true });
    expect(refusal.extensions.code).toBe('FORBIDDEN');
    const { gate } = await versions.change('promoteVersion', bad.id, { overrideGate: true }, team.owner);
    expect(gate).toMatchObject({ passed: false, overridden: true });
    expect(await latest()).toMatchObject({ version: { id: bad.id }, gate: { passed: false, overridden: true } });
    const entries = await team.owner.query(
      '{ auditEntries(first: 1, filter: { action: "promoteVersion" }) { edges { node { details } } } }',
    );
    expect(entries.auditEntries.edges[0].node.details).toMatchObject({ gate: { overridden: true } });
  });

  test('removed, it lets everything through; that, too, is for admins', async () => {
    const input = { predictorId };
    expect((await team.client.refusal(REMOVE_GATE, { input })).extensions.code).toBe('FORBIDDEN');
    const removed = (await team.owner.query(REMOVE_GATE, { input })).removePromotionGate;
    expect(removed.predictor.promotionGate).toBeNull();
    expect((await versions.change('promoteVersion', seen.id)).gate).toBeNull();
  });
});
