/**
 * Reads a TFLite file into a Graph. Weights are optional: a constant whose buffer is empty has a type and a shape without
 * values. Activations stay NHWC; ops, attributes and the weights of convolutions are as ONNX has them.
 */
import { EngineError } from '../errors';
import type { Graph, Op, Tensor } from '../graph';
import { elementCount, type InferredTensor, isPossibleShape, MAXIMUM_FOLDED_ELEMENTS } from '../shape-reader';
import { decodeValues } from './constant-values';
import { DimensionBinder, type ReadOptions } from './dimension-bindings';
import { constantBytes, decodeTflite, freshName, type TfliteModel, type TfliteOperator } from './tflite-model';
import { CONVERT_AGAIN, OperatorReader, type Translation } from './tflite-operator-reader';
import { ACTIVATIONS, BUILTINS, type Builtin } from './tflite-operators';
import { inferOutputs } from './tflite-shapes';
import { WeightOrders } from './tflite-weights';

/**
 * Parses TFLite bytes. Shapes are the file's; behind dynamic dimensions, which take bindings by `tensor.axis`, they are
 * inferred. A fused activation becomes an op of its own behind its op, with the attribute `fused_activation`.
 *
 * @throws EngineError MALFORMED_FILE, UNSUPPORTED_FORMAT, UNSUPPORTED_OP, UNBOUND_DIMENSION, UNKNOWN_NAME or INVALID_SHAPE
 */
export function readTflite(bytes: Uint8Array, options: ReadOptions): Graph {
  return new TfliteReader(decodeTflite(bytes), options).read();
}

class TfliteReader {
  /** In the file's order of dimensions; undefined until the op that makes it was read. */
  private readonly current: (Tensor | undefined)[];
  private readonly tensors = new Map<string, Tensor>();
  private readonly ops: Op[] = [];
  /** Of all tensors, those that are still to come too. */
  private readonly names: Set<string>;
  private readonly weights: WeightOrders;
  /** Tensors whose shape is not the one that stands in the file. */
  private readonly resized = new Set<number>();
  /** Values that ops reckon with shapes: what follows from them is computed here too. */
  private readonly computed = new Set<number>();

  constructor(
    private readonly model: TfliteModel,
    private readonly options: ReadOptions,
  ) {
    this.current = model.tensors.map(() => undefined);
    this.names = new Set(model.tensors.map(({ name }) => name));
    this.weights = new WeightOrders(model, this.tensors, this.names);
  }

  read(): Graph {
    const { operators, inputs, outputs, tensors } = this.model;
    this.addConstants();
    this.addInputs();
    for (const operator of operators) this.addOperator(operator);
    const nameOf = (index: number) => tensors[index].name;
    return {
      name: this.options.name,
      format: 'tflite',
      layout: 'NHWC',
      inputs: inputs.map(nameOf),
      outputs: outputs.map(nameOf),
      ops: this.ops,
      tensors: this.tensors,
    };
  }

  /** Whatever is read, and is neither a graph input nor made by an op. */
  private addConstants(): void {
    const { operators, inputs, outputs, tensors } = this.model;
    const made = new Set(inputs);
    for (const operator of operators) {
      for (const index of operator.outputs) {
        if (made.has(index)) throw malformed(`tensor ${tensors[index].name} is made twice`, placeOf(operator));
        made.add(index);
      }
    }
    for (const index of new Set([...operators.flatMap((operator) => operator.inputs), ...outputs])) {
      if (index < 0 || made.has(index)) continue;
      const tensor = tensors[index];
      const { name, type, shape } = tensor;
      if (!isPossibleShape(shape)) throw malformed(`constant ${name} has shape [${shape}]`, `tensor ${name}`);
      const bytes = constantBytes(this.model, tensor);
      const values = bytes && elementCount(shape) <= MAXIMUM_FOLDED_ELEMENTS ? decodeValues(bytes, type) : undefined;
      this.setTensor(index, { type, shape, values }, true);
    }
  }

  private addInputs(): void {
    const binder = new DimensionBinder(this.options.bindings);
    for (const index of this.model.inputs) {
      const { name, type, shape, signature } = this.model.tensors[index];
      const bound = signature.map((size, axis) => (size === -1 ? binder.bind(`${name}.${axis}`, name) : shape[axis]));
      if (!isPossibleShape(bound)) throw malformed(`graph input ${name} has shape [${bound}]`, `tensor ${name}`);
      if (bound.some((size, axis) => size !== shape[axis])) this.resized.add(index);
      this.setTensor(index, { type, shape: bound }, false);
    }
    binder.refuseUnused();
  }

