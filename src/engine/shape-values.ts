/**
 * Values of small constants while shapes are inferred: taken from other constants by index, or broadcast together.
 */
import type { ElementType } from './graph';
import { elementCount, type InferredTensor, isPossibleShape, MAXIMUM_FOLDED_ELEMENTS } from './shape-reader';

export const INTEGER_TYPES = new Set<ElementType>([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]);

/** True if a tensor of this shape keeps its values. */
export function keepsValues(shape: readonly number[]): boolean {
  return isPossibleShape(shape) && elementCount(shape) <= MAXIMUM_FOLDED_ELEMENTS;
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/**
 * Values of an output whose element at each multi-index is the source's element at `offset(index)`; undefined if the
 * source's values are unknown or the output is too large to be kept.
 */
export function gathered(
  values: readonly number[] | undefined,
  shape: readonly number[],
  offset: (index: readonly number[]) => number,
): number[] | undefined {
  if (!values || !keepsValues(shape)) return undefined;
  const count = elementCount(shape);
  const result = new Array<number>(count);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < count; i++) {
    result[i] = values[offset(index)];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

/** Values of a tensor broadcast to a shape. */
export function broadcastValues({ shape: from, values }: InferredTensor, to: readonly number[]): number[] | undefined {
  const strides = stridesOf(from);
  const skip = to.length - from.length;
  return gathered(values, to, (index) =>
    strides.reduce((sum, stride, i) => sum + (from[i] === 1 ? 0 : index[i + skip] * stride), 0),
  );
}
