/**
 * Which kernel TensorFlow Lite's GPU delegate selects for an op, with the numbers that decide it.
 */
import { type Op, snakeCase } from '../graph';
import { OpReader } from '../shape-reader';
import type { GraphView, Selection } from './rule-pack';
import { imageOf } from './window-rules';

/** What Winograd 4x4 to 6x6 needs at least: common/selectors/convolution_selector.cc and tasks/winograd.cc. */
interface WinogradThresholds {
  /** Groups of four input channels. */
  readonly inputSlices: number;
  /** Groups of four output channels. */
  readonly outputSlices: number;
  /** Tiles of 4 x 4 output pixels. */
  readonly tiles: number;
}

export interface GpuFamily {
  readonly name: string;
  readonly winograd: WinogradThresholds;
  /** Depthwise and pointwise convolutions may become one kernel (common/selectors/special_selector.cc). */
  readonly joinsPointwise: boolean;
}

/** A threshold that is missed by at most this factor is a near miss. */
const NEAR = 1.25;

const CHANNELS_PER_SLICE = 4;

/** Elementwise ops that a kernel can do behind its own work, as the delegate names them. */
export const ELEMENTWISE: Readonly<Record<string, string>> = {
  Relu: 'relu',
  Clip: 'relu',
  LeakyRelu: 'relu',
  PRelu: 'prelu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  HardSwish: 'hard_swish',
  Elu: 'elu',
  Abs: 'abs',
  Exp: 'exp',
  Log: 'log',
  Sqrt: 'sqrt',
  Neg: 'neg',
  Square: 'square',
  Add: 'add',
  Sub: 'subtract',
  Mul: 'mul',
  Div: 'div',
  Pow: 'pow',
  Max: 'maximum',
  Min: 'minimum',
  SquaredDifference: 'squared_diff',
};

/** Type of an op that is a depthwise convolution with the pointwise one behind it. */
export const JOINED = 'DepthwisePointwiseConv';
/** What decides between the kernels of a convolution. */
export function convolution(view: GraphView, op: Op) {
  const reader = new OpReader(op, view.graph.tensors);
  const weight = view.graph.tensors.get(op.inputs[1])!;
  const groups = reader.integer('group', 1);
  const kernel = weight.shape.slice(2);
  const strides = reader.integers('strides') ?? [1, 1];
  const dilations = reader.integers('dilations') ?? [1, 1];
  const padded = (reader.integers('pads') ?? []).some((size) => size > 0);
  const outputChannels = weight.shape[0];
  const inputChannels = weight.shape[1] * groups;
  const single = [...strides, ...dilations].every((size) => size === 1);
  return {
    groups,
    kernel,
    padded,
    inputChannels,
    outputChannels,
    constantWeights: weight.constant,
    multiplier: outputChannels / groups,
    isDepthwise: groups > 1 && weight.shape[1] === 1 && outputChannels % groups === 0,
    /** Stride and dilation 1. */
    single,
    isPointwise: single && kernel.every((size) => size === 1),
  };
}

const KINDS: Readonly<Record<string, string>> = {
  Gemm: 'fully_connected',
  GlobalAveragePool: 'mean',
  ReduceMean: 'mean',
  MaxPool: 'pooling_2d',
  AveragePool: 'pooling_2d',
  GlobalMaxPool: 'pooling_2d',
  Concat: 'concat',
  [JOINED]: 'depthwise_conv_plus_1x1_conv',
};

/** The kernel of an op as it stands after rewriting and joining. */
export function select(view: GraphView, op: Op, family: GpuFamily): Selection {
  if (op.type === 'Conv') return selectConvolution(view, op, family);
  if (op.type === 'AveragePool' && poolsEverything(view, op)) {
    return { kind: 'mean', reason: 'mean: the average pool covers its whole input' };
  }
  const kind = KINDS[op.type] ?? ELEMENTWISE[op.type] ?? snakeCase(op.type);
  return { kind, reason: `one kernel for ${op.type}` };
}

