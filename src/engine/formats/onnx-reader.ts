/**
 * Reads an ONNX file into a Graph. Weights are optional: an initializer whose bytes are external, or were stripped, is a
 * constant of known type and shape without values. It knows the ONNX container; what ops mean is in the shape rules.
 */
import { EngineError } from '../errors';
import type { AttributeValue, ConstantValue, ElementType, Graph, Op, Tensor } from '../graph';
import { elementCount, isPossibleShape, MAXIMUM_FOLDED_ELEMENTS } from '../shape-reader';
import { CHECK_FILE, inferShapes } from '../shapes';
import { inlineFunctions } from './onnx-functions';
import {
  ATTRIBUTE_TYPES,
  type AttributeMessage,
  DEFAULT_DOMAINS,
  ELEMENT_TYPES,
  type GraphMessage,
  type ModelMessage,
  ModelProto,
  type NodeMessage,
  type SparseTensorMessage,
  type TensorMessage,
  type ValueMessage,
} from './onnx-schema';

/** Values for dynamic dimensions by name, for example `{ batch: 1 }`. */
export type DimensionBindings = Readonly<Record<string, number>>;

export interface ReadOptions {
  /** The network's name: its file's name without the extension. */
  readonly name: string;
  readonly bindings?: DimensionBindings;
}

/** Oldest operator set whose texts the shape rules follow. */
const OLDEST_OPSET = 7;

/** Newest operator set that onnxruntime 1.30 loads. */
const NEWEST_OPSET = 26;

/** Operators whose subgraphs decide at run time what is computed: their latency is not a property of the graph. */
const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan']);

/** Attributes that name an element type by its number in TensorProto.DataType. */
const TYPE_ATTRIBUTES = ['to', 'dtype', 'output_dtype'];

const ELEMENT_TYPE_OF = new Map<number, ElementType>(
  Object.entries(ELEMENT_TYPES).map(([name, number]) => [number, name as ElementType]),
);

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

/** Decodes the container alone. @throws EngineError MALFORMED_FILE */
export function decodeOnnx(bytes: Uint8Array): ModelMessage {
  if (bytes.length === 0) throw new EngineError('MALFORMED_FILE', 'the file is empty', undefined, 'Upload it again.');
  try {
    return ModelProto.decode(bytes) as unknown as ModelMessage;
  } catch (error) {
    // protobufjs throws RangeError with the offset where the bytes end too early, Error for a wrong wire type.
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      'MALFORMED_FILE',
      `not an ONNX file: ${reason}`,
      undefined,
      'Check that the file is complete and is an .onnx model.',
    );
  }
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
    tensors.set(name, { name, constant: true, ...readTensor(message, name) });
  }
  for (const message of graph.sparseInitializer ?? []) {
    const name = message.values?.name ?? '';
    if (tensors.has(name)) throw malformed(`initializer ${name} stands twice`, name);
    tensors.set(name, { name, constant: true, ...readSparseTensor(message, name) });
  }
}

function readInputs(graph: GraphMessage, tensors: Map<string, Tensor>, { bindings = {} }: ReadOptions): string[] {
  const inputs: string[] = [];
  const used = new Set<string>();
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
      type.shape.dim.map((dimension, axis) => bindDimension(value, dimension, axis, bindings, used)),
      value.name,
    );
    tensors.set(value.name, { name: value.name, constant: false, type: elementType(type.elemType, value.name), shape });
    inputs.push(value.name);
  }
  const unused = Object.keys(bindings).find((name) => !used.has(name));
  if (unused !== undefined) {
    throw new EngineError(
      'UNKNOWN_NAME',
      `binding ${unused} names no dynamic dimension of the network`,
      unused,
      `Dynamic dimensions: ${[...used].join(', ') || 'none'}.`,
    );
  }
  return inputs;
}

function bindDimension(
  value: ValueMessage,
  { dimValue, dimParam }: { dimValue?: number; dimParam?: string },
  axis: number,
  bindings: DimensionBindings,
  used: Set<string>,
): number {
  if (!dimParam && dimValue !== undefined && dimValue > 0) return dimValue;
  // A dimension without a name goes by its tensor's name and axis.
  const name = dimParam || `${value.name}.${axis}`;
  if (!Object.hasOwn(bindings, name)) {
    throw new EngineError(
      'UNBOUND_DIMENSION',
      `dimension ${name} of input ${value.name} is dynamic`,
      value.name,
      `Bind it, for example ${name}=1.`,
    );
  }
  const bound = bindings[name];
  if (!Number.isSafeInteger(bound) || bound < 1) {
    throw new EngineError(
      'UNBOUND_DIMENSION',
      `binding ${name}=${bound} is not a whole number of at least 1`,
      name,
      `Bind it to a whole number, for example ${name}=1.`,
    );
  }
  used.add(name);
  return bound;
}

