/**
 * Puts the dimensions of convolution weights into ONNX's order, which kernels and features read. Only constants: nothing
 * moves at run time.
 */
import { EngineError } from '../errors';
import type { Tensor } from '../graph';
import { gathered, stridesOf } from '../shape-values';
import type { TfliteModel } from './tflite-model';
import { ordered } from './tflite-shapes';

/** Input 1 of these operators is a weight. */
const WEIGHT_READERS = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'TRANSPOSE_CONV']);

export class WeightOrders {
  /** How each tensor is read: as the weight of an operator, or as it is in the file. */
  private readonly uses: string[][];
  /** The tensor that DEQUANTIZE makes each one of. */
  private readonly sources = new Map<number, number>();
  private readonly restated = new Map<number, string>();

  constructor(
    model: TfliteModel,
    /** Tensors of the graph by name: restated ones are replaced in it. */
    private readonly tensors: Map<string, Tensor>,
    private readonly names: readonly string[],
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
    const known = this.restated.get(index);
    if (known !== undefined) return known;
    const tensor = this.tensors.get(this.names[index])!;
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
    const name = isShared ? `${tensor.name}/${order.join('')}` : tensor.name;
    if (!isShared) this.restated.set(index, name);
    const { shape, values } = tensor;
    const restated = ordered(shape, order);
    const strides = stridesOf(shape);
    this.tensors.set(name, {
      ...tensor,
      name,
      shape: restated,
      ...(values && {
        values: gathered(values, restated, (at) => at.reduce((sum, each, i) => sum + each * strides[order[i]], 0)),
      }),
    });
    // A float16 weight goes through a DEQUANTIZE of its own: both sides of it stay in step.
    const source = this.sources.get(index);
    if (source !== undefined && this.uses[source].length === 1 && !this.restated.has(source)) {
      this.restate(source, order, where);
    }
    return name;
  }
}
