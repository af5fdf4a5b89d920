/**
 * The TFLite schema (version 3, checked against the copy that PyPI's ai-edge-litert 2.3 ships): slots of the tables that
 * are read or walked, and the numbers of its enumerations. Facts only; what they mean is in the files that read them.
 */
import type { ElementType } from '../graph';
import type {
  ScalarField,
  ScalarKind,
  TableField,
  TableSchema,
  TablesField,
  TextField,
  UnionField,
  VectorField,
} from './tflite-flatbuffer';

/** Stands at byte 4 of every file. */
export const FILE_IDENTIFIER = 'TFL3';

const scalar = (name: string, slot: number, element: ScalarKind, otherwise = 0): ScalarField => ({
  kind: 'scalar',
  name,
  slot,
  element,
  otherwise,
});
const text = (name: string, slot: number): TextField => ({ kind: 'text', name, slot });
const vector = (name: string, slot: number, element: ScalarKind): VectorField => ({
  kind: 'vector',
  name,
  slot,
  element,
});
const table = (name: string, slot: number, of: TableSchema): TableField => ({ kind: 'table', name, slot, of });
const tables = (name: string, slot: number, of: TableSchema): TablesField => ({ kind: 'tables', name, slot, of });
const union = (
  name: string,
  slot: number,
  tag: ScalarField,
  of: readonly (readonly [number, TableSchema])[],
): UnionField => ({
  kind: 'union',
  name,
  slot,
  tag,
  of: new Map(of),
});

/** An options table and its number in the union of all options. */
interface Options<Fields extends TableSchema> {
  readonly union: number;
  readonly fields: Fields;
}

/** Declares an options table: `field: [slot, kind, value if left out]`. */
function options<const Slots extends Readonly<Record<string, readonly [number, ScalarKind, number?]>>>(
  name: string,
  number: number,
  slots: Slots,
): Options<{ readonly [Name in keyof Slots]: ScalarField }> {
  const fields = Object.fromEntries(
    Object.entries(slots).map(([field, [slot, kind, otherwise]]) => [
      field,
      scalar(`${name}.${field}`, slot, kind, otherwise),
    ]),
  );
  return { union: number, fields: fields as { readonly [Name in keyof Slots]: ScalarField } };
}

const WINDOW = { padding: [0, 'int8'], strideW: [1, 'int32'], strideH: [2, 'int32'] } as const;

export const Conv2DOptions = options('Conv2DOptions', 1, {
  ...WINDOW,
  activation: [3, 'int8'],
  dilationW: [4, 'int32', 1],
  dilationH: [5, 'int32', 1],
});
export const DepthwiseConv2DOptions = options('DepthwiseConv2DOptions', 2, {
  ...WINDOW,
  depthMultiplier: [3, 'int32'],
  activation: [4, 'int8'],
  dilationW: [5, 'int32', 1],
  dilationH: [6, 'int32', 1],
});
export const TransposeConvOptions = options('TransposeConvOptions', 49, { ...WINDOW, activation: [3, 'int8'] });
export const Pool2DOptions = options('Pool2DOptions', 5, {
  ...WINDOW,
  filterW: [3, 'int32'],
  filterH: [4, 'int32'],
  activation: [5, 'int8'],
});
export const FullyConnectedOptions = options('FullyConnectedOptions', 8, {
  activation: [0, 'int8'],
  weightsFormat: [1, 'int8'],
  keepNumDims: [2, 'bool'],
});
export const SoftmaxOptions = options('SoftmaxOptions', 9, { beta: [0, 'float32'] });
export const ConcatenationOptions = options('ConcatenationOptions', 10, {
  axis: [0, 'int32'],
  activation: [1, 'int8'],
});
export const AddOptions = options('AddOptions', 11, { activation: [0, 'int8'] });
export const L2NormOptions = options('L2NormOptions', 12, { activation: [0, 'int8'] });
export const LocalResponseNormalizationOptions = options('LocalResponseNormalizationOptions', 13, {
  radius: [0, 'int32'],
  bias: [1, 'float32'],
  alpha: [2, 'float32'],
  beta: [3, 'float32'],
});
export const ResizeBilinearOptions = options('ResizeBilinearOptions', 15, {
  alignCorners: [2, 'bool'],
  halfPixelCenters: [3, 'bool'],
});
export const ResizeNearestNeighborOptions = options('ResizeNearestNeighborOptions', 74, {
  alignCorners: [0, 'bool'],
  halfPixelCenters: [1, 'bool'],
});
export const SpaceToDepthOptions = options('SpaceToDepthOptions', 19, { blockSize: [0, 'int32'] });
export const DepthToSpaceOptions = options('DepthToSpaceOptions', 94, { blockSize: [0, 'int32'] });
export const MulOptions = options('MulOptions', 21, { activation: [0, 'int8'] });
export const GatherOptions = options('GatherOptions', 23, { axis: [0, 'int32'], batchDims: [1, 'int32'] });
export const ReducerOptions = options('ReducerOptions', 27, { keepDims: [0, 'bool'] });
export const SubOptions = options('SubOptions', 28, { activation: [0, 'int8'] });
export const DivOptions = options('DivOptions', 29, { activation: [0, 'int8'] });
export const StridedSliceOptions = options('StridedSliceOptions', 32, {
  beginMask: [0, 'int32'],
  endMask: [1, 'int32'],
  ellipsisMask: [2, 'int32'],
  newAxisMask: [3, 'int32'],
  shrinkAxisMask: [4, 'int32'],
  offset: [5, 'bool'],
});
export const PackOptions = options('PackOptions', 59, { axis: [1, 'int32'] });
export const OneHotOptions = options('OneHotOptions', 61, { axis: [0, 'int32'] });
export const UnpackOptions = options('UnpackOptions', 64, { axis: [1, 'int32'] });
export const LeakyReluOptions = options('LeakyReluOptions', 75, { alpha: [0, 'float32'] });
export const MirrorPadOptions = options('MirrorPadOptions', 77, { mode: [0, 'int8'] });
export const BatchMatMulOptions = options('BatchMatMulOptions', 101, { adjX: [0, 'bool'], adjY: [1, 'bool'] });
export const CumsumOptions = options('CumsumOptions', 102, { exclusive: [0, 'bool'], reverse: [1, 'bool'] });
export const GeluOptions = options('GeluOptions', 116, { approximate: [0, 'bool'] });

