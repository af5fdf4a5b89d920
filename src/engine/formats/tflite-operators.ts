/**
 * The table of TFLite's builtin operators: how many inputs each has and what it is in the vocabulary of graphs. ONNX's
 * names and attributes wherever ONNX has the operator, `tflite.Name` elsewhere. Meanings are those of
 * tensorflow/lite/kernels; an operator that does not stand here is refused by name.
 */
import type { AttributeValue } from '../graph';
import * as moves from './tflite-moves';
import type { OperatorReader, Translation } from './tflite-operator-reader';
import {
  AddOptions,
  CumsumOptions,
  DepthToSpaceOptions,
  DivOptions,
  GeluOptions,
  L2NormOptions,
  LeakyReluOptions,
  LocalResponseNormalizationOptions,
  MulOptions,
  OneHotOptions,
  ResizeBilinearOptions,
  ResizeNearestNeighborOptions,
  SoftmaxOptions,
  SpaceToDepthOptions,
  SubOptions,
} from './tflite-schema';
import * as windows from './tflite-windows';

export interface Builtin {
  /** Fewest and most inputs that are read; the fewest must be there. */
  readonly inputs: readonly [number, number];
  readonly translate: (op: OperatorReader) => Translation;
  /** Inputs whose values the translation reads: their bytes stay when weights are stripped. */
  readonly values?: readonly number[];
}

type Attributes = Readonly<Record<string, AttributeValue>>;

/** An op of one run-time input and a constant slope, or of one alone. */
function elementwise(type: string, attributes?: (op: OperatorReader) => Attributes, likeType?: string): Builtin {
  return {
    inputs: [1, 1],
    translate: (op) => ({ type, inputs: op.inputs(0), attributes: attributes?.(op), likeType }),
  };
}

/** An op of two inputs that broadcast, with or without a fused activation. */
function binary(type: string, options?: typeof AddOptions, likeType?: string): Builtin {
  return {
    inputs: [2, 2],
    translate: (op) => ({
      type,
      inputs: op.inputs(0, 1),
      activation: options && op.option(options, 'activation'),
      likeType,
    }),
  };
}

/** An op that reads its inputs in the order of the given places. */
function reordered(type: string, least: number, places: readonly number[], infer?: Infer): Builtin {
  return {
    inputs: [least, places.length],
    translate: (op) => ({ type, inputs: op.inputs(...places), infer: infer && (() => infer(op)) }),
    values: type === 'Tile' || type === 'Expand' || type === 'Range' ? places : undefined,
  };
}

type Infer = (op: OperatorReader) => ReturnType<NonNullable<Translation['infer']>>;

const likeFirst: Infer = (op) => [{ type: op.output().type, shape: op.shape(0) }];

function resize(mode: string, options: typeof ResizeBilinearOptions | typeof ResizeNearestNeighborOptions): Builtin {
  return {
    inputs: [2, 2],
    values: [1],
    translate: (op) => {
      op.shape(0, 4);
      const transformation = op.option(options, 'alignCorners')
        ? 'align_corners'
        : op.option(options, 'halfPixelCenters')
          ? 'half_pixel'
          : 'asymmetric';
      return {
        type: 'Resize',
        // ONNX reads [input, region, scales, sizes].
        inputs: [...op.inputs(0), -1, -1, ...op.inputs(1)],
        attributes: { mode, axes: [1, 2], coordinate_transformation_mode: transformation },
      };
    },
  };
}

/** Blocks of pixels to channels or back. ONNX's DCR mode has the channels in TFLite's order. */
function blocks(
  type: 'DepthToSpace' | 'SpaceToDepth',
  options: typeof SpaceToDepthOptions,
  attributes: Attributes,
): Builtin {
  return {
    inputs: [1, 1],
    translate: (op) => {
      op.shape(0, 4);
      return { type, inputs: op.inputs(0), attributes: { blocksize: op.option(options, 'blockSize'), ...attributes } };
    },
  };
}

