/** The TFLite reader on hand-made files: ops in ONNX's words, weights in ONNX's order, quantised networks. */
import { featurize, planKernels, readNetwork, stripNetwork } from '../../../src/engine';
import { kernelKind } from '../../../src/engine/plan';
import {
  convOptions,
  type FileDeclaration,
  float32s,
  int32s,
  smallFile,
  withOperator,
  withTensor,
  writeTflite,
} from '../../testkit/tflite-files';

const read = (file: FileDeclaration, bindings?: Record<string, number>) =>
  readNetwork(writeTflite(file), { name: 'net', bindings });

/** Two bytes an element: 1, -2, 0.5 and the smallest positive half. */
const HALVES = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x0001).buffer);

test('the small file, whole', () => {
  const graph = read(smallFile());
  expect(graph.ops).toEqual([
    {
      name: 'conv_2d_0',
      type: 'Conv',
      inputs: ['image', 'weight', 'bias'],
      outputs: ['features/before_activation'],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [1, 0, 1, 1], group: 1 },
    },
    {
      name: 'conv_2d_0/relu6',
      type: 'Clip',
      inputs: ['features/before_activation'],
      outputs: ['features'],
      attributes: { min: 0, max: 6, fused_activation: 1 },
    },
    {
      name: 'mean_1',
      type: 'ReduceMean',
      inputs: ['features'],
      outputs: ['means'],
      attributes: { axes: [1, 2], keepdims: 0 },
    },
  ]);
  expect(
    Object.fromEntries([...graph.tensors].map(([name, { shape, constant }]) => [name, [shape, constant]])),
  ).toEqual({
    image: [[1, 9, 8, 3], false],
    weight: [[4, 3, 3, 3], true],
    bias: [[4], true],
    features: [[1, 5, 4, 4], false],
    'features/before_activation': [[1, 5, 4, 4], false],
    axes: [[2], true],
    means: [[1, 4], false],
  });
  expect(graph.tensors.get('bias')!.values).toEqual([0.5, 0.5, 0.5, 0.5]);
  const [conv, clip, mean] = featurize(planKernels(graph, 'plain'));
  expect(conv).toMatchObject({
    inputHeight: 9,
    inputWidth: 8,
    inputChannels: 3,
    outputHeight: 5,
    outputWidth: 4,
    outputChannels: 4,
    kernelHeight: 3,
    strideWidth: 2,
    groups: 1,
    paddingHeight: 2,
    paddingWidth: 1,
    weightElements: 112,
    multiplyAccumulates: 5 * 4 * 4 * 27,
  });
  expect(clip.multiplyAccumulates).toBe(0);
  // As a global pool has: one addition an input element.
  expect(mean).toMatchObject({ inputHeight: 5, multiplyAccumulates: 80, inputs: 1, weightElements: 0 });
});

