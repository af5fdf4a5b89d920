/** The ONNX reader: what it says of every kind of broken file, and that no bytes bring it down. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, planKernels, readNetwork, writeOnnx } from '../../../src/engine';
import { featurize } from '../../../src/engine/features';
import { decodeOnnx, type ReadOptions } from '../../../src/engine/formats/onnx-reader';
import {
  ATTRIBUTE_TYPES,
  type AttributeMessage,
  ELEMENT_TYPES,
  type GraphMessage,
  type ModelMessage,
  ModelProto,
} from '../../../src/engine/formats/onnx-schema';
import { stripOnnx } from '../../../src/engine/formats/onnx-strip';
import { createRandom } from '../../../src/engine/random';
import { fusionNetworks } from '../../testkit/fusion-networks';

type Bytes = Uint8Array<ArrayBufferLike>;

/** A convolution `conv` of `input` [1, 3, 8, 8] by `weight` [4, 3, 3, 3], a reshape by `target`, and a graph output. */
function wholeFile(): Bytes {
  return writeOnnx({
    name: 'whole',
    inputs: [{ name: 'input', type: 'float32', shape: [1, 3, 8, 8] }],
    outputs: [{ name: 'output', type: 'float32', shape: [1, 144] }],
    nodes: [
      {
        type: 'Conv',
        name: 'conv',
        inputs: ['input', 'weight'],
        outputs: ['convolved'],
        attributes: { group: { int: 1 } },
      },
      { type: 'Reshape', name: 'flat', inputs: ['convolved', 'target'], outputs: ['output'] },
    ],
    constants: [
      { name: 'weight', shape: [4, 3, 3, 3], values: new Float32Array(108).fill(0.5) },
      { name: 'target', shape: [2], values: BigInt64Array.of(1n, -1n) },
    ],
  });
}

function changed(change: (graph: GraphMessage, model: ModelMessage) => void): Bytes {
  const model = decodeOnnx(wholeFile());
  change(model.graph!, model);
  return ModelProto.encode(ModelProto.fromObject(model)).finish();
}

function read(bytes: Bytes, options: Partial<ReadOptions> = {}) {
  return readNetwork(bytes, { name: 'net', ...options });
}

