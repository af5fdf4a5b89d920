/**
 * One TFLite operator as its translation sees it: inputs with the shapes that hold for this reading, constants' values,
 * options with the schema's defaults; and what a translation says of it. Which operator means what is in
 * tflite-operators.ts.
 */
import { EngineError } from '../errors';
import type { AttributeValue, Tensor } from '../graph';
import type { InferredTensor } from '../shape-reader';
import type { FlatBuffer, ScalarField, VectorField } from './tflite-flatbuffer';
import type { TfliteOperator } from './tflite-model';

export const CONVERT_AGAIN = 'Check the network with its own framework, or convert it again.';

/** What an operator is in the vocabulary of graphs. */
export interface Translation {
  /** ONNX operator name, or `tflite.Name` where ONNX has none. */
  readonly type: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** The file's inputs in the order in which the op reads them; those that became attributes are left out, -1 is none. */
  readonly inputs: readonly number[];
  /** The order in which ONNX has the dimensions of the weight, which is input 1. */
  readonly weightOrder?: readonly number[];
  /** Number of the fused activation in the schema. */
  readonly activation?: number;
  /** Outputs by an own rule, for dynamic dimensions; by ONNX's rule for `likeType`, or for `type`, if left out. */
  readonly infer?: () => readonly InferredTensor[];
  readonly likeType?: string;
}

/** The file's tensors by index, with the shapes that hold for this reading, in the file's order of dimensions. */
export type TensorLookup = (index: number) => Tensor;

export class OperatorReader {
  constructor(
    private readonly file: FlatBuffer,
    readonly operator: TfliteOperator,
    private readonly lookup: TensorLookup,
  ) {}

  get where(): string {
    return `op ${this.operator.name} (${this.operator.builtin})`;
  }

  /** Indices of the given inputs, -1 for those that the file leaves out. */
  inputs(...places: number[]): number[] {
    return places.map((place) => this.operator.inputs[place] ?? -1);
  }

  /** True if the file gives an optional input. */
  has(place: number): boolean {
    return (this.operator.inputs[place] ?? -1) >= 0;
  }

  input(place: number): Tensor {
    if (!this.has(place)) throw this.invalid(`input ${place} is missing`);
    return this.lookup(this.operator.inputs[place]);
  }

  shape(place: number, rank?: number): readonly number[] {
    const { name, shape } = this.input(place);
    if (rank !== undefined && shape.length !== rank) {
      throw this.invalid(`tensor ${name} has shape [${shape}]; ${rank} dimensions were expected`);
    }
    return shape;
  }

  output(place = 0): Tensor {
    return this.lookup(this.operator.outputs[place]);
  }

  /** An input's values, which the op's meaning depends on. @throws EngineError INVALID_SHAPE */
  values(place: number): readonly number[] {
    const { name, values } = this.input(place);
    if (values) return values;
    throw new EngineError(
      'INVALID_SHAPE',
      `the op depends on the values of tensor ${name}, which are not in the file`,
      this.where,
      'Convert the network with static shapes, and keep buffers of up to 256 bytes when stripping weights.',
    );
  }

  /** Values of an input that may be computed at run time: undefined then, an error if it is a constant without bytes. */
  knownValues(place: number): readonly number[] | undefined {
    const { constant, values } = this.input(place);
    return constant ? this.values(place) : values;
  }

  /** A field of the options table; its default where the file has no such table. */
  option<Fields extends Readonly<Record<string, ScalarField>>>(
    { union, fields }: { readonly union: number; readonly fields: Fields },
    name: keyof Fields & string,
  ): number {
    const { options, optionsType } = this.operator;
    const field: ScalarField = fields[name];
    return options === undefined || optionsType !== union ? field.otherwise : this.file.scalar(options, field);
  }

  listOption({ union, field }: { readonly union: number; readonly field: VectorField }): number[] | undefined {
    const { options, optionsType } = this.operator;
    return options === undefined || optionsType !== union ? undefined : this.file.numbers(options, field);
  }

  /** An axis from 0 to rank - 1; negative ones count from the end. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (!(axis >= 0 && axis < rank)) throw this.invalid(`axis ${value} is outside the ${rank} dimensions`);
    return axis;
  }

  invalid(message: string): EngineError {
    return new EngineError('INVALID_SHAPE', message, this.where, CONVERT_AGAIN);
  }
}
