/**
 * A TFLite file as plain lists of tensors and operators: everything that the reader needs of it, with every index checked.
 * Knows the container; what operators mean is in tflite-operators.ts.
 */
import { EngineError } from '../errors';
import type { ElementType } from '../graph';
import { elementCount, isPossibleShape } from '../shape-reader';
import { byteCount } from './constant-values';
import { type Extent, FlatBuffer } from './tflite-flatbuffer';
import {
  BUILTIN_OPERATORS,
  Buffer,
  CUSTOM_OPERATOR,
  FILE_IDENTIFIER,
  Model,
  NUMBER_ELSEWHERE,
  Operator,
  OperatorCode,
  SubGraph,
  TENSOR_TYPES,
  Tensor,
} from './tflite-schema';

export interface TfliteTensor {
  /** Unique in the file: numbered where the file's name is empty or stands twice. */
  readonly name: string;
  readonly type: ElementType;
  /** Static dimensions; a dynamic one stands as the file's placeholder. */
  readonly shape: readonly number[];
  /** Dimensions with -1 for dynamic ones; the shape itself if there are none. */
  readonly signature: readonly number[];
  readonly buffer: number;
  /** True if the values are stored in a sparse form, which is not read. */
  readonly sparse: boolean;
}

export interface TfliteOperator {
  /** `conv_2d_12`: the operator's name in the schema, and its place in the file. */
  readonly name: string;
  readonly builtin: string;
  /** Indices of tensors; -1 for an optional input that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Position of the options table, and its number in the union of options. */
  readonly options: number | undefined;
  readonly optionsType: number;
}

export interface TfliteModel {
  readonly file: FlatBuffer;
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Where each buffer's bytes stand; empty for one without. */
  readonly buffers: readonly Extent[];
}

/** True if the bytes say of themselves that they are a TFLite file. */
export function isTflite(bytes: Uint8Array): boolean {
  return identifierOf(bytes) === FILE_IDENTIFIER;
}

/** Opens the container alone. @throws EngineError MALFORMED_FILE */
export function openTflite(bytes: Uint8Array): FlatBuffer {
  if (!isTflite(bytes)) {
    throw new EngineError(
      'MALFORMED_FILE',
      `not a TFLite file: ${JSON.stringify(identifierOf(bytes))} stands where ${FILE_IDENTIFIER} was expected`,
      'byte 4',
      'Check that the file is complete and is a .tflite model.',
    );
  }
  return new FlatBuffer(bytes);
}

function identifierOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(4, 8));
}

/** @throws EngineError MALFORMED_FILE or UNSUPPORTED_FORMAT */
export function decodeTflite(bytes: Uint8Array): TfliteModel {
  const file = openTflite(bytes);
  const root = file.root();
  const subgraphs = file.tables(root, Model.subgraphs);
  if (subgraphs.length === 0) throw file.malformed('there is no subgraph', root, Model.subgraphs.name);
  if (subgraphs.length > 1) {
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      `the file has ${subgraphs.length} subgraphs; one is read`,
      Model.subgraphs.name,
      'Convert one signature of the network alone, without control flow (tf.cond, tf.while_loop).',
    );
  }
  const subgraph = subgraphs[0];
  const buffers = readBuffers(file, root);
  const tensors = readTensors(file, subgraph, buffers);
  const codes = file.tables(root, Model.operatorCodes).map((table) => operatorName(file, table));
  const indices = (table: number, field: typeof SubGraph.inputs, optional = false) => {
    const list = file.numbers(table, field) ?? [];
    for (const index of list) {
      if (index >= tensors.length || index < (optional ? -1 : 0)) {
        throw file.malformed(`tensor ${index} does not exist; there are ${tensors.length}`, table, field.name);
      }
    }
    return list;
  };
  const operators = file.tables(subgraph, SubGraph.operators).map((table, index): TfliteOperator => {
    const code = file.scalar(table, Operator.opcodeIndex);
    const builtin = codes[code];
    if (builtin === undefined) {
      throw file.malformed(`operator code ${code} of ${codes.length} does not exist`, table, Operator.opcodeIndex.name);
    }
    return {
      name: `${builtin.split(' ')[0].toLowerCase()}_${index}`,
      builtin,
      inputs: indices(table, Operator.inputs, true),
      outputs: indices(table, Operator.outputs),
      options: file.table(table, Operator.options),
      optionsType: file.scalar(table, Operator.optionsType),
    };
  });
  if (operators.length === 0) throw file.malformed('there are no operators', subgraph, SubGraph.operators.name);
  const inputs = indices(subgraph, SubGraph.inputs);
  return { file, tensors, operators, buffers, inputs, outputs: indices(subgraph, SubGraph.outputs) };
}

