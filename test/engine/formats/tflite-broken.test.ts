/** The TFLite reader on broken files: what it says of every kind, and that no bytes bring it down. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, featurize, planKernels, RUNTIMES, readNetwork, stripNetwork } from '../../../src/engine';
import { FlatBuffer } from '../../../src/engine/formats/tflite-flatbuffer';
import { readTflite } from '../../../src/engine/formats/tflite-reader';
import { Model, SubGraph, Tensor } from '../../../src/engine/formats/tflite-schema';
import { createRandom } from '../../../src/engine/random';
import {
  convOptions,
  type FileDeclaration,
  int32s,
  smallFile,
  withOperator,
  withTensor,
  writeTflite,
} from '../../testkit/tflite-files';

type Bindings = Record<string, number>;

function refusal(bytes: Uint8Array, bindings?: Bindings): EngineError {
  try {
    readTflite(bytes, { name: 'net', bindings });
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the file was read');
}

/** The small file with a number written over some of its bytes; where is asked of the file itself. */
function poked(where: (file: FlatBuffer, view: DataView) => void): Uint8Array {
  const bytes = Uint8Array.from(writeTflite(smallFile()));
  where(new FlatBuffer(bytes), new DataView(bytes.buffer));
  return bytes;
}

const firstTensor = (file: FlatBuffer) => {
  const [subgraph] = file.tables(file.root(), Model.subgraphs);
  return file.tables(subgraph, SubGraph.tensors)[0];
};

const HUGE = 0xffffffff;

interface BrokenFile {
  readonly what: string;
  readonly file: Uint8Array | FileDeclaration;
  readonly bindings?: Bindings;
  readonly code: string;
  readonly message: string | RegExp;
  readonly where?: string | RegExp;
  readonly remedy?: RegExp;
}

