import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { EngineError } from '../src/engine/errors';
import { FEATURE_NAMES } from '../src/engine/features';
import type { Harness, KernelMeasurement, NetworkMeasurement, Profile } from '../src/engine/profile';
import { readProfile, writeProfileTable } from '../src/profiles';
import { describeWithShared, SHARED } from './testkit/shared';

const FIXTURES = path.join(__dirname, 'fixtures', 'profiles');
const SCENARIO = 'onnxruntime/desk/1large/float';
const TRACE = { network: 'tiny', scenario: SCENARIO };

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'fusecast-profiles-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

async function refusal(read: Promise<unknown>): Promise<EngineError> {
  try {
    await read;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const RECORD = { network: 'a', scenario: SCENARIO, latencyUs: 12.5, threads: 1 };
const READ: Profile = {
  harnesses: [{ threads: 1 }],
  networks: [{ network: 'a', scenario: SCENARIO, latencyUs: 12.5, harness: 0 }],
  kernels: [],
};

describe('the format of a file', () => {
  test.each([
    ['by extension', 'a.csv', `network,scenario,latencyUs,threads\na,${SCENARIO},12.5,1\n`],
    ['by extension in upper case', 'a.CSV', `network,scenario,latencyUs,threads\na,${SCENARIO},12.5,1\n`],
    ['an array of objects', 'a.json', JSON.stringify([RECORD], null, 2)],
    ['JSON lines', 'a.jsonl', `${JSON.stringify(RECORD)}\n`],
    ['CSV without an extension', 'b0c1', `network,scenario,latencyUs,threads\na,${SCENARIO},12.5,1\n`],
    ['an array without an extension', 'b0c2', `\n ${JSON.stringify([RECORD])}`],
    ['JSON lines without an extension', 'b0c3', `\ufeff${JSON.stringify(RECORD)}\n`],
  ])('%s', async (_, name, content) => {
    expect(await readProfile(write(name, content))).toEqual(READ);
  });

  test('Parquet without an extension', async () => {
    const file = path.join(directory, 'c.parquet');
    await writeProfileTable(READ, file);
    expect(await readProfile(write('c0', readFileSync(file)))).toEqual(READ);
  });

  test("onnxruntime's profile, with and without an extension", async () => {
    const recording = readFileSync(path.join(FIXTURES, 'onnxruntime.json'));
    const profile = await readProfile(path.join(FIXTURES, 'onnxruntime.json'), TRACE);
    expect([profile.networks.length, profile.kernels.length]).toEqual([1, 6]);
    expect(await readProfile(write('d0', recording), TRACE)).toEqual(profile);
  });
});

describe('broken files', () => {
  test.each<[string, string, string | Uint8Array, string, string | undefined]>([
    [
      'CSV row in our format',
      'e.csv',
      `network,scenario,latencyUs\n"a\nb",${SCENARIO},5\nc,${SCENARIO},fast\n`,
      'INVALID_PROFILE',
      'line 2, column network',
    ],
    [
      'JSON row in our format',
      'e.json',
      '[{"network": "a", "scenario": "x", "latencyUs": 5}]',
      'INVALID_PROFILE',
      'row 1, column scenario',
    ],
    [
      'JSON line in our format',
      'e.jsonl',
      `\n${JSON.stringify({ ...RECORD, latencyUs: '5 ms' })}`,
      'INVALID_PROFILE',
      'line 2, column latencyUs',
    ],
    ['unknown key', 'e.json', JSON.stringify([{ ...RECORD, thread: 1 }]), 'INVALID_PROFILE', 'column thread'],
    ['unknown header', 'e.csv', 'a,b\n1,2\n', 'UNSUPPORTED_FORMAT', 'line 1'],
    ['JSON that is cut', 'e.json', '[\n{"network": "a",', 'MALFORMED_FILE', 'line 2, byte offset 18'],
    ['JSON with a trailing comma', 'e.json', '[{"a": 1},]', 'MALFORMED_FILE', 'line 1, byte offset 10'],
    ['JSON with a comment', 'e.json', '[/* none */]', 'MALFORMED_FILE', 'line 1, byte offset 1'],
    ['one JSON object', 'e.json', '{"network": "a"}', 'INVALID_PROFILE', 'line 1'],
    ['empty JSON array', 'e.json', '[]', 'UNSUPPORTED_FORMAT', 'header'],
    ['empty file', 'e.parquet', '', 'MALFORMED_FILE', 'byte offset 0'],
    ['CSV called Parquet', 'e.parquet', 'network,scenario,latencyUs\n', 'MALFORMED_FILE', undefined],
    ['trace without network and scenario', 'e.json', '[{"ph": "X", "ts": 1}]', 'INVALID_PROFILE', 'network'],
  ])('%s', async (_, name, content, code, where) => {
    const error = await refusal(readProfile(write(name, content)));
    expect([error.code, error.where]).toEqual([code, where]);
    expect(error.remedy).toBeTruthy();
  });
});

const text = fc.string({
  minLength: 1,
  maxLength: 20,
  unit: fc.constantFrom('a', 'B', '0', ',', '"', ' ', 'é', '+', '/'),
});
const latency = fc.double({ min: 1e-9, max: 1e12, noNaN: true });
const harness: fc.Arbitrary<Harness> = fc.record(
  { runtimeBuild: text, threads: fc.nat(), affinity: text, statistic: fc.constantFrom('mean', 'median', 'minimum') },
  { requiredKeys: [] },
);
const measurement = fc.record({ latencyUs: latency, deviationUs: latency });
const kernel = fc.record({
  latencyUs: latency,
  kernel: fc.constantFrom('', 'conv'),
  kind: fc.constantFrom('convolution_2d', 'aten::relu', 'vulkan.conv2d'),
  fused: fc.array(fc.constantFrom('relu', 'hard_swish', 'add'), { maxLength: 3 }),
  features: fc.dictionary(fc.constantFrom(...FEATURE_NAMES), fc.nat()),
});

/** A profile whose rows have a network each, and whose harnesses are numbered in order of first use. */
const profiles: fc.Arbitrary<Profile> = fc
  .tuple(harness, fc.array(measurement, { minLength: 1, maxLength: 5 }), fc.array(kernel, { maxLength: 5 }))
  .map(([first, ends, kernels]) => {
    const place = (index: number) => ({ network: `n,${index}`, scenario: SCENARIO, harness: 0 });
    return {
      harnesses: [first],
      networks: ends.map((row, index): NetworkMeasurement => ({ ...place(index), ...row })),
      kernels: kernels.map((row, index): KernelMeasurement => ({ ...place(index), ...row })),
    };
  });

describe('our own format', () => {
  test.each(['.csv', '.parquet'])('%s gives back the profile that was written', async (extension) => {
    const file = path.join(directory, `own${extension}`);
    await fc.assert(
      fc.asyncProperty(profiles, async (profile) => {
        await writeProfileTable(profile, file);
        expect(await readProfile(file)).toEqual(profile);
      }),
      { numRuns: 30 },
    );
    expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describeWithShared('the benchmark in our own format', () => {
  test.each([
    ['tflite_cnn_e2e.csv', '.csv'],
    ['tflite_cnn_ops_gpu.csv', '.parquet'],
    ['torch_cnn_ops_gpu.csv', '.csv'],
  ])('%s as %s', async (name, extension) => {
    const profile = await readProfile(path.join(SHARED, 'data', 'mobile-ml-benchmark', name));
    const file = path.join(directory, `benchmark${extension}`);
    await writeProfileTable(profile, file);
    const again = await readProfile(file);
    expect([again.harnesses, again.networks, again.kernels.length]).toEqual([
      profile.harnesses,
      profile.networks,
      profile.kernels.length,
    ]);
    expect(
      again.kernels.filter(
        (row, index) => JSON.stringify(sorted(row)) !== JSON.stringify(sorted(profile.kernels[index]!)),
      ),
    ).toEqual([]);
  });
});

/** A kernel's row with its features in one order. */
function sorted(row: KernelMeasurement): unknown[] {
  const { network, scenario, latencyUs, harness: index, kernel: name, kind, fused, features } = row;
  return [network, scenario, latencyUs, index, name, kind, fused, FEATURE_NAMES.map((feature) => features[feature])];
}
