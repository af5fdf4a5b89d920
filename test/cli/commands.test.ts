/** The main job from files and through a service, by the command alone. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { type CommandResult, runCommand } from '../testkit/command';
import { TestService } from '../testkit/service';

const SCENARIO = 'onnxruntime/desk/1thread/float';
const HELD_OUT = ['plain-3', 'residual-3'];

const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-commands-'));
const training = path.join(folder, 'networks');
const run = (...parameters: string[]) => runCommand(folder, parameters);

/** The JSON document on standard output, which holds nothing else. */
function result({ status, stdout, stderr }: CommandResult) {
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

let profile: unknown;

beforeAll(async () => {
  mkdirSync(training);
  for (const { name, bytes } of buildDemoNetworks(14, 3)) {
    writeFileSync(path.join(HELD_OUT.includes(name) ? folder : training, `${name}.onnx`), bytes);
  }
  profile = result(
    await run(
      'profile',
      training,
      '-o',
      'here.csv',
      '--scenario',
      SCENARIO,
      '--warm-ups',
      '1',
      '--repetitions',
      '3',
      // Tests of this and other files run at the same time.
      '--allow-noise',
      '--json',
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('without a service', () => {
  test('profile measures networks, engine train trains, engine predict predicts what was not trained on', async () => {
    expect(profile).toMatchObject({ dataset: 'here.csv', scenario: SCENARIO, networks: 12 });
    for (const learner of ['lasso', 'auto']) {
      const train = [
        'engine',
        'train',
        'here.csv',
        '--networks',
        training,
        '--scenario',
        SCENARIO,
        '--learner',
        learner,
      ];
      const report = result(await run(...train, '--seed', '3', '-o', `${learner}.onnx`, '--json'));
      expect(report).toMatchObject({
        scenario: SCENARIO,
        runtime: 'onnxruntime-cpu@1.30',
        learner,
        sources: [{ name: 'kernel rows' }, { name: 'end-to-end rows' }],
        networks: 12,
      });
      expect(report.exportDifference).toBeLessThan(1e-5);
      const files = HELD_OUT.map((name) => `${name}.onnx`);
      const predictions = result(await run('engine', 'predict', `${learner}.onnx`, ...files, '--json'));
      expect(predictions.map(({ network }: { network: string }) => network)).toEqual(HELD_OUT);
      for (const { latencyUs, fixedUs, interval, kernels } of predictions) {
        expect(interval.lowerUs).toBeLessThanOrEqual(latencyUs);
        expect(interval.upperUs).toBeGreaterThanOrEqual(latencyUs);
        const sum = kernels.reduce((total: number, kernel: { latencyUs: number }) => total + kernel.latencyUs, fixedUs);
        expect(sum / latencyUs).toBeCloseTo(1, 4);
      }
    }
  });

  test('strip leaves the weights out and the plan as it is', async () => {
    const [name] = HELD_OUT;
    const stripped = result(await run('strip', `${name}.onnx`, '-o', 'stripped.onnx', '--json'));
    expect(stripped.stripped).toBeGreaterThan(0);
    expect(statSync(path.join(folder, 'stripped.onnx')).size).toBeLessThan(
      statSync(path.join(folder, `${name}.onnx`)).size / 10,
    );
    const plan = async (file: string) =>
      result(await run('plan', file, '--runtime', 'onnxruntime-cpu', '--json')).kernels;
    expect(await plan('stripped.onnx')).toEqual(await plan(`${name}.onnx`));
  });

  test('plan explains itself to people', async () => {
    const { stdout } = await run('plan', 'plain-3.onnx', '--runtime', 'tflite-gpu', '--gpu', 'mali-g76');
    expect(stdout).toMatch(/convolution_2d +relu/);
    expect(stdout).toMatch(/Winograd on Mali needs 16/);
  });

  test.each([
    [['plan', 'plain-3.onnx', '--runtime', 'acme'], /no rules for runtime acme[\s\S]*Known runtimes/],
    [['plan', 'plain-3.onnx', '--runtime', 'tflite-gpu'], /depend on the GPU/],
    [['plan', 'nothing.onnx', '--runtime', 'plain'], /nothing\.onnx/],
    [['plan', 'here.csv', '--runtime', 'plain'], /MALFORMED_FILE/],
    [
      ['engine', 'train', 'here.csv', '--networks', 'networks', '--scenario', 'nowhere', '-o', 'x.onnx'],
      /not a scenario/,
    ],
    [
      ['engine', 'train', 'here.csv', '--networks', 'networks', '--scenario', 'a/b/c/d', '-o', 'x.onnx'],
      /no row of scenario a\/b\/c\/d[\s\S]*desk/,
    ],
    [
      ['engine', 'train', 'plain-3.onnx', '--networks', 'networks', '--scenario', SCENARIO, '-o', 'x.onnx'],
      /error [A-Z_]+/,
    ],
    [
      ['engine', 'train', 'here.csv', '--networks', 'n', '--scenario', 'a/b/c/d', '--learner', 'x', '-o', 'x.onnx'],
      /Allowed choices are auto, lasso/,
    ],
    [
      ['engine', 'train', 'here.csv', '--networks', 'n', '--scenario', 'a/b/c/d', '--search', '33', '-o', 'x.onnx'],
      /from 0 to 32/,
    ],
    [['engine', 'predict', 'plain-3.onnx', 'plain-3.onnx'], /not a Fusecast predictor/],
    [['profile', 'plain-3.onnx'], /required option/],
    [['predict', 'plain-3.onnx', '--scenario', SCENARIO], /FUSECAST_API_KEY/],
    [['nonsense'], /unknown command/],
  ])('refuses %j with exit 2 and says why', async (parameters, message) => {
    const { status, stdout, stderr } = await run(...parameters);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, '']);
    expect(existsSync(path.join(folder, 'x.onnx'))).toBe(false);
  });
});

describe('with a service', () => {
  let service: TestService;
  let environment: Record<string, string>;
  const call = (...parameters: string[]) => runCommand(folder, parameters, environment);

  beforeAll(async () => {
    service = await TestService.start();
    const { key, client } = await service.createTeam();
    environment = { FUSECAST_URL: client.url, FUSECAST_API_KEY: key };
  });
  afterAll(() => service?.stop());

  test('dataset push, network push, train and predict do the main job', async () => {
    const dataset = result(await call('dataset', 'push', 'here.csv', '--json'));
    expect(dataset).toMatchObject({ name: 'here', networkRows: 12 });
    const again = result(await call('dataset', 'push', 'here.csv', '--json'));
    expect(again.id).toBe(dataset.id);
    const networks = result(await call('network', 'push', training, '--json'));
    expect(networks).toHaveLength(12);
    const train = ['train', 'desk', '--dataset', 'here', '--scenario', SCENARIO, '--learner', 'gaussianProcess'];
    const version = result(await call(...train, '--json'));
    expect(version).toMatchObject({ number: 1, status: 'READY', learner: 'gaussianProcess' });
    // The service's report is the engine's.
    const alone = ['engine', 'train', 'here.csv', '--networks', training, '--scenario', SCENARIO, '-o', 'alone.onnx'];
    const report = result(await run(...alone, '--learner', 'gaussianProcess', '--json'));
    expect(version.report).toEqual(report);
    const shown = (await call(...train)).stdout;
    expect(shown).toMatch(/version 2 of desk: 12 networks, \d+ kernel rows\ncross-validated error of whole networks/);
    expect(shown).toMatch(/kernel rows +12 +[\d.]+ % +[\d.]+ %/);
    expect(shown).toMatch(/kernel rows +convolution +\d+ +gaussianProcess +[\d.]+ %/);
    expect(shown).toMatch(/intervals that held networks not seen: 50 %/);
    expect(shown).toMatch(/worst network +predicted +measured +error/);
    const predict = ['predict', 'plain-3.onnx', '--version', version.id, '--json'];
    const predictions = result(await call(...predict));
    expect(predictions).toHaveLength(1);
    const [{ network, scenario, latencyUs, kernels }] = predictions;
    expect({ network, scenario }).toEqual({ network: 'plain-3', scenario: SCENARIO });
    expect(latencyUs).toBeGreaterThan(0);
    expect(kernels[0]).toMatchObject({ kind: 'convolution', fused: ['relu'] });
  });

  test.each([
    [['train', 'desk', '--dataset', 'nothing', '--scenario', SCENARIO], /error (BAD_INPUT|NOT_FOUND)/],
    [['predict', 'plain-3.onnx', '--scenario', 'tflite/s10/gpu/float'], /error NOT_FOUND/],
    [['dataset', 'push', 'plain-3.onnx'], /error [A-Z_]+/],
  ])('refuses %j with exit 2', async (parameters, message) => {
    const { status, stderr } = await call(...parameters);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  test('a service that is not there is exit 4, a key that is none exit 2', async () => {
    const absent = { ...environment, FUSECAST_URL: 'http://127.0.0.1:9' };
    const predict = ['predict', 'plain-3.onnx', '--scenario', SCENARIO];
    expect(await runCommand(folder, predict, absent)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('cannot be reached'),
    });
    const stranger = { ...environment, FUSECAST_API_KEY: 'fck_00000000000000000000000000000000_x' };
    expect(await runCommand(folder, predict, stranger)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('UNAUTHENTICATED'),
    });
  });
});
