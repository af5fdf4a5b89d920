/**
 * Reads an ONNX file into a Graph. Weights are optional: an initializer whose bytes are external, or were stripped, is a
 * constant of known type and shape without values. It knows the ONNX container; what ops mean is in the shape rules.
 */
import { EngineError } from '../errors';
import type { AttributeValue, Graph, Op, Tensor } from '../graph';
import { inferShapes, OP_TYPES } from '../shapes';
import { DimensionBinder, type ReadOptions } from './dimension-bindings';
import { decodeOnnx } from './onnx-decoder';
import { inlineFunctions } from './onnx-functions';
import {
  ATTRIBUTE_TYPES,
  type AttributeMessage,
  DEFAULT_DOMAINS,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
} from './onnx-schema';
import { checkDims, elementType, malformed, readSparseTensor, readTensor } from './onnx-tensors';

/** Oldest operator set whose texts the shape rules follow. */
const OLDEST_OPSET = 7;

/** Newest operator set that onnxruntime 1.30 loads. */
const NEWEST_OPSET = 26;

/** Operators whose subgraphs decide at run time what is computed: their latency is not a property of the graph. */
const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan']);

/** Attributes that name an element type by its number in TensorProto.DataType. */
const TYPE_ATTRIBUTES = new Set(['to', 'dtype', 'output_dtype']);

/** Op types that have rules, each under itself: types that are the same string as in the rules compare at once. */
const KNOWN_TYPES: ReadonlyMap<string, string> = new Map(OP_TYPES.map((type) => [type, type]));

/** Inherited by attributes, so that none seems to be there that is not (`toString`). */
const NO_ATTRIBUTES: Readonly<Record<string, AttributeValue>> = Object.freeze(Object.create(null));

