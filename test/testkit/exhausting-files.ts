/** Small files that are made to take much time or memory: each names little often, or lets parts of itself grow together. */
import { encodeOnnx } from '../../src/engine/formats/onnx-encoder';
import type {
  AttributeMessage,
  FunctionMessage,
  GraphMessage,
  NodeMessage,
} from '../../src/engine/formats/onnx-schema';
import type { DamagedFile } from './damaged-files';
import { smallFile, writeTflite } from './tflite-files';

function node(opType: string, input: string[], output: string[], change: Partial<NodeMessage> = {}): NodeMessage {
  return { opType, input, output, attribute: [], ...change };
}

function model(graph: Partial<GraphMessage>, inputShape: readonly number[] = [1], functions?: FunctionMessage[]) {
  const dim = inputShape.map((dimValue) => ({ dimValue }));
  const input = [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim } } } }];
  const whole = { name: 'exhausting', node: [], initializer: [], input, output: [], ...graph };
  return encodeOnnx({ irVersion: 10, opsetImport: [{ version: 18 }], graph: whole, functions });
}

/** `s`: 1,024 ones, the most that is folded. */
const ONES = {
  name: 's',
  dims: [1024],
  dataType: 7,
  rawData: new Uint8Array(new BigInt64Array(1024).fill(1n).buffer),
};

function equation(text: string): AttributeMessage {
  return { name: 'equation', type: 3, s: Buffer.from(text) };
}

/** Functions F0 to F29, each but the last calling the next one twice. */
function doubling(last: NodeMessage[]): FunctionMessage[] {
  return Array.from({ length: 30 }, (_, i) => {
    const calls = ['0', '1'].map((at) => node(`F${i + 1}`, [at], [], { domain: 'own' }));
    return { name: `F${i}`, domain: 'own', input: ['0'], output: ['2'], node: i < 29 ? calls : last };
  });
}

/** What stands in front of a part of so many bytes. */
function lengthPrefix(field: number, length: number): Uint8Array {
  const size: number[] = [];
  let rest = length;
  for (; rest > 127; rest = Math.floor(rest / 128)) size.push((rest % 128) + 128);
  return Uint8Array.of(field * 8 + 2, ...size, rest);
}

const IF = Buffer.from('If');

/** An If in a branch of an If, so many times. Written from the inside: whatever is around a part stands in front of it. */
function nested(depth: number): Uint8Array {
  const fronts: Uint8Array[] = [];
  let length = 0;
  const putInFront = (...parts: Uint8Array[]) => {
    for (const part of parts.reverse()) {
      fronts.push(part);
      length += part.length;
    }
  };
  for (let i = 0; i < depth; i++) {
    putInFront(Uint8Array.of(0xa0, 1, 5), lengthPrefix(6, length));
    putInFront(lengthPrefix(4, IF.length), IF, lengthPrefix(5, length));
    putInFront(lengthPrefix(1, length));
  }
  putInFront(Uint8Array.of(8, 8), lengthPrefix(7, length));
  return Buffer.concat([...fronts.reverse(), lengthPrefix(8, 2), Uint8Array.of(0x10, 18)]);
}

const call = node('F0', ['x'], ['y'], { domain: 'own' });
const count = (length: number, make: (i: number) => NodeMessage) => Array.from({ length }, (_, i) => make(i));

export const exhaustingFiles = (): readonly DamagedFile[] => [
  {
    what: 'tensors of 1,024 dimensions',
    bytes: model({ initializer: [ONES], node: count(20_000, (i) => node('Reshape', ['x', 's'], [`${i}`])) }),
  },
  {
    what: 'a concatenation of one constant 100,000 times',
    bytes: model({
      initializer: [ONES],
      node: [node('Concat', new Array(100_000).fill('s'), ['y'], { attribute: [{ name: 'axis', type: 2, i: 0 }] })],
    }),
  },
  {
    what: 'a maximum of one constant 100,000 times',
    bytes: model({ initializer: [ONES], node: [node('Max', new Array(100_000).fill('s'), ['y'])] }),
  },
  {
    what: '20,000 constants made of one',
    bytes: model({
      initializer: [
        ONES,
        { ...ONES, name: 'shape', dims: [1], rawData: new Uint8Array(BigInt64Array.of(1024n).buffer) },
      ],
      node: count(20_000, (i) => node('Expand', ['s', 'shape'], [`${i}`])),
    }),
  },
  {
    what: '20,000 sparse constants without values',
    bytes: model({
      node: [node('Relu', ['x'], ['y'])],
      sparseInitializer: Array.from({ length: 20_000 }, (_, i) => ({
        values: { name: `v${i}`, dims: [0], dataType: 1 },
        indices: { dims: [0], dataType: 7 },
        dims: [1024],
      })),
    }),
  },
  {
    what: 'an output of an Einsum with 100,000 ellipses',
    bytes: model(
      { node: [node('Einsum', ['x'], ['y'], { attribute: [equation(`...a->${'...'.repeat(100_000)}`)] })] },
      new Array(60).fill(1),
    ),
  },
  {
    what: 'an Einsum of one tensor 20,000 times',
    bytes: model({
      node: [
        node('Einsum', new Array(20_000).fill('x'), ['y'], {
          attribute: [equation(new Array(20_000).fill('a').join())],
        }),
      ],
    }),
  },
  { what: 'functions that double', bytes: model({ node: [call] }, [1], doubling([node('Relu', ['0'], ['2'])])) },
  { what: 'functions without ops that double', bytes: model({ node: [call] }, [1], doubling([])) },
  {
    what: 'a long name of a call of many ops',
    bytes: model(
      { node: [{ ...call, name: 'n'.repeat(200_000) }] },
      [1],
      [
        {
          name: 'F0',
          domain: 'own',
          input: ['0'],
          output: ['9999'],
          node: count(9999, (i) => node('Relu', [`${i}`], [`${i + 1}`])),
        },
      ],
    ),
  },
  {
    what: '4,000 calls of one name',
    bytes: model(
      { node: count(4000, (i) => ({ ...call, name: 'same', output: [`${i}`] })) },
      [1],
      [{ name: 'F0', domain: 'own', input: ['0'], output: ['1'], node: [node('Relu', ['0'], ['1'])] }],
    ),
  },
  { what: '50 graphs in each other', bytes: nested(50) },
  { what: '20,000 graphs in each other', bytes: nested(20_000) },
  { what: 'a TFLite operator listed 100,000 times', bytes: writeTflite(smallFile({ repeated: 100_000 })) },
];
