/** Every file of the fixture manifest gives the plan or the refusal that stands there. */
import { EngineError, planKernels, readNetwork, stripNetwork } from '../../src/engine';
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

test('the manifest holds at least 60 files, at least 25 of them broken', () => {
  expect(ONNX.length + PLAIN.length + TFLITE.length + BROKEN.length).toBeGreaterThanOrEqual(60);
  expect(BROKEN.length).toBeGreaterThanOrEqual(25);
});
