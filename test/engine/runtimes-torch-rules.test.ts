/** The rules of the PyTorch packs one by one, on small networks. Whole networks are in runtimes-torch.test.ts. */
import { planKernels, readNetwork, runtimeOfScenario } from '../../src/engine';
import { featurize } from '../../src/engine/features';
import type { Graph, Op, Tensor } from '../../src/engine/graph';
import { createRandom } from '../../src/engine/random';
import { GraphDraft } from '../testkit/networks';

/** Kernels of a small network, as `kind fused: ops`. */
function plan(runtime: string, shape: readonly number[], build: (draft: GraphDraft) => string): string[] {
  const draft = new GraphDraft('net', shape, createRandom(1));
  const graph = readNetwork(draft.finish([build(draft)]), { name: 'net' });
  return planKernels(graph, runtime).kernels.map(({ kind, fused, ops }) => `${[kind, ...fused].join(' ')}: ${ops}`);
}

const IMAGE = [1, 8, 6, 6];

function clip(draft: GraphDraft, input: string, minimum: number, maximum: number): string {
  return draft.op('Clip', [input, draft.scalar(minimum), draft.scalar(maximum)]);
}

/** x * relu6(x + 3) / 6 as the exporter writes it. */
function hardSwish(draft: GraphDraft, input: string, maximum = 6): string {
  const clipped = clip(draft, draft.op('Add', [input, draft.scalar(3)]), 0, maximum);
  return draft.op('Div', [draft.op('Mul', [input, clipped]), draft.scalar(6)]);
}

describe('activations that the exporter wrote out', () => {
  test('a hard swish is one kernel, with the names of all its ops', () => {
    const [, swish, ...others] = plan('torch-vulkan', IMAGE, (draft) =>
      hardSwish(draft, draft.conv(draft.input, 8, 8)),
    );
    expect(swish).toMatch(/^vulkan\.hardswish: div_4,/);
    expect(
      swish
        .split(/[:,] ?/)
        .slice(1)
        .sort(),
    ).toEqual(['add_1', 'clip_2', 'div_4', 'mul_3']);
    expect(others).toEqual([]);
  });

  test('a hard sigmoid is one kernel', () => {
    const build = (draft: GraphDraft) =>
      draft.op('Div', [clip(draft, draft.op('Add', [draft.scalar(3), draft.input]), 0, 6), draft.scalar(6)]);
    expect(plan('torch-cpu', IMAGE, build)).toEqual(['hard_sigmoid: div_2,add_0,clip_1']);
  });

  test.each([
    ['another bound', (draft: GraphDraft) => hardSwish(draft, draft.input, 5)],
    [
      'another factor',
      (draft: GraphDraft) => {
        const clipped = clip(draft, draft.op('Add', [draft.input, draft.scalar(3)]), 0, 6);
        return draft.op('Div', [draft.op('Mul', [draft.weights(...IMAGE), clipped]), draft.scalar(6)]);
      },
    ],
  ])('%s keeps all four ops', (_case, build) => {
    const kinds = plan('torch-cpu', IMAGE, build).map((kernel) => kernel.split(':')[0]);
    expect(kinds).toEqual(['add', 'clip', 'mul', 'div']);
  });
});

