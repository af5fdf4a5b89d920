import path from 'node:path';
import { EngineError } from '../../../src/engine/errors';
import { FEATURE_NAMES, type KernelFeatures } from '../../../src/engine/features';
import { tfliteKernel } from '../../../src/engine/formats/profile-benchmark-names';
import type { Cell, Table } from '../../../src/engine/formats/profile-cells';
import { profileFromTable } from '../../../src/engine/formats/profile-table';
import type { KernelMeasurement, Profile } from '../../../src/engine/profile';
import { readProfile } from '../../../src/profiles';
import { describeWithShared, SHARED } from '../../testkit/shared';

const BENCHMARK = path.join(SHARED, 'data', 'mobile-ml-benchmark');

function table(columns: readonly string[], ...rows: readonly (readonly Cell[])[]): Table {
  return { columns, rows, lines: rows.map((_, index) => index + 2), unit: 'line', headerLine: 1 };
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

describeWithShared('mobile-ml-benchmark as published', () => {
  let endToEnd: { tflite: Profile; torch: Profile };
  let kernels: { tflite: Profile; torch: Profile };

  beforeAll(async () => {
    const read = (name: string) => readProfile(path.join(BENCHMARK, name));
    endToEnd = { tflite: await read('tflite_cnn_e2e.csv'), torch: await read('torch_cnn_e2e.csv') };
    kernels = { tflite: await read('tflite_cnn_ops_gpu.csv'), torch: await read('torch_cnn_ops_gpu.csv') };
  });

  test('end-to-end files: every cell that is not empty, and nothing else', () => {
    const { tflite, torch } = endToEnd;
    expect([tflite.networks.length, tflite.kernels.length]).toEqual([67 * 90, 0]);
    expect([torch.networks.length, torch.kernels.length]).toEqual([65 * 84 - 13, 0]);
    expect(new Set(tflite.networks.map(({ scenario }) => scenario)).size).toBe(90);
    expect(new Set(torch.networks.map(({ scenario }) => scenario)).size).toBe(84);
    expect(tflite.networks.every(({ scenario }) => scenario.startsWith('tflite/'))).toBe(true);
    expect(torch.networks.every(({ scenario }) => scenario.startsWith('torch/'))).toBe(true);
    expect(tflite.networks[0]).toEqual({
      network: 'bagnet9',
      scenario: 'tflite/pixel4/1large/float',
      latencyUs: 908365,
      deviationUs: 1460,
      harness: 0,
    });
    expect(tflite.harnesses).toEqual([{ statistic: 'mean' }]);
    expect(torch.networks.filter(({ deviationUs }) => deviationUs === undefined)).toEqual([]);
  });

  test('per-kernel files: every measured cell; a depthwise with its pointwise is one kernel', () => {
    const { tflite, torch } = kernels;
    expect(countBy(tflite.kernels, ({ scenario }) => scenario)).toEqual({
      'tflite/pixel4/gpu/float': 4052,
      'tflite/s10/gpu/float': 4052,
      'tflite/mi8se/gpu/float': 4052,
      'tflite/a03s/gpu/float': 4052,
      'tflite/iphone7/gpu/float': 4052 - 7,
      'tflite/iphonexs/gpu/float': 4052 - 7,
    });
    expect(countBy(torch.kernels, ({ scenario }) => scenario)).toEqual({
      'torch/pixel4/gpu/float': 5086,
      'torch/s10/gpu/float': 3849,
      'torch/onefusion/gpu/float': 5086,
      'torch/iphonexs/gpu/float': 4171,
    });
    expect(tflite.networks.length + torch.networks.length).toBe(0);
  });

  test('kinds and fused ops of the TFLite kernels of one phone', () => {
    const iphone = kernels.tflite.kernels.filter(({ scenario }) => scenario === 'tflite/iphone7/gpu/float');
    expect(countBy(iphone, ({ kind }) => kind)).toEqual({
      convolution_2d: 446 + 229 + 6 + 22 + 234 + 4 + 64 + 1309 + 2,
      convolution_winograd_4x4_6x6: 118,
      convolution_2d_grouped: 125,
      depthwise_convolution: 158 + 52 + 298,
      depthwise_conv_plus_1x1_conv: 7,
      fully_connected: 12 + 6 + 7 + 160 + 50 + 102 + 52,
      mean: 12 + 214,
      pooling_2d: 25 + 39 + 1 + 4,
      concat: 264 + 15 + 8,
    });
    const chains = countBy(
      iphone.filter(({ kind }) => kind === 'concat'),
      ({ fused }) => fused.join('+'),
    );
    expect(chains).toEqual({ '': 264, add: 15, 'mul+add+relu': 8 });
  });

  test('kinds of the torch kernels are the names that the runtime recorded', () => {
    const of = (scenario: string) => kernels.torch.kernels.filter((kernel) => kernel.scenario === scenario);
    expect(countBy(of('torch/iphonexs/gpu/float'), ({ kind }) => kind)).toEqual({
      'metal.adaptive_avg_pool2d': 169 + 55 - 1,
      'metal.elementwise_mpscnn': 628 + 159 - 16,
      'metal.linear': 50 - 1,
      'metal.max_pool2d': 42 + 10,
      'metal.prepack_conv2d': 3130 - 54,
    });
    expect(countBy(of('torch/pixel4/gpu/float'), ({ kind }) => kind)).toMatchObject({
      'vulkan.conv2d_dw_3x3': 382,
      'vulkan.conv2d_pw_2x2': 1813,
      'vulkan.clamp': 463,
    });
    expect(kernels.torch.kernels.every(({ kernel }) => kernel === '')).toBe(true);
  });

  test('sizes, weights and work fit each other in every convolution of both files', () => {
    const convolutions = [...kernels.tflite.kernels, ...kernels.torch.kernels].filter(
      ({ kind, features }) => (features.kernelHeight ?? 0) >= 1 && /conv/.test(kind) && !/plus/.test(kind),
    );
    expect(convolutions.length).toBeGreaterThan(30_000);
    const wrong = convolutions.filter(({ scenario, features }) => {
      const { kernelHeight, strideHeight, inputChannels, outputChannels, groups, outputHeight, inputHeight } =
        features as KernelFeatures;
      const filter = (kernelHeight ** 2 * inputChannels * outputChannels) / groups;
      return (
        features.multiplyAccumulates !== outputHeight ** 2 * filter ||
        features.weightElements !== filter + (scenario.startsWith('tflite') ? outputChannels : 0) ||
        features.inputElements !== inputHeight ** 2 * inputChannels ||
        outputHeight !== Math.floor((inputHeight + features.paddingHeight! - kernelHeight) / strideHeight) + 1
      );
    });
    expect(wrong).toEqual([]);
  });

  test('TFLite sizes without merged padding equal those that the torch file records for the same networks', () => {
    const networks = new Set(kernels.torch.kernels.map(({ network }) => network));
    expect(networks.size).toBe(65);
    const sizes = (profile: Profile, scenario: string) =>
      countBy(
        profile.kernels.filter(
          (kernel) =>
            kernel.scenario === scenario &&
            networks.has(kernel.network) &&
            kernel.kind.includes('conv') &&
            kernel.features.inputHeight! > 1,
        ),
        ({ network, features: f }) =>
          `${network}: ${f.inputChannels}@${f.inputHeight} ${f.kernelHeight}/${f.strideHeight} ${f.outputChannels}@${f.outputHeight}`,
      );
    const tflite = sizes(kernels.tflite, 'tflite/pixel4/gpu/float');
    expect(tflite).toEqual(sizes(kernels.torch, 'torch/pixel4/gpu/float'));
    expect(Object.values(tflite).reduce((sum, count) => sum + count, 0)).toBe(2793);
  });

  test('every TFLite kernel and all but the two-operand torch kernels have all features that are not derived', () => {
    const given = FEATURE_NAMES.slice(0, FEATURE_NAMES.indexOf('fusedOps'));
    const incomplete = (profile: Profile) =>
      profile.kernels.filter(({ features }) => given.some((name) => features[name] === undefined));
    expect(incomplete(kernels.tflite)).toEqual([]);
    const kinds = new Set(incomplete(kernels.torch).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['metal.elementwise_mpscnn', 'vulkan.add', 'vulkan.mul']);
  });

  test('the two rows of a depthwise with its pointwise: mean latency, one reads and the other writes', () => {
    const find = (network: string): KernelMeasurement =>
      kernels.tflite.kernels.find(
        (kernel) =>
          kernel.network === network && kernel.scenario === 'tflite/iphone7/gpu/float' && /plus/.test(kernel.kind),
      )!;
    const kernel = find('mobilenetb_wd4');
    expect(kernel.kernel).toBe('depthwise_conv_plus_1x1_conv_3_4_linked_:_relu_5');
    expect(kernel.fused).toEqual(['relu']);
    expect(kernel.latencyUs).toBeCloseTo((42.883 + 31.688) / 2, 9);
    expect(kernel.features).toMatchObject({
      inputHeight: 112,
      inputChannels: 8,
      outputHeight: 112,
      outputChannels: 16,
      kernelHeight: 3,
      paddingHeight: 2,
      groups: 8,
      weightElements: 9 * 8 + 8 + 8 * 16 + 16,
      multiplyAccumulates: (1806336 + 3211264) / 2,
    });
    expect(find('mobilenetv2_wd2').latencyUs).toBe(68.101);
  });
});

describe('names of TFLite kernels', () => {
  test.each([
    ['convolution_2d_0', 'convolution_2d', []],
    ['convolution_winograd_4x4_6x6_1', 'convolution_winograd_4x4_6x6', []],
    ['convolution_2d_12_linked_:_relu_13', 'convolution_2d', ['relu']],
    ['convolution_2d_grouped_7_linked_:_relu_8', 'convolution_2d_grouped', ['relu']],
    ['depthwise_convolution_3_linked_:_hard_swish_4', 'depthwise_convolution', ['hard_swish']],
    ['depthwise_conv_plus_1x1_conv_5_6_7', 'depthwise_conv_plus_1x1_conv', []],
    ['depthwise_conv_plus_1x1_conv_3_4_5_linked_:_add_6', 'depthwise_conv_plus_1x1_conv', ['add']],
    ['concat_5_linked_:_mul_6_linked_:_add_7_linked_:_relu_8', 'concat', ['mul', 'add', 'relu']],
  ])('%s', (kernel, kind, fused) => {
    expect(tfliteKernel(kernel)).toEqual({ kernel, kind, fused });
  });

  test.each(['', 'convolution_2d', 'conv 2d_1', 'conv_1_linked_:_', 'conv_1_linked_:_relu'])('%j is none', (name) => {
    expect(tfliteKernel(name)).toBeUndefined();
  });
});

describe('broken tables', () => {
  const END_TO_END = ['model', 'FLOPS', 'size', 'pixel4|gpu|float|mean', 'pixel4|gpu|float|std'];
  const KERNELS = ['model', 'operation', 'feature', 'iphone7|gpu|float', 'iphone7|gpu|kernel'];
  const FEATURE =
    "{'Input_shape': '114', 'Input_channel': 8, 'Output_shape': '112', 'Stride': '1', 'Kernel': '3', 'Filter': '1', 'Group': '1', 'FLOPS': '1806336'}";
  const PAIR = 'depthwise_conv_plus_1x1_conv_3_4_linked_:_relu_5';

  function refusal(broken: Table): EngineError {
    try {
      profileFromTable(broken);
    } catch (error) {
      if (error instanceof EngineError) return error;
      throw error;
    }
    throw new Error('the table was read');
  }

  test.each<[string, Table, string, string | null, string]>([
    [
      'latency that is no number',
      table(END_TO_END, ['a', '1', '1', '12ms', '1']),
      'line 2, column pixel4|gpu|float|mean',
      '12ms',
      'a finite number of microseconds greater than 0',
    ],
    [
      'latency of zero',
      table(END_TO_END, ['a', '1', '1', '0', '1']),
      'line 2, column pixel4|gpu|float|mean',
      '0',
      'a finite number of microseconds greater than 0',
    ],
    [
      'negative deviation',
      table(END_TO_END, ['a', '1', '1', '5', '-1']),
      'line 2, column pixel4|gpu|float|std',
      '-1',
      'a finite number of microseconds, 0 or greater',
    ],
    [
      'deviation without latency',
      table(END_TO_END, ['a', '1', '1', null, '1']),
      'line 2, column pixel4|gpu|float|mean',
      null,
      'a finite number of microseconds greater than 0, because there is a standard deviation',
    ],
    [
      'network twice',
      table(END_TO_END, ['a', '1', '1', '5', '1'], ['a', '1', '1', '6', '1']),
      'line 3, column model',
      'a',
      'one row a network; line 2 is another',
    ],
    [
      'no network',
      table(END_TO_END, [null, '1', '1', '5', '1']),
      'line 2, column model',
      null,
      'a name of 1 to 500 characters without control characters',
    ],
    [
      'both FLOPS and flops',
      table([...END_TO_END, 'flops'], ['a', '1', '1', '5', '1', '1']),
      'line 1, column flops',
      'flops',
      'either a column FLOPS (TensorFlow Lite) or a column flops (PyTorch Mobile), which tells the framework',
    ],
    [
      'neither FLOPS nor flops',
      table(
        END_TO_END.filter((name) => name !== 'FLOPS'),
        ['a', '1', '5', '1'],
      ),
      'line 1, column FLOPS',
      null,
      'either a column FLOPS (TensorFlow Lite) or a column flops (PyTorch Mobile), which tells the framework',
    ],
    [
      'another statistic',
      table([...END_TO_END, 's10|gpu|float|p90'], ['a', '1', '1', '5', '1', '1']),
      'line 1, column s10|gpu|float|p90',
      's10|gpu|float|p90',
      'model, FLOPS, flops, size, or device|processor|type|mean or |std',
    ],
    [
      'deviations of nothing',
      table(['model', 'FLOPS', 's10|gpu|float|std'], ['a', '1', '1']),
      'line 1, column s10|gpu|float|std',
      's10|gpu|float|std',
      'a column |mean beside it',
    ],
    [
      'no latency at all',
      table(END_TO_END, ['a', '1', '1', null, null]),
      'line 1',
      null,
      'at least one measured latency',
    ],
    ['no rows', table(KERNELS), 'line 1', null, 'at least one measured latency'],
    [
      'no feature column',
      table(['model', 'operation', 'a|gpu|float', 'a|gpu|kernel']),
      'line 1, column feature',
      null,
      'a column feature',
    ],
    [
      'no kernel column',
      table(KERNELS.slice(0, 4), ['a', 'CONV_2D', FEATURE, '5']),
      'line 1, column iphone7|gpu|float',
      'iphone7|gpu|float',
      'a column iphone7|gpu|kernel beside it',
    ],
    [
      'unknown operation',
      table(KERNELS, ['a', 'CONV_3D', FEATURE, '5', 'convolution_2d_1']),
      'line 2, column operation',
      'CONV_3D',
      'one of CONV_2D, CONV_2D_GROUP, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MEAN, MAX_POOL_2D, AVERAGE_POOL_2D, CONCATENATION',
    ],
    [
      'operation of the other framework',
      table(KERNELS, ['a', 'CONV_2D', FEATURE, null, null], ['a', 'aten::add', '{}', null, null]),
      'line 3, column operation',
      'aten::add',
      'one of CONV_2D, CONV_2D_GROUP, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MEAN, MAX_POOL_2D, AVERAGE_POOL_2D, CONCATENATION',
    ],
    [
      'features that are no dict',
      table(KERNELS, ['a', 'CONV_2D', "{'Stride': '1'", '5', 'convolution_2d_1']),
      'line 2, column feature',
      "{'Stride': '1'",
      "a Python dict, with ',' or '}' at character 15",
    ],
    [
      'features of the other framework',
      table(KERNELS, ['a', 'CONV_2D', "{'stride': 1}", null, null]),
      'line 2, column feature',
      'stride',
      'one of the keys Input_shape, Input_channel, Output_shape, Stride, Kernel, Filter, Group, FLOPS',
    ],
    [
      'fraction of a pixel',
      table(KERNELS, ['a', 'CONV_2D', FEATURE.replace("'114'", '11.5'), null, null]),
      'line 2, column feature',
      'Input_shape: 11.5',
      "a whole number or '-' for Input_shape",
    ],
    [
      'feature that is needed',
      table(KERNELS, ['a', 'CONV_2D', FEATURE.replace("'114'", "'-'"), '5', 'convolution_2d_1']),
      'line 2, column feature',
      null,
      'a number for Input_shape, which CONV_2D needs',
    ],
    [
      'groups that do not divide',
      table(KERNELS, [
        'a',
        'CONV_2D_GROUP',
        FEATURE.replace("'Group': '1'", "'Group': '7'"),
        '5',
        'convolution_2d_grouped_1',
      ]),
      'line 2, column feature',
      'weightElements: 11.285714285714286',
      'sizes, groups and FLOPS that fit each other',
    ],
    [
      'latency without a TFLite kernel',
      table(KERNELS, ['a', 'CONV_2D', FEATURE, '5', null]),
      'line 2, column iphone7|gpu|kernel',
      null,
      'the name of a TFLite kernel such as convolution_2d_12_linked_:_relu_13',
    ],
    [
      'kernel twice',
      table(
        KERNELS,
        ['a', 'CONV_2D', FEATURE, '5', 'convolution_2d_1'],
        ['a', 'CONV_2D', FEATURE, '5', 'convolution_2d_1'],
      ),
      'line 3, column iphone7|gpu|kernel',
      'convolution_2d_1',
      'one row a kernel of a network; line 2 is another',
    ],
    [
      'half a kernel',
      table(KERNELS, ['a', 'DEPTHWISE_CONV_2D', FEATURE, '5', PAIR]),
      'line 2, column iphone7|gpu|kernel',
      PAIR,
      'a row of the CONV_2D in the same kernel behind this one',
    ],
    [
      'halves in the wrong order',
      table(KERNELS, ['a', 'CONV_2D', FEATURE, '5', PAIR], ['a', 'CONV_2D', FEATURE, '5', PAIR]),
      'line 2, column iphone7|gpu|kernel',
      PAIR,
      'the row of the DEPTHWISE_CONV_2D in the same kernel before this one',
    ],
  ])('%s', (_, broken, where, value, expected) => {
    const error = refusal(broken);
    expect([error.code, error.where, error.problems.length, error.problemCount]).toEqual([
      'INVALID_PROFILE',
      where,
      1,
      1,
    ]);
    expect([error.problems[0]!.value, error.problems[0]!.expected]).toEqual([value, expected]);
    expect(error.message).toBe(
      `The mobile-ml-benchmark table is refused: ${value === null ? 'no value' : JSON.stringify(value)}; expected ${expected}.`,
    );
  });

  test('a torch row without a kernel name is of the kind of its operation', () => {
    const feature = "{'input_channel': 4, 'input_shape': 3, 'flops': 36}";
    const [kernel] = profileFromTable(table(KERNELS, ['a', 'aten::relu', feature, '5', null])).kernels;
    expect(kernel).toMatchObject({ scenario: 'torch/iphone7/gpu/float', kernel: '', kind: 'aten::relu', latencyUs: 5 });
    expect(kernel!.features).toMatchObject({ inputElements: 36, outputElements: 36, inputs: 1 });
  });

  test('a name without a latency was not measured', () => {
    const read = profileFromTable(
      table(
        KERNELS,
        ['a', 'CONV_2D', FEATURE, null, 'convolution_2d_1'],
        ['a', 'CONV_2D', FEATURE, '5', 'convolution_2d_2'],
      ),
    );
    expect(read.kernels.map(({ kernel }) => kernel)).toEqual(['convolution_2d_2']);
  });
});
