/**
 * The ONNX wire format: message names, field numbers and wire types of onnx-ml.proto (ONNX IR version 13, checked against
 * the copy that PyPI's onnx 1.23 ships). It knows protobuf only; what the messages mean is in onnx-reader.ts.
 * Fields that nothing here reads or writes are left out: protobuf skips what it does not know.
 */
import protobuf from 'protobufjs';

// 64-bit integers become numbers, exact up to 2^53: dimensions and attributes beyond that are refused by the reader or,
// like Slice's "to the end" marker 2^63 - 1, only compared with small numbers.
protobuf.util.Long = null as unknown as typeof protobuf.util.Long;
protobuf.configure();

/** `number type name`, with `*` after the type for a repeated field. */
const MESSAGES: Record<string, readonly string[]> = {
  ModelProto: [
    '1 int64 irVersion',
    '2 string producerName',
    '3 string producerVersion',
    '6 string docString',
    '7 GraphProto graph',
    '8 OperatorSetIdProto* opsetImport',
    '14 StringStringEntryProto* metadataProps',
    '25 FunctionProto* functions',
  ],
  OperatorSetIdProto: ['1 string domain', '2 int64 version'],
  StringStringEntryProto: ['1 string key', '2 string value'],
  GraphProto: [
    '1 NodeProto* node',
    '2 string name',
    '5 TensorProto* initializer',
    '11 ValueInfoProto* input',
    '12 ValueInfoProto* output',
    '13 ValueInfoProto* valueInfo',
    '15 SparseTensorProto* sparseInitializer',
  ],
  NodeProto: [
    '1 string* input',
    '2 string* output',
    '3 string name',
    '4 string opType',
    '5 AttributeProto* attribute',
    '7 string domain',
    '8 string overload',
  ],
  AttributeProto: [
    '1 string name',
    '2 float f',
    '3 int64 i',
    '4 bytes s',
    '5 TensorProto t',
    '6 GraphProto g',
    '7 float* floats',
    '8 int64* ints',
    '9 bytes* strings',
    '20 int32 type',
    '21 string refAttrName',
  ],
  TensorProto: [
    '1 int64* dims',
    '2 int32 dataType',
    '4 float* floatData',
    '5 int32* int32Data',
    '7 int64* int64Data',
    '8 string name',
    '9 bytes rawData',
    '10 double* doubleData',
    '11 uint64* uint64Data',
    '13 StringStringEntryProto* externalData',
    '14 int32 dataLocation',
  ],
  SparseTensorProto: ['1 TensorProto values', '2 TensorProto indices', '3 int64* dims'],
  ValueInfoProto: ['1 string name', '2 TypeProto type'],
  TypeProto: ['1 TypeTensor tensorType'],
  TypeTensor: ['1 int32 elemType', '2 TensorShapeProto shape'],
  TensorShapeProto: ['1 Dimension* dim'],
  Dimension: ['1 int64 dimValue', '2 string dimParam'],
  FunctionProto: [
    '1 string name',
    '4 string* input',
    '5 string* output',
    '6 string* attribute',
    '7 NodeProto* node',
    '9 OperatorSetIdProto* opsetImport',
    '10 string domain',
    '11 AttributeProto* attributeProto',
    '13 string overload',
  ],
};

/** Only float_data, int32_data, int64_data, double_data and uint64_data are packed (proto2 leaves the others unpacked). */
const PACKED = new Set(['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data']);

function declareMessages(): protobuf.Root {
  const root = new protobuf.Root();
  for (const [messageName, fields] of Object.entries(MESSAGES)) {
    const message = new protobuf.Type(messageName);
    for (const declaration of fields) {
      const [number, type, name] = declaration.split(' ');
      const repeated = type.endsWith('*');
      const field = new protobuf.Field(
        name,
        Number(number),
        repeated ? type.slice(0, -1) : type,
        repeated ? 'repeated' : 'optional',
      );
      if (repeated) field.options = { packed: PACKED.has(name) };
      message.add(field);
    }
    root.add(message);
  }
  root.resolveAll();
  return root;
}

/** The codec of a whole ONNX file. */
export const ModelProto = declareMessages().lookupType('ModelProto');

export interface ModelMessage {
  irVersion: number;
  producerName?: string;
  producerVersion?: string;
  docString?: string;
  graph?: GraphMessage;
  opsetImport: { domain?: string; version: number }[];
  metadataProps?: { key: string; value: string }[];
  functions?: FunctionMessage[];
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
  opsetImport?: { domain?: string; version: number }[];
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
  externalData?: { key: string; value: string }[];
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
  type?: { tensorType?: { elemType: number; shape?: { dim: { dimValue?: number; dimParam?: string }[] } } };
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
  bfloat16: 16,
} as const;