function refusal(bytes: Bytes, options: Partial<ReadOptions> = {}): EngineError {
  try {
    read(bytes, options);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the file was read');
}

function setDimension(graph: GraphMessage, axis: number, dimension: { dimValue?: number; dimParam?: string }): void {
  graph.input[0].type!.tensorType!.shape!.dim[axis] = dimension;
}

function setAttribute(graph: GraphMessage, attribute: AttributeMessage): void {
  graph.node[0].attribute = [attribute];
}

test('the whole file is read', () => {
  const graph = read(wholeFile());
  expect(graph.tensors.get('convolved')).toEqual({
    name: 'convolved',
    type: 'float32',
    shape: [1, 4, 6, 6],
    constant: false,
  });
  expect(graph.tensors.get('output')!.shape).toEqual([1, 144]);
  expect(graph.tensors.get('target')!.values).toEqual([1, -1]);
});

describe('broken files', () => {
  interface BrokenFile {
    readonly what: string;
    readonly bytes: Bytes;
    readonly options?: Partial<ReadOptions>;
    readonly code: string;
    readonly message: string | RegExp;
    readonly where?: string;
    readonly remedy?: string | RegExp;
  }

  const subgraph = (opType: string) =>
    changed(({ node }) => {
      node[1] = { ...node[1], opType, input: ['convolved'] };
    });

  const files: readonly BrokenFile[] = [
    {
      what: 'no bytes',
      bytes: new Uint8Array(),
      code: 'MALFORMED_FILE',
      message: 'the file is empty',
      remedy: /again/,
    },
    {
      what: 'a text',
      bytes: new TextEncoder().encode('<!DOCTYPE html><html><body>404</body></html>'),
      code: 'MALFORMED_FILE',
      message: /^not an ONNX file: /,
      remedy: /is an \.onnx model/,
    },
    {
      what: 'a model without a graph',
      bytes: changed((_, model) => delete model.graph),
      code: 'MALFORMED_FILE',
      message: 'the file holds no ONNX graph',
      where: 'net',
      remedy: /\.onnx model file/,
    },
    {
      what: 'a graph without ops',
      bytes: changed((graph) => {
        graph.node = [];
      }),
      code: 'MALFORMED_FILE',
      message: 'the file holds no ONNX graph',
      where: 'net',
    },
    {
      what: 'no operator set',
      bytes: changed((_, model) => {
        model.opsetImport = [{ domain: 'ai.onnx.ml', version: 3 }];
      }),
      code: 'MALFORMED_FILE',
      message: 'the file imports no ONNX operator set',
      where: 'net',
    },
    {
      what: 'operator set 6',
      bytes: changed((_, model) => {
        model.opsetImport = [{ version: 6 }];
      }),
      code: 'UNSUPPORTED_FORMAT',
      message: 'the file uses operator set 6; 7 or newer is read',
      where: 'net',
      remedy: /version_converter/,
    },
    {
      what: 'an unknown op',
      bytes: subgraph('Frobnicate'),
      code: 'UNSUPPORTED_OP',
      message: 'op type Frobnicate has no shape rule',
      where: 'op flat (Frobnicate)',
      remedy: /Replace the op/,
    },
    {
      what: 'an op named like a method of every object',
      bytes: subgraph('toString'),
      code: 'UNSUPPORTED_OP',
      message: 'op type toString has no shape rule',
      where: 'op flat (toString)',
    },
    {
      what: 'an op of another domain',
      bytes: changed(({ node }) => {
        node[1] = { ...node[1], domain: 'com.example', opType: 'Relu', name: '' };
      }),
      code: 'UNSUPPORTED_OP',
      message: 'op type com.example.Relu has no shape rule',
      where: 'op com.example.Relu_1 (com.example.Relu)',
    },
    ...['If', 'Loop', 'Scan'].map((type) => ({
      what: `control flow by ${type}`,
      bytes: subgraph(type),
      code: 'UNSUPPORTED_OP',
      message: `${type} decides at run time what is computed`,
      where: `op flat (${type})`,
      remedy: /branch that runs on the device/,
    })),
    {
      what: 'an attribute that holds a graph',
      bytes: changed((graph) => setAttribute(graph, { name: 'body', type: ATTRIBUTE_TYPES.graph })),
      code: 'UNSUPPORTED_OP',
      message: 'attribute body has type 5, which is not read',
      where: 'op conv (Conv)',
    },
    {
      what: 'a dynamic dimension with a name',
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension batch of input input is dynamic',
      where: 'input',
      remedy: 'Bind it, for example batch=1.',
    },
    {
      what: 'a dynamic dimension without a name',
      bytes: changed((graph) => setDimension(graph, 2, {})),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension input.2 of input input is dynamic',
      where: 'input',
      remedy: 'Bind it, for example input.2=1.',
    },
    {
      what: 'a negative dimension of an input',
      bytes: changed((graph) => setDimension(graph, 2, { dimValue: -8 })),
      code: 'UNBOUND_DIMENSION',
      message: 'dimension input.2 of input input is dynamic',
      where: 'input',
    },
    ...[0, -1, 1.5, Number.NaN].map((batch) => ({
      what: `a dimension bound to ${batch}`,
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      options: { bindings: { batch } },
      code: 'UNBOUND_DIMENSION',
      message: `binding batch=${batch} is not a whole number of at least 1`,
      where: 'batch',
      remedy: /whole number/,
    })),
    {
      what: 'a binding of no dimension',
      bytes: changed((graph) => setDimension(graph, 0, { dimParam: 'batch' })),
      options: { bindings: { batch: 1, sequence: 128 } },
      code: 'UNKNOWN_NAME',
      message: 'binding sequence names no dynamic dimension of the network',
      where: 'sequence',
      remedy: 'Dynamic dimensions: batch.',
    },
    {
      what: 'an input without a shape',
      bytes: changed(({ input }) => {
        delete input[0].type!.tensorType!.shape;
      }),
      code: 'INVALID_SHAPE',
      message: 'graph input input has no tensor shape',
      where: 'input',
      remedy: /fixed input shape/,
    },
    {
      what: 'a huge input',
      bytes: changed((graph) => setDimension(graph, 0, { dimValue: 2 ** 40 })),
      code: 'MALFORMED_FILE',
      message: 'a tensor has shape [1099511627776,3,8,8]',
      where: 'input',
      remedy: /^Check /,
    },
    {
      what: 'an initializer that stands twice',
      bytes: changed(({ initializer }) => initializer.push(initializer[0])),
      code: 'MALFORMED_FILE',
      message: 'initializer weight stands twice',
      where: 'weight',
      remedy: /^Check /,
    },
    {
      what: 'an initializer of negative size',
      bytes: changed(({ initializer }) => {
        initializer[0].dims = [4, 3, -3, -3];
      }),
      code: 'MALFORMED_FILE',
      message: 'a tensor has shape [4,3,-3,-3]',
      where: 'weight',
      remedy: /^Check /,
    },
    {
      what: 'an initializer of 2^60 elements',
      bytes: changed(({ initializer }) => {
        initializer[0].dims = [2 ** 30, 2 ** 30];
      }),
      code: 'MALFORMED_FILE',
      message: 'a tensor has shape [1073741824,1073741824]',
      where: 'weight',
    },
    {
      what: 'an initializer with too few values',
      bytes: changed(({ initializer }) => {
        initializer[1].rawData = initializer[1].rawData!.subarray(0, 8);
      }),
      code: 'MALFORMED_FILE',
      message: 'a tensor of shape [2] has 1 values',
      where: 'target',
      remedy: /^Check /,
    },
    {
      what: 'an initializer of complex numbers',
      bytes: changed(({ initializer }) => {
        initializer[0].dataType = 14;
      }),
      code: 'UNSUPPORTED_FORMAT',
      message: 'element type 14 is not supported',
      where: 'weight',
      remedy: /float32/,
    },
    {
      what: 'a tensor that is made twice',
      bytes: changed(({ node }) => {
        node[1].output = ['convolved'];
      }),
      code: 'MALFORMED_FILE',
      message: 'tensor convolved is made twice',
      where: 'op flat (Reshape)',
      remedy: /^Check /,
    },
    {
      what: 'a tensor that is read before it is made',
      bytes: changed(({ node }) => node.reverse()),
      code: 'MALFORMED_FILE',
      message: 'tensor convolved is read before any op makes it',
      where: 'op flat (Reshape)',
      remedy: /^Check /,
    },
    {
      what: 'an op that makes nothing',
      bytes: changed(({ node }) => {
        node[1].output = [];
      }),
      code: 'MALFORMED_FILE',
      message: 'the op makes no first output',
      where: 'op flat (Reshape)',
    },
    {
      what: 'an output that no op makes',
      bytes: changed(({ output }) => {
        output[0].name = 'elsewhere';
      }),
      code: 'MALFORMED_FILE',
      message: 'graph output elsewhere is made by no op',
      where: 'elsewhere',
      remedy: /^Check /,
    },
    {
      what: 'an output too many',
      bytes: changed(({ node }) => {
        node[1].output = ['output', 'more'];
      }),
      code: 'INVALID_SHAPE',
      message: 'output 1 (more) is not one that Reshape makes',
      where: 'op flat (Reshape)',
    },
    {
      what: 'a weight of other channels than its input',
      bytes: changed(({ initializer }) => {
        initializer[0].dims = [4, 9, 3, 1];
      }),
      code: 'INVALID_SHAPE',
      message: 'weight [4,9,3,1] in 1 groups does not fit 3 input channels',
      where: 'op conv (Conv)',
      remedy: /file contradicts itself/,
    },
    {
      what: 'a window that contradicts the weight',
      bytes: changed((graph) =>
        setAttribute(graph, { name: 'kernel_shape', type: ATTRIBUTE_TYPES.ints, ints: [5, 5] }),
      ),
      code: 'INVALID_SHAPE',
      message: 'kernel_shape [5,5] contradicts weight [4,3,3,3]',
      where: 'op conv (Conv)',
    },
    {
      what: 'an attribute of the wrong type',
      bytes: changed((graph) => setAttribute(graph, { name: 'strides', type: ATTRIBUTE_TYPES.float, f: 2 })),
      code: 'INVALID_SHAPE',
      message: 'attribute strides is not a list of numbers',
      where: 'op conv (Conv)',
    },
    {
      what: 'a shape whose constant was left out',
      bytes: changed(({ initializer }) => {
        delete initializer[1].rawData;
        initializer[1].dataLocation = 1;
      }),
      code: 'INVALID_SHAPE',
      message: 'the shape depends on the values of tensor target, which are not a constant of the file',
      where: 'op flat (Reshape)',
      remedy: /keep small constants/,
    },
  ];

  test.each(files)('$what: $code', ({ bytes, options, code, message, where, remedy }) => {
    const error = refusal(bytes, options);
    expect({ code: error.code, where: error.where }).toEqual({ code, where });
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
    // Every refusal says what to do.
    expect(error.remedy).toMatch(remedy ?? /\.$/);
  });
});

describe('what is no defect', () => {
  test('weights that are external and were not sent along', () => {
    const bytes = changed(({ initializer }) => {
      delete initializer[0].rawData;
      initializer[0].dataLocation = 1;
      initializer[0].externalData = [{ key: 'location', value: 'weights.bin' }];
    });
    const graph = read(bytes);
    expect(graph.tensors.get('weight')).toEqual({
      name: 'weight',
      type: 'float32',
      shape: [4, 3, 3, 3],
      constant: true,
    });
    expect(graph.tensors.get('output')!.shape).toEqual([1, 144]);
  });

  test('bindings, by name and by position', () => {
    const bytes = changed((graph) => {
      setDimension(graph, 0, { dimParam: 'batch' });
      setDimension(graph, 2, {});
    });
    const graph = read(bytes, { bindings: { batch: 2, 'input.2': 10 } });
    expect(graph.tensors.get('convolved')!.shape).toEqual([2, 4, 8, 6]);
  });

  test('initializers that are listed among the inputs', () => {
    const bytes = changed(({ input }) => input.push({ ...input[0], name: 'weight' }));
    expect(read(bytes).inputs).toEqual(['input']);
  });

  test('values in the typed lists, and numbers of 8 bytes', () => {
    const bytes = changed(({ initializer }) => {
      initializer[1] = { name: 'target', dims: [2], dataType: ELEMENT_TYPES.int64, int64Data: [-1, 72] };
      initializer.push({
        name: 'doubles',
        dims: [2],
        dataType: ELEMENT_TYPES.float64,
        rawData: new Uint8Array(Float64Array.of(0.1, -3).buffer),
      });
    });
    const { tensors } = read(bytes);
    expect(tensors.get('output')!.shape).toEqual([2, 72]);
    expect(tensors.get('doubles')).toMatchObject({ type: 'float64', values: [0.1, -3] });
  });
});

describe('any bytes', () => {
  const singleOps: readonly { readonly model: string }[] = JSON.parse(
    readFileSync(path.join(__dirname, '../golden/single_op_shapes.json'), 'utf8'),
  );
  const seeds: readonly Bytes[] = [
    ...fusionNetworks(3).map(({ bytes }) => bytes),
    ...singleOps.map(({ model }) => Buffer.from(model, 'base64')),
  ];

  /** A graph that can be planned, or a coded error: anything else fails. */
  function readOrRefuse(bytes: Bytes): void {
    const started = performance.now();
    try {
      const graph = read(stripOnnx(bytes).bytes);
      for (const runtime of ['plain', 'onnxruntime-cpu']) featurize(planKernels(graph, runtime));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      expect(error.message).not.toBe('');
    }
    expect(performance.now() - started).toBeLessThan(2000);
  }

  test('every truncation of a file is refused or read', () => {
    const whole = wholeFile();
    for (let length = 0; length < whole.length; length++) readOrRefuse(whole.subarray(0, length));
    expect(refusal(whole.subarray(0, whole.length - 1)).code).toBe('MALFORMED_FILE');
    expect(refusal(whole.subarray(0, 40)).remedy).toMatch(/complete/);
  });

  test('2,000 files with changed bytes are refused or read', () => {
    const random = createRandom(11);
    for (let i = 0; i < 2000; i++) {
      const bytes = Uint8Array.from(seeds[random.below(seeds.length)]);
      for (let changes = 1 + random.below(4); changes > 0; changes--)
        bytes[random.below(bytes.length)] = random.below(256);
      readOrRefuse(random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
    }
  });

  test('2,000 graphs with a changed attribute, constant or input are refused or read', () => {
    const random = createRandom(12);
    const pick = <T>(list: readonly T[]): T | undefined => list[random.below(Math.max(1, list.length))];
    const number = () => pick([-(2 ** 62), -2, -1, 0, 1, 2, 3, 5, 1000, 2 ** 31, 2 ** 62])!;
    const changeList = (list: number[] | undefined) => {
      if (list && random.below(3) === 0) list.splice(0, 1);
      else if (list?.length) list[random.below(list.length)] = number();
    };
    for (let i = 0; i < 2000; i++) {
      const model = decodeOnnx(pick(seeds)!);
      const { node, initializer, input } = model.graph!;
      const op = pick(node)!;
      const attribute = pick(op.attribute);
      const constant = pick(initializer);
      const changes: readonly (() => void)[] = [
        () => attribute && changeList(attribute.ints),
        () => attribute && Object.assign(attribute, { i: number() }),
        () => attribute && Object.assign(attribute, { type: 1 + random.below(8) }),
        () => changeList(constant?.dims),
        () =>
          constant && Object.assign(constant, { rawData: new Uint8Array(BigInt64Array.of(BigInt(number())).buffer) }),
        () => constant && Object.assign(constant, { rawData: new Uint8Array(Float32Array.of(number(), 1).buffer) }),
        () => op.input.pop(),
        () => op.input.push(pick(node)!.output[0]),
        () => Object.assign(pick(input[0]?.type?.tensorType?.shape?.dim ?? []) ?? {}, { dimValue: number() }),
        () => Object.assign(op, { opType: decodeOnnx(pick(seeds)!).graph!.node[0].opType }),
      ];
      for (let count = 1 + random.below(2); count > 0; count--) pick(changes)!();
      readOrRefuse(ModelProto.encode(ModelProto.fromObject(model)).finish());
    }
  });
});
