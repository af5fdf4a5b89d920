/** The query measureNext and the command: what is measured already is left out and counts, and both choose alike. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { stripNetwork } from '../../src/engine';
import type { Data } from '../testkit/client';
import { runCommand } from '../testkit/command';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const MEASURE_NEXT = `query ($input: MeasureNextInput!) { measureNext(input: $input) { runtime candidates measured
  varianceBefore networks { network { id name } expectedGain varianceLeft reason adds { kind newKind } } } }`;
const REPORT = 'mutation ($input: ReportLatenciesInput!) { reportLatencies(input: $input) { measurements } }';
const CANDIDATES = 6;

describe('measureNext', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusecast-test-'));
  const files: string[] = [];
  const ids: string[] = [];
  let service: TestService;
  let team: TestTeam;
  let trained: TrainedTeam;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    trained = await trainOnSynthetic(team.client);
    // Of another draw, so that none of them has been measured.
    for (const { name, bytes } of buildDemoNetworks(CANDIDATES, 2)) {
      const stripped = stripNetwork(bytes).bytes;
      files.push(path.join(folder, `new_${name}.onnx`));
      writeFileSync(files[files.length - 1], stripped);
      ids.push((await team.client.createNetwork(`new_${name}`, stripped)).id);
    }
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  const ask = async (input: object): Promise<Data> => (await team.client.query(MEASURE_NEXT, { input })).measureNext;

  test('chooses among networks that no version of the scenario was trained on', async () => {
    const answer = await ask({ scenario: trained.scenario, count: 4 });
    expect(answer).toMatchObject({ candidates: CANDIDATES, measured: trained.networks.length });
    expect(answer.varianceBefore).toBeLessThan(60);
    expect(answer.networks).toHaveLength(4);
    const known = trained.networks.map(({ id }) => id);
    for (const { network, expectedGain, reason } of answer.networks) {
      expect(known).not.toContain(network.id);
      expect(expectedGain).toBeGreaterThan(0);
      expect(reason).not.toBe('');
    }
    expect(await ask({ versionId: trained.versionId, count: 4 })).toEqual(answer);
  });

  test('what a phone has reported counts as measured', async () => {
    const measurement = { networkId: ids[0], latencyUs: 1000, measuredAt: new Date().toISOString() };
    const input = { clientKey: 'one', measurements: [{ ...measurement, scenario: trained.scenario }] };
    await team.client.query(REPORT, { input });
    const answer = await ask({ scenario: trained.scenario, networkIds: ids, count: CANDIDATES });
    expect(answer).toMatchObject({ candidates: CANDIDATES - 1, measured: trained.networks.length + 1 });
    expect(answer.networks.map(({ network }: Data) => network.id)).not.toContain(ids[0]);
  });

  test('names what it cannot choose from', async () => {
    const code = async (input: object) =>
      (await team.client.answer(MEASURE_NEXT, { input })).errors?.[0].extensions.code;
    expect(await code({})).toBe('BAD_INPUT');
    expect(await code({ scenario: trained.scenario, versionId: trained.versionId })).toBe('BAD_INPUT');
    expect(await code({ scenario: trained.scenario, networkIds: [trained.networks[0].id] })).toBe('INSUFFICIENT_DATA');
  });

  test('the command chooses alike from files and by the service, and writes the list', async () => {
    const list = path.join(folder, 'next.txt');
    const from = async (...more: string[]) => {
      const environment = { FUSECAST_URL: service.anonymous.url, FUSECAST_API_KEY: team.key };
      const parameters = ['measure-next', ...files, '--scenario', 'onnxruntime/new/cpu1/float', '--count', '3'];
      const { status, stdout, stderr } = await runCommand(folder, [...parameters, '--json', ...more], environment);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      return JSON.parse(stdout);
    };
    const here = await from('--output', list);
    expect(here).toMatchObject({ candidates: CANDIDATES, measured: 0, varianceBefore: 100 });
    expect(readFileSync(list, 'utf8')).toBe(here.networks.map(({ file }: Data) => `${file}\n`).join(''));
    expect(await from('--service')).toEqual(here);
  });
});
