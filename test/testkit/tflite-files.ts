/** Small TFLite files from a few lines, sound or broken in a certain way. Written with flatbuffers' own builder. */
import { Builder } from 'flatbuffers';
import { FlatBuffer } from '../../src/engine/formats/tflite-flatbuffer';
import {
  BUILTIN_OPERATORS,
  Buffer,
  CUSTOM_OPERATOR,
  Model,
  NUMBER_ELSEWHERE,
} from '../../src/engine/formats/tflite-schema';

/** Numbers of the schema's TensorType. */
export const TYPES = {
  float32: 0,
  float16: 1,
  int32: 2,
  uint8: 3,
  int64: 4,
  string: 5,
  int16: 7,
  complex64: 8,
  int8: 9,
  resource: 13,
  int4: 17,
  bfloat16: 18,
  uint4: 20,
  float8e5m2: 22,
} as const;

export interface TensorDeclaration {
  readonly name?: string;
  readonly type?: keyof typeof TYPES;
  readonly shape: readonly number[];
  readonly signature?: readonly number[];
  readonly data?: Uint8Array;
  /** Where the data stands: in the FlatBuffer, or behind it as in files over 2 GiB. */
  readonly outside?: boolean;
  /** Index of a buffer, for a tensor that shares one or names one that does not exist. */
  readonly buffer?: number;
  /** Quantization scales, one a channel. */
  readonly scales?: readonly number[];
}

type OptionKind = 'int8' | 'int32' | 'float32';

export interface OperatorDeclaration {
  /** Name in the schema, `CUSTOM name`, or a number that the schema does not have. */
  readonly builtin: string | number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Number in the union of options, and `[slot, kind, value]` of its fields. */
  readonly options?: { readonly union: number; readonly fields: readonly (readonly [number, OptionKind, number])[] };
  readonly code?: number;
}

export interface FileDeclaration {
  readonly tensors: readonly TensorDeclaration[];
  readonly operators: readonly OperatorDeclaration[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly subgraphs?: number;
  readonly identifier?: string;
  /** How often the list of operators names each of them. */
  readonly repeated?: number;
  readonly metadata?: Uint8Array;
}

/** Bytes of a whole file. */
export function writeTflite(file: FileDeclaration): Uint8Array {
  const builder = new Builder(1024);
  const table = (fields: readonly (() => void)[]) => {
    builder.startObject(12);
    for (const field of fields) field();
    return builder.endObject();
  };
  const references = (tables: readonly number[]) => {
    builder.startVector(4, tables.length, 4);
    for (const each of [...tables].reverse()) builder.addOffset(each);
    return builder.endVector();
  };
  const integers = (values: readonly number[]) => {
    builder.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) builder.addInt32(value);
    return builder.endVector();
  };
  const reference = (slot: number, to: number | undefined) => () => {
    if (to !== undefined) builder.addFieldOffset(slot, to, 0);
  };
  const bytes = (data: Uint8Array) => {
    builder.startVector(1, data.length, 16);
    for (let i = data.length - 1; i >= 0; i--) builder.addInt8(data[i]);
    return builder.endVector();
  };

  // Buffer 0 is empty by convention; tensor i has buffer i + 1; metadata has the last.
  const outside = file.tensors.filter((tensor) => tensor.outside);
  const buffers = [
    table([]),
    ...file.tensors.map(({ data, outside: isOutside }) => {
      if (data && isOutside) {
        const size = BigInt(data.length);
        return table([() => builder.addFieldInt64(1, PLACEHOLDER, 0n), () => builder.addFieldInt64(2, size, 0n)]);
      }
      const vector = data && bytes(data);
      return table([reference(0, vector)]);
    }),
    ...(file.metadata ? [table([reference(0, bytes(file.metadata))])] : []),
  ];
  const tensors = file.tensors.map(({ name, type = 'float32', shape, signature, buffer, scales }, index) => {
    const texts = [name === undefined ? builder.createString(`tensor${index}`) : builder.createString(name)];
    const [dimensions, dynamic] = [integers(shape), signature && integers(signature)];
    let quantization: number | undefined;
    if (scales) {
      builder.startVector(4, scales.length, 4);
      for (const scale of [...scales].reverse()) builder.addFloat32(scale);
      const list = builder.endVector();
      quantization = table([reference(2, list)]);
    }
    return table([
      reference(0, dimensions),
      () => builder.addFieldInt8(1, TYPES[type], 0),
      () => builder.addFieldInt32(2, buffer ?? index + 1, 0),
      reference(3, texts[0]),
      reference(4, quantization),
      reference(7, dynamic),
    ]);
  });
  const operators = file.operators.map(({ inputs, outputs, options, code }, index) => {
    const [reads, makes] = [integers(inputs), integers(outputs)];
    const chosen =
      options &&
      table(
        options.fields.map(([slot, kind, value]) => () => {
          if (kind === 'int8') builder.addFieldInt8(slot, value, Number.NaN);
          else if (kind === 'int32') builder.addFieldInt32(slot, value, Number.NaN);
          else builder.addFieldFloat32(slot, value, Number.NaN);
        }),
      );
    return table([
      () => builder.addFieldInt32(0, code ?? index, 0),
      reference(1, reads),
      reference(2, makes),
      () => builder.addFieldInt8(3, options?.union ?? 0, 0),
      reference(4, chosen),
    ]);
  });
  const codes = file.operators.map(({ builtin }) => {
    const custom = typeof builtin === 'string' && builtin.startsWith('CUSTOM ') ? builtin.slice(7) : undefined;
    const number =
      custom !== undefined
        ? CUSTOM_OPERATOR
        : typeof builtin === 'number'
          ? builtin
          : BUILTIN_OPERATORS.indexOf(builtin);
    const text = custom === undefined ? undefined : builder.createString(custom);
    return table([
      () => builder.addFieldInt8(0, Math.min(number, NUMBER_ELSEWHERE), 0),
      reference(1, text),
      () => builder.addFieldInt32(3, number, 0),
    ]);
  });
  const listed = Array.from({ length: file.repeated ?? 1 }, () => operators).flat();
  const parts = [references(tensors), integers(file.inputs), integers(file.outputs), references(listed)];
  const subgraph = table(parts.map((part, slot) => reference(slot, part)));
  const metadata =
    file.metadata &&
    references([
      table([reference(0, builder.createString('labels')), () => builder.addFieldInt32(1, buffers.length - 1, 0)]),
    ]);
  const lists = [
    references(codes),
    references(Array.from({ length: file.subgraphs ?? 1 }, () => subgraph)),
    undefined,
    references(buffers),
  ];
  const model = table([
    () => builder.addFieldInt32(0, 3, 0),
    ...lists.map((list, i) => reference(1 + i, list)),
    reference(6, metadata),
  ]);
  builder.finish(model, file.identifier ?? 'TFL3');
  return appended(builder.asUint8Array(), outside);
}

