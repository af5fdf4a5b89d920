/** Every file of the fixture manifest gives the plan or the refusal that stands there, and no damage to one does worse. */
import { EngineError, featurize, planKernels, readNetwork, stripNetwork } from '../../src/engine';
import { createRandom } from '../../src/engine/random';
import { BROKEN, ONNX, PLAIN, TFLITE } from '../testkit/fixture-manifest';

function outcome(bytes: Uint8Array, runtime: string): string {
  try {
    const plan = planKernels(readNetwork(bytes, { name: 'fixture' }), runtime);
    return plan.kernels.map(({ kind, fused }) => [kind, ...fused].join('+')).join(' ');
  } catch (error) {
    if (error instanceof EngineError) return `${error.code} ${error.where ?? ''}`.trim();
    throw error;
  }
}

describe.each([
  ['onnxruntime-cpu', ONNX],
  ['plain', PLAIN],
  ['tflite-gpu/adreno-640', TFLITE],
] as const)('planned for %s', (runtime, rows) => {
  test.each(rows)('%s', (_, bytes, expected) => {
    expect(outcome(bytes, runtime)).toBe(expected);
    // Nor does the plan need the weights.
    expect(outcome(stripNetwork(bytes).bytes, runtime)).toBe(expected);
  });
});

test.each(BROKEN)('refused: %s', (_, bytes, expected) => {
  expect(outcome(bytes, 'plain')).toBe(expected);
});

/** Damaged files a format: all of them where time is no matter. */
const DAMAGED = process.env.CI === 'true' ? 10_000 : 1_000;

describe.each([
  ['ONNX', [...ONNX, ...PLAIN], ['plain', 'onnxruntime-cpu']],
  ['TFLite', TFLITE, ['plain', 'tflite-cpu', 'tflite-gpu/adreno-640']],
] as const)('%s files with changed bytes', (format, rows, runtimes) => {
  test(`${DAMAGED} of them are refused with a code or planned, each within 2 s`, () => {
    const random = createRandom(format.length);
    let slowest = 0;
    let refused = 0;
    for (let i = 0; i < DAMAGED; i++) {
      const bytes = Uint8Array.from(rows[random.below(rows.length)][1]);
      for (let changes = 1 + random.below(4); changes > 0; changes--)
        bytes[random.below(bytes.length)] = random.below(256);
      const started = performance.now();
      try {
        const damaged = random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
        const graph = readNetwork(stripNetwork(damaged).bytes, { name: 'damaged' });
        for (const runtime of runtimes) featurize(planKernels(graph, runtime));
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        expect(error.message).not.toBe('');
        refused++;
      }
      slowest = Math.max(slowest, performance.now() - started);
    }
    expect(slowest).toBeLessThan(2000);
    // Neither do all get through, nor none.
    expect(refused).toBeGreaterThan(DAMAGED / 10);
    expect(refused).toBeLessThan(DAMAGED);
  }, 240_000);
});

test('the manifest holds at least 60 files, at least 25 of them broken', () => {
  expect(ONNX.length + PLAIN.length + TFLITE.length + BROKEN.length).toBeGreaterThanOrEqual(60);
  expect(BROKEN.length).toBeGreaterThanOrEqual(25);
});
