/** Own measurements through the command alone: calibrated, reported, drift shown, made a dataset. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { until } from '../testkit/client';
import { type CommandResult, runCommand } from '../testkit/command';
import { TestService } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-calibrate-'));

function result({ status, stdout, stderr }: CommandResult) {
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

describe('own measurements', () => {
  let service: TestService;
  let trained: TrainedTeam;
  let environment: Record<string, string>;
  const run = (...parameters: string[]) => runCommand(folder, parameters, environment);
  beforeAll(async () => {
    service = await TestService.start();
    const { key, client } = await service.createTeam();
    environment = { FUSECAST_URL: client.url, FUSECAST_API_KEY: key };
    trained = await trainOnSynthetic(client);
    const rows = trained.networks
      .slice(0, 6)
      .map(({ name, latencyUs }) => [name, trained.scenario, 1.4 * latencyUs, 4]);
    const lines = [['network', 'scenario', 'latencyUs', 'threads'], ...rows].map((cells) => cells.join(','));
    writeFileSync(path.join(folder, 'own.csv'), `${lines.join('\n')}\n`);
  }, 120_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await service?.stop();
  });

  test('calibrate takes options or a profile, warns of the harness, and predict takes the calibration', async () => {
    const fromFile = await run('calibrate', trained.versionId, '--file', 'own.csv', '--json');
    const calibration = result(fromFile);
    expect(calibration.factor).toBeGreaterThan(1.25);
    expect(calibration.errorAfter.mape).toBeLessThan(calibration.errorBefore.mape / 2);
    expect(fromFile.stderr).toContain('warning: threads is 4 here and 1 in');
    const options = trained.networks
      .slice(0, 6)
      .flatMap(({ name, latencyUs }) => ['--measurement', `${name}=${1.4 * latencyUs}`]);
    const { stdout } = await run('calibrate', trained.versionId, ...options);
    expect(stdout).toMatch(/x latency [\s\S]* before, [\s\S]* after/);

    const [{ name, bytes }] = buildDemoNetworks(1, 1);
    writeFileSync(path.join(folder, `${name}.onnx`), bytes);
    const both = ['--version', trained.versionId, '--calibration', calibration.id];
    const [plain, calibrated] = result(await run('predict', `${name}.onnx`, ...both, '--json'));
    expect(plain.calibration).toBeNull();
    expect(calibrated.calibration).toEqual({ id: calibration.id, name: 'own measurements' });
    expect(calibrated.latencyUs).toBeCloseTo(calibration.factor * plain.latencyUs + calibration.offsetUs, 6);
  });

  test('report-latency reports once, drift shows it, and a dataset is made of it', async () => {
    const report = [
      'report-latency',
      '--scenario',
      trained.scenario,
      '--file',
      'own.csv',
      '--source',
      'fleet',
      '--json',
    ];
    const first = result(await run(...report));
    expect(first).toMatchObject({ measurements: 6, isRepeated: false });
    expect(result(await run(...report))).toEqual({ ...first, isRepeated: true });
    const show = async () => result(await run('drift', trained.scenario, '--json'));
    const drift = await until(show, ({ pendingNetworks }) => pendingNetworks === 0);
    expect(drift).toMatchObject({ scenario: trained.scenario, version: { id: trained.versionId } });
    expect(drift.buckets).toEqual([expect.objectContaining({ measurements: 6, networks: 6 })]);
    expect((await run('drift', trained.scenario, '--bucket', 'week')).stdout).toMatch(/last fortnight: [A-Z_]+/);
    const made = result(await run('dataset', 'from-measurements', 'next', '--scenario', trained.scenario, '--json'));
    expect(made).toMatchObject({ status: 'READY', networkRows: 6 });
  });

  test.each([
    [['calibrate', 'VERSION'], /expected either measurements or --file/],
    [['calibrate', 'VERSION', '--measurement', 'mobilenet'], /not network=microseconds/],
    [['calibrate', 'VERSION', '--measurement', 'never-uploaded=5'], /never-uploaded/],
    [['calibrate', 'VERSION', '--file', 'own.csv', '--harness', 'colour=red'], /field=value with one of threads/],
    [['report-latency', 'x=5', '--scenario', 'tflite/nowhere/gpu/float'], /expected a scenario that a dataset names/],
    [['report-latency', 'x=5', '--scenario', 'a/b/c/d', '--measured-at', 'yesterday'], /is no time/],
    [['report-latency', '--file', 'own.csv', '--scenario', 'a/b/c/d'], /no end-to-end row of a\/b\/c\/d/],
    [['drift', 'tflite/nowhere/gpu/float'], /no dataset names the scenario/],
  ])('%j is refused with exit 2 and says why', async (parameters, message) => {
    const { status, stderr } = await run(...parameters.map((each) => (each === 'VERSION' ? trained.versionId : each)));
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
