/**
 * ONNX messages from protobuf bytes, field by field: a function a message, the numbers being those of onnx-ml.proto. Bytes
 * are not copied, and what stands in no field of the schema is skipped. It knows no meaning: that is in onnx-reader.ts.
 *
 * Each message is one literal with every field in the same order: engines give all messages of a kind one hidden class.
 */
import { EngineError } from '../errors';
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
import { ProtobufError, ProtobufReader } from './protobuf-reader';

/** Decodes the container alone. @throws EngineError MALFORMED_FILE, with the offset in the file */
export function decodeOnnx(bytes: Uint8Array): ModelMessage {
  if (bytes.length === 0)
    throw new EngineError('MALFORMED_FILE', 'the file is empty', undefined, 'Export or copy it again.');
  try {
    return decodeModel(new ProtobufReader(bytes));
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw new EngineError(
      'MALFORMED_FILE',
      `not an ONNX file: ${error.message}`,
      `byte ${error.position}`,
      'Check that the file is complete and is an .onnx or .tflite model.',
    );
  }
}

function decodeModel(reader: ProtobufReader): ModelMessage {
  const model: ModelMessage = {
    irVersion: 0,
    producerName: undefined,
    producerVersion: undefined,
    docString: undefined,
    graph: undefined,
    opsetImport: [],
    metadataProps: [],
    functions: [],
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) model.irVersion = reader.integer();
    else if (field === 2) model.producerName = reader.text();
    else if (field === 3) model.producerVersion = reader.text();
    else if (field === 6) model.docString = reader.text();
    else if (field === 7) model.graph = reader.message(decodeGraph);
    else if (field === 8) model.opsetImport = reader.messages(model.opsetImport, decodeOperatorSet);
    else if (field === 14) model.metadataProps = reader.messages(model.metadataProps, decodeProperty);
    else if (field === 25) model.functions = reader.messages(model.functions, decodeFunction);
    else reader.skip();
  }
  return model;
}

function decodeGraph(reader: ProtobufReader): GraphMessage {
  const graph: GraphMessage = {
    name: undefined,
    node: [],
    initializer: [],
    sparseInitializer: [],
    input: [],
    output: [],
    valueInfo: [],
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) graph.node = reader.messages(graph.node, decodeNode);
    else if (field === 2) graph.name = reader.text();
    else if (field === 5) graph.initializer = reader.messages(graph.initializer, decodeTensor);
    else if (field === 11) graph.input = reader.messages(graph.input, decodeValue);
    else if (field === 12) graph.output = reader.messages(graph.output, decodeValue);
    else if (field === 13) graph.valueInfo = reader.messages(graph.valueInfo, decodeValue);
    else if (field === 15) graph.sparseInitializer = reader.messages(graph.sparseInitializer, decodeSparseTensor);
    else reader.skip();
  }
  return graph;
}

function decodeNode(reader: ProtobufReader): NodeMessage {
  const node: NodeMessage = {
    input: [],
    output: [],
    name: undefined,
    opType: '',
    domain: undefined,
    overload: undefined,
    attribute: [],
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) node.input = reader.texts(node.input);
    else if (field === 2) node.output = reader.texts(node.output);
    else if (field === 3) node.name = reader.text();
    else if (field === 4) node.opType = reader.text();
    else if (field === 5) node.attribute = reader.messages(node.attribute, decodeAttribute);
    else if (field === 7) node.domain = reader.text();
    else if (field === 8) node.overload = reader.text();
    else reader.skip();
  }
  return node;
}

function decodeAttribute(reader: ProtobufReader): AttributeMessage {
  const attribute: AttributeMessage = {
    name: '',
    type: 0,
    refAttrName: undefined,
    f: undefined,
    i: undefined,
    s: undefined,
    t: undefined,
    g: undefined,
    floats: undefined,
    ints: undefined,
    strings: undefined,
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) attribute.name = reader.text();
    else if (field === 2) attribute.f = reader.float();
    else if (field === 3) attribute.i = reader.integer();
    else if (field === 4) attribute.s = reader.bytes();
    else if (field === 5) attribute.t = reader.message(decodeTensor);
    else if (field === 6) attribute.g = reader.message(decodeGraph);
    else if (field === 7) attribute.floats = reader.floats(attribute.floats);
    else if (field === 8) attribute.ints = reader.integers(attribute.ints);
    else if (field === 9) attribute.strings = reader.byteLists(attribute.strings);
    else if (field === 20) attribute.type = reader.integer();
    else if (field === 21) attribute.refAttrName = reader.text();
    else reader.skip();
  }
  return attribute;
}