describe('weights', () => {
  const WEIGHT = new Uint8Array(Float32Array.from({ length: 2 * 1 * 2 * 4 }, (_, i) => i).buffer);

  test('of a convolution change from OHWI to OIHW, values too', () => {
    const graph = read({
      tensors: [
        { name: 'image', shape: [1, 4, 4, 4] },
        { name: 'weight', shape: [2, 1, 2, 4], data: WEIGHT },
        { name: 'out', shape: [1, 4, 4, 2] },
      ],
      operators: [{ builtin: 'CONV_2D', inputs: [0, 1, -1], outputs: [2], options: convOptions() }],
      inputs: [0],
      outputs: [2],
    });
    expect(graph.ops[0].inputs).toEqual(['image', 'weight']);
    expect(graph.tensors.get('weight')).toMatchObject({
      shape: [2, 4, 1, 2],
      values: [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15],
    });
  });

  test.each([
    ['CONV_2D', { union: 1, group: 2 }, [8, 3, 3, 2], [8, 2, 3, 3], 'grouped_convolution', 8],
    ['DEPTHWISE_CONV_2D', { union: 2, group: 4 }, [1, 3, 3, 8], [8, 1, 3, 3], 'depthwise_convolution', 8],
    ['CONV_2D', { union: 1, group: 1 }, [8, 1, 1, 4], [8, 4, 1, 1], 'pointwise_convolution', 8],
  ] as const)('%s %j', (builtin, { union, group }, shape, restated, kind, channels) => {
    const graph = read({
      tensors: [
        { name: 'image', shape: [1, 6, 6, 4] },
        { name: 'weight', shape },
        { name: 'out', shape: [1, 6, 6, channels] },
      ],
      operators: [{ builtin, inputs: [0, 1, -1], outputs: [2], options: { ...convOptions(), union } }],
      inputs: [0],
      outputs: [2],
    });
    expect(graph.tensors.get('weight')).toEqual({ name: 'weight', type: 'float32', shape: restated, constant: true });
    expect(graph.ops[0].attributes).toMatchObject({ group, pads: shape[1] === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0] });
    expect(kernelKind(graph, graph.ops[0])).toBe(kind);
    const [{ multiplyAccumulates, groups }] = featurize(planKernels(graph, 'plain'));
    expect(multiplyAccumulates).toBe(36 * channels * restated[1] * restated[2] * restated[3]);
    expect(groups).toBe(group);
  });

  test('that another op reads as they are keep their order there', () => {
    const { tensors, operators } = smallFile();
    const graph = read({
      ...smallFile(),
      tensors: [...tensors, { name: 'negative', shape: [4, 3, 3, 3] }],
      operators: [...operators, { builtin: 'NEG', inputs: [1], outputs: [6] }],
    });
    expect(graph.ops[0].inputs[1]).toBe('weight/0312');
    expect(graph.tensors.get('weight/0312')!.constant).toBe(true);
    expect(graph.ops[3].inputs).toEqual(['weight']);
  });
});

