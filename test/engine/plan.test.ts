/** The plain plan, kernel kinds, runtimes by name. What onnxruntime fuses is in plan-onnxruntime.test.ts. */
import { planKernels, RUNTIMES, readNetwork, runtimeOfScenario } from '../../src/engine';
import { snakeCase } from '../../src/engine/graph';
import { createRandom } from '../../src/engine/random';
import { fusionNetworks } from '../testkit/fusion-networks';
import { GraphDraft } from '../testkit/networks';

/** A convolution of every kind, ops that only rename, and shape arithmetic. */
function mixedGraph() {
  const draft = new GraphDraft('mixed', [1, 8, 6, 6], createRandom(1));
  const a = draft.op('Relu', [draft.conv(draft.input, 8, 16)]);
  const b = draft.conv(draft.op('Identity', [draft.op('Dropout', [a])]), 16, 16, { groups: 16 });
  const c = draft.conv(b, 16, 16, { groups: 4 });
  const d = draft.conv(c, 16, 4, { kernel: 1 });
  const batch = draft.op('Slice', [draft.op('Shape', [d]), draft.integers(0), draft.integers(1)]);
  const flat = draft.op('Reshape', [d, draft.op('Concat', [batch, draft.integers(-1)], { axis: 0 })]);
  const product = draft.op('MatMul', [flat, draft.weights(144, 5)]);
  return readNetwork(draft.finish([draft.op('GlobalAveragePool', [a]), product]), { name: 'mixed' });
}

describe('the plain plan', () => {
  const { kernels, runtime, network } = planKernels(mixedGraph(), 'plain');

  test('one kernel an op; renaming and shape arithmetic launch nothing', () => {
    expect(kernels.map(({ kind, first }) => `${first.type}: ${kind}`)).toEqual([
      'Conv: convolution',
      'Relu: relu',
      'Conv: depthwise_convolution',
      'Conv: grouped_convolution',
      'Conv: pointwise_convolution',
      'MatMul: mat_mul',
      'GlobalAveragePool: global_average_pool',
    ]);
    expect(kernels.every(({ fused, ops }) => fused.length === 0 && ops.length === 1)).toBe(true);
    expect({ runtime, network }).toEqual({ runtime: 'plain@1', network: 'mixed' });
  });

  test('kernels say what they make and why they are there', () => {
    expect(kernels[1]).toMatchObject({ ops: ['relu_1'], output: 'relu_1_out0', reason: 'one kernel for Relu' });
  });
});

test('a kernel of onnxruntime names all its ops and reasons', () => {
  const { bytes } = fusionNetworks(1).find(({ name }) => name === 'batch normalization with one reader')!;
  const [kernel] = planKernels(readNetwork(bytes, { name: 'net' }), 'onnxruntime-cpu').kernels;
  expect(kernel).toMatchObject({
    kind: 'convolution',
    fused: ['relu'],
    ops: ['conv_0', 'batchnormalization_1', 'relu_2'],
    output: 'relu_2_out0',
  });
  expect(kernel.reason).toBe(
    'one kernel for Conv; BatchNormalization by constants is folded into the weights; Relu is computed by FusedConv',
  );
});

test('padding that a convolution takes over shows in its own attributes', () => {
  const { bytes } = fusionNetworks(1).find(({ name }) => name === 'pad before a convolution')!;
  const { kernels } = planKernels(readNetwork(bytes, { name: 'net' }), 'onnxruntime-cpu');
  expect(kernels[1].ops).toEqual(['conv_2', 'pad_1']);
  expect(kernels[1].first.attributes.pads).toEqual([1, 1, 1, 2]);
});

describe('runtimes', () => {
  const graph = mixedGraph();

  test('every one plans, with and without its version', () => {
    for (const runtime of ['plain', 'onnxruntime-cpu']) {
      expect(RUNTIMES).toContain(runtime);
      const plan = planKernels(graph, runtime);
      expect(planKernels(graph, plan.runtime)).toEqual(plan);
    }
  });

  test.each(['tensorflow', 'onnxruntime-cpu@1.0', ''])('%p is refused with what there is', (runtime) => {
    expect(() => planKernels(graph, runtime)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_NAME', where: runtime, remedy: expect.stringContaining('plain@1') }),
    );
  });

  test('scenarios name theirs', () => {
    expect(runtimeOfScenario('onnxruntime/laptop/1large/float')).toBe('onnxruntime-cpu');
    expect(runtimeOfScenario('unheard-of/pixel4/1large/float')).toBe('plain');
    expect(() => runtimeOfScenario('pixel4')).toThrow(expect.objectContaining({ code: 'UNKNOWN_NAME' }));
  });
});

test.each([
  ['GlobalAveragePool', 'global_average_pool'],
  ['com.microsoft.FusedConv', 'com_microsoft_fused_conv'],
  ['LRN', 'lrn'],
])('%s is called %s', (type, name) => expect(snakeCase(type)).toBe(name));
