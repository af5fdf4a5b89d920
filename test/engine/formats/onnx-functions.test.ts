/** Functions of ONNX models, sparse initializers and weights in attributes: what stands in a file beside its graph. */
import { planKernels } from '../../../src/engine';
import { decodeOnnx } from '../../../src/engine/formats/onnx-decoder';
import {
  ATTRIBUTE_TYPES,
  ELEMENT_TYPES,
  type FunctionMessage,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
} from '../../../src/engine/formats/onnx-schema';
import { stripOnnx } from '../../../src/engine/formats/onnx-strip';
import { type Bytes, changed, read, testBrokenFiles } from '../../testkit/onnx-files';

const DOMAIN = 'ours';

function call(opType: string, input: string[], output: string[], rest: Partial<NodeMessage> = {}): NodeMessage {
  return { opType, domain: DOMAIN, input, output, attribute: [], ...rest };
}

function node(opType: string, input: string[], output: string[], rest: Partial<NodeMessage> = {}): NodeMessage {
  return call(opType, input, output, { domain: '', ...rest });
}

function define(
  name: string,
  input: string[],
  output: string[],
  body: NodeMessage[],
  rest: Partial<FunctionMessage> = {},
) {
  return { name, domain: DOMAIN, input, output, node: body, opsetImport: [{ domain: '', version: 17 }], ...rest };
}

/** The whole file, whose convolution's result goes through `between` before the reshape. */
function withFunctions(functions: FunctionMessage[], between: (graph: GraphMessage) => NodeMessage[]): Bytes {
  return changed((graph, model: ModelMessage) => {
    model.functions = functions;
    const [conv, reshape] = graph.node;
    reshape.input[0] = 'activated';
    graph.node = [conv, ...between(graph), reshape];
  });
}

const twice = define('Twice', ['x'], ['y'], [node('Relu', ['x'], ['t'], { name: 'relu' }), node('Tanh', ['t'], ['y'])]);

test('a call becomes the ops of the function, with names of their own', () => {
  const bytes = withFunctions([twice], () => [
    call('Twice', ['convolved'], ['a'], { name: 'first' }),
    call('Twice', ['a'], ['activated'], { name: 'first' }),
  ]);
  const graph = read(bytes);
  expect(graph.ops.map(({ name }) => name)).toEqual([
    'conv',
    'first/relu',
    'first/Tanh_1',
    'first_1/relu',
    'first_1/Tanh_1',
    'flat',
  ]);
  expect(graph.ops[1]).toMatchObject({ inputs: ['convolved'], outputs: ['first/t'] });
  expect(graph.ops[4]).toMatchObject({ inputs: ['first_1/t'], outputs: ['activated'] });
  expect(graph.tensors.get('first_1/t')!.shape).toEqual([1, 4, 6, 6]);
  expect(planKernels(read(stripOnnx(bytes).bytes), 'plain').kernels).toEqual(planKernels(graph, 'plain').kernels);
});

test('attributes of the call, of the default and of neither', () => {
  const leaky = define(
    'Leaky',
    ['x'],
    ['y'],
    [
      node('LeakyRelu', ['x'], ['t'], {
        attribute: [{ name: 'alpha', type: ATTRIBUTE_TYPES.float, refAttrName: 'slope' }],
      }),
      node('Elu', ['t'], ['u'], { attribute: [{ name: 'alpha', type: ATTRIBUTE_TYPES.float, refAttrName: 'steep' }] }),
      node('Celu', ['u'], ['y'], { attribute: [{ name: 'alpha', type: ATTRIBUTE_TYPES.float, refAttrName: 'none' }] }),
    ],
    { attribute: ['slope', 'none'], attributeProto: [{ name: 'steep', type: ATTRIBUTE_TYPES.float, f: 0.5 }] },
  );
  const bytes = withFunctions([leaky], () => [
    call('Leaky', ['convolved'], ['activated'], {
      attribute: [{ name: 'slope', type: ATTRIBUTE_TYPES.float, f: 0.25 }],
    }),
  ]);
  const attributes = read(bytes)
    .ops.slice(1, 4)
    .map((op) => ({ ...op.attributes }));
  expect(attributes).toEqual([{ alpha: 0.25 }, { alpha: 0.5 }, {}]);
});