function poolsEverything(view: GraphView, op: Op): boolean {
  const reader = new OpReader(op, view.graph.tensors);
  const { height, width } = imageOf(view, op.inputs[0]);
  const [kernelHeight, kernelWidth] = reader.integers('kernel_shape') ?? [];
  return (
    kernelHeight === height && kernelWidth === width && (reader.integers('pads') ?? []).every((size) => size === 0)
  );
}

function selectConvolution(view: GraphView, op: Op, family: GpuFamily): Selection {
  const conv = convolution(view, op);
  if (conv.isDepthwise) return { kind: 'depthwise_convolution', reason: 'depthwise: one filter per input channel' };
  if (conv.groups > 1) return selectGrouped(conv);
  const input = imageOf(view, op.inputs[0]);
  if (conv.isPointwise && !conv.padded && input.height === 1 && input.width === 1) {
    return { kind: 'fully_connected', reason: 'fully connected: a 1 x 1 convolution of a 1 x 1 image' };
  }
  return selectWinograd(view, op, conv, family);
}

function selectGrouped({ groups, inputChannels, outputChannels }: ReturnType<typeof convolution>): Selection {
  const [input, output] = [inputChannels / groups, outputChannels / groups];
  const numbers = `${groups} groups of ${input} input and ${output} output channels`;
  if (input % CHANNELS_PER_SLICE === 0 && output % CHANNELS_PER_SLICE === 0) {
    return { kind: 'convolution_2d_grouped', reason: `grouped: ${numbers}, both multiples of 4` };
  }
  return {
    kind: 'convolution_2d_grouped',
    unsupported: true,
    reason: `the delegate refuses ${numbers}: both must be multiples of 4`,
  };
}

function selectWinograd(view: GraphView, op: Op, conv: ReturnType<typeof convolution>, family: GpuFamily): Selection {
  const direct = (reason: string, nearMiss?: string): Selection => ({
    kind: 'convolution_2d',
    reason: `direct convolution: ${reason}`,
    nearMiss,
  });
  const { kernel, single, constantWeights, inputChannels, outputChannels } = conv;
  if (kernel.some((size) => size !== 3) || !single) {
    return direct(
      `a ${kernel.join(' x ')} window${single ? '' : ' with stride or dilation'}; Winograd is for 3 x 3 with stride 1`,
    );
  }
  if (!constantWeights) return direct('the weights are computed at run time; Winograd needs constants');
  const { height, width } = imageOf(view, op.outputs[0]);
  const { winograd, name } = family;
  const tiles = Math.ceil(height / 4) * Math.ceil(width / 4);
  const measures = [
    {
      has: Math.ceil(inputChannels / CHANNELS_PER_SLICE),
      needs: winograd.inputSlices,
      of: `${inputChannels} input channels are`,
      unit: 'slices',
      reach: `input channels ${inputChannels} to ${winograd.inputSlices * CHANNELS_PER_SLICE - 3}`,
    },
    {
      has: Math.ceil(outputChannels / CHANNELS_PER_SLICE),
      needs: winograd.outputSlices,
      of: `${outputChannels} output channels are`,
      unit: 'slices',
      reach: `output channels ${outputChannels} to ${winograd.outputSlices * CHANNELS_PER_SLICE - 3}`,
    },
    {
      has: tiles,
      needs: winograd.tiles,
      of: `${height} x ${width} output is`,
      unit: 'tiles',
      reach: `an output of ${winograd.tiles} tiles of 4 x 4 instead of ${tiles}`,
    },
  ];
  const missed = measures.filter(({ has, needs }) => has < needs);
  if (missed.length === 0) {
    const numbers = measures.map(({ has, needs, of, unit }) => `${of} ${has} ${unit} (needs ${needs})`).join(', ');
    // Its name is that of the three steps together; what is chained hangs on the last of them.
    return { kind: 'convolution_winograd_4x4_6x6', reason: `Winograd on ${name}: ${numbers}`, unnamedChain: true };
  }
  const reason = missed
    .map(({ has, needs, of, unit }) => `${of} ${has} ${unit}, Winograd on ${name} needs ${needs}`)
    .join('; ');
  const near = missed.every(({ has, needs }) => has * NEAR >= needs);
  return direct(reason, near ? `${missed.map(({ reach }) => reach).join(' and ')} would reach Winograd` : undefined);
}