const ReshapeOptions = { newShape: vector('ReshapeOptions.newShape', 0, 'int32') };
const SqueezeOptions = { squeezeDims: vector('SqueezeOptions.squeezeDims', 0, 'int32') };
/** Options that are lists: of RESHAPE (17) and SQUEEZE (30). */
export const LIST_OPTIONS = {
  newShape: { union: 17, field: ReshapeOptions.newShape },
  squeezeDims: { union: 30, field: SqueezeOptions.squeezeDims },
} as const;

const optionsType = scalar('Operator.builtinOptionsType', 3, 'uint8');

export const Operator = {
  opcodeIndex: scalar('Operator.opcodeIndex', 0, 'uint32'),
  inputs: vector('Operator.inputs', 1, 'int32'),
  outputs: vector('Operator.outputs', 2, 'int32'),
  optionsType,
  /** Of the tables that the union has, those that refer to something else. */
  options: union('Operator.builtinOptions', 4, optionsType, [
    [8, { quantSpec: vector('FullyConnectedOptions.quantSpec', 5, 'uint8') }],
    [17, ReshapeOptions],
    [30, SqueezeOptions],
  ]),
  customOptions: vector('Operator.customOptions', 5, 'uint8'),
  mutatingVariableInputs: vector('Operator.mutatingVariableInputs', 7, 'bool'),
  intermediates: vector('Operator.intermediates', 8, 'int32'),
};

const quantizationType = scalar('QuantizationParameters.detailsType', 4, 'uint8');

const QuantizationParameters = {
  min: vector('QuantizationParameters.min', 0, 'float32'),
  max: vector('QuantizationParameters.max', 1, 'float32'),
  scale: vector('QuantizationParameters.scale', 2, 'float32'),
  zeroPoint: vector('QuantizationParameters.zeroPoint', 3, 'int64'),
  details: union('QuantizationParameters.details', 5, quantizationType, [
    [1, { custom: vector('CustomQuantization.custom', 0, 'uint8') }],
    [2, { blockShape: vector('BlockwiseQuantization.blockShape', 3, 'int32') }],
    [3, { quantizedDimensions: vector('MultiAxisQuantization.quantizedDimensions', 3, 'int32') }],
  ]),
};

const segmentsType = scalar('DimensionMetadata.arraySegmentsType', 2, 'uint8');
const indicesType = scalar('DimensionMetadata.arrayIndicesType', 4, 'uint8');
const SPARSE_VECTORS = [
  [1, { values: vector('Int32Vector.values', 0, 'int32') }],
  [2, { values: vector('Uint16Vector.values', 0, 'uint8') }],
  [3, { values: vector('Uint8Vector.values', 0, 'uint8') }],
] as const;