function readOp(node: NodeMessage, index: number): Op {
  const type = DEFAULT_DOMAINS.has(node.domain ?? '') ? node.opType : `${node.domain}.${node.opType}`;
  const name = node.name || `${type}_${index}`;
  if (CONTROL_FLOW.has(type)) {
    throw new EngineError(
      'UNSUPPORTED_OP',
      `${type} decides at run time what is computed`,
      `op ${name} (${type})`,
      'Export the branch that runs on the device.',
    );
  }
  const attributes: Record<string, AttributeValue> = Object.create(null);
  for (const attribute of node.attribute) attributes[attribute.name] = readAttribute(attribute, `op ${name} (${type})`);
  if (type === 'Cast') attributes.to ??= 0;
  for (const key of TYPE_ATTRIBUTES) {
    const number = attributes[key];
    // 0 says that the type follows from an input; not so for Cast, which has to name one.
    if (number === 0 && type !== 'Cast') delete attributes[key];
    else if (typeof number === 'number') attributes[key] = elementType(number, name);
  }
  return { name, type, inputs: node.input, outputs: node.output, attributes };
}

const utf8 = new TextDecoder();

function readAttribute(attribute: AttributeMessage, where: string): AttributeValue {
  switch (attribute.type) {
    case ATTRIBUTE_TYPES.float:
      return attribute.f ?? 0;
    case ATTRIBUTE_TYPES.int:
      return attribute.i ?? 0;
    case ATTRIBUTE_TYPES.string:
      // An absent bytes field is an empty list in protobufjs, not empty bytes.
      return utf8.decode(Uint8Array.from(attribute.s ?? []));
    case ATTRIBUTE_TYPES.tensor:
      return readTensor(attribute.t ?? { dims: [], dataType: 0 }, `${where}, attribute ${attribute.name}`);
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
        where,
        'Replace the op, or export the network with a simpler one.',
      );
  }
}

function malformed(message: string, where: string): EngineError {
  return new EngineError('MALFORMED_FILE', message, where, CHECK_FILE);
}

function elementType(number: number, where: string): ElementType {
  const type = ELEMENT_TYPE_OF.get(number);
  if (!type)
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      `element type ${number} is not supported`,
      where,
      'Export the network in float32, float16 or 8-bit integers.',
    );
  return type;
}

function checkDims(dims: readonly number[], where: string): readonly number[] {
  if (isPossibleShape(dims)) return dims;
  throw malformed(`a tensor has shape [${dims}]`, where);
}

function readTensor(message: TensorMessage, where: string): ConstantValue {
  const type = elementType(message.dataType, where);
  const shape = checkDims(message.dims, where);
  const count = elementCount(shape);
  if (message.dataLocation === 1 || count > MAXIMUM_FOLDED_ELEMENTS) return { type, shape };
  const values = message.rawData?.length ? readRaw(message.rawData, type) : listedValues(message);
  if (!values || (values.length === 0 && count > 0)) return { type, shape };
  if (values.length !== count) throw malformed(`a tensor of shape [${shape}] has ${values.length} values`, where);
  return { type, shape, values };
}

/** The dense tensor; its values if all of it is small and there. */
function readSparseTensor({ values, indices, dims }: SparseTensorMessage, where: string): ConstantValue {
  const entries = readTensor(values ?? { dims: [], dataType: 0 }, where);
  const shape = checkDims(dims, where);
  const dense = { type: entries.type, shape };
  const positions = indices && readTensor(indices, where).values;
  const count = elementCount(shape);
  if (!entries.values || !positions || count > MAXIMUM_FOLDED_ELEMENTS) return dense;
  const entryCount = entries.values.length;
  const isLinear = indices.dims.length === 1;
  if (positions.length !== entryCount * (isLinear ? 1 : shape.length))
    throw malformed(`a sparse tensor has ${entryCount} values and ${positions.length} indices`, where);
  const full = new Array<number>(count).fill(0);
  entries.values.forEach((value, i) => {
    const coordinates = positions.slice(i * shape.length, (i + 1) * shape.length);
    const at = isLinear ? positions[i] : shape.reduce((sum, size, axis) => sum * size + coordinates[axis], 0);
    if (!(at >= 0 && at < count)) throw malformed(`an index lies outside a sparse tensor of shape [${shape}]`, where);
    full[at] = value;
  });
  return { ...dense, values: full };
}

function listedValues(message: TensorMessage): number[] | undefined {
  return (
    [message.floatData, message.int32Data, message.int64Data, message.doubleData, message.uint64Data].find(
      (list) => list?.length,
    ) ?? []
  );
}

/** Little-endian values; undefined for types whose values decide no shape (float16, bfloat16, strings). */
function readRaw(raw: Uint8Array, type: ElementType): number[] | undefined {
  const reader = RAW_READERS[type];
  if (!reader) return undefined;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new Array<number>(Math.floor(raw.byteLength / reader.bytes));
  for (let i = 0; i < values.length; i++) values[i] = reader.read(view, i * reader.bytes);
  return values;
}

const RAW_READERS: Partial<Record<ElementType, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  float32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  float64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  int8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  int16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  int32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  int64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  uint16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  uint32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  uint64: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) },
};
