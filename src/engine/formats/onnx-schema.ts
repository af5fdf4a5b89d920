/**
 * The messages of ONNX files (onnx-ml.proto, ONNX IR version 13, checked against the copy that PyPI's onnx 1.23 ships), with
 * the fields that anything here reads or writes, and the numbers that stand for types. How they lie in bytes is in
 * onnx-decoder.ts and onnx-encoder.ts; what they mean is in onnx-reader.ts.
 */

export interface ModelMessage {
  irVersion: number;
  producerName?: string;
  producerVersion?: string;
  docString?: string;
  graph?: GraphMessage;
  opsetImport: OperatorSetMessage[];
  metadataProps?: PropertyMessage[];
  functions?: FunctionMessage[];
}

export interface OperatorSetMessage {
  domain?: string;
  version: number;
}

export interface PropertyMessage {
  key: string;
  value: string;
}

export interface GraphMessage {
  name?: string;
  node: NodeMessage[];
  initializer: TensorMessage[];
  sparseInitializer?: SparseTensorMessage[];
  input: ValueMessage[];
  output: ValueMessage[];
  valueInfo?: ValueMessage[];
}

export interface NodeMessage {
  input: string[];
  output: string[];
  name?: string;
  opType: string;
  domain?: string;
  /** Tells functions of one name and domain apart. */
  overload?: string;
  attribute: AttributeMessage[];
}

/** A function of the model itself: a graph that nodes call by its name as if it were an operator. */
export interface FunctionMessage {
  name?: string;
  domain?: string;
  overload?: string;
  input: string[];
  output: string[];
  /** Attributes without a default. */
  attribute?: string[];
  /** Attributes with one. */
  attributeProto?: AttributeMessage[];
  node: NodeMessage[];
  opsetImport?: OperatorSetMessage[];
}

export interface AttributeMessage {
  name: string;
  type: number;
  /** In a function: the attribute of the call whose value this one has. */
  refAttrName?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
}

export interface TensorMessage {
  name?: string;
  dims: number[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  doubleData?: number[];
  uint64Data?: number[];
  externalData?: PropertyMessage[];
  dataLocation?: number;
}

/** Values that are not zero, and where they stand: positions, or a row of coordinates each. */
export interface SparseTensorMessage {
  values?: TensorMessage;
  indices?: TensorMessage;
  dims: number[];
}

export interface ValueMessage {
  name: string;
  type?: { tensorType?: TensorTypeMessage };
}

export interface TensorTypeMessage {
  elemType: number;
  shape?: { dim: DimensionMessage[] };
}

export interface DimensionMessage {
  dimValue?: number;
  dimParam?: string;
}

/** Domains whose operators go by their bare name. */
export const DEFAULT_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx']);

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** TensorProto.DataType of the element types that graphs here have. */
export const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
  float6e2m3: 27,
  float6e3m2: 28,
} as const;