test('functions call functions, leave inputs out and hand one on', () => {
  const inner = define('Bounded', ['x', 'low', 'high'], ['y', 'x'], [node('Clip', ['x', 'low', 'high'], ['y'])]);
  const outer = define(
    'Outer',
    ['x'],
    ['y'],
    [call('Bounded', ['x', ''], ['a', 'b'], { name: 'in' }), node('Add', ['a', 'b'], ['y'])],
  );
  const bytes = withFunctions([outer, inner], () => [call('Outer', ['convolved'], ['activated'], { name: 'out' })]);
  const ops = read(bytes).ops.slice(1, 4);
  expect(ops.map(({ name, type, inputs }) => [name, type, inputs])).toEqual([
    ['out/in/Clip_0', 'Clip', ['convolved', '', '']],
    ['out/in/x', 'Identity', ['convolved']],
    ['out/Add_1', 'Add', ['out/a', 'out/b']],
  ]);
});

test('functions of one name are told apart by their overload', () => {
  const other = define('Twice', ['x'], ['y'], [node('Sigmoid', ['x'], ['y'])], { overload: 'other' });
  const bytes = withFunctions([twice, other], () => [
    call('Twice', ['convolved'], ['activated'], { overload: 'other' }),
  ]);
  expect(read(bytes).ops.map(({ type }) => type)).toEqual(['Conv', 'Sigmoid', 'Reshape']);
});

test('weights inside functions and branches are stripped too', () => {
  const weight = { dims: [100], dataType: ELEMENT_TYPES.float32, rawData: new Uint8Array(400).fill(7) };
  const constant = node('Constant', [], ['w'], {
    attribute: [{ name: 'value', type: ATTRIBUTE_TYPES.tensor, t: weight }],
  });
  const branch: GraphMessage = { node: [constant], initializer: [{ ...weight, name: 'v' }], input: [], output: [] };
  const bytes = withFunctions([define('Holder', ['x'], ['w'], [constant])], () => [
    node('If', ['convolved'], ['activated'], {
      attribute: [{ name: 'then_branch', type: ATTRIBUTE_TYPES.graph, g: branch }],
    }),
  ]);
  const stripped = stripOnnx(bytes);
  expect(stripped.stripped).toBe(4);
  expect(Buffer.from(stripped.bytes).includes(Buffer.alloc(8, 7))).toBe(false);
  expect(decodeOnnx(stripped.bytes).functions).toHaveLength(1);
});

describe('sparse initializers', () => {
  const values = (list: bigint[]) => ({
    name: 'target',
    dims: [list.length],
    dataType: ELEMENT_TYPES.int64,
    rawData: new Uint8Array(BigInt64Array.from(list).buffer),
  });
  const sparse = (positions: bigint[], dims: number[], entries = [1n, 144n]) =>
    changed((graph) => {
      graph.initializer.pop();
      graph.sparseInitializer = [{ values: values(entries), indices: { ...values(positions), dims }, dims: [2] }];
    });

  test.each([
    ['positions', sparse([1n, 0n], [2], [144n, 1n])],
    ['coordinates', sparse([0n, 1n], [2, 1])],
  ])('are read by %s', (_, bytes) => {
    expect(read(bytes).tensors.get('output')!.shape).toEqual([1, 144]);
    expect(read(bytes).tensors.get('target')).toMatchObject({ constant: true, shape: [2], values: [1, 144] });
  });

  testBrokenFiles([
    {
      what: 'an index outside',
      bytes: sparse([0n, 2n], [2]),
      code: 'MALFORMED_FILE',
      message: 'an index lies outside a sparse tensor of shape [2]',
      where: 'target',
    },
    {
      what: 'an index too few',
      bytes: sparse([0n], [1]),
      code: 'MALFORMED_FILE',
      message: 'a sparse tensor has 2 values and 1 indices',
      where: 'target',
    },
  ]);
});