const CONTAINER: readonly BrokenFile[] = [
  {
    what: 'no bytes',
    file: new Uint8Array(),
    code: 'MALFORMED_FILE',
    message: 'not a TFLite file: "" stands where TFL3 was expected',
    where: 'byte 4',
    remedy: /is a \.tflite model/,
  },
  {
    what: 'another version of the format',
    file: smallFile({ identifier: 'TFL2' }),
    code: 'MALFORMED_FILE',
    message: 'not a TFLite file: "TFL2" stands where TFL3 was expected',
    where: 'byte 4',
  },
  {
    what: 'eight bytes',
    file: new TextEncoder().encode('\u0000\u0000\u0000\u0000TFL3'),
    code: 'MALFORMED_FILE',
    // The distance 0 leads to byte 0, whose four bytes are taken for the way to a vtable.
    message: "not a sound TFLite file: a vtable of 0 bytes does not fit the file's 8 bytes",
    where: 'byte 0 (the root table)',
  },
  {
    what: 'a root table behind the end',
    file: poked((_, view) => view.setUint32(0, HUGE, true)),
    code: 'MALFORMED_FILE',
    message: /^not a sound TFLite file: a table does not fit the file's \d+ bytes$/,
    where: `byte ${HUGE} (the root table)`,
  },
  {
    what: 'a vtable before the file',
    file: poked((file, view) => view.setInt32(file.root(), 0x7fffffff, true)),
    code: 'MALFORMED_FILE',
    message: /: the vtable of the table at byte \d+ does not fit/,
    where: /^byte -\d+ \(the root table\)$/,
  },
  {
    what: 'a vtable without its own size',
    file: poked((file, view) => view.setUint16(file.vtable(file.root()), 2, true)),
    code: 'MALFORMED_FILE',
    message: /: a vtable of 2 bytes does not fit/,
  },
  {
    what: 'a vtable that reaches behind the end',
    file: poked((file, view) => view.setUint16(file.vtable(file.root()), 0xffff, true)),
    code: 'MALFORMED_FILE',
    message: /: a vtable of 65535 bytes does not fit/,
  },
  {
    what: 'a table that reaches behind the end',
    file: poked((file, view) => view.setUint16(file.vtable(file.root()) + 2, 0xffff, true)),
    code: 'MALFORMED_FILE',
    message: /: a table of 65535 bytes does not fit/,
  },
  {
    what: 'a slot outside its table',
    file: poked((file, view) => view.setUint16(file.vtable(file.root()) + 4 + 2 * Model.subgraphs.slot, 9999, true)),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: slot 2 stands at offset 9999, outside its table',
    where: /^byte \d+ \(Model\.subgraphs\)$/,
  },
  {
    what: 'a shape of four billion dimensions',
    file: poked((file, view) => view.setUint32(file.vector(firstTensor(file), Tensor.shape)!.start - 4, HUGE, true)),
    code: 'MALFORMED_FILE',
    message: /: a vector of 4294967295 elements of 4 bytes does not fit/,
    where: /^byte \d+ \(Tensor\.shape\)$/,
  },
  {
    what: 'a list of tensors of four billion',
    file: poked((file, view) => {
      const [subgraph] = file.tables(file.root(), Model.subgraphs);
      const at = file.at(subgraph, SubGraph.tensors.slot, 4, '')!;
      view.setUint32(file.target(at), HUGE, true);
    }),
    code: 'MALFORMED_FILE',
    message: /: a vector of 4294967295 elements of 4 bytes does not fit/,
    where: /^byte \d+ \(SubGraph\.tensors\)$/,
  },
  {
    what: 'a name behind the end',
    file: poked((file, view) => view.setUint32(file.at(firstTensor(file), Tensor.name.slot, 4, '')!, 1 << 20, true)),
    code: 'MALFORMED_FILE',
    message: /: a vector does not fit/,
    where: /^byte \d+ \(Tensor\.name\)$/,
  },
  {
    what: 'no subgraph',
    file: smallFile({ subgraphs: 0 }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: there is no subgraph',
    where: /\(Model\.subgraphs\)$/,
  },
  {
    what: 'two subgraphs',
    file: smallFile({ subgraphs: 2 }),
    code: 'UNSUPPORTED_FORMAT',
    message: 'the file has 2 subgraphs; one is read',
    where: 'Model.subgraphs',
    remedy: /one signature .* without control flow/,
  },
  {
    what: 'no operators',
    file: smallFile({ operators: [] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: there are no operators',
    where: /\(SubGraph\.operators\)$/,
  },
  {
    what: 'operators that are one and the same, ten thousand times',
    file: { ...withOperator(1, { inputs: new Array<number>(10_000).fill(3) }), repeated: 10_000 },
    code: 'MALFORMED_FILE',
    message: /: the parts of the file overlap: together they are larger than the file$/,
    where: /\(Operator\.inputs\)$/,
  },
];

const INDICES: readonly BrokenFile[] = [
  {
    what: 'a tensor that does not exist',
    file: withOperator(0, { inputs: [0, 6, 2] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor 6 does not exist; there are 6',
    where: /\(Operator\.inputs\)$/,
  },
  {
    what: 'an output that is left out',
    file: withOperator(0, { outputs: [-1] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor -1 does not exist; there are 6',
    where: /\(Operator\.outputs\)$/,
  },
  {
    what: 'a graph input that does not exist',
    file: smallFile({ inputs: [77] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor 77 does not exist; there are 6',
    where: /\(SubGraph\.inputs\)$/,
  },
  {
    what: 'an operator code that does not exist',
    file: withOperator(1, { code: 2 }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: operator code 2 of 2 does not exist',
    where: /\(Operator\.opcodeIndex\)$/,
  },
  {
    what: 'a buffer that does not exist',
    file: withTensor(1, { buffer: 7 }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor weight has buffer 7 of 7, which does not exist',
    where: /\(Tensor\.buffer\)$/,
  },
  {
    what: 'a buffer of another size than its tensor',
    file: withTensor(1, { shape: [4, 3, 3, 4] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor weight is [4,3,3,4] of float32, but its buffer has 432 bytes',
    where: /\(Buffer\.data\)$/,
  },
  {
    what: 'a negative dimension',
    file: withTensor(3, { shape: [1, -5, 4, 4] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor features has shape [1,-5,4,4] and signature [1,-5,4,4]',
    where: /\(Tensor\.shape\)$/,
  },
  {
    what: 'a tensor larger than any device',
    file: withTensor(3, { shape: [2 ** 30, 2 ** 30, 4, 4] }),
    code: 'MALFORMED_FILE',
    message: /: tensor features has shape \[1073741824,1073741824,4,4\]/,
  },
  {
    what: 'a signature of another rank',
    file: withTensor(0, { signature: [-1, 9, 8] }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor image has shape [1,9,8,3] and signature [-1,9,8]',
  },
  {
    what: 'a weight of 4-bit integers',
    file: withTensor(1, { type: 'int4', data: undefined }),
    code: 'UNSUPPORTED_FORMAT',
    message: 'element type 17 of the TFLite schema is not supported',
    where: 'tensor weight',
    remedy: /float32, float16/,
  },
];

const OPERATORS: readonly BrokenFile[] = [
  {
    what: 'an op of the user',
    file: withOperator(1, { builtin: 'CUSTOM FlexErf' }),
    code: 'UNSUPPORTED_OP',
    message: 'CUSTOM FlexErf, which makes tensor means, is not one of the operators that are read',
    where: 'op custom_1 (CUSTOM FlexErf)',
    remedy: /builtin operators only/,
  },
  {
    what: 'an op of the schema that is not read',
    file: withOperator(1, { builtin: 'LSTM' }),
    code: 'UNSUPPORTED_OP',
    message: 'LSTM, which makes tensor means, is not one of the operators that are read',
    where: 'op lstm_1 (LSTM)',
  },
  {
    what: 'an op of a newer schema',
    file: withOperator(1, { builtin: 300 }),
    code: 'UNSUPPORTED_OP',
    message: 'BUILTIN 300, which makes tensor means, is not one of the operators that are read',
    where: 'op builtin_1 (BUILTIN 300)',
  },
  {
    what: 'an op that reads what is made later',
    file: withOperator(0, { inputs: [5, 1, 2] }),
    code: 'MALFORMED_FILE',
    message: 'tensor means is read before any op makes it',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a tensor that is made twice',
    file: withOperator(1, { outputs: [3] }),
    code: 'MALFORMED_FILE',
    message: 'tensor features is made twice',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'an op that makes a graph input',
    file: withOperator(1, { outputs: [0] }),
    code: 'MALFORMED_FILE',
    message: 'tensor image is made twice',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'a convolution without a weight',
    file: withOperator(0, { inputs: [0] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0]; 2 to 3 were expected',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a weight that is left out',
    file: withOperator(0, { inputs: [0, -1, 2] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0,-1,2]; 2 to 3 were expected',
  },
  {
    what: 'a convolution of four inputs',
    file: withOperator(0, { inputs: [0, 1, 2, 2] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs [0,1,2,2]; 2 to 3 were expected',
  },
  {
    what: 'a concatenation of nothing',
    file: withOperator(1, { builtin: 'CONCATENATION', inputs: [] }),
    code: 'MALFORMED_FILE',
    message: 'the op has inputs []; at least 1 were expected',
  },
  {
    what: 'an op without outputs',
    file: withOperator(1, { outputs: [] }),
    code: 'MALFORMED_FILE',
    message: 'the op makes no output',
    where: 'op mean_1 (MEAN)',
  },
  {
    what: 'a stride of 0',
    file: withOperator(0, { options: convOptions(0) }),
    code: 'INVALID_SHAPE',
    message: 'kernel [3,3], strides [0,0] and dilations [1,1] must be at least 1',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a fused activation that does not exist',
    file: withOperator(0, { options: convOptions(2, 9) }),
    code: 'MALFORMED_FILE',
    message: 'fused activation 9 does not exist',
    where: 'op conv_2d_0 (Conv)',
  },
  {
    what: 'a weight of two dimensions',
    file: withTensor(1, { shape: [4, 27] }),
    code: 'INVALID_SHAPE',
    message: 'tensor weight has shape [4,27]; 4 dimensions were expected',
    where: 'op conv_2d_0 (CONV_2D)',
  },
  {
    what: 'a weight of other channels',
    file: withTensor(1, { shape: [3, 3, 3, 4] }),
    code: 'INVALID_SHAPE',
    message: 'weight [3,3,3,4] does not fit 3 input channels',
  },
  {
    what: 'a depthwise weight of other channels',
    file: withOperator(0, { builtin: 'DEPTHWISE_CONV_2D', options: { ...convOptions(), union: 2 } }),
    code: 'INVALID_SHAPE',
    message: 'depthwise weight [4,3,3,3] does not fit 3 input channels',
  },
  {
    what: 'a weight that is a graph input',
    file: smallFile({ inputs: [0, 1] }),
    code: 'UNSUPPORTED_OP',
    message: 'tensor weight, the weight, is computed at run time',
    where: 'op conv_2d_0 (CONV_2D)',
    remedy: /constant weights/,
  },
  {
    what: 'axes without bytes',
    file: withTensor(4, { data: undefined }),
    code: 'INVALID_SHAPE',
    message: 'the op depends on the values of tensor axes, which are not in the file',
    where: 'op mean_1 (MEAN)',
    remedy: /256 bytes/,
  },
  {
    what: 'an axis that does not exist',
    file: withTensor(4, { data: int32s(1, 4) }),
    code: 'INVALID_SHAPE',
    message: 'axis 4 is outside the 4 dimensions',
    where: 'op mean_1 (MEAN)',
  },
];

const DYNAMIC = withTensor(0, { signature: [-1, 9, 8, 3] });

const BINDINGS: readonly BrokenFile[] = [
  {
    what: 'a dynamic dimension',
    file: DYNAMIC,
    code: 'UNBOUND_DIMENSION',
    message: 'dimension image.0 of input image is dynamic',
    where: 'image',
    remedy: /Bind it, for example image\.0=1/,
  },
  {
    what: 'a binding to half an image',
    file: DYNAMIC,
    bindings: { 'image.0': 0.5 },
    code: 'UNBOUND_DIMENSION',
    message: 'binding image.0=0.5 is not a whole number of at least 1',
    where: 'image.0',
  },
  {
    what: 'a binding of a static dimension',
    file: DYNAMIC,
    bindings: { 'image.0': 1, 'image.1': 9 },
    code: 'UNKNOWN_NAME',
    message: 'binding image.1 names no dynamic dimension of the network',
    where: 'image.1',
    remedy: /Dynamic dimensions: image\.0\./,
  },
  {
    what: 'a batch larger than any device',
    file: DYNAMIC,
    bindings: { 'image.0': 2 ** 40 },
    code: 'MALFORMED_FILE',
    message: 'graph input image has shape [1099511627776,9,8,3]',
    where: 'tensor image',
  },
];

describe('broken files', () => {
  test.each([...CONTAINER, ...INDICES, ...OPERATORS, ...BINDINGS])(
    '$what: $code',
    ({ file, bindings, code, message, where, remedy }) => {
      const bytes = file instanceof Uint8Array ? file : writeTflite(file);
      const error = refusal(bytes, bindings);
      expect(error.code).toBe(code);
      if (typeof message === 'string') expect(error.message).toBe(message);
      else expect(error.message).toMatch(message);
      if (typeof where === 'string') expect(error.where).toBe(where);
      else if (where) expect(error.where).toMatch(where);
      // Every refusal says what to do.
      expect(error.remedy).toMatch(remedy ?? /\.$/);
    },
  );

  test('a file without the identifier is not taken for TFLite', () => {
    expect(() => readNetwork(writeTflite(smallFile({ identifier: 'TFL2' })), { name: 'net' })).toThrow(
      /not an ONNX file/,
    );
  });
});

describe('any bytes', () => {
  const golden: { file: string; runs: { bindings: Bindings }[] }[] = JSON.parse(
    readFileSync(path.join(__dirname, '../golden/tflite_operators.json'), 'utf8'),
  );
  const seeds = [
    { bytes: writeTflite(smallFile()), bindings: undefined },
    { bytes: writeTflite(withTensor(4, { outside: true })), bindings: undefined },
    ...golden.map(({ file, runs }) => ({
      bytes: Uint8Array.from(Buffer.from(file, 'base64')),
      bindings: runs[0].bindings,
    })),
  ];

  const runtimes = RUNTIMES.map((runtime) => (runtime === 'tflite-gpu' ? 'tflite-gpu/mali-g76' : runtime));

  /** A graph that can be planned, or a coded error: anything else fails. Stripping gives a file, or a coded error. */
  function readOrRefuse(bytes: Uint8Array, bindings?: Bindings): 'read' | 'refused' {
    const started = performance.now();
    let result: 'read' | 'refused' = 'refused';
    for (const attempt of [
      () => {
        const graph = readTflite(bytes, { name: 'net', bindings });
        for (const runtime of runtimes) featurize(planKernels(graph, runtime));
        result = 'read';
      },
      () => readTflite(stripNetwork(bytes).bytes, { name: 'net', bindings }),
    ]) {
      try {
        attempt();
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        expect(error.message).not.toBe('');
      }
    }
    expect(performance.now() - started).toBeLessThan(2000);
    return result;
  }

  test('the seeds themselves are read', () => {
    for (const { bytes, bindings } of seeds) expect(readOrRefuse(bytes, bindings)).toBe('read');
  });

  test('every truncation of a file is refused or read', () => {
    const { bytes } = seeds[0];
    for (let length = 0; length < bytes.length; length++) readOrRefuse(bytes.subarray(0, length));
    expect(refusal(bytes.subarray(0, bytes.length / 2)).code).toBe('MALFORMED_FILE');
  });

  test('3,000 files with changed bytes are refused or read', () => {
    const random = createRandom(21);
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 3000; i++) {
      const seed = seeds[random.below(seeds.length)];
      const bytes = Uint8Array.from(seed.bytes);
      for (let changes = 1 + random.below(4); changes > 0; changes--) {
        const at = random.below(bytes.length);
        // Small steps keep distances plausible, so that they lead to the wrong table instead of nowhere.
        bytes[at] = random.below(2) === 0 ? random.below(256) : bytes[at] + 4 * (random.below(9) - 4);
      }
      counts[
        readOrRefuse(random.below(8) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes, seed.bindings)
      ]++;
    }
    // Both happen, or the changes would show nothing.
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(300);
  });

  test('2,000 files with changed declarations are refused or read', () => {
    const random = createRandom(22);
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
    const number = () => pick([-(2 ** 31), -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 1000, 2 ** 31 - 1]);
    const builtins = golden.flatMap(({ file, runs }) =>
      readTflite(Buffer.from(file, 'base64'), { name: 'net', bindings: runs[0].bindings }).ops.map(({ name }) =>
        name.replace(/(_\d+)?(\/.*)?$/, '').toUpperCase(),
      ),
    );
    for (let i = 0; i < 2000; i++) {
      const { tensors, operators, inputs, outputs } = structuredClone(smallFile()) as FileDeclaration;
      const operator = pick(operators) as { inputs: number[]; outputs: number[]; builtin: string };
      const tensor = pick(tensors) as { shape: number[]; data?: Uint8Array; signature?: number[] };
      const changes: readonly (() => void)[] = [
        () => operator.inputs.splice(random.below(3), 1, random.below(6)),
        () => operator.inputs.push(random.below(6)),
        () => operator.inputs.pop(),
        () => tensor.shape.splice(random.below(4), 1, number()),
        () => tensor.shape.pop(),
        () => Object.assign(tensor, { data: undefined }),
        () => Object.assign(tensor, { data: int32s(number(), number()) }),
        () => Object.assign(tensor, { signature: tensor.shape.map(() => pick([-1, 3])) }),
        () => Object.assign(operator, { builtin: pick(builtins) }),
        () =>
          Object.assign(operator, {
            options: { union: random.below(120), fields: [0, 1, 2, 3].map((slot) => [slot, 'int32', number()]) },
          }),
      ];
      for (let count = 1 + random.below(3); count > 0; count--) pick(changes)();
      const bindings = Object.fromEntries(
        (tensors[0].signature ?? []).flatMap((size, axis) =>
          size === -1 ? [[`image.${axis}`, 1 + random.below(20)]] : [],
        ),
      );
      readOrRefuse(writeTflite({ tensors, operators, inputs, outputs }), bindings);
    }
  });
});
