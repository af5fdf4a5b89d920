/** The TFLite reader on broken containers: what it says of every kind of them. */
import { readNetwork } from '../../../src/engine';
import { FlatBuffer } from '../../../src/engine/formats/tflite-flatbuffer';
import { Model, SubGraph, Tensor } from '../../../src/engine/formats/tflite-schema';
import { smallFile, withOperator, withTensor, writeTflite } from '../../testkit/tflite-files';
import { type BrokenFile, testRefusals } from '../../testkit/tflite-refusals';

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
    what: 'a weight of 4-bit integers with a byte each',
    file: withTensor(1, { type: 'int4', data: new Uint8Array(108) }),
    code: 'MALFORMED_FILE',
    message: 'not a sound TFLite file: tensor weight is [4,3,3,3] of int4, but its buffer has 108 bytes',
  },
  {
    what: 'a variable',
    file: withTensor(1, { type: 'resource', data: undefined }),
    code: 'UNSUPPORTED_FORMAT',
    message: 'element type 13 of the TFLite schema is not supported',
    where: 'tensor weight',
    remedy: /float32, float16/,
  },
];

describe('the container', () => testRefusals(CONTAINER));

describe('indices and sizes', () => testRefusals(INDICES));

test('a file without the identifier is not taken for TFLite', () => {
  expect(() => readNetwork(writeTflite(smallFile({ identifier: 'TFL2' })), { name: 'net' })).toThrow(
    /not an ONNX file/,
  );
});