  private addOperator(operator: TfliteOperator): void {
    const builtin = this.builtinOf(operator);
    this.checkInputs(operator, builtin);
    const reader = new OperatorReader(this.model.file, operator, (index) => this.tensorAt(index));
    const translation = builtin.translate(reader);
    const where = placeOf(operator);
    const { outputs, inputs } = operator;
    const names = translation.inputs.map((index, place) =>
      index < 0
        ? ''
        : place === 1 && translation.weightOrder
          ? this.weights.restate(index, translation.weightOrder, where)
          : this.model.tensors[index].name,
    );
    while (names[names.length - 1] === '') names.pop();
    const op: Op = {
      name: operator.name,
      type: translation.type,
      inputs: names,
      outputs: outputs.map((index) => this.model.tensors[index].name),
      attributes: translation.attributes ?? {},
    };
    const results = this.outputsOf(operator, op, translation, reader);
    const isConstant = inputs.every((index) => index < 0 || this.current[index]!.constant);
    outputs.forEach((index, place) => {
      const { shape, values } = results[place];
      const type = this.model.tensors[index].type;
      if (values) this.computed.add(index);
      this.setTensor(index, { type, shape, values }, isConstant || values !== undefined);
    });
    this.addOps(op, translation.activation ?? 0);
  }

  private builtinOf(operator: TfliteOperator): Builtin {
    const builtin = BUILTINS.get(operator.builtin);
    if (builtin) return builtin;
    const made = operator.outputs.map((index) => this.model.tensors[index].name).join(', ');
    throw new EngineError(
      'UNSUPPORTED_OP',
      `${operator.builtin}, which makes tensor ${made || '(none)'}, is not one of the operators that are read`,
      placeOf(operator),
      'Replace the op, or convert the network with builtin operators only; ask for the op to be supported.',
    );
  }

  private checkInputs(operator: TfliteOperator, builtin: Builtin): void {
    const { inputs, outputs } = operator;
    const [least, most] = builtin.inputs;
    const optional = most === Number.POSITIVE_INFINITY ? inputs.length : least;
    if (inputs.length > most || inputs.length < least || inputs.slice(0, optional).some((index) => index < 0)) {
      const expected = most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
      throw malformed(`the op has inputs [${inputs}]; ${expected} were expected`, placeOf(operator));
    }
    if (outputs.length === 0) throw malformed('the op makes no output', placeOf(operator));
    for (const index of inputs) {
      if (index >= 0 && !this.current[index]) {
        const { name } = this.model.tensors[index];
        throw malformed(`tensor ${name} is read before any op makes it`, placeOf(operator));
      }
    }
  }

  /** Shapes as the file states them; inferred where they follow from a dynamic dimension. */
  private outputsOf(
    operator: TfliteOperator,
    op: Op,
    translation: Translation,
    reader: OperatorReader,
  ): readonly InferredTensor[] {
    const stated = operator.outputs.map((index) => this.model.tensors[index]);
    const follows =
      stated.some(({ signature }) => signature.includes(-1)) ||
      operator.inputs.some((index) => this.resized.has(index) || this.computed.has(index));
    if (!follows) {
      // The values of a static shape are known, which makes shape arithmetic constant.
      return stated.map(({ type, shape }) => ({
        type,
        shape,
        values: op.type === 'Shape' ? reader.shape(0) : undefined,
      }));
    }
    const inputs = translation.inputs.map((index) => (index < 0 ? undefined : this.tensorAt(index)));
    const results =
      translation.infer?.() ??
      inferOutputs(
        { ...op, inputs: inputs.map((tensor) => tensor?.name ?? '') },
        translation.likeType ?? op.type,
        inputs,
        translation.weightOrder,
      );
    operator.outputs.forEach((index, place) => {
      const shape = results[place]?.shape;
      if (!shape || !isPossibleShape(shape)) {
        throw reader.invalid(`output ${stated[place].name} would have shape [${shape ?? 'unknown'}]`);
      }
      if (String(shape) !== String(stated[place].shape)) this.resized.add(index);
    });
    return results;
  }

  /** The op, and its fused activation behind it. */
  private addOps(op: Op, number: number): void {
    if (number === 0) {
      this.ops.push(op);
      return;
    }
    const activation = ACTIVATIONS.get(number);
    if (!activation) {
      throw malformed(`fused activation ${number} does not exist`, `op ${op.name} (${op.type})`);
    }
    const output = this.tensors.get(op.outputs[0])!;
    const name = freshName(`${output.name}/before_activation`, '_', this.names);
    this.tensors.set(name, { ...output, name });
    this.ops.push(
      { ...op, outputs: [name] },
      {
        name: `${op.name}/${activation.name}`,
        type: activation.type,
        inputs: [name],
        outputs: op.outputs,
        attributes: { ...activation.attributes, fused_activation: 1 },
      },
    );
  }

  /** A tensor in the file's order of dimensions. An output that is still to come stands as the file states it. */
  private tensorAt(index: number): Tensor {
    const { name, type, shape } = this.model.tensors[index];
    return this.current[index] ?? { name, type, shape, constant: false };
  }

  private setTensor(index: number, { type, shape, values }: InferredTensor, constant: boolean): void {
    const { name } = this.model.tensors[index];
    const tensor: Tensor = { name, type, shape, constant, ...(values && { values }) };
    this.current[index] = tensor;
    this.tensors.set(name, tensor);
  }
}

function placeOf({ name, builtin }: TfliteOperator): string {
  return `op ${name} (${builtin})`;
}

function malformed(message: string, where: string): EngineError {
  return new EngineError('MALFORMED_FILE', message, where, CONVERT_AGAIN);
}
