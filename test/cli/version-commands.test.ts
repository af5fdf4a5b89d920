/** The commands version ..., and predict --pin, against a service. */
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { runCommand } from '../testkit/command';
import { createTemporaryDirectory } from '../testkit/postgres';
import { TestService, type TestTeam } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

describe('fusecast version', () => {
  let service: TestService;
  let team: TestTeam;
  let folder: string;
  let ids: string[];
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    const versions = await TrainedVersions.create(team);
    ids = [(await versions.train('phone', 1)).id, (await versions.train('phone', 2)).id];
    folder = await createTemporaryDirectory('version-commands');
    for (const { name, bytes } of buildDemoNetworks(1, 3)) writeFileSync(path.join(folder, `${name}.onnx`), bytes);
  }, 240_000);
  afterAll(async () => {
    await service?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  const run = (...parameters: string[]) =>
    runCommand(folder, parameters, { FUSECAST_URL: service.anonymous.url, FUSECAST_API_KEY: team.key });
  const json = async (...parameters: string[]) => {
    const { status, stdout, stderr } = await run(...parameters, '--json');
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    return JSON.parse(stdout);
  };

  test('nominates, promotes, rolls back and retires with reasons, and tells the history', async () => {
    await json('version', 'nominate', 'phone@1', '--reason', 'trained on all rows');
    const first = await json('version', 'promote', 'phone@1', '--reason', 'the first');
    expect(first).toMatchObject({ version: { id: ids[0], stage: 'IN_USE' }, replaced: null, gate: null });
    const second = await json('version', 'promote', ids[1], '--reason', 'less error');
    expect(second).toMatchObject({ version: { id: ids[1] }, replaced: { id: ids[0], stage: 'RETIRED' } });
    const back = await json('version', 'roll-back', 'phone', '--reason', 'worse on phones');
    expect(back).toMatchObject({ version: { id: ids[0] }, replaced: { id: ids[1] } });
    await json('version', 'retire', 'phone@1', '--reason', 'over');
    const history = await json('version', 'history', 'phone');
    expect(history[0]).toMatchObject({ version: { number: 1 }, toStage: 'RETIRED', reason: 'over' });
    expect(history).toHaveLength(7);
    const listed = await json('version', 'list', 'phone');
    expect(listed.map(({ stage }: { stage: string }) => stage)).toEqual(['RETIRED', 'RETIRED']);
    const forPeople = await run('version', 'list');
    expect(forPeople.stdout).toContain('phone@2');
  }, 240_000);

  test('pins, predicts with a pin, and says what to keep', async () => {
    expect(await json('version', 'pin', 'create', 'release', 'phone@1')).toMatchObject({ version: { id: ids[0] } });
    const [prediction] = await json('predict', '.', '--pin', 'release');
    expect(prediction.version).toMatchObject({ id: ids[0], number: 1, predictor: 'phone' });
    expect(await json('version', 'pin', 'list')).toHaveLength(1);
    expect(await json('version', 'pin', 'delete', 'release')).toEqual({ name: 'release' });
    expect(await json('version', 'keep', 'phone', '1')).toMatchObject({ predictor: { keepVersions: 1 } });
    expect(await json('version', 'keep', 'phone', 'all')).toMatchObject({ predictor: { keepVersions: null } });
  }, 240_000);

  test.each([
    ['a reason', ['version', 'promote', 'phone@1'], '--reason'],
    ['a version that is there', ['version', 'promote', 'phone@9', '--reason', 'x'], 'NOT_FOUND'],
    ['a predictor that is there', ['version', 'roll-back', 'phones', '--reason', 'x'], 'NOT_FOUND'],
    ['a state that allows it', ['version', 'promote', 'phone@1', '--reason', 'x'], 'CONFLICT'],
    ['an admin', ['version', 'promote', 'phone@1', '--reason', 'x', '--override-gate'], 'FORBIDDEN'],
    ['a number', ['version', 'keep', 'phone', '0'], '1 to 1000'],
    ['a pin that is there', ['version', 'pin', 'delete', 'nothing'], 'NOT_FOUND'],
  ])('wants %s, and ends with 2 otherwise', async (_what, parameters, said) => {
    const { status, stderr } = await run(...parameters);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(said) });
  });
});
