/** What a predictor sees of a kernel, against values worked out by hand. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FEATURE_NAMES, featurize, planKernels, readNetwork } from '../../src/engine';
import { columnName, deriveFeatures, type FeatureName, termValue } from '../../src/engine/features';
import { createRandom } from '../../src/engine/random';
import { GraphDraft } from '../testkit/networks';

/** Features of the one kernel that a draft's plan ends with. */
function featuresOf(shape: readonly number[], build: (draft: GraphDraft) => string) {
  const draft = new GraphDraft('one', shape, createRandom(1));
  const bytes = draft.finish([build(draft)], 4);
  const features = featurize(planKernels(readNetwork(bytes, { name: 'one' }), 'onnxruntime-cpu'));
  return features[features.length - 1];
}

const NO_WINDOW = {
  kernelHeight: 1,
  kernelWidth: 1,
  strideHeight: 1,
  strideWidth: 1,
  dilation: 1,
  groups: 1,
  paddingHeight: 0,
  paddingWidth: 0,
};

describe('by hand', () => {
  test('a quantised convolution reads its weights behind scale and zero point', () => {
    const golden: { name: string; model: string }[] = JSON.parse(
      readFileSync(path.join(__dirname, 'golden/single_op_shapes.json'), 'utf8'),
    );
    const { model } = golden.find(({ name }) => name === 'QLinearConv')!;
    const graph = readNetwork(Buffer.from(model, 'base64'), { name: 'quantised' });
    // 6 filters of 4 x 3 x 3, output 6 x 6 x 6.
    expect(featurize(planKernels(graph, 'plain'))).toMatchObject([
      { kernelHeight: 3, strideHeight: 2, outputChannels: 6, outputHeight: 6, multiplyAccumulates: 216 * 36 },
    ]);
  });

  test('a convolution between DequantizeLinear and QuantizeLinear is a QLinearConv; scales are no weights', () => {
    const draft = new GraphDraft('quantised', [1, 4, 6, 6], createRandom(1));
    const parameters = [draft.scalar(0.05), draft.constant([], Uint8Array.of(8))];
    const pair = (x: string) =>
      draft.op('DequantizeLinear', [draft.op('QuantizeLinear', [x, ...parameters]), ...parameters]);
    const conv = draft.op('Conv', [pair(draft.input), draft.weights(5, 4, 3, 3), draft.weights(5)], {
      strides: [2, 2],
    });
    const product = draft.op('MatMul', [pair(conv), pair(draft.weights(2, 3))]);
    const bytes = draft.finish([
      pair(draft.op('GlobalAveragePool', [pair(draft.op('Add', [pair(product), pair(product)]))])),
    ]);
    const plan = planKernels(readNetwork(bytes, { name: 'quantised' }), 'onnxruntime-cpu');
    const features = featurize(plan);
    const of = (kind: string) => features[plan.kernels.findIndex((kernel) => kernel.kind === kind)];
    // 5 filters of 4 x 3 x 3 on 2 x 2 pixels; weights and bias.
    expect(of('qlinear_conv')).toMatchObject({ kernelHeight: 3, multiplyAccumulates: 20 * 36, weightElements: 185 });
    // Rows of 2 by a matrix of 2 x 3.
    expect(of('qlinear_mat_mul')).toMatchObject({
      inputElements: 20,
      weightElements: 6,
      multiplyAccumulates: 30 * 2,
      outputElements: 30,
    });
    expect(of('qlinear_add')).toMatchObject({
      inputs: 2,
      inputElements: 60,
      weightElements: 0,
      multiplyAccumulates: 0,
    });
    expect(of('qlinear_global_average_pool')).toMatchObject({ multiplyAccumulates: 30, outputElements: 5 });
  });

  test('a product of scaled and transposed matrices is one, as deep as the left side has columns', () => {
    const features = featuresOf([2, 4, 8], (d) => {
      const transposed = d.op('Transpose', [d.op('Tanh', [d.input])], { perm: [0, 2, 1] });
      return d.op('Mul', [d.op('MatMul', [d.input, transposed]), d.scalar(0.25)]);
    });
    expect(features).toMatchObject({
      inputElements: 128,
      outputElements: 32,
      multiplyAccumulates: 32 * 8,
      weightElements: 0,
    });
  });

  test('convolution 3x5 with stride 2x1 of 4x9x11 to 6 channels, relu fused', () => {
    const features = featuresOf([1, 4, 9, 11], (d) =>
      d.op('Relu', [
        d.op('Conv', [d.input, d.weights(6, 4, 3, 5), d.weights(6)], { strides: [2, 1], pads: [1, 2, 0, 2] }),
      ]),
    );
    // Output height (9 + 1 - 3) / 2 + 1 = 4, width (11 + 4 - 5) / 1 + 1 = 11.
    expect(features).toEqual({
      inputHeight: 9,
      inputWidth: 11,
      inputChannels: 4,
      outputHeight: 4,
      outputWidth: 11,
      outputChannels: 6,
      kernelHeight: 3,
      kernelWidth: 5,
      strideHeight: 2,
      strideWidth: 1,
      dilation: 1,
      groups: 1,
      paddingHeight: 1,
      paddingWidth: 4,
      inputs: 1,
      inputElements: 396,
      outputElements: 264,
      weightElements: 366,
      multiplyAccumulates: 264 * 60,
      fusedOps: 1,
      activationElements: 660,
      arithmeticIntensity: (264 * 60) / 1026,
      // 6 channels as 8, 44 pixels as 48, depth 4, 15 taps.
      paddedMultiplyAccumulates: 8 * 48 * 4 * 15,
      roofline16: 1026,
      roofline64: 1026,
    });
  });

  test('depthwise convolution 3x3 of 10x6x7', () => {
    expect(featuresOf([1, 10, 6, 7], (d) => d.conv(d.input, 10, 10, { groups: 10 }))).toMatchObject({
      groups: 10,
      weightElements: 90 + 10,
      multiplyAccumulates: 420 * 9,
      // 10 channels as 16, 42 pixels as 44.
      paddedMultiplyAccumulates: 16 * 44 * 9,
      inputElements: 420,
      outputElements: 420,
      roofline16: 940,
    });
  });

  test('grouped convolution 1x1 in 2 groups of 8x4x4 to 6 channels', () => {
    expect(featuresOf([1, 8, 4, 4], (d) => d.conv(d.input, 8, 6, { kernel: 1, groups: 2 }))).toMatchObject({
      groups: 2,
      weightElements: 24 + 6,
      multiplyAccumulates: 96 * 4,
      paddedMultiplyAccumulates: 8 * 16 * 4,
      arithmeticIntensity: 384 / (128 + 96 + 30),
    });
  });

  test('a transposed convolution works on its input', () => {
    const features = featuresOf([1, 4, 5, 5], (d) =>
      d.op('ConvTranspose', [d.input, d.weights(4, 3, 2, 2)], { strides: [2, 2] }),
    );
    expect(features).toMatchObject({ outputHeight: 10, kernelHeight: 2, multiplyAccumulates: 100 * 12 });
  });

  test('max pool 3x3 with stride 2 of 4x9x9', () => {
    const features = featuresOf([1, 4, 9, 9], (d) =>
      d.op('MaxPool', [d.input], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    );
    expect(features).toMatchObject({
      kernelHeight: 3,
      strideWidth: 2,
      paddingHeight: 2,
      outputHeight: 5,
      weightElements: 0,
      multiplyAccumulates: 100 * 9,
    });
  });

  test('a whole-image pool reads everything once', () => {
    const features = featuresOf([1, 4, 9, 9], (d) => d.op('GlobalAveragePool', [d.input]));
    expect(features).toMatchObject({ ...NO_WINDOW, multiplyAccumulates: 324, outputElements: 4, outputHeight: 1 });
  });

  test('matrix product of 2x8 by 8x5, the weight transposed', () => {
    const features = featuresOf([2, 8], (d) => d.op('Gemm', [d.input, d.weights(5, 8), d.weights(5)], { transB: 1 }));
    expect(features).toMatchObject({
      ...NO_WINDOW,
      inputChannels: 8,
      outputChannels: 5,
      inputHeight: 1,
      inputElements: 16,
      outputElements: 10,
      weightElements: 45,
      multiplyAccumulates: 80,
    });
  });

  test('a transposed left side is as deep as it has rows', () => {
    const features = featuresOf([8, 2], (d) => d.op('Gemm', [d.input, d.weights(8, 5)], { transA: 1 }));
    expect(features.multiplyAccumulates).toBe(80);
  });

  test('MatMul and Add are seen as the one Gemm that runs', () => {
    const features = featuresOf([2, 8], (d) => d.op('Add', [d.op('MatMul', [d.input, d.weights(8, 5)]), d.weights(5)]));
    expect(features).toMatchObject({ weightElements: 45, multiplyAccumulates: 80, fusedOps: 0 });
  });

  test('concatenation of three', () => {
    const features = featuresOf([1, 4, 5, 5], (d) =>
      d.op('Concat', [d.op('Relu', [d.input]), d.op('Tanh', [d.input]), d.op('Exp', [d.input])], { axis: 1 }),
    );
    expect(features).toMatchObject({ inputs: 3, inputElements: 300, outputElements: 300, outputChannels: 12 });
    expect(features).toMatchObject({ multiplyAccumulates: 0, arithmeticIntensity: 0, paddedMultiplyAccumulates: 0 });
  });

  test('sum of two, and of one and a constant', () => {
    const two = featuresOf([1, 4, 5, 5], (d) => d.op('Add', [d.op('Relu', [d.input]), d.input]));
    expect(two).toMatchObject({ ...NO_WINDOW, inputs: 2, inputElements: 200, outputElements: 100, weightElements: 0 });
    const one = featuresOf([1, 4, 5, 5], (d) => d.op('Add', [d.input, d.weights(4, 1, 1)]));
    expect(one).toMatchObject({ inputs: 1, inputElements: 100, weightElements: 4, roofline64: 204 });
  });
});

describe('derived features', () => {
  const given = { inputElements: 10, outputElements: 20, weightElements: 5, multiplyAccumulates: 700 };

  test('are derived from what they need', () => {
    const derived = deriveFeatures(given);
    expect(derived).toMatchObject({
      activationElements: 30,
      arithmeticIntensity: 20,
      roofline16: 43.75,
      roofline64: 35,
    });
  });

  test.each<[string, Partial<Record<FeatureName, number>>, FeatureName[]]>([
    ['weights', { weightElements: undefined }, ['arithmeticIntensity', 'roofline16', 'roofline64']],
    ['inputs', { inputElements: undefined }, ['activationElements', 'arithmeticIntensity', 'roofline16', 'roofline64']],
    ['the work', { multiplyAccumulates: undefined }, ['arithmeticIntensity', 'roofline16', 'roofline64']],
  ])('without %s those that need them are not numbers', (_, left, unknown) => {
    const derived = deriveFeatures({ ...given, ...left } as typeof given);
    // The window is not given either.
    const missing = FEATURE_NAMES.filter(
      (name) => name in derived && Number.isNaN(derived[name as keyof typeof derived]),
    );
    expect(missing.sort()).toEqual([...unknown, 'paddedMultiplyAccumulates'].sort());
  });

  test('no work needs no padding, whatever else is unknown', () => {
    expect(deriveFeatures({ multiplyAccumulates: 0 }).paddedMultiplyAccumulates).toBe(0);
  });
});

describe('columns', () => {
  const kernel = featuresOf([1, 4, 8, 8], (d) => d.conv(d.input, 4, 4, { stride: 2 }));

  test('are a feature or the mere kernel, for all windows or one', () => {
    expect(termValue({ term: 'kernels' }, kernel)).toBe(1);
    expect(termValue({ term: 'outputElements' }, kernel)).toBe(64);
    expect(termValue({ term: 'outputElements', window: { kernelHeight: 3 } }, kernel)).toBe(64);
    expect(termValue({ term: 'kernels', window: { kernelHeight: 3, strideHeight: 2 } }, kernel)).toBe(1);
    expect(termValue({ term: 'kernels', window: { kernelHeight: 3, strideHeight: 1 } }, kernel)).toBe(0);
    expect(termValue({ term: 'kernels', window: { kernelHeight: 1 } }, kernel)).toBe(0);
  });

  test('have names that tell them apart', () => {
    expect(columnName({ term: 'kernels' })).toBe('kernels');
    expect(columnName({ term: 'kernels', window: { kernelHeight: 3 } })).toBe('kernels[kernel 3]');
    expect(columnName({ term: 'kernels', window: { kernelHeight: 3, strideHeight: 2 } })).toBe(
      'kernels[kernel 3, stride 2]',
    );
  });
});