/** SPACE_TO_BATCH_ND and its inverse, in which converters wrap dilated convolutions. */
function batches(type: 'tflite.SpaceToBatch' | 'tflite.BatchToSpace'): Builtin {
  const direction = type === 'tflite.SpaceToBatch' ? 1 : -1;
  return {
    inputs: [3, 3],
    values: [1, 2],
    translate: (op) => {
      const [block, edges, shape] = [op.values(1), op.values(2), op.shape(0)];
      if (block.length >= shape.length || edges.length !== 2 * block.length || block.some((size) => size < 1)) {
        throw op.invalid(`block [${block}] and edges [${edges}] do not fit [${shape}]`);
      }
      const count = block.reduce((product, size) => product * size, 1);
      const spatial = block.map((size, i) => {
        const edge = edges[2 * i] + edges[2 * i + 1];
        return direction > 0 ? (shape[1 + i] + edge) / size : shape[1 + i] * size - edge;
      });
      const result = [shape[0] * count ** direction, ...spatial, ...shape.slice(1 + block.length)];
      const attributes = { block: [...block], [direction > 0 ? 'pads' : 'crops']: [...edges] };
      return { type, inputs: op.inputs(0), attributes, infer: () => [{ type: op.output().type, shape: result }] };
    },
  };
}

const reduction = (type: string): Builtin => ({ inputs: [2, 2], values: [1], translate: moves.reduce(type) });

/** An op of any number of inputs, at least one. */
const MANY = Number.POSITIVE_INFINITY;

const CLIP_0_TO_6 = { min: 0, max: 6 };
const CLIP_N1_TO_1 = { min: -1, max: 1 };