describe('what is wrong with functions', () => {
  const used = (...functions: FunctionMessage[]) =>
    withFunctions(functions, () => [call(functions[0].name!, ['convolved'], ['activated'], { name: 'use' })]);
  const chain = (length: number, calls: number) =>
    Array.from({ length }, (_, i) =>
      define(
        `F${i}`,
        ['x'],
        ['y'],
        [
          ...Array.from({ length: calls }, (_, k) =>
            i + 1 < length ? call(`F${i + 1}`, ['x'], [k ? `y${k}` : 'y']) : node('Relu', ['x'], [k ? `y${k}` : 'y']),
          ),
        ],
      ),
    );

  test('a function that nothing calls is not looked into', () => {
    const bytes = withFunctions([define('Wild', ['x'], ['y'], [node('Loop', ['x'], ['y'])])], () => [
      node('Relu', ['convolved'], ['activated']),
    ]);
    expect(read(bytes).ops).toHaveLength(3);
  });

  testBrokenFiles([
    {
      what: 'a function that calls itself through another',
      bytes: used(
        define('Ping', ['x'], ['y'], [call('Pong', ['x'], ['y'])]),
        define('Pong', ['x'], ['y'], [call('Ping', ['x'], ['y'])]),
      ),
      code: 'MALFORMED_FILE',
      message: 'function Ping calls itself',
      where: 'function Ping',
    },
    {
      what: 'functions 33 deep',
      bytes: used(...chain(33, 1)),
      code: 'MALFORMED_FILE',
      message: 'functions nest deeper than 32',
      where: 'function F32',
    },
    {
      what: 'functions that grow without end',
      bytes: used(...chain(30, 2)),
      code: 'MALFORMED_FILE',
      message: 'the functions come to more than 50000 ops',
      where: 'function F0',
    },
    {
      what: 'a function that stands twice',
      bytes: used(twice, twice),
      code: 'MALFORMED_FILE',
      message: 'function Twice stands twice',
      where: 'function Twice',
    },
    {
      what: 'a call with too many inputs',
      bytes: withFunctions([twice], () => [call('Twice', ['convolved', 'weight'], ['activated'], { name: 'use' })]),
      code: 'MALFORMED_FILE',
      message: /takes 1 inputs and makes 1 outputs; a call gives 2 and takes 1/,
      where: 'op use (Twice)',
    },
    {
      what: 'a branch inside a function',
      bytes: used(define('Branch', ['x'], ['y'], [node('If', ['x'], ['y'], { name: 'choice' })])),
      code: 'UNSUPPORTED_OP',
      message: 'If decides at run time what is computed',
      where: 'op use/choice (If)',
    },
    {
      what: 'a function that reads a tensor of the graph',
      bytes: used(define('Reach', ['x'], ['y'], [node('Add', ['x', 'weight'], ['y'])])),
      code: 'MALFORMED_FILE',
      message: 'tensor use/weight is read before any op makes it',
      where: 'op use/Add_0 (Add)',
    },
    {
      what: 'a function of operator set 6',
      bytes: used({ ...twice, opsetImport: [{ domain: '', version: 6 }] }),
      code: 'UNSUPPORTED_FORMAT',
      message: 'the file uses operator set 6; 7 or newer is read',
      where: 'net',
    },
    {
      what: 'operator set 27',
      bytes: changed((_, model) => {
        model.opsetImport = [{ version: 27 }];
      }),
      code: 'UNSUPPORTED_FORMAT',
      message: 'the file uses operator set 27; 26 or older is read',
      where: 'net',
    },
  ]);
});
