/**
 * Constants of ONNX files: element types, dimensions, and the values of those small enough to decide a shape, from raw bytes,
 * typed lists or sparse entries. It knows tensors only, no graph.
 */
import { EngineError } from '../errors';
import type { ConstantValue, ElementType } from '../graph';
import { elementCount, isPossibleShape, MAXIMUM_FOLDED_ELEMENTS } from '../shape-reader';
import { CHECK_FILE } from '../shapes';
import { ELEMENT_TYPES, type SparseTensorMessage, type TensorMessage } from './onnx-schema';

const ELEMENT_TYPE_OF = new Map<number, ElementType>(
  Object.entries(ELEMENT_TYPES).map(([name, number]) => [number, name as ElementType]),
);

/** A file that contradicts itself. */
export function malformed(message: string, where: string): EngineError {
  return new EngineError('MALFORMED_FILE', message, where, CHECK_FILE);
}

/** The element type by its number. @throws EngineError UNSUPPORTED_FORMAT */
export function elementType(number: number, where: string): ElementType {
  const type = ELEMENT_TYPE_OF.get(number);
  if (!type)
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      `element type ${number} is not supported`,
      where,
      'Export the network in float32, float16 or 8-bit integers.',
    );
  return type;
}

/** @throws EngineError MALFORMED_FILE for dimensions that no tensor has. */
export function checkDims(dims: readonly number[], where: string): readonly number[] {
  if (isPossibleShape(dims)) return dims;
  throw malformed(`a tensor has shape [${dims}]`, where);
}

/**
 * A constant with its values, if it is small and they are in the file.
 *
 * @throws EngineError MALFORMED_FILE or UNSUPPORTED_FORMAT
 */
export function readTensor(message: TensorMessage, where: string): ConstantValue {
  const type = elementType(message.dataType, where);
  const shape = checkDims(message.dims, where);
  const count = elementCount(shape);
  // External data lies in a file beside this one, of which only these bytes are given: absent, whether it is there or not.
  if (message.dataLocation === 1 || count > MAXIMUM_FOLDED_ELEMENTS) return { type, shape };
  const values = message.rawData?.length ? readRaw(message.rawData, type) : listedValues(message);
  if (!values || (values.length === 0 && count > 0)) return { type, shape };
  if (values.length !== count) throw malformed(`a tensor of shape [${shape}] has ${values.length} values`, where);
  return { type, shape, values };
}

/** The dense tensor; its values if all of it is small and there. */
export function readSparseTensor({ values, indices, dims }: SparseTensorMessage, where: string): ConstantValue {
  const entries = readTensor(values ?? { dims: [], dataType: 0 }, where);
  const shape = checkDims(dims, where);
  const dense = { type: entries.type, shape };
  const positions = indices && readTensor(indices, where).values;
  const count = elementCount(shape);
  if (!entries.values || !positions || count > MAXIMUM_FOLDED_ELEMENTS) return dense;
  const entryCount = entries.values.length;
  const isLinear = indices.dims.length === 1;
  if (positions.length !== entryCount * (isLinear ? 1 : shape.length))
    throw malformed(`a sparse tensor has ${entryCount} values and ${positions.length} indices`, where);
  const full = new Array<number>(count).fill(0);
  entries.values.forEach((value, i) => {
    const coordinates = positions.slice(i * shape.length, (i + 1) * shape.length);
    const at = isLinear ? positions[i] : shape.reduce((sum, size, axis) => sum * size + coordinates[axis], 0);
    if (!(at >= 0 && at < count)) throw malformed(`an index lies outside a sparse tensor of shape [${shape}]`, where);
    full[at] = value;
  });
  return { ...dense, values: full };
}

function listedValues(message: TensorMessage): number[] | undefined {
  return (
    [message.floatData, message.int32Data, message.int64Data, message.doubleData, message.uint64Data].find(
      (list) => list?.length,
    ) ?? []
  );
}

/** Little-endian values; undefined for types whose values decide no shape (float16, bfloat16, strings). */
function readRaw(raw: Uint8Array, type: ElementType): number[] | undefined {
  const reader = RAW_READERS[type];
  if (!reader) return undefined;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new Array<number>(Math.floor(raw.byteLength / reader.bytes));
  for (let i = 0; i < values.length; i++) values[i] = reader.read(view, i * reader.bytes);
  return values;
}

const RAW_READERS: Partial<Record<ElementType, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  float32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  float64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  int8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  int16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  int32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  int64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  uint16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  uint32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  uint64: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) },
};
