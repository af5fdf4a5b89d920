/** Protobuf's wire format, read and written: against bytes that Python's protobuf wrote, and against damaged ones. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeOnnx } from '../../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../../src/engine/formats/onnx-encoder';
import { ELEMENT_TYPES } from '../../../src/engine/formats/onnx-schema';
import { ProtobufReader } from '../../../src/engine/formats/protobuf-reader';
import { ProtobufWriter } from '../../../src/engine/formats/protobuf-writer';

/** A reader that stands behind the tag of the first field. */
function readerAt(...bytes: number[]): ProtobufReader {
  const reader = new ProtobufReader(Uint8Array.from(bytes));
  reader.field();
  return reader;
}

function written(write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter();
  write(writer);
  return writer.finish();
}

const INTEGER = 0x08;
const DELIMITED = 0x0a;

test('what Python wrote is written again byte by byte', () => {
  const file = path.join(__dirname, '../golden/single_op_shapes.json');
  const models: readonly { readonly model: string }[] = JSON.parse(readFileSync(file, 'utf8'));
  expect(models.length).toBeGreaterThan(100);
  for (const { model } of models) {
    const decoded = decodeOnnx(Buffer.from(model, 'base64'));
    // Elements that are texts decide nothing, and are skipped.
    if (decoded.graph!.initializer.some(({ dataType }) => dataType === ELEMENT_TYPES.string)) continue;
    expect(Buffer.from(encodeOnnx(decoded)).toString('base64')).toBe(model);
  }
});