/**
 * Parses ONNX bytes and infers the shape of every tensor.
 *
 * @throws EngineError MALFORMED_FILE, UNSUPPORTED_FORMAT, UNSUPPORTED_OP, UNBOUND_DIMENSION or INVALID_SHAPE.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions): Graph {
  const model = decodeOnnx(bytes);
  const graph = model.graph;
  if (!graph || graph.node.length === 0) {
    throw new EngineError(
      'MALFORMED_FILE',
      'the file holds no ONNX graph',
      options.name,
      'Check that it is an .onnx model file.',
    );
  }
  checkOpset(model, options.name);
  const tensors = new Map<string, Tensor>();
  readConstants(graph, tensors);
  const inputs = readInputs(graph, tensors, options);
  const ops = inlineFunctions(model).map(readOp);
  inferShapes(ops, tensors);
  for (const output of graph.output) {
    if (!tensors.has(output.name)) throw malformed(`graph output ${output.name} is made by no op`, output.name);
  }
  return {
    name: options.name,
    format: 'onnx',
    layout: 'NCHW',
    inputs,
    outputs: graph.output.map(({ name }) => name),
    ops,
    tensors,
  };
}

function checkOpset(model: ModelMessage, name: string): void {
  const versions = (imports: ModelMessage['opsetImport'] = []) =>
    imports.flatMap(({ domain, version }) => (DEFAULT_DOMAINS.has(domain ?? '') ? [version] : []));
  const ofModel = versions(model.opsetImport);
  if (ofModel.length === 0) throw malformed('the file imports no ONNX operator set', name);
  for (const opset of [...ofModel, ...(model.functions ?? []).flatMap((each) => versions(each.opsetImport))]) {
    if (opset >= OLDEST_OPSET && opset <= NEWEST_OPSET) continue;
    const readable = opset < OLDEST_OPSET ? `${OLDEST_OPSET} or newer` : `${NEWEST_OPSET} or older`;
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      `the file uses operator set ${opset}; ${readable} is read`,
      name,
      'Convert it with onnx.version_converter.',
    );
  }
}

function readConstants(graph: GraphMessage, tensors: Map<string, Tensor>): void {
  for (const message of graph.initializer) {
    const name = message.name ?? '';
    if (tensors.has(name)) throw malformed(`initializer ${name} stands twice`, name);
    const { type, shape, values } = readTensor(message, name);
    tensors.set(name, { name, type, shape, constant: true, values });
  }
  for (const message of graph.sparseInitializer ?? []) {
    const name = message.values?.name ?? '';
    if (tensors.has(name)) throw malformed(`initializer ${name} stands twice`, name);
    const { type, shape, values } = readSparseTensor(message, name);
    tensors.set(name, { name, type, shape, constant: true, values });
  }
}

function readInputs(graph: GraphMessage, tensors: Map<string, Tensor>, { bindings }: ReadOptions): string[] {
  const inputs: string[] = [];
  const binder = new DimensionBinder(bindings);
  for (const value of graph.input) {
    // Before IR version 4 initializers are listed among the inputs too.
    if (tensors.has(value.name)) continue;
    const type = value.type?.tensorType;
    if (!type?.shape) {
      throw new EngineError(
        'INVALID_SHAPE',
        `graph input ${value.name} has no tensor shape`,
        value.name,
        'Export the network with a fixed input shape.',
      );
    }
    const shape = checkDims(
      // A dimension without a name goes by its tensor's name and axis.
      type.shape.dim.map(({ dimValue, dimParam }, axis) =>
        !dimParam && dimValue !== undefined && dimValue > 0
          ? dimValue
          : binder.bind(dimParam || `${value.name}.${axis}`, value.name),
      ),
      value.name,
    );
    const { name } = value;
    tensors.set(name, { name, type: elementType(type.elemType, name), shape, constant: false, values: undefined });
    inputs.push(value.name);
  }
  binder.refuseUnused();
  return inputs;
}

function readOp(node: NodeMessage, index: number): Op {
  const fullType = DEFAULT_DOMAINS.has(node.domain ?? '') ? node.opType : `${node.domain}.${node.opType}`;
  const type = KNOWN_TYPES.get(fullType) ?? fullType;
  const name = node.name || `${type}_${index}`;
  if (CONTROL_FLOW.has(type)) {
    throw new EngineError(
      'UNSUPPORTED_OP',
      `${type} decides at run time what is computed`,
      `op ${name} (${type})`,
      'Export the branch that runs on the device.',
    );
  }
  const isCast = type === 'Cast';
  const attributes =
    node.attribute.length > 0 || isCast ? readAttributes(node.attribute, name, type, isCast) : NO_ATTRIBUTES;
  return { name, type, inputs: node.input, outputs: node.output, attributes };
}

function readAttributes(
  messages: readonly AttributeMessage[],
  op: string,
  type: string,
  isCast: boolean,
): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = Object.create(NO_ATTRIBUTES);
  for (const message of messages) {
    const value = readAttribute(message, op, type);
    if (typeof value !== 'number' || !TYPE_ATTRIBUTES.has(message.name)) attributes[message.name] = value;
    // 0 says that the type follows from an input; not so for Cast, which has to name one.
    else if (value !== 0 || isCast) attributes[message.name] = elementType(value, op);
  }
  if (isCast) attributes.to ??= elementType(0, op);
  return attributes;
}

const utf8 = new TextDecoder();

function readAttribute(attribute: AttributeMessage, op: string, type: string): AttributeValue {
  switch (attribute.type) {
    case ATTRIBUTE_TYPES.float:
      return attribute.f ?? 0;
    case ATTRIBUTE_TYPES.int:
      return attribute.i ?? 0;
    case ATTRIBUTE_TYPES.string:
      return utf8.decode(attribute.s);
    case ATTRIBUTE_TYPES.tensor:
      return readTensor(attribute.t ?? { dims: [], dataType: 0 }, `op ${op} (${type}), attribute ${attribute.name}`);
    case ATTRIBUTE_TYPES.floats:
      return attribute.floats ?? [];
    case ATTRIBUTE_TYPES.ints:
      return attribute.ints ?? [];
    case ATTRIBUTE_TYPES.strings:
      return (attribute.strings ?? []).map((text) => utf8.decode(text));
    default:
      throw new EngineError(
        'UNSUPPORTED_OP',
        `attribute ${attribute.name} has type ${attribute.type}, which is not read`,
        `op ${op} (${type})`,
        'Replace the op, or export the network with a simpler one.',
      );
  }
}
