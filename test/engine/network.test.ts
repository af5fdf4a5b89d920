/** What can be said of a network at a glance, what stripping takes from it, and how measured kernels find theirs. */
import { describeNetwork, planKernels, readNetwork } from '../../src/engine';
import { alignKernels } from '../../src/engine/alignment';
import { stripOnnx } from '../../src/engine/formats/onnx-strip';
import { formatScenario, parseScenario } from '../../src/engine/profile';
import { createRandom } from '../../src/engine/random';
import { GraphDraft } from '../testkit/networks';

/** Two convolutions, a reshape and a product. */
function smallNetwork(): Uint8Array {
  const draft = new GraphDraft('small', [1, 4, 6, 6], createRandom(1));
  const x = draft.op('Relu', [draft.conv(draft.op('HardSwish', [draft.conv(draft.input, 4, 8)]), 8, 2, { kernel: 1 })]);
  const flat = draft.op('Reshape', [x, draft.integers(1, -1)]);
  return draft.finish([draft.op('MatMul', [flat, draft.weights(72, 10)])], 2);
}

test.each([
  ['whole', smallNetwork()],
  ['stripped', stripOnnx(smallNetwork()).bytes],
])('ops, parameters and work by hand, %s', (_, bytes) => {
  const network = readNetwork(bytes, { name: 'small' });
  const { ops, parameters, multiplyAccumulates, inputs, format } = describeNetwork(network);
  expect({ ops, format }).toEqual({ ops: 5, format: 'onnx' });
  expect(multiplyAccumulates).toBe(288 * 36 + 72 * 8 + 10 * 72);
  expect(inputs).toEqual([{ name: 'input', type: 'float32', shape: [1, 4, 6, 6] }]);
  // Weights and biases of both convolutions and of the product.
  expect(parameters).toBe(8 * 36 + 8 + 2 * 8 + 2 + 720);
});

test('stripping takes large constants, and neither shapes nor the plan', () => {
  const whole = smallNetwork();
  const { bytes, stripped, kept } = stripOnnx(whole);
  expect({ stripped, kept }).toEqual({ stripped: 2, kept: 4 });
  expect(bytes.length).toBeLessThan(whole.length - 3900);
  const [before, after] = [whole, bytes].map((each) => readNetwork(each, { name: 'small' }));
  const kernels = (graph: typeof before) => planKernels(graph, 'onnxruntime-cpu').kernels;
  expect(kernels(after)).toEqual(kernels(before));
});

describe('measured kernels', () => {
  const plan = planKernels(readNetwork(smallNetwork(), { name: 'small' }), 'onnxruntime-cpu');
  const measured = plan.kernels.map(({ ops, kind }) => ({ kernel: ops[0], kind }));

  test('are found by name and kind, in any order', () => {
    expect(alignKernels(plan, [...measured].reverse())).toEqual([...measured.keys()].reverse());
  });

  test('are paired in order within their kind, where the runtime made up the names', () => {
    const renamed = measured.map(({ kind }, i) => ({ kernel: `node_${i}`, kind }));
    expect(alignKernels(plan, renamed)).toEqual([...measured.keys()]);
  });

  test('are not paired where the counts differ', () => {
    const twice = [...measured.map(({ kind }) => ({ kernel: '', kind })), { kernel: '', kind: 'mat_mul' }];
    const positions = alignKernels(plan, twice);
    const paired = twice.filter((_, i) => positions[i] !== undefined);
    expect(paired).toEqual(twice.filter(({ kind }) => kind !== 'mat_mul'));
  });
});

describe('scenarios', () => {
  test('are read and written', () => {
    const scenario = parseScenario('tflite/pixel4/1large1med/float');
    expect(scenario).toEqual({ runtime: 'tflite', device: 'pixel4', processor: '1large1med', type: 'float' });
    expect(formatScenario(scenario)).toBe('tflite/pixel4/1large1med/float');
  });

  test.each(['', 'tflite', 'tflite/pixel4/gpu', 'tflite/pixel4/gpu/float/more', 'TFLite/pixel4/gpu/float', 'a//b/c'])(
    '%p is none',
    (text) => {
      expect(() => parseScenario(text)).toThrow(
        expect.objectContaining({ code: 'UNKNOWN_NAME', where: 'scenario', remedy: expect.any(String) }),
      );
    },
  );
});
