/** The commands about rules, as a person runs them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { measureNetworks } from '../../src/cli/measure';
import { readNetwork } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';

const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ROOT = path.join(__dirname, '..', '..');

function run(...args: readonly string[]) {
  const program = ['--require', path.join(ROOT, 'test/testkit/typescript.cjs'), path.join(ROOT, 'src/cli/main.ts')];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(path.join(folder, name), content);
  return name;
}

/** The worked example of the guide, word for word. */
const GUIDE = readFileSync(path.join(ROOT, 'docs/guides/rules.md'), 'utf8');
const EXAMPLE = /```json\n(\{\n {2}"formatVersion": 1,[\s\S]*?\n\})\n```/.exec(GUIDE)![1];

const [network] = buildDemoNetworks(2, 3);

test('the example of the guide is valid, in JSON and in YAML', () => {
  for (const file of [write('acme.json', EXAMPLE), write('acme.yaml', stringify(JSON.parse(EXAMPLE)))]) {
    const { status, stdout } = run('rules', 'check', file, '--json');
    expect([status, JSON.parse(stdout)]).toEqual([
      0,
      { file, runtime: 'acme-npu@3.2', vanishing: 7, fusions: 2, chain: 0 },
    ]);
  }
});

test('plan takes a rule file instead of a runtime', () => {
  const file = write(`${network.name}.onnx`, network.bytes);
  const { status, stdout } = run('plan', file, '--rules', write('acme.json', EXAMPLE), '--json');
  const plan = JSON.parse(stdout);
  expect([status, plan.runtime]).toEqual([0, 'acme-npu@3.2']);
  const convolutions = plan.kernels.filter(({ kind }: { kind: string }) => /_conv$/.test(kind));
  expect(convolutions.length).toBeGreaterThan(3);
  for (const { kind, reason, features } of convolutions) {
    expect(kind).toBe(features.inputChannels >= 64 ? 'systolic_conv' : 'vector_conv');
    if (kind === 'systolic_conv') expect(reason).toContain(`inputChannels ${features.inputChannels} >= 64`);
  }
});

test.each([
  [[], 'no runtime is named'],
  [['--runtime', 'plain', '--rules', 'acme.json'], 'both --runtime and --rules are given'],
])('plan with %j', (options, message) => {
  const file = write(`${network.name}.onnx`, network.bytes);
  const { status, stderr } = run('plan', file, ...options);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('a broken rule file is refused with every path', () => {
  const broken = EXAMPLE.replace('"Relu"', '"Rellu"').replace('"3.2"', '3.2').replace('"atMost": 2', '"atMost": "2"');
  const { status, stdout, stderr } = run('rules', 'check', write('broken.json', broken), '--json');
  expect([status, stderr]).toEqual([2, expect.stringContaining('did you mean Relu?')]);
  const { error } = JSON.parse(stdout);
  expect(error).toMatchObject({ code: 'INVALID_RULES', where: 'version', problemCount: 3 });
  expect(error.problems.map(({ column, value }: { column: string; value: string }) => [column, value])).toEqual([
    ['version', '3.2'],
    ['fusions[1].next', '"Rellu"'],
    ['fusions[1].when[0].atMost', '"2"'],
  ]);
});

test.each([
  ['bad.yaml', 'runtime: [acme', 'MALFORMED_FILE', 'line '],
  [
    'bomb.yaml',
    `a: &a [x]\nb: [${Array.from({ length: 200 }, () => '*a').join(', ')}]\nc: [*a]\n`,
    'MALFORMED_FILE',
    'alias count',
  ],
  ['large.json', ' '.repeat(300_000), 'INVALID_RULES', '300000 bytes'],
  ['cut.json', '{"formatVersion": 1,', 'MALFORMED_FILE', 'line 1'],
])('%s is refused', (name, content, code, hint) => {
  const { status, stderr } = run('rules', 'check', write(name, content));
  expect([status, stderr]).toEqual([2, expect.stringContaining(`error ${code}`)]);
  expect(stderr).toContain(hint);
});

describe('rules learn', () => {
  const scenario = 'onnxruntime/here/1thread/float';

  beforeAll(async () => {
    const measurable = [...buildDemoNetworks(6, 3)].map(({ name, bytes }) => {
      write(`${name}.onnx`, bytes);
      return { bytes, graph: readNetwork(bytes, { name }) };
    });
    const profile = await measureNetworks(measurable, { scenario, warmUps: 1, repetitions: 2 }, () => {});
    await writeProfileTable(profile, path.join(folder, 'profile.csv'));
  });

  const learn = (...options: readonly string[]) =>
    run('rules', 'learn', 'profile.csv', '--networks', '.', '--scenario', scenario, ...options);

  test('from nothing', () => {
    const { status, stdout } = learn('--json');
    const { runtime, basis, proposals, explained } = JSON.parse(stdout);
    expect([status, runtime, basis, explained]).toEqual([0, 'plain@1', 'absent kernels', []]);
    const pairs = proposals.map(({ first, behind, next }: Record<string, string[]>) =>
      [first, ...behind, next].join('+'),
    );
    expect(pairs).toEqual(expect.arrayContaining(['Conv+Relu', 'Conv+Clip', 'Conv+BatchNormalization']));
    expect(learn().stdout).toMatch(/proposed +absorbs +for +against +confidence +networks +for example/);
  });

  test('against the rules of the runtime', () => {
    const { status, stdout } = learn('--runtime', 'onnxruntime-cpu');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Conv \+ Relu +\d+ +\d+ +Relu is computed by FusedConv +conv_activation_fusion\.cc/m);
    expect(stdout).not.toContain('contradicted');
  });

  test('against rules that do not hold', () => {
    const rules = JSON.parse(EXAMPLE);
    rules.fusions = [{ first: 'Add', next: 'Relu', into: 'epilogue', reason: 'r', origin: 'o' }];
    rules.kinds = [];
    const { stdout } = learn('--rules', write('wrong.json', JSON.stringify(rules)), '--json');
    const { contradicted } = JSON.parse(stdout);
    expect(contradicted.length).toBeGreaterThan(0);
    expect(contradicted[0]).toMatchObject({
      rule: { first: 'Add', next: 'Relu' },
      kernels: expect.arrayContaining([expect.objectContaining({ predicted: 'add+relu', nearest: ['add'] })]),
    });
  });

  test.each([
    [
      ['--scenario', 'onnxruntime/there/1thread/float'],
      'has no kernel row of scenario',
      `Scenarios in it: ${scenario}`,
    ],
    [['--runtime', 'plane'], 'no rules for runtime plane', 'Known runtimes: plain@1'],
  ])('%j', (options, message, remedy) => {
    const { status, stderr } = learn(...options);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).toContain(remedy);
  });
});
