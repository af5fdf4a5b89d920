/**
 * ONNX messages to protobuf bytes: a function a message, the fields by the numbers of onnx-ml.proto and in their order. Lists
 * are packed where that file says so, and nowhere else (proto2). The counterpart of onnx-decoder.ts.
 */
import type {
  AttributeMessage,
  DimensionMessage,
  FunctionMessage,
  GraphMessage,
  ModelMessage,
  NodeMessage,
  OperatorSetMessage,
  PropertyMessage,
  SparseTensorMessage,
  TensorMessage,
  TensorTypeMessage,
  ValueMessage,
} from './onnx-schema';
import { ProtobufWriter } from './protobuf-writer';

/** The file of a model. The same messages give the same bytes. */
export function encodeOnnx(model: ModelMessage): Uint8Array {
  const writer = new ProtobufWriter();
  writer.integer(1, model.irVersion);
  writer.text(2, model.producerName);
  writer.text(3, model.producerVersion);
  writer.text(6, model.docString);
  writer.message(7, model.graph, encodeGraph);
  writer.messages(8, model.opsetImport, encodeOperatorSet);
  writer.messages(14, model.metadataProps, encodeProperty);
  writer.messages(25, model.functions, encodeFunction);
  return writer.finish();
}

function encodeGraph(writer: ProtobufWriter, graph: GraphMessage): void {
  writer.messages(1, graph.node, encodeNode);
  writer.text(2, graph.name);
  writer.messages(5, graph.initializer, encodeTensor);
  writer.messages(11, graph.input, encodeValue);
  writer.messages(12, graph.output, encodeValue);
  writer.messages(13, graph.valueInfo, encodeValue);
  writer.messages(15, graph.sparseInitializer, encodeSparseTensor);
}

function encodeNode(writer: ProtobufWriter, node: NodeMessage): void {
  writer.texts(1, node.input);
  writer.texts(2, node.output);
  writer.text(3, node.name);
  writer.text(4, node.opType);
  writer.messages(5, node.attribute, encodeAttribute);
  writer.text(7, node.domain);
  writer.text(8, node.overload);
}

function encodeAttribute(writer: ProtobufWriter, attribute: AttributeMessage): void {
  writer.text(1, attribute.name);
  writer.float(2, attribute.f);
  writer.integer(3, attribute.i);
  writer.bytes(4, attribute.s);
  writer.message(5, attribute.t, encodeTensor);
  writer.message(6, attribute.g, encodeGraph);
  writer.floats(7, attribute.floats);
  writer.integers(8, attribute.ints);
  writer.byteLists(9, attribute.strings);
  writer.integer(20, attribute.type);
  writer.text(21, attribute.refAttrName);
}

function encodeTensor(writer: ProtobufWriter, tensor: TensorMessage): void {
  writer.integers(1, tensor.dims);
  writer.integer(2, tensor.dataType);
  writer.packedFloats(4, tensor.floatData);
  writer.packedIntegers(5, tensor.int32Data);
  writer.packedIntegers(7, tensor.int64Data);
  writer.text(8, tensor.name);
  writer.bytes(9, tensor.rawData);
  writer.packedDoubles(10, tensor.doubleData);
  writer.packedIntegers(11, tensor.uint64Data);
  writer.messages(13, tensor.externalData, encodeProperty);
  writer.integer(14, tensor.dataLocation);
}

function encodeSparseTensor(writer: ProtobufWriter, tensor: SparseTensorMessage): void {
  writer.message(1, tensor.values, encodeTensor);
  writer.message(2, tensor.indices, encodeTensor);
  writer.integers(3, tensor.dims);
}

function encodeValue(writer: ProtobufWriter, value: ValueMessage): void {
  writer.text(1, value.name);
  writer.message(2, value.type, (_, { tensorType }) => writer.message(1, tensorType, encodeTensorType));
}

function encodeTensorType(writer: ProtobufWriter, type: TensorTypeMessage): void {
  writer.integer(1, type.elemType);
  writer.message(2, type.shape, (_, { dim }) => writer.messages(1, dim, encodeDimension));
}

function encodeDimension(writer: ProtobufWriter, dimension: DimensionMessage): void {
  writer.integer(1, dimension.dimValue);
  writer.text(2, dimension.dimParam);
}

function encodeOperatorSet(writer: ProtobufWriter, operatorSet: OperatorSetMessage): void {
  writer.text(1, operatorSet.domain);
  writer.integer(2, operatorSet.version);
}

function encodeProperty(writer: ProtobufWriter, property: PropertyMessage): void {
  writer.text(1, property.key);
  writer.text(2, property.value);
}

function encodeFunction(writer: ProtobufWriter, called: FunctionMessage): void {
  writer.text(1, called.name);
  writer.texts(4, called.input);
  writer.texts(5, called.output);
  writer.texts(6, called.attribute);
  writer.messages(7, called.node, encodeNode);
  writer.messages(9, called.opsetImport, encodeOperatorSet);
  writer.text(10, called.domain);
  writer.messages(11, called.attributeProto, encodeAttribute);
  writer.text(13, called.overload);
}
