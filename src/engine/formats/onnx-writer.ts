/**
 * Writes ONNX files: exported predictors, and the networks that the demo and the tests build. Deterministic: the same model
 * gives the same bytes.
 */
import type { ElementType } from '../graph';
import { elementCount } from '../shape-reader';
import { encodeOnnx } from './onnx-encoder';
import {
  ATTRIBUTE_TYPES,
  type AttributeMessage,
  ELEMENT_TYPES,
  type ModelMessage,
  type ValueMessage,
} from './onnx-schema';

/** An attribute with its ONNX type spelled out: 1 alone could be an int or a float. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: ArrayLike<number> }
  | { readonly floats: ArrayLike<number> }
  | { readonly strings: readonly string[] };

export interface OnnxNode {
  readonly type: string;
  /** Empty for ONNX's own operators. */
  readonly domain?: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** Values of a constant; the kind of the list is the element type. */
export type OnnxValues = Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** By the list's tag, which lists of other realms have too. */
const TYPE_OF_LIST = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  BigInt64Array: 'int64',
  Int32Array: 'int32',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
} as const satisfies Record<OnnxValues[typeof Symbol.toStringTag], ElementType>;

export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: OnnxValues;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** A text is a dynamic dimension's name. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  /** Free text by key, kept in order. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Operator sets written: 17 and ai.onnx.ml 3 are read by every onnxruntime since 1.12 (2022); any other domain's is 1. */
const OPSET = 17;
const ML_OPSET = 3;
const IR_VERSION = 8;

/** Domain of the operators of classic machine learning, such as TreeEnsembleRegressor. */
export const ML_DOMAIN = 'ai.onnx.ml';

const utf8 = new TextEncoder();

/** Encodes a model as an ONNX file. */
export function writeOnnx(model: OnnxModel): Uint8Array {
  const domains = [...new Set(model.nodes.flatMap(({ domain }) => domain || []))];
  const imported = domains.map((domain) => ({ domain, version: domain === ML_DOMAIN ? ML_OPSET : 1 }));
  const message: ModelMessage = {
    irVersion: IR_VERSION,
    producerName: 'fusecast',
    opsetImport: [{ domain: '', version: OPSET }, ...imported],
    metadataProps: Object.entries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.name,
      input: model.inputs.map(valueMessage),
      output: model.outputs.map(valueMessage),
      initializer: model.constants.map(({ name, shape, values }) => {
        if (values.length !== elementCount(shape))
          throw new RangeError(`constant ${name} of shape [${shape}] has ${values.length} values`);
        return {
          name,
          dims: [...shape],
          dataType: ELEMENT_TYPES[TYPE_OF_LIST[values[Symbol.toStringTag]]],
          rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        };
      }),
      node: model.nodes.map(({ type, domain, name, inputs, outputs, attributes = {} }) => ({
        opType: type,
        domain,
        name,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, value]) => attributeMessage(key, value)),
      })),
    },
  };
  return encodeOnnx(message);
}

function valueMessage({ name, type, shape }: OnnxValue): ValueMessage {
  const dim = shape.map((dimension) =>
    typeof dimension === 'number' ? { dimValue: dimension } : { dimParam: dimension },
  );
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } } };
}

function attributeMessage(name: string, value: OnnxAttribute): AttributeMessage {
  if ('int' in value) return { name, type: ATTRIBUTE_TYPES.int, i: value.int };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPES.float, f: value.float };
  if ('string' in value) return { name, type: ATTRIBUTE_TYPES.string, s: utf8.encode(value.string) };
  if ('ints' in value) return { name, type: ATTRIBUTE_TYPES.ints, ints: Array.from(value.ints) };
  if ('floats' in value) return { name, type: ATTRIBUTE_TYPES.floats, floats: Array.from(value.floats) };
  return { name, type: ATTRIBUTE_TYPES.strings, strings: value.strings.map((text) => utf8.encode(text)) };
}