/** `CONV_2D`; `CUSTOM Name` for an operator of the converter's user; `BUILTIN 300` for one that is not known here. */
function operatorName(file: FlatBuffer, table: number): string {
  const short = file.scalar(table, OperatorCode.deprecatedBuiltinCode);
  const number = Math.max(short === NUMBER_ELSEWHERE ? 0 : short, file.scalar(table, OperatorCode.builtinCode));
  if (number === CUSTOM_OPERATOR) return `CUSTOM ${file.text(table, OperatorCode.customCode)}`;
  return BUILTIN_OPERATORS[number] ?? `BUILTIN ${number}`;
}

function readBuffers(file: FlatBuffer, root: number): Extent[] {
  return file.tables(root, Model.buffers).map((table) => {
    const inside = file.vector(table, Buffer.data);
    const start = file.scalar(table, Buffer.offset);
    if (start <= 1) return inside ?? { start: table, length: 0 };
    const length = file.scalar(table, Buffer.size);
    if (start + length > file.bytes.length) {
      throw file.malformed(`a buffer of ${length} bytes at ${start} ends behind the file`, table, Buffer.offset.name);
    }
    return { start, length };
  });
}

/** The name, with the suffix behind it as often as others have it already. Takes it. */
export function freshName(name: string, suffix: string, taken: Set<string>): string {
  let fresh = name;
  while (taken.has(fresh)) fresh += suffix;
  taken.add(fresh);
  return fresh;
}

function readTensors(file: FlatBuffer, subgraph: number, buffers: readonly Extent[]): TfliteTensor[] {
  const taken = new Set<string>();
  return file.tables(subgraph, SubGraph.tensors).map((table, index) => {
    const given = file.text(table, Tensor.name);
    const name = freshName(given || `tensor:${index}`, `:${index}`, taken);
    const number = file.scalar(table, Tensor.type);
    const type = TENSOR_TYPES.get(number);
    if (!type) {
      throw new EngineError(
        'UNSUPPORTED_FORMAT',
        `element type ${number} of the TFLite schema is not supported`,
        `tensor ${name}`,
        'Convert the network in float32, float16 or 8-bit or 16-bit integers.',
      );
    }
    const shape = file.numbers(table, Tensor.shape) ?? [];
    const listed = file.numbers(table, Tensor.shapeSignature);
    const signature = listed?.length ? listed : shape;
    const buffer = file.scalar(table, Tensor.buffer);
    if (buffer >= buffers.length && buffer !== 0) {
      throw file.malformed(
        `tensor ${name} has buffer ${buffer} of ${buffers.length}, which does not exist`,
        table,
        Tensor.buffer.name,
      );
    }
    if (signature.length !== shape.length || !isPossibleShape(shape.map((size) => (size === -1 ? 1 : size)))) {
      throw file.malformed(
        `tensor ${name} has shape [${shape}] and signature [${signature}]`,
        table,
        Tensor.shape.name,
      );
    }
    return { name, type, shape, signature, buffer, sparse: file.table(table, Tensor.sparsity) !== undefined };
  });
}

/** A constant's bytes, checked against its shape; undefined if the file has none, or not in dense form. */
export function constantBytes(model: TfliteModel, tensor: TfliteTensor): Uint8Array | undefined {
  const { name, type, shape, buffer, sparse } = tensor;
  const extent = model.buffers[buffer];
  const expected = byteCount(type, elementCount(shape));
  if (!extent?.length || sparse || expected === undefined) return undefined;
  const { start, length } = extent;
  if (length !== expected) {
    throw model.file.malformed(
      `tensor ${name} is [${shape}] of ${type}, but its buffer has ${length} bytes`,
      start,
      Buffer.data.name,
    );
  }
  return model.file.bytes.subarray(start, start + length);
}