const SparsityParameters = {
  traversalOrder: vector('SparsityParameters.traversalOrder', 0, 'int32'),
  blockMap: vector('SparsityParameters.blockMap', 1, 'int32'),
  dimMetadata: tables('SparsityParameters.dimMetadata', 2, {
    segments: union('DimensionMetadata.arraySegments', 3, segmentsType, SPARSE_VECTORS),
    indices: union('DimensionMetadata.arrayIndices', 5, indicesType, SPARSE_VECTORS),
  }),
};

export const Tensor = {
  shape: vector('Tensor.shape', 0, 'int32'),
  type: scalar('Tensor.type', 1, 'int8'),
  buffer: scalar('Tensor.buffer', 2, 'uint32'),
  name: text('Tensor.name', 3),
  quantization: table('Tensor.quantization', 4, QuantizationParameters),
  sparsity: table('Tensor.sparsity', 6, SparsityParameters),
  shapeSignature: vector('Tensor.shapeSignature', 7, 'int32'),
  variantTensors: tables('Tensor.variantTensors', 9, { shape: vector('VariantSubType.shape', 0, 'int32') }),
};

export const SubGraph = {
  tensors: tables('SubGraph.tensors', 0, Tensor),
  inputs: vector('SubGraph.inputs', 1, 'int32'),
  outputs: vector('SubGraph.outputs', 2, 'int32'),
  operators: tables('SubGraph.operators', 3, Operator),
  name: text('SubGraph.name', 4),
};

export const OperatorCode = {
  /** The operator's number where it is below 127; newer files have it in builtinCode too. */
  deprecatedBuiltinCode: scalar('OperatorCode.deprecatedBuiltinCode', 0, 'int8'),
  customCode: text('OperatorCode.customCode', 1),
  builtinCode: scalar('OperatorCode.builtinCode', 3, 'int32'),
};

export const Buffer = {
  data: vector('Buffer.data', 0, 'uint8'),
  /** Files over 2 GiB keep data behind the FlatBuffer: its place in the file, where it is above 1. */
  offset: scalar('Buffer.offset', 1, 'uint64'),
  size: scalar('Buffer.size', 2, 'uint64'),
};

const TensorMap = { name: text('TensorMap.name', 0) };

export const Model = {
  version: scalar('Model.version', 0, 'uint32'),
  operatorCodes: tables('Model.operatorCodes', 1, OperatorCode),
  subgraphs: tables('Model.subgraphs', 2, SubGraph),
  description: text('Model.description', 3),
  buffers: tables('Model.buffers', 4, Buffer),
  metadataBuffer: vector('Model.metadataBuffer', 5, 'int32'),
  metadata: tables('Model.metadata', 6, { name: text('Metadata.name', 0) }),
  signatureDefs: tables('Model.signatureDefs', 7, {
    inputs: tables('SignatureDef.inputs', 0, TensorMap),
    outputs: tables('SignatureDef.outputs', 1, TensorMap),
    signatureKey: text('SignatureDef.signatureKey', 2),
  }),
  externalBufferGroups: tables('Model.externalBufferGroups', 8, { name: text('ExternalBufferGroup.name', 0) }),
  externalBuffers: tables('Model.externalBuffers', 9, { packing: text('ExternalBuffer.packing', 4) }),
};

/** By number. Types that no Graph has (resources, variants) are left out. */
export const TENSOR_TYPES: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [0, 'float32'],
  [1, 'float16'],
  [2, 'int32'],
  [3, 'uint8'],
  [4, 'int64'],
  [5, 'string'],
  [6, 'bool'],
  [7, 'int16'],
  [8, 'complex64'],
  [9, 'int8'],
  [10, 'float64'],
  [11, 'complex128'],
  [12, 'uint64'],
  [15, 'uint32'],
  [16, 'uint16'],
  [17, 'int4'],
  [18, 'bfloat16'],
  [19, 'int2'],
  [20, 'uint4'],
  [21, 'float8e4m3fn'],
  [22, 'float8e5m2'],
]);

export const PADDING_SAME = 0;
export const CUSTOM_OPERATOR = 32;
/** What deprecatedBuiltinCode says where the operator's number does not fit it. */
export const NUMBER_ELSEWHERE = 127;

/** Names of the builtin operators by number, up to where StableHLO's begin. */
export const BUILTIN_OPERATORS: readonly string[] = `
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
`
  .trim()
  .split(/\s+/);