function decodeTensor(reader: ProtobufReader): TensorMessage {
  const tensor: TensorMessage = {
    name: undefined,
    dims: [],
    dataType: 0,
    rawData: undefined,
    floatData: undefined,
    int32Data: undefined,
    int64Data: undefined,
    doubleData: undefined,
    uint64Data: undefined,
    externalData: undefined,
    dataLocation: undefined,
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) tensor.dims = reader.integers(tensor.dims);
    else if (field === 2) tensor.dataType = reader.integer();
    else if (field === 4) tensor.floatData = reader.floats(tensor.floatData);
    else if (field === 5) tensor.int32Data = reader.integers(tensor.int32Data);
    else if (field === 7) tensor.int64Data = reader.integers(tensor.int64Data);
    else if (field === 8) tensor.name = reader.text();
    else if (field === 9) tensor.rawData = reader.bytes();
    else if (field === 10) tensor.doubleData = reader.doubles(tensor.doubleData);
    else if (field === 11) tensor.uint64Data = reader.unsignedIntegers(tensor.uint64Data);
    else if (field === 13) tensor.externalData = reader.messages(tensor.externalData, decodeProperty);
    else if (field === 14) tensor.dataLocation = reader.integer();
    else reader.skip();
  }
  return tensor;
}

function decodeSparseTensor(reader: ProtobufReader): SparseTensorMessage {
  const tensor: SparseTensorMessage = { values: undefined, indices: undefined, dims: [] };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) tensor.values = reader.message(decodeTensor);
    else if (field === 2) tensor.indices = reader.message(decodeTensor);
    else if (field === 3) tensor.dims = reader.integers(tensor.dims);
    else reader.skip();
  }
  return tensor;
}

function decodeValue(reader: ProtobufReader): ValueMessage {
  const value: ValueMessage = { name: '', type: undefined };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) value.name = reader.text();
    else if (field === 2) value.type = reader.message(decodeType);
    else reader.skip();
  }
  return value;
}

function decodeType(reader: ProtobufReader): NonNullable<ValueMessage['type']> {
  const type: ValueMessage['type'] = { tensorType: undefined };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) type.tensorType = reader.message(decodeTensorType);
    else reader.skip();
  }
  return type;
}

function decodeTensorType(reader: ProtobufReader): TensorTypeMessage {
  const type: TensorTypeMessage = { elemType: 0, shape: undefined };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) type.elemType = reader.integer();
    else if (field === 2) type.shape = reader.message(decodeShape);
    else reader.skip();
  }
  return type;
}

function decodeShape(reader: ProtobufReader): { dim: DimensionMessage[] } {
  const dim: DimensionMessage[] = [];
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) reader.messages(dim, decodeDimension);
    else reader.skip();
  }
  return { dim };
}

function decodeDimension(reader: ProtobufReader): DimensionMessage {
  const dimension: DimensionMessage = { dimValue: undefined, dimParam: undefined };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) dimension.dimValue = reader.integer();
    else if (field === 2) dimension.dimParam = reader.text();
    else reader.skip();
  }
  return dimension;
}

function decodeOperatorSet(reader: ProtobufReader): OperatorSetMessage {
  const operatorSet: OperatorSetMessage = { domain: undefined, version: 0 };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) operatorSet.domain = reader.text();
    else if (field === 2) operatorSet.version = reader.integer();
    else reader.skip();
  }
  return operatorSet;
}

function decodeProperty(reader: ProtobufReader): PropertyMessage {
  const property: PropertyMessage = { key: '', value: '' };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) property.key = reader.text();
    else if (field === 2) property.value = reader.text();
    else reader.skip();
  }
  return property;
}

function decodeFunction(reader: ProtobufReader): FunctionMessage {
  const called: FunctionMessage = {
    name: undefined,
    domain: undefined,
    overload: undefined,
    input: [],
    output: [],
    attribute: [],
    attributeProto: [],
    node: [],
    opsetImport: [],
  };
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) called.name = reader.text();
    else if (field === 4) called.input = reader.texts(called.input);
    else if (field === 5) called.output = reader.texts(called.output);
    else if (field === 6) called.attribute = reader.texts(called.attribute);
    else if (field === 7) called.node = reader.messages(called.node, decodeNode);
    else if (field === 9) called.opsetImport = reader.messages(called.opsetImport, decodeOperatorSet);
    else if (field === 10) called.domain = reader.text();
    else if (field === 11) called.attributeProto = reader.messages(called.attributeProto, decodeAttribute);
    else if (field === 13) called.overload = reader.text();
    else reader.skip();
  }
  return called;
}