const PLACEHOLDER = 2n;

/** Puts outside data behind the file, at multiples of 16 bytes, and says where it stands. */
function appended(file: Uint8Array, outside: readonly TensorDeclaration[]): Uint8Array {
  const parts: Uint8Array[] = [file];
  let length = file.length;
  const starts = outside.map(({ data }) => {
    const gap = (16 - (length % 16)) % 16;
    parts.push(new Uint8Array(gap), data!);
    const start = length + gap;
    length = start + data!.length;
    return start;
  });
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  if (starts.length === 0) return whole;
  const flat = new FlatBuffer(whole);
  const view = new DataView(whole.buffer);
  for (const buffer of flat.tables(flat.root(), Model.buffers)) {
    const offset = flat.at(buffer, Buffer.offset.slot, 8, Buffer.offset.name);
    if (offset !== undefined) view.setBigUint64(offset, BigInt(starts.shift()!), true);
  }
  return whole;
}

export function float32s(count: number, value = 0.5): Uint8Array {
  return new Uint8Array(new Float32Array(count).fill(value).buffer);
}

export function int32s(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** CONV_2D's options: SAME padding, strides and a fused activation. */
export function convOptions(stride = 1, activation = 0): NonNullable<OperatorDeclaration['options']> {
  return {
    union: 1,
    fields: [
      [0, 'int8', 0],
      [1, 'int32', stride],
      [2, 'int32', stride],
      [3, 'int8', activation],
    ],
  };
}

/**
 * `conv_2d_0` of `image` [1, 9, 8, 3] by `weight` [4, 3, 3, 3] with a fused RELU6 to `features` [1, 5, 4, 4], and
 * `mean_1` over `axes` to `means` [1, 4].
 */
export function smallFile(change: Partial<FileDeclaration> = {}): FileDeclaration {
  return {
    tensors: [
      { name: 'image', shape: [1, 9, 8, 3] },
      { name: 'weight', shape: [4, 3, 3, 3], data: float32s(108) },
      { name: 'bias', shape: [4], data: float32s(4) },
      { name: 'features', shape: [1, 5, 4, 4] },
      { name: 'axes', type: 'int32', shape: [2], data: int32s(1, 2) },
      { name: 'means', shape: [1, 4] },
    ],
    operators: [
      { builtin: 'CONV_2D', inputs: [0, 1, 2], outputs: [3], options: convOptions(2, 3) },
      { builtin: 'MEAN', inputs: [3, 4], outputs: [5], options: { union: 27, fields: [[0, 'int8', 0]] } },
    ],
    inputs: [0],
    outputs: [5],
    ...change,
  };
}

/** The small file with one of its tensors changed. */
export function withTensor(index: number, change: Partial<TensorDeclaration>): FileDeclaration {
  const file = smallFile();
  return { ...file, tensors: file.tensors.map((tensor, i) => (i === index ? { ...tensor, ...change } : tensor)) };
}

/** The small file with one of its operators changed. */
export function withOperator(index: number, change: Partial<OperatorDeclaration>): FileDeclaration {
  const file = smallFile();
  const operators = file.operators.map((operator, i) => (i === index ? { ...operator, ...change } : operator));
  return { ...file, operators };
}