describe('clamps', () => {
  test.each([
    ['Relu', ['vulkan.conv2d relu: conv_0,relu_1']],
    ['0 to 6', ['vulkan.conv2d clip: conv_0,clip_1']],
    ['-1 to 1', ['vulkan.conv2d clip: conv_0,clip_1']],
    ['0 to 1', ['vulkan.conv2d: conv_0', 'vulkan.clamp: clip_1']],
  ])('behind a convolution: %s', (name, expected) => {
    const build = (draft: GraphDraft) => {
      const conv = draft.conv(draft.input, 8, 8);
      const [minimum, maximum] = name.split(' to ').map(Number);
      return maximum === undefined ? draft.op('Relu', [conv]) : clip(draft, conv, minimum, maximum);
    };
    expect(plan('torch-vulkan', IMAGE, build)).toEqual(expected);
  });

  test('a convolution that is read twice keeps its relu apart', () => {
    const build = (draft: GraphDraft) => {
      const conv = draft.conv(draft.input, 8, 8);
      return draft.op('Add', [draft.op('Relu', [conv]), conv]);
    };
    expect(plan('torch-metal', IMAGE, build)).toEqual([
      'metal.prepack_conv2d: conv_0',
      'aten::relu: relu_1',
      'metal.elementwise_mpscnn: add_2',
    ]);
  });

  test.each([
    ['torch-vulkan', ['vulkan.addmm: matmul_0,add_1', 'vulkan.clamp: relu_2']],
    ['torch-metal', ['metal.linear relu: matmul_0,add_1,relu_2']],
    ['torch-cpu', ['gemm relu: matmul_0,add_1,relu_2']],
  ])('behind a linear layer of rank 3, with the bias first: %s', (runtime, expected) => {
    const build = (draft: GraphDraft) => {
      const product = draft.op('MatMul', [draft.input, draft.weights(16, 4)]);
      return draft.op('Relu', [draft.op('Add', [draft.weights(4), product])]);
    };
    expect(plan(runtime, [1, 3, 16], build)).toEqual(expected);
  });
});

describe('which kernel', () => {
  test.each([
    [{ groups: 8 }, 8, 'vulkan.conv2d_dw_3x3'],
    [{ groups: 8, kernel: 5 }, 8, 'vulkan.conv2d_dw_5x5'],
    [{ groups: 8, kernel: 7 }, 8, 'vulkan.conv2d_dw'],
    [{ groups: 8, kernel: 1 }, 8, 'vulkan.conv2d_dw'],
    [{ groups: 8 }, 16, 'vulkan.conv2d'],
    [{ groups: 4 }, 8, 'vulkan.conv2d'],
    [{ kernel: 1 }, 4, 'vulkan.conv2d_pw_2x2'],
  ])('convolution %j to %d channels', (shape, channels, kind) => {
    expect(plan('torch-vulkan', IMAGE, (draft) => draft.conv(draft.input, 8, channels, shape))).toEqual([
      `${kind}: conv_0`,
    ]);
  });

  test.each([
    [6, 'metal.adaptive_avg_pool2d'],
    [3, 'metal.max_pool2d'],
  ])('average of %d x %d on Metal: %s', (size, kind) => {
    const build = (draft: GraphDraft) => draft.op('AveragePool', [draft.input], { kernel_shape: [size, size] });
    expect(plan('torch-metal', IMAGE, build)).toEqual([`${kind}: averagepool_0`]);
  });

  test('zero padding is a kernel of the CPU and part of the window on a GPU; a view copies on a GPU only', () => {
    const build = (draft: GraphDraft) => {
      const padded = draft.op('Pad', [draft.input, draft.integers(0, 0, 1, 1, 0, 0, 1, 1)]);
      return draft.op('Reshape', [draft.conv(padded, 8, 8), draft.integers(1, -1)]);
    };
    expect(plan('torch-cpu', IMAGE, build)).toEqual(['pad: pad_0', 'convolution: conv_1']);
    expect(plan('torch-vulkan', IMAGE, build)).toEqual(['vulkan.conv2d: conv_1,pad_0', 'vulkan.view: reshape_2']);
  });

  test.each([
    ['torch-vulkan', 'reflect', 'vulkan.reflection_pad2d', false],
    ['torch-vulkan', 'constant', 'pad', true],
    ['torch-metal', 'reflect', 'aten::reflection_pad2d', false],
    ['torch-metal', 'edge', 'pad', true],
  ])('%s: a Pad of mode %s with no window behind it is %s', (runtime, mode, kind, refused) => {
    const draft = new GraphDraft('net', IMAGE, createRandom(1));
    const padded = draft.op('Pad', [draft.input, draft.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode });
    const graph = readNetwork(draft.finish([padded]), { name: 'net' });
    const { kernels, unsupported } = planKernels(graph, runtime);
    expect(kernels[0].kind).toBe(kind);
    expect(unsupported.map(({ ops }) => ops)).toEqual(refused ? [['pad_0']] : []);
  });

  test.each([
    ['torch/s10/gpu/float', 'torch-vulkan'],
    ['torch/some-new-phone/gpu/float', 'torch-vulkan'],
    ['torch/iphonexs/gpu/float', 'torch-metal'],
    ['torch/iphone99/gpu/float', 'torch-metal'],
    ['torch/onefusion/2small/quant', 'torch-cpu'],
    ['torch/iphonexs/2large/float', 'torch-cpu'],
  ])('%s runs on %s', (scenario, runtime) => expect(runtimeOfScenario(scenario)).toBe(runtime));
});