/** Fused activations by their number in the schema: what each is as an op of its own. 0 is none. */
export const ACTIVATIONS: ReadonlyMap<number, { name: string; type: string; attributes: Attributes }> = new Map([
  [1, { name: 'relu', type: 'Relu', attributes: {} }],
  [2, { name: 'relu_n1_to_1', type: 'Clip', attributes: CLIP_N1_TO_1 }],
  [3, { name: 'relu6', type: 'Clip', attributes: CLIP_0_TO_6 }],
  [4, { name: 'tanh', type: 'Tanh', attributes: {} }],
  [5, { name: 'sign_bit', type: 'tflite.SignBit', attributes: {} }],
]);

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  Object.entries<Builtin>({
    CONV_2D: { inputs: [2, 3], translate: windows.conv },
    DEPTHWISE_CONV_2D: { inputs: [2, 3], translate: windows.depthwiseConv },
    TRANSPOSE_CONV: { inputs: [3, 4], values: [0], translate: windows.transposeConv },
    AVERAGE_POOL_2D: { inputs: [1, 1], translate: windows.pool('AveragePool') },
    MAX_POOL_2D: { inputs: [1, 1], translate: windows.pool('MaxPool') },
    FULLY_CONNECTED: { inputs: [2, 3], translate: windows.fullyConnected },
    BATCH_MATMUL: { inputs: [2, 2], translate: windows.batchMatMul },

    ADD: binary('Add', AddOptions),
    SUB: binary('Sub', SubOptions),
    MUL: binary('Mul', MulOptions),
    DIV: binary('Div', DivOptions),
    MINIMUM: binary('Min'),
    MAXIMUM: binary('Max'),
    POW: binary('Pow'),
    SQUARED_DIFFERENCE: binary('tflite.SquaredDifference', undefined, 'Pow'),
    FLOOR_DIV: binary('tflite.FloorDiv', undefined, 'Pow'),
    FLOOR_MOD: binary('Mod'),
    ATAN2: binary('tflite.Atan2', undefined, 'Pow'),
    EQUAL: binary('Equal'),
    NOT_EQUAL: binary('tflite.NotEqual', undefined, 'Less'),
    LESS: binary('Less'),
    LESS_EQUAL: binary('LessOrEqual'),
    GREATER: binary('Greater'),
    GREATER_EQUAL: binary('GreaterOrEqual'),
    LOGICAL_AND: binary('And'),
    LOGICAL_OR: binary('Or'),
    LOGICAL_NOT: elementwise('Not'),
    ADD_N: { inputs: [1, MANY], translate: (op) => ({ type: 'Sum', inputs: op.operator.inputs }) },
    SELECT: reordered('Where', 3, [0, 1, 2]),
    SELECT_V2: reordered('Where', 3, [0, 1, 2]),

    RELU: elementwise('Relu'),
    RELU6: elementwise('Clip', () => CLIP_0_TO_6),
    RELU_N1_TO_1: elementwise('Clip', () => CLIP_N1_TO_1),
    RELU_0_TO_1: elementwise('Clip', () => ({ min: 0, max: 1 })),
    LEAKY_RELU: elementwise('LeakyRelu', (op) => ({ alpha: op.option(LeakyReluOptions, 'alpha') })),
    PRELU: reordered('PRelu', 2, [0, 1]),
    ELU: elementwise('Elu', () => ({ alpha: 1 })),
    HARD_SWISH: elementwise('HardSwish'),
    LOGISTIC: elementwise('Sigmoid'),
    TANH: elementwise('Tanh'),
    GELU: elementwise('Gelu', (op) => ({ approximate: op.option(GeluOptions, 'approximate') ? 'tanh' : 'none' })),
    SOFTMAX: elementwise('Softmax', (op): Attributes => {
      const beta = op.option(SoftmaxOptions, 'beta');
      return beta === 1 ? { axis: -1 } : { axis: -1, beta };
    }),
    LOG_SOFTMAX: elementwise('LogSoftmax', () => ({ axis: -1 })),
    EXP: elementwise('Exp'),
    LOG: elementwise('Log'),
    SQRT: elementwise('Sqrt'),
    RSQRT: elementwise('tflite.Rsqrt', undefined, 'Sqrt'),
    SQUARE: elementwise('tflite.Square', undefined, 'Sqrt'),
    ABS: elementwise('Abs'),
    NEG: elementwise('Neg'),
    SIGN: elementwise('Sign'),
    FLOOR: elementwise('Floor'),
    CEIL: elementwise('Ceil'),
    ROUND: elementwise('Round'),
    SIN: elementwise('Sin'),
    COS: elementwise('Cos'),
    ZEROS_LIKE: elementwise('tflite.ZerosLike', undefined, 'Sqrt'),
    FAKE_QUANT: elementwise('tflite.FakeQuant', undefined, 'Sqrt'),
    L2_NORMALIZATION: {
      inputs: [1, 1],
      translate: (op) => ({
        type: 'LpNormalization',
        inputs: op.inputs(0),
        attributes: { axis: -1, p: 2 },
        activation: op.option(L2NormOptions, 'activation'),
      }),
    },
    LOCAL_RESPONSE_NORMALIZATION: elementwise('LRN', (op) => {
      const [radius, alpha] = (['radius', 'alpha'] as const).map((name) =>
        op.option(LocalResponseNormalizationOptions, name),
      );
      const size = 2 * radius + 1;
      // ONNX divides alpha by the size of the window.
      const [bias, beta] = (['bias', 'beta'] as const).map((name) =>
        op.option(LocalResponseNormalizationOptions, name),
      );
      return { size, alpha: alpha * size, beta, bias };
    }),
    QUANTIZE: elementwise('QuantizeLinear', undefined, 'Sqrt'),
    DEQUANTIZE: elementwise('DequantizeLinear', undefined, 'Sqrt'),
    CAST: elementwise('Cast', (op) => ({ to: op.output().type })),
    CUMSUM: {
      inputs: [2, 2],
      translate: (op) => ({
        type: 'CumSum',
        inputs: op.inputs(0, 1),
        attributes: { exclusive: op.option(CumsumOptions, 'exclusive'), reverse: op.option(CumsumOptions, 'reverse') },
        infer: () => likeFirst(op),
      }),
    },

    MEAN: reduction('ReduceMean'),
    SUM: reduction('ReduceSum'),
    REDUCE_MAX: reduction('ReduceMax'),
    REDUCE_MIN: reduction('ReduceMin'),
    REDUCE_PROD: reduction('ReduceProd'),
    REDUCE_ANY: reduction('tflite.ReduceAny'),
    REDUCE_ALL: reduction('tflite.ReduceAll'),
    ARG_MAX: { inputs: [2, 2], values: [1], translate: moves.argument('ArgMax') },
    ARG_MIN: { inputs: [2, 2], values: [1], translate: moves.argument('ArgMin') },

    CONCATENATION: { inputs: [1, MANY], translate: moves.concatenation },
    PAD: { inputs: [2, 2], values: [1], translate: moves.pad(() => 'constant') },
    PADV2: { inputs: [3, 3], values: [1], translate: moves.pad(() => 'constant') },
    MIRROR_PAD: { inputs: [2, 2], values: [1], translate: moves.pad(moves.mirrorPadMode) },
    RESHAPE: { inputs: [1, 2], values: [1], translate: moves.reshape },
    SQUEEZE: { inputs: [1, 1], translate: moves.squeeze },
    EXPAND_DIMS: { inputs: [2, 2], values: [1], translate: moves.expandDims },
    TRANSPOSE: { inputs: [2, 2], values: [1], translate: moves.transpose },
    SLICE: { inputs: [3, 3], values: [1, 2], translate: moves.slice },
    STRIDED_SLICE: { inputs: [4, 4], values: [1, 2, 3], translate: moves.stridedSlice },
    SPLIT: { inputs: [2, 2], values: [0], translate: moves.split },
    SPLIT_V: { inputs: [3, 3], values: [1, 2], translate: moves.splitV },
    PACK: { inputs: [1, MANY], translate: moves.pack },
    UNPACK: { inputs: [1, 1], translate: moves.unpack },
    GATHER: { inputs: [2, 2], translate: moves.gather },
    GATHER_ND: reordered('GatherND', 2, [0, 1], (op) => {
      const [data, indices] = [op.shape(0), op.shape(1)];
      return [{ type: op.output().type, shape: [...indices.slice(0, -1), ...data.slice(indices[indices.length - 1])] }];
    }),
    EMBEDDING_LOOKUP: reordered('Gather', 2, [1, 0]),
    RESIZE_BILINEAR: resize('linear', ResizeBilinearOptions),
    RESIZE_NEAREST_NEIGHBOR: resize('nearest', ResizeNearestNeighborOptions),
    DEPTH_TO_SPACE: blocks('DepthToSpace', DepthToSpaceOptions, { mode: 'DCR' }),
    SPACE_TO_DEPTH: blocks('SpaceToDepth', SpaceToDepthOptions, {}),
    SPACE_TO_BATCH_ND: batches('tflite.SpaceToBatch'),
    BATCH_TO_SPACE_ND: batches('tflite.BatchToSpace'),
    TILE: reordered('Tile', 2, [0, 1]),
    BROADCAST_TO: reordered('Expand', 2, [0, 1]),
    FILL: reordered('Expand', 2, [1, 0]),
    SHAPE: { inputs: [1, 1], translate: (op) => ({ type: 'Shape', inputs: op.inputs(0) }) },
    RANGE: reordered('Range', 3, [0, 1, 2]),
    REVERSE_V2: reordered('tflite.Reverse', 2, [0, 1], likeFirst),
    TOPK_V2: {
      inputs: [2, 2],
      values: [1],
      translate: (op) => ({
        type: 'TopK',
        inputs: op.inputs(0, 1),
        attributes: { axis: -1 },
        infer: () => {
          const shape = [...op.shape(0).slice(0, -1), op.values(1)[0]];
          return [
            { type: op.output(0).type, shape },
            { type: 'int32', shape },
          ];
        },
      }),
    },
    ONE_HOT: {
      inputs: [4, 4],
      values: [1],
      translate: (op) => {
        const shape = op.shape(0);
        const axis = op.axis(op.option(OneHotOptions, 'axis'), shape.length + 1);
        const infer = () => [
          { type: op.output().type, shape: [...shape.slice(0, axis), op.values(1)[0], ...shape.slice(axis)] },
        ];
        return { type: 'tflite.OneHot', inputs: op.inputs(0, 1, 2, 3), attributes: { axis }, infer };
      },
    },
  }),
);
