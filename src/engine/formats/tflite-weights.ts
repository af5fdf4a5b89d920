/**
 * Puts the dimensions of convolution weights into ONNX's order, which kernels and features read. Only constants: nothing
 * moves at run time.
 */
import { EngineError } from '../errors';
import type { Tensor } from '../graph';
import { gathered, stridesOf } from '../shape-values';
import { freshName, type TfliteModel } from './tflite-model';
import { ordered } from './tflite-shapes';

/** Input 1 of these operators is a weight. */
const WEIGHT_READERS = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'TRANSPOSE_CONV']);

export class WeightOrders {
  /** How each tensor is read: as the weight of an operator, or as it is in the file. */
  private readonly uses: string[][];
  /** The tensor that DEQUANTIZE makes each one of. */
  private readonly sources = new Map<number, number>();
  /** Names by index and order. */
  private readonly restated = new Map<string, string>();

  constructor(
    private readonly model: TfliteModel,
    /** Tensors of the graph by name: restated ones are replaced in it. */
    private readonly tensors: Map<string, Tensor>,
    /** Of all tensors. */
    private readonly names: Set<string>,
  ) {
    this.uses = model.tensors.map(() => []);
    for (const { builtin, inputs, outputs } of model.operators) {
      inputs.forEach((index, place) => {
        if (index >= 0) this.uses[index].push(place === 1 && WEIGHT_READERS.has(builtin) ? builtin : '');
      });
      if (builtin === 'DEQUANTIZE' && outputs.length === 1) this.sources.set(outputs[0], inputs[0]);
    }
  }

  /**
   * The name under which the weight of index `index` stands in the graph in the given order.
   *
   * @throws EngineError UNSUPPORTED_OP if the weight is computed at run time
   */
  restate(index: number, order: readonly number[], where: string): string {
    const key = `${index} ${order}`;
    const known = this.restated.get(key);
    if (known !== undefined) return known;
    const tensor = this.tensors.get(this.model.tensors[index].name)!;
    if (!tensor.constant) {
      throw new EngineError(
        'UNSUPPORTED_OP',
        `tensor ${tensor.name}, the weight, is computed at run time`,
        where,
        'Convert the network with constant weights.',
      );
    }
    // A tensor that is also read in another way keeps its own order there.
    const isShared = new Set(this.uses[index]).size > 1;
    const name = isShared ? freshName(`${tensor.name}/${order.join('')}`, '_', this.names) : tensor.name;
    this.restated.set(key, name);
    this.tensors.set(name, { ...reordered(tensor, order), name });
    if (!isShared) this.restateSource(index, order);
    return name;
  }

  /** A float16 weight goes through a DEQUANTIZE of its own: both sides of that stay in step. */
  private restateSource(index: number, order: readonly number[]): void {
    const source = this.sources.get(index);
    if (source === undefined || this.uses[source].length > 1) return;
    const tensor = this.tensors.get(this.model.tensors[source].name)!;
    if (tensor.shape.length === order.length) this.tensors.set(tensor.name, reordered(tensor, order));
  }
}

function reordered(tensor: Tensor, order: readonly number[]): Tensor {
  const shape = ordered(tensor.shape, order);
  const strides = stridesOf(tensor.shape);
  const values = gathered(tensor.values, shape, (at) => at.reduce((sum, each, i) => sum + each * strides[order[i]], 0));
  return { ...tensor, shape, ...(values && { values }) };
}