/** norm, relu, conv twice, as the exporter writes pre-activation blocks: the second norm is in the first conv's weights. */
function preactivationBlocks({
  weight = 'onnx::Conv_1',
  relu = '/unit2/activ/Relu',
  norm = '/unit1/bn/BatchNormalization',
}) {
  const tensors = new Map<string, Tensor>();
  const add = (name: string, shape: readonly number[], constant: boolean) =>
    tensors.set(name, { name, type: 'float32', shape, constant });
  for (const name of ['input', 'a', 'b', 'c', 'd', 'output']) add(name, IMAGE, false);
  for (const name of ['scale', 'shift', 'mean', 'variance']) add(name, [8], true);
  for (const name of [weight, 'unit2.conv.weight']) add(name, [8, 8, 1, 1], true);
  const op = (type: string, name: string, inputs: readonly string[], output: string): Op => {
    return { type, name, inputs, outputs: [output], attributes: {} };
  };
  const ops = [
    op('BatchNormalization', norm, ['input', 'scale', 'shift', 'mean', 'variance'], 'a'),
    op('Relu', '/unit1/activ/Relu', ['a'], 'b'),
    op('Conv', '/unit1/conv/Conv', ['b', weight], 'c'),
    op('Relu', relu, ['c'], 'd'),
    op('Conv', '/unit2/conv/Conv', ['d', 'unit2.conv.weight'], 'output'),
  ];
  return { name: 'net', format: 'onnx', layout: 'NCHW', inputs: ['input'], outputs: ['output'], ops, tensors } as Graph;
}

describe('batch normalisations that only the exporter folds', () => {
  const kernels = (graph: Graph) => planKernels(graph, 'torch-vulkan').kernels;

  test('come back between two pre-activation blocks', () => {
    const planned = kernels(preactivationBlocks({}));
    expect(planned.map(({ kind }) => kind)).toEqual([
      'vulkan.batchnorm',
      'vulkan.clamp',
      'vulkan.conv2d_pw_2x2',
      'vulkan.batchnorm',
      'vulkan.clamp',
      'vulkan.conv2d_pw_2x2',
    ]);
    expect(planned[3]).toMatchObject({ ops: ['/unit1/conv/Conv'], output: 'c' });
    const features = featurize(planKernels(preactivationBlocks({}), 'torch-vulkan'));
    expect(features[3]).toEqual(features[0]);
  });

  test.each([
    ['weights that were not folded into', { weight: 'unit1.conv.weight' }],
    ['a relu of the same module', { relu: '/unit1/activ/Relu' }],
    ['a relu of another name', { relu: '/unit2/other/Relu' }],
    ['no block like it', { norm: '/stem/bn/BatchNormalization' }],
  ])('stay folded: %s', (_case, names) => {
    expect(kernels(preactivationBlocks(names)).map(({ kind, fused }) => [kind, ...fused].join(' '))).toEqual([
      'vulkan.batchnorm',
      'vulkan.clamp',
      'vulkan.conv2d_pw_2x2 relu',
      'vulkan.conv2d_pw_2x2',
    ]);
  });
});