describe('quantised networks', () => {
  test('float16: weights go through DEQUANTIZE, which computes nothing at run time', () => {
    const { tensors, operators } = smallFile();
    const graph = read({
      ...smallFile(),
      tensors: [
        ...tensors.map((tensor, i) => (i === 1 || i === 2 ? { ...tensor, data: undefined } : tensor)),
        { name: 'weight16', type: 'float16', shape: [4, 3, 3, 3] },
        { name: 'bias16', type: 'float16', shape: [4], data: HALVES },
      ],
      operators: [
        { builtin: 'DEQUANTIZE', inputs: [6], outputs: [1] },
        { builtin: 'DEQUANTIZE', inputs: [7], outputs: [2] },
        ...operators,
      ],
    });
    expect(graph.tensors.get('bias16')).toMatchObject({ type: 'float16', values: [1, -2, 0.5, 2 ** -24] });
    expect(graph.tensors.get('weight')).toMatchObject({ type: 'float32', shape: [4, 3, 3, 3], constant: true });
    expect(graph.tensors.get('weight16')).toMatchObject({ type: 'float16', constant: true });
    expect(graph.ops.slice(0, 2).map(({ type }) => type)).toEqual(['DequantizeLinear', 'DequantizeLinear']);
    expect(planKernels(graph, 'plain').kernels.map(({ kind }) => kind)).toEqual(['convolution', 'clip', 'reduce_mean']);
  });

  test('float16 weights and what is made of them have the same order', () => {
    const graph = read({
      tensors: [
        { name: 'image', shape: [1, 4, 4, 3] },
        { name: 'weight16', type: 'float16', shape: [5, 1, 2, 3] },
        { name: 'weight', shape: [5, 1, 2, 3] },
        { name: 'out', shape: [1, 4, 4, 5] },
      ],
      operators: [
        { builtin: 'DEQUANTIZE', inputs: [1], outputs: [2] },
        { builtin: 'CONV_2D', inputs: [0, 2, -1], outputs: [3], options: convOptions() },
      ],
      inputs: [0],
      outputs: [3],
    });
    expect(['weight16', 'weight'].map((name) => graph.tensors.get(name)!.shape)).toEqual([
      [5, 3, 1, 2],
      [5, 3, 1, 2],
    ]);
  });

  test.each(['int8', 'uint8', 'int16'] as const)('full integer: %s activations', (type) => {
    const quantised = { type, scales: [0.5] };
    const graph = read({
      tensors: [
        { name: 'image', shape: [1, 4, 4, 3] },
        { name: 'image8', shape: [1, 4, 4, 3], ...quantised },
        { name: 'weight', shape: [2, 3, 3, 3], type: type === 'uint8' ? 'uint8' : 'int8', scales: [0.5, 0.25] },
        { name: 'bias', shape: [2], type: type === 'int16' ? 'int64' : 'int32', scales: [0.25, 0.125] },
        { name: 'out8', shape: [1, 4, 4, 2], ...quantised },
        { name: 'out', shape: [1, 4, 4, 2] },
      ],
      operators: [
        { builtin: 'QUANTIZE', inputs: [0], outputs: [1] },
        { builtin: 'CONV_2D', inputs: [1, 2, 3], outputs: [4], options: convOptions(1, 1) },
        { builtin: 'DEQUANTIZE', inputs: [4], outputs: [5] },
      ],
      inputs: [0],
      outputs: [5],
    });
    expect(graph.ops.map(({ type: op }) => op)).toEqual(['QuantizeLinear', 'Conv', 'Relu', 'DequantizeLinear']);
    expect(graph.tensors.get('out8/before_activation')!.type).toBe(type);
    expect(graph.tensors.get('bias')).toMatchObject({ shape: [2], constant: true });
    expect(planKernels(graph, 'plain').kernels.length).toBe(4);
  });

  test('dynamic range: int8 weights, float activations', () => {
    const graph = read({
      tensors: [
        { name: 'rows', shape: [2, 3, 4] },
        { name: 'weight', type: 'int8', shape: [5, 12], data: new Uint8Array(60).fill(255), scales: [0.5] },
        { name: 'out', shape: [2, 5] },
      ],
      operators: [
        {
          builtin: 'FULLY_CONNECTED',
          inputs: [0, 1, -1],
          outputs: [2],
          options: { union: 8, fields: [[0, 'int8', 1]] },
        },
      ],
      inputs: [0],
      outputs: [2],
    });
    expect(graph.tensors.get('weight')).toMatchObject({ type: 'int8', shape: [5, 12] });
    expect(graph.tensors.get('weight')!.values).toEqual(new Array(60).fill(-1));
    expect(graph.ops[0]).toMatchObject({ type: 'Gemm', inputs: ['rows', 'weight'], attributes: { transB: 1 } });
    expect(featurize(planKernels(graph, 'plain'))[0]).toMatchObject({ multiplyAccumulates: 120, weightElements: 60 });
  });
});

