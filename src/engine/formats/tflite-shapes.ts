/**
 * Shapes of the outputs of one translated op, for files with dynamic dimensions: by the shape rules that ONNX files have,
 * with the channels moved to where those expect them.
 */
import type { Op, Tensor } from '../graph';
import type { InferredTensor } from '../shape-reader';
import { inferShapes } from '../shapes';

/** Ops whose ONNX rule takes the second dimension for the channels. */
const CHANNELS_SECOND = new Set(['Conv', 'AveragePool', 'MaxPool', 'DepthToSpace', 'SpaceToDepth']);

const TO_CHANNELS_SECOND = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

/** What `ordered` does to a shape of another rank is never asked: translations check it first. */
export function ordered(shape: readonly number[], order: readonly number[]): number[] {
  return order.map((axis) => shape[axis]);
}

/**
 * @param op inputs by name, '' where one is left out; outputs by any names
 * @param likeType the op type whose rule holds
 * @param inputs of the op, in the file's order of dimensions
 * @param weightOrder ONNX's order of the dimensions of input 1
 * @throws EngineError INVALID_SHAPE or UNSUPPORTED_OP
 */
export function inferOutputs(
  op: Op,
  likeType: string,
  inputs: readonly (Tensor | undefined)[],
  weightOrder?: readonly number[],
): InferredTensor[] {
  const moves = CHANNELS_SECOND.has(likeType);
  const tensors = new Map<string, Tensor>();
  inputs.forEach((tensor, place) => {
    if (!tensor) return;
    const order = place === 0 && moves ? TO_CHANNELS_SECOND : place === 1 ? weightOrder : undefined;
    tensors.set(tensor.name, order ? { ...tensor, shape: ordered(tensor.shape, order) } : tensor);
  });
  inferShapes([{ ...op, type: likeType }], tensors);
  return op.outputs.map((name) => {
    const { type, shape, values } = tensors.get(name)!;
    return { type, shape: moves ? ordered(shape, TO_CHANNELS_LAST) : shape, values };
  });
}
