/**
 * Small networks for tests, node by node: drafts of any graph as an ONNX file, networks that put a runtime's fusion rules
 * to the test, and weights for files that came without.
 */
import { type OnnxAttribute, type OnnxConstant, type OnnxNode, writeOnnx } from '../../src/engine';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../src/engine/formats/onnx-encoder';
import { ELEMENT_TYPES } from '../../src/engine/formats/onnx-schema';
import type { Random } from '../../src/engine/random';

/** An ONNX attribute by its plain value: whole numbers are ints, lists of them too; floats are spelled out. */
type PlainAttribute = number | readonly number[] | string | OnnxAttribute;

function attributeOf(value: PlainAttribute): OnnxAttribute {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { string: value };
  return 'length' in value ? { ints: value } : value;
}

interface ConvolutionShape {
  readonly kernel?: number;
  readonly groups?: number;
  readonly stride?: number;
}

/** A graph under construction; tensors go by their names. */
export class GraphDraft {
  readonly input = 'input';
  private readonly nodes: OnnxNode[] = [];
  private readonly constants: OnnxConstant[] = [];

  /** @param shape of the one input, float32 */
  constructor(
    readonly name: string,
    readonly shape: readonly number[],
    readonly random: Random,
  ) {}

  /** Adds an op with one output; an operator of another domain is written `domain.Name`. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, PlainAttribute>> = {}): string {
    return this.ops(type, inputs, 1, attributes)[0];
  }

  /** Adds an op with any number of outputs. */
  ops(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, PlainAttribute>> = {},
  ): string[] {
    const [, domain, operator] = /^(?:(.*)\.)?(.*)$/.exec(type)!;
    const name = `${operator.toLowerCase()}_${this.nodes.length}`;
    const made = Array.from({ length: outputs }, (_, i) => `${name}_out${i}`);
    const written = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)]));
    this.nodes.push({ type: operator, domain, name, inputs, outputs: made, attributes: written });
    return made;
  }

  /** Weights between 0.5 and 1.5: none is the neutral element of anything. */
  weights(...shape: readonly number[]): string {
    const count = shape.reduce((product, size) => product * size, 1);
    return this.constant(
      shape,
      Float32Array.from({ length: count }, () => 0.5 + this.random.uniform()),
    );
  }

  scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  integers(...values: readonly number[]): string {
    return this.constant([values.length], BigInt64Array.from(values, BigInt));
  }

  constant(shape: readonly number[], values: OnnxConstant['values']): string {
    const name = `constant_${this.constants.length}`;
    this.constants.push({ name, shape, values });
    return name;
  }

  /** Padded so that the size stays; with a bias. */
  conv(x: string, from: number, to: number, { kernel = 3, groups = 1, stride = 1 }: ConvolutionShape = {}): string {
    const pad = (kernel - 1) >> 1;
    return this.op('Conv', [x, this.weights(to, from / groups, kernel, kernel), this.weights(to)], {
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
      group: groups,
    });
  }

  normalization(x: string, channels: number): string {
    return this.op('BatchNormalization', [x, ...Array.from({ length: 4 }, () => this.weights(channels))]);
  }

  clip(x: string, low = 0, high = 6): string {
    return this.op('Clip', [x, this.scalar(low), this.scalar(high)]);
  }

  /** Encodes the graph. Shapes of outputs are left open, as `n` dynamic dimensions of their rank. */
  finish(outputs: readonly string[], rank = 4): Uint8Array {
    return writeOnnx({
      name: this.name,
      inputs: [{ name: this.input, type: 'float32', shape: this.shape }],
      outputs: outputs.map((name) => ({
        name,
        type: 'float32',
        shape: Array.from({ length: rank }, (_, i) => `${name}.${i}`),
      })),
      nodes: this.nodes,
      constants: this.constants,
    });
  }
}

/** Random numbers are drawn once for this many weights, which are then repeated. A prime: no tensor's rows are alike. */
const WEIGHT_PERIOD = 4099;

/** A copy of an ONNX file with float weights from 0.01 to 0.11 where it has none. */
export function withRandomWeights(bytes: Uint8Array, random: Random): Uint8Array {
  const model = decodeOnnx(bytes);
  const period = Float32Array.from({ length: WEIGHT_PERIOD }, () => 0.01 + 0.1 * random.uniform());
  for (const tensor of model.graph!.initializer) {
    if (tensor.dataLocation !== 1) continue;
    if (tensor.dataType !== ELEMENT_TYPES.float32) throw new TypeError(`${tensor.name} is not float32`);
    const values = new Float32Array(tensor.dims.reduce((product, size) => product * size, 1));
    for (let at = 0; at < values.length; at += WEIGHT_PERIOD) {
      values.set(period.subarray(0, values.length - at), at);
    }
    tensor.rawData = new Uint8Array(values.buffer);
    tensor.dataLocation = 0;
    tensor.externalData = [];
  }
  return encodeOnnx(model);
}
