/**
 * What a shape rule works with: one op's inputs and attributes, typed, with errors that say where; NumPy broadcasting.
 */
import { EngineError } from './errors';
import type { AttributeValue, ConstantValue, ElementType, Op, Tensor } from './graph';

/** What a rule says of one output. `values` only for small constants. */
export interface InferredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values?: readonly number[];
}

export type ShapeRule = (op: OpReader) => readonly InferredTensor[];

/** Constants of up to this many elements keep their values: enough for any shape, permutation or list of axes. */
export const MAXIMUM_FOLDED_ELEMENTS = 1024;

/** No tensor of a network that runs on a device is larger: 2^36 elements are 256 GiB of float32. */
const MAXIMUM_ELEMENTS = 2 ** 36;

/** Tensors of networks have some 6 dimensions, and runtimes take 8 or 32 at most. */
const MAXIMUM_RANK = 64;

/** True if every dimension is a whole number of at least 0, and neither they nor the elements are more than any device takes. */
export function isPossibleShape(shape: readonly number[]): boolean {
  if (shape.length > MAXIMUM_RANK) return false;
  for (const dimension of shape) if (!Number.isSafeInteger(dimension) || dimension < 0) return false;
  return elementCount(shape) <= MAXIMUM_ELEMENTS;
}

/** Elements of a tensor of this shape. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

/** One op as a shape rule sees it: typed access to inputs and attributes, and errors that say where. */
export class OpReader {
  constructor(
    readonly op: Op,
    private readonly tensors: ReadonlyMap<string, Tensor>,
  ) {}

  get where(): string {
    return `op ${this.op.name} (${this.op.type})`;
  }

  get inputCount(): number {
    return this.op.inputs.length;
  }

  input(index: number): Tensor {
    const tensor = this.optionalInput(index);
    if (!tensor) throw this.invalid(`input ${index} is missing`);
    return tensor;
  }

  optionalInput(index: number): Tensor | undefined {
    const name = this.op.inputs[index];
    return name ? this.tensors.get(name) : undefined;
  }

  /** Dimensions of an input, checked to be of the given rank. */
  shape(index: number, rank?: number): readonly number[] {
    const { shape } = this.input(index);
    if (rank !== undefined && shape.length !== rank) {
      throw this.invalid(`input ${index} has shape [${shape}]; ${rank} dimensions were expected`);
    }
    return shape;
  }

  /** Values of an input that must be known here, because a shape follows from them. */
  values(index: number): readonly number[] {
    const tensor = this.input(index);
    if (tensor.values) return tensor.values;
    throw new EngineError(
      'INVALID_SHAPE',
      `the shape depends on the values of tensor ${tensor.name}, which are not a constant of the file`,
      this.where,
      'Export the network with static shapes (constant folding on), or keep small constants when stripping weights.',
    );
  }

  optionalValues(index: number): readonly number[] | undefined {
    return this.optionalInput(index) ? this.values(index) : undefined;
  }

  integer(name: string, otherwise: number): number {
    const value = this.attribute(name) ?? otherwise;
    if (!Number.isSafeInteger(value)) throw this.invalid(`attribute ${name} is not a whole number`);
    return value as number;
  }

  number(name: string): number | undefined {
    const value = this.attribute(name);
    if (value === undefined || typeof value === 'number') return value;
    throw this.invalid(`attribute ${name} is not a number`);
  }

  text(name: string, otherwise: string): string {
    const value = this.attribute(name) ?? otherwise;
    if (typeof value !== 'string') throw this.invalid(`attribute ${name} is not a text`);
    return value;
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.attribute(name);
    if (value === undefined) return undefined;
    if (isNumbers(value)) return value;
    throw this.invalid(`attribute ${name} is not a list of numbers`);
  }

  integers(name: string): readonly number[] | undefined {
    const values = this.numbers(name);
    for (const value of values ?? [])
      if (!Number.isInteger(value)) throw this.invalid(`attribute ${name} is not a list of whole numbers`);
    return values;
  }

  tensor(name: string): ConstantValue | undefined {
    const value = this.attribute(name);
    if (value === undefined || (typeof value === 'object' && 'shape' in value)) return value;
    throw this.invalid(`attribute ${name} is not a tensor`);
  }

  /** An axis from 0 to rank - 1; negative ones count from the end. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (!(axis >= 0 && axis < rank)) throw this.invalid(`axis ${value} is outside the ${rank} dimensions`);
    return axis;
  }

  private attribute(name: string): AttributeValue | undefined {
    return this.op.attributes[name];
  }

  invalid(message: string): EngineError {
    return new EngineError(
      'INVALID_SHAPE',
      message,
      this.where,
      'Check the network with its own framework: the file contradicts itself.',
    );
  }
}

function isNumbers(value: AttributeValue): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  for (const item of value) if (typeof item !== 'number') return false;
  return true;
}

/** NumPy broadcasting of two shapes. */
export function broadcast(a: readonly number[], b: readonly number[], reader: OpReader): number[] {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw reader.invalid(`shapes [${a}] and [${b}] do not broadcast`);
    result[i] = x === 1 ? y : x;
  }
  return result;
}