describe('numbers', () => {
  // The encodings are those of protobuf's own documentation and of Python's protobuf.
  test.each([
    [0, [0]],
    [1, [1]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [150, [0x96, 1]],
    [2 ** 28 - 1, [0xff, 0xff, 0xff, 0x7f]],
    [2 ** 28, [0x80, 0x80, 0x80, 0x80, 1]],
    [2 ** 32 + 5, [0x85, 0x80, 0x80, 0x80, 0x10]],
    [Number.MAX_SAFE_INTEGER, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [2 ** 63 - 1024, [0x80, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    [-1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    [-150, [0xea, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    [-(2 ** 63), [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]],
  ])('%d', (value, bytes) => {
    expect(readerAt(INTEGER, ...bytes).integer()).toBe(value);
    expect([...written((writer) => writer.integer(1, value))]).toEqual([INTEGER, ...bytes]);
  });

  test('unsigned ones of 64 bits', () => {
    const largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    expect(readerAt(INTEGER, ...largest).unsignedIntegers()).toEqual([2 ** 64]);
    expect(readerAt(DELIMITED, 11, 7, ...largest).unsignedIntegers()).toEqual([7, 2 ** 64]);
  });

  test('lists are read packed and one by one', () => {
    const values = [1, -1, 300];
    const packed = new ProtobufReader(written((writer) => writer.packedIntegers(3, values)));
    const single = new ProtobufReader(written((writer) => writer.integers(3, values)));
    for (const reader of [packed, single]) {
      const read: number[] = [];
      for (let field = reader.field(); field !== 0; field = reader.field()) {
        expect(field).toBe(3);
        reader.integers(read);
      }
      expect(read).toEqual(values);
    }
  });

  test('lists of fractions', () => {
    const reader = new ProtobufReader(
      written((writer) => {
        writer.packedFloats(1, [0.5, -2]);
        writer.floats(1, [8]);
        writer.packedDoubles(2, [0.1]);
      }),
    );
    const floats: number[] = [];
    const doubles: number[] = [];
    for (let field = reader.field(); field !== 0; field = reader.field())
      field === 1 ? reader.floats(floats) : reader.doubles(doubles);
    expect(floats).toEqual([0.5, -2, 8]);
    expect(doubles).toEqual([0.1]);
  });
});

describe('texts', () => {
  // Longer than a page, on both sides of its end, the same again, and such as share a hash by their number alone.
  const texts = [
    '',
    'a',
    'Größe, 高さ, 🚀',
    'features.stage1.unit1.body.conv1.conv.weight',
    'features.stage2.unit1.body.conv1.conv.weight',
    'x'.repeat(10_000),
    ...Array.from({ length: 5000 }, (_, i) => `/features/stage${i % 700}/conv/Conv_output_0`),
  ];

  test('of any length and alphabet', () => {
    const reader = new ProtobufReader(written((writer) => writer.texts(1, texts)));
    const read: string[] = [];
    while (reader.field() !== 0) read.push(reader.text());
    expect(read).toEqual(texts);
  });

  test('bytes that are no UTF-8 become replacement characters, the same ones again too', () => {
    const reader = new ProtobufReader(Uint8Array.of(DELIMITED, 2, 0x41, 0xff, DELIMITED, 2, 0x41, 0xff));
    expect([reader.field(), reader.text(), reader.field(), reader.text()]).toEqual([1, 'A\ufffd', 1, 'A\ufffd']);
  });

  test('bytes are a view of the file', () => {
    const file = Uint8Array.of(9, 9, DELIMITED, 2, 5, 6).subarray(2);
    const reader = new ProtobufReader(file);
    reader.field();
    const bytes = reader.bytes();
    expect([...bytes]).toEqual([5, 6]);
    expect(bytes.buffer).toBe(file.buffer);
  });
});

test('messages end where they say, and what nobody asks for is skipped', () => {
  const inner = (writer: ProtobufWriter, value: number) => {
    writer.integer(1, value);
    writer.float(2, 1);
    writer.text(3, 'skipped');
    writer.packedDoubles(4, [1]);
  };
  const reader = new ProtobufReader(written((writer) => writer.messages(7, [5, 6], inner)));
  const values: number[] = [];
  while (reader.field() !== 0)
    reader.message((each) => {
      for (let field = each.field(); field !== 0; field = each.field())
        field === 1 ? values.push(each.integer()) : each.skip();
    });
  expect(values).toEqual([5, 6]);
});

describe('damage', () => {
  const nested = (reader: ProtobufReader): number => {
    let deepest = 1;
    while (reader.field() !== 0) deepest = 1 + reader.message(nested);
    return deepest;
  };
  /** Messages inside one another, each holding nothing else. */
  const nest = (depth: number) => {
    let bytes = new Uint8Array();
    for (let i = 0; i < depth; i++) bytes = written((writer) => writer.bytes(1, bytes)) as typeof bytes;
    return bytes;
  };

  test('messages nest 100 deep, not deeper', () => {
    expect(nested(new ProtobufReader(nest(100)))).toBe(101);
    expect(() => nested(new ProtobufReader(nest(101)))).toThrow('messages nest deeper than 100');
  });

  test.each<[string, number[], (reader: ProtobufReader) => unknown, string, number]>([
    ['a number that is cut off', [INTEGER, 0x80], (r) => r.integer(), 'a number is cut off', 2],
    ['a long number that is cut off', [INTEGER, ...Array(6).fill(0x80)], (r) => r.integer(), 'a number is cut off', 7],
    [
      'a number of 11 bytes',
      [INTEGER, ...Array(10).fill(0x80), 1],
      (r) => r.integer(),
      'a number has more than 10 bytes',
      11,
    ],
    ['a text that is cut off', [DELIMITED, 3, 65], (r) => r.text(), '3 bytes are announced where 1 are left', 2],
    [
      'a text of 4 GiB',
      [DELIMITED, 0xff, 0xff, 0xff, 0xff, 0x0f],
      (r) => r.text(),
      '4294967295 bytes are announced where 0 are left',
      6,
    ],
    [
      'bytes of negative length',
      [DELIMITED, ...Array(9).fill(0xff), 1],
      (r) => r.bytes(),
      '-1 bytes are announced where 0 are left',
      11,
    ],
    ['a float that is cut off', [0x0d, 1, 2, 3], (r) => r.float(), '4 bytes are announced where 3 are left', 1],
    ['a number where a text is due', [INTEGER, 1], (r) => r.text(), 'a field has wire type 0 instead of 2', 1],
    ['a text where a number is due', [DELIMITED, 0], (r) => r.integer(), 'a field has wire type 2 instead of 0', 1],
    ['a group', [0x0b, 0x0c], (r) => r.skip(), 'a field has wire type 3', 1],
    ['field 0', [INTEGER, 1, 0x02, 0], (r) => [r.integer(), r.field()], 'a field has the tag 2', 2],
    [
      'a text that ends behind its message',
      [DELIMITED, 2, DELIMITED, 2, 65, 65],
      (r) => r.message((inner) => [inner.field(), inner.text()]),
      '2 bytes are announced where 0 are left',
      4,
    ],
  ])('%s', (_, bytes, read, message, position) => {
    const refused = expect(() => read(readerAt(...bytes)));
    refused.toThrow(expect.objectContaining({ name: 'ProtobufError', message, position }));
  });
});