describe('what is no defect', () => {
  test('weights without bytes', () => {
    const whole = read(smallFile());
    const graph = read(withTensor(1, { data: undefined }));
    expect(graph.ops).toEqual(whole.ops);
    expect(graph.tensors.get('weight')).toEqual({
      name: 'weight',
      type: 'float32',
      shape: [4, 3, 3, 3],
      constant: true,
    });
  });

  test('tensors without a name, or with the same one', () => {
    const graph = read(withTensor(3, { name: 'image' }));
    expect(graph.ops.map(({ outputs }) => outputs[0])).toEqual(['image:3/before_activation', 'image:3', 'means']);
    expect(read(withTensor(3, { name: '' })).ops[1].outputs).toEqual(['tensor:3']);
  });

  test('a tensor that is already called as a new one would be', () => {
    const graph = read(withTensor(5, { name: 'features/before_activation' }));
    expect(graph.ops[0].outputs).toEqual(['features/before_activation_']);
    expect(graph.outputs).toEqual(['features/before_activation']);
  });

  test('data behind the FlatBuffer', () => {
    const graph = read(withTensor(4, { outside: true }));
    expect(graph.ops[2].attributes.axes).toEqual([1, 2]);
  });

  test('operators without an options table have the defaults of the schema', () => {
    const graph = read(withOperator(1, { options: undefined }));
    expect(graph.ops[2].attributes).toEqual({ axes: [1, 2], keepdims: 0 });
  });

  test('a static file in which shapes are reckoned', () => {
    const graph = read({
      tensors: [
        { name: 'rows', shape: [2, 6] },
        { name: 'shape', type: 'int32', shape: [2] },
        { name: 'twice', type: 'int32', shape: [2], data: int32s(2, 1) },
        { name: 'target', type: 'int32', shape: [2] },
        { name: 'fitting', type: 'int32', shape: [2] },
        { name: 'ones', type: 'int32', shape: [2], data: int32s(1, 2) },
        { name: 'out', shape: [4, 3] },
      ],
      operators: [
        { builtin: 'SHAPE', inputs: [0], outputs: [1] },
        { builtin: 'MUL', inputs: [1, 2], outputs: [3] },
        { builtin: 'DIV', inputs: [3, 5], outputs: [4] },
        { builtin: 'RESHAPE', inputs: [0, 4], outputs: [6] },
      ],
      inputs: [0],
      outputs: [6],
    });
    expect(graph.tensors.get('fitting')).toMatchObject({ values: [4, 3], constant: true });
    expect(graph.ops[3].attributes).toMatchObject({ shape: [4, 3] });
    expect(planKernels(graph, 'plain').kernels).toEqual([]);
  });

  test('a batch that is bound to another size', () => {
    const file = withTensor(0, { signature: [-1, 9, 8, 3] });
    const graph = read(file, { 'image.0': 5 });
    expect(graph.tensors.get('features')!.shape).toEqual([5, 5, 4, 4]);
    expect(graph.tensors.get('features/before_activation')!.shape).toEqual([5, 5, 4, 4]);
    expect(graph.tensors.get('means')!.shape).toEqual([5, 4]);
    expect(graph.tensors.get('weight')!.shape).toEqual([4, 3, 3, 3]);
  });
});

test('small constants keep their values, large ones do not', () => {
  const values = (count: number) =>
    read({
      tensors: [
        { name: 'a', shape: [count] },
        { name: 'b', shape: [count], data: float32s(count) },
        { name: 'c', shape: [count] },
      ],
      operators: [{ builtin: 'ADD', inputs: [0, 1], outputs: [2] }],
      inputs: [0],
      outputs: [2],
    }).tensors.get('b')!.values?.length;
  expect([values(1024), values(1025)]).toEqual([1024, undefined]);
});

describe('element types', () => {
  test.each([
    ['int4', 54],
    ['uint4', 54],
    ['float8e5m2', 108],
    ['bfloat16', 216],
    ['float16', 216],
    ['complex64', 864],
  ] as const)('weights of %s are read, whole and stripped', (type, bytes) => {
    const whole = writeTflite(withTensor(1, { type, data: new Uint8Array(bytes) }));
    const { bytes: rest, stripped } = stripNetwork(whole);
    expect(stripped).toBe(bytes > 256 ? 1 : 0);
    for (const file of [whole, rest]) {
      const { tensors } = readNetwork(file, { name: 'net' });
      expect(tensors.get('weight')).toMatchObject({ type, shape: [4, 3, 3, 3], constant: true });
      expect(tensors.get('features')!.shape).toEqual([1, 5, 4, 4]);
    }
  });

  test('texts are read, of any number of bytes', () => {
    const { tensors } = read(withTensor(1, { type: 'string', data: new Uint8Array(17) }));
    expect(tensors.get('weight')).toEqual({ name: 'weight', type: 'string', shape: [4, 3, 3, 3], constant: true });
  });
});
