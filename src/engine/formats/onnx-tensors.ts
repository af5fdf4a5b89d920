/**
 * Constants of ONNX files: element types, dimensions, and the values of those small enough to decide a shape, from raw bytes,
 * typed lists or sparse entries. It knows tensors only, no graph.
 */
import { EngineError } from '../errors';
import type { ConstantValue, ElementType } from '../graph';
import { elementCount, isPossibleShape, MAXIMUM_FOLDED_ELEMENTS } from '../shape-reader';
import { INTEGER_TYPES } from '../shape-values';
import { CHECK_FILE } from '../shapes';
import { byteCount, decodeValues, hasNumbers } from './constant-values';
import { ELEMENT_TYPES, type SparseTensorMessage, type TensorMessage } from './onnx-schema';

const ELEMENT_TYPE_OF = new Map<number, ElementType>(
  Object.entries(ELEMENT_TYPES).map(([name, number]) => [number, name as ElementType]),
);

/**
 * Elements of sparse tensors, and of those that are no whole numbers, whose values are known: as many as stripping leaves,
 * however few of them are in the file. Larger ones are weights, which decide no shape.
 */
const MAXIMUM_OTHER_ELEMENTS = 64;

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
  if (message.dataLocation === 1 || count > MAXIMUM_FOLDED_ELEMENTS || !hasNumbers(type)) return { type, shape };
  const { rawData } = message;
  const expected = byteCount(type, count);
  if (rawData?.length && rawData.length !== expected)
    throw malformed(
      `a tensor of shape [${shape}] of ${type} has ${rawData.length} bytes; ${expected} were expected`,
      where,
    );
  if (count > MAXIMUM_OTHER_ELEMENTS && !INTEGER_TYPES.has(type)) return { type, shape };
  const values = rawData?.length ? decodeValues(rawData, type)! : listedValues(message, type);
  if (values.length === 0 && count > 0) return { type, shape };
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
  if (!entries.values || !positions || count > MAXIMUM_OTHER_ELEMENTS) return dense;
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

/** Types whose numbers stand in the list of 32-bit integers as their bits, in order. */
const LISTED_AS_BITS: ReadonlySet<ElementType> = new Set(['float16', 'bfloat16']);

function listedValues(message: TensorMessage, type: ElementType): readonly number[] {
  const lists = [message.floatData, message.int32Data, message.int64Data, message.doubleData, message.uint64Data];
  const list = lists.find((each) => each?.length) ?? [];
  return LISTED_AS_BITS.has(type) ? decodeValues(new Uint8Array(Uint16Array.from(list).buffer), type)! : list;
}
