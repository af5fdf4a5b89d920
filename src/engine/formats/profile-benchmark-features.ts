/**
 * What the `feature` cell of mobile-ml-benchmark's per-kernel files says, in our words and as a graph's plan would say it
 * (engine/features.ts). Each framework has its own keys and its own idea of them. The TFLite half is here, the torch
 * half in profile-benchmark-torch.ts. What a row does not determine is left out.
 */
import { type FeatureName, NO_WINDOW } from '../features';

export type Features = Partial<Record<FeatureName, number>>;
/** A feature cell: whole numbers by key; keys whose value is '-' are absent. */
export type FeatureCell = Readonly<Record<string, number>>;

/** How an operation's cell is read: the keys without which it cannot be, and what they mean. */
export interface OperationRule {
  readonly needs: readonly string[];
  /** @param sizes heights of the images that occur in the row's network, see imageSizes */
  readonly features: (cell: FeatureCell, sizes: ReadonlySet<number>) => Features;
}

/** The benchmark feeds its networks images of 224 x 224. */
const NETWORK_INPUT_SIZE = 224;

const WINDOW_KEYS = ['Input_shape', 'Input_channel', 'Output_shape', 'Stride', 'Kernel'];
const CONVOLUTION_KEYS = [...WINDOW_KEYS, 'Filter', 'Group', 'FLOPS'];

/** All keys of a TFLite cell. */
export const TFLITE_KEYS: readonly string[] = CONVOLUTION_KEYS;

/** Height, width and channels of a square image. */
export function image(side: 'input' | 'output', pixels: number, channels: number): Features {
  return { [`${side}Height`]: pixels, [`${side}Width`]: pixels, [`${side}Channels`]: channels };
}

/** A layer over a vector, as an image of one pixel; weights include the bias, which both frameworks give it. */
export function vectorLayer(inputChannels: number, outputChannels: number): Features {
  return {
    ...image('input', 1, inputChannels),
    ...image('output', 1, outputChannels),
    ...NO_WINDOW,
    inputs: 1,
    inputElements: inputChannels,
    outputElements: outputChannels,
    weightElements: inputChannels * outputChannels + outputChannels,
    multiplyAccumulates: inputChannels * outputChannels,
  };
}

/**
 * A square window. The file has no key for dilation, and in the networks' ONNX files all 3,130 convolutions have 1.
 * @param padding both sides together
 */
export function squareWindow(kernel: number, stride: number, padding: number, groups: number): Features {
  return {
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
    dilation: 1,
    groups,
    paddingHeight: padding,
    paddingWidth: padding,
  };
}

/** Heights of the images that a network's TFLite rows say to occur: what padded sizes are told from real ones by. */
export function imageSizes(cells: readonly FeatureCell[]): ReadonlySet<number> {
  const sizes = new Set([NETWORK_INPUT_SIZE]);
  for (const cell of cells) {
    // Without a stride Output_shape is not a size: MEAN puts its channels there.
    if (cell.Stride !== undefined && cell.Output_shape !== undefined) sizes.add(cell.Output_shape);
  }
  return sizes;
}

/**
 * Size of the image before any padding. Input_shape includes the padding of a PAD op that was merged into the kernel,
 * but not the kernel's own. Where the window needs padding beyond Input_shape, or is 1 x 1, there was no PAD. Elsewhere the
 * image is the largest that occurs in the network and that padding for this window turns into Input_shape. In the 65
 * networks that the torch file has too (it records unpadded sizes), this is right in all 2,835 convolutions and pools.
 */
function unpaddedSize(cell: FeatureCell, sizes: ReadonlySet<number>): number | undefined {
  const {
    Input_shape: input,
    Output_shape: output,
    Stride: stride,
    Kernel: kernel,
  } = cell as Record<'Input_shape' | 'Output_shape' | 'Stride' | 'Kernel', number>;
  if (kernel === 1 || (output - 1) * stride + kernel > input) return input;
  const possible = [...sizes].filter((size) => size <= input && size > input - kernel);
  return possible.length === 0 ? undefined : Math.max(...possible);
}

function tfliteWindow(cell: FeatureCell, sizes: ReadonlySet<number>, outputChannels: number, groups: number): Features {
  const {
    Input_channel: channels,
    Output_shape: output,
    Stride: stride,
    Kernel: kernel,
  } = cell as Record<'Input_channel' | 'Output_shape' | 'Stride' | 'Kernel', number>;
  const input = unpaddedSize(cell, sizes);
  const outputSide = {
    ...image('output', output, outputChannels),
    outputElements: output ** 2 * outputChannels,
    inputs: 1,
  };
  if (input === undefined) {
    const { paddingHeight: _height, paddingWidth: _width, ...window } = squareWindow(kernel, stride, 0, groups);
    return { inputChannels: channels, ...window, ...outputSide };
  }
  const padding = Math.max(0, (output - 1) * stride + kernel - input);
  return {
    ...image('input', input, channels),
    ...squareWindow(kernel, stride, Math.max(padding, cell.Input_shape! - input), groups),
    ...outputSide,
    inputElements: input ** 2 * channels,
  };
}

/** FLOPS is 2 x MACs in every row of a convolution; TFLite's convolutions always have a bias. */
function tfliteConvolution(
  cell: FeatureCell,
  sizes: ReadonlySet<number>,
  outputChannels: number,
  groups: number,
): Features {
  return {
    ...tfliteWindow(cell, sizes, outputChannels, groups),
    weightElements: (cell.Kernel! ** 2 * cell.Input_channel! * outputChannels) / groups + outputChannels,
    multiplyAccumulates: cell.FLOPS! / 2,
  };
}

const TFLITE_POOL: OperationRule = {
  needs: WINDOW_KEYS,
  features: (cell, sizes) => ({
    ...tfliteWindow(cell, sizes, cell.Input_channel!, 1),
    weightElements: 0,
    // As many as the row's FLOPS: for a pool it counts one for each value under the window.
    multiplyAccumulates: cell.Output_shape! ** 2 * cell.Input_channel! * cell.Kernel! ** 2,
  }),
};

const TFLITE_OPERATIONS: Readonly<Record<string, OperationRule>> = {
  CONV_2D: { needs: CONVOLUTION_KEYS, features: (cell, sizes) => tfliteConvolution(cell, sizes, cell.Filter!, 1) },
  CONV_2D_GROUP: {
    needs: CONVOLUTION_KEYS,
    features: (cell, sizes) => tfliteConvolution(cell, sizes, cell.Filter!, cell.Group!),
  },
  DEPTHWISE_CONV_2D: {
    // Filter is the depth multiplier. Group is always 1 there; a depthwise convolution has a group a channel.
    needs: CONVOLUTION_KEYS,
    features: (cell, sizes) => tfliteConvolution(cell, sizes, cell.Filter! * cell.Input_channel!, cell.Input_channel!),
  },
  FULLY_CONNECTED: {
    needs: ['Input_channel', 'Filter'],
    features: (cell) => vectorLayer(cell.Input_channel!, cell.Filter!),
  },
  MEAN: {
    // Output_shape repeats the channels and Kernel is the keep_dims flag: neither is a size in pixels.
    needs: ['Input_shape', 'Input_channel'],
    features: (cell) => globalPool(cell.Input_shape!, cell.Input_channel!),
  },
  MAX_POOL_2D: TFLITE_POOL,
  AVERAGE_POOL_2D: TFLITE_POOL,
  CONCATENATION: {
    // Kernel is the number of inputs, Input_channel the channels of the first, Filter those of the output.
    // Channels are joined, so that as much is read as written.
    needs: ['Input_shape', 'Input_channel', 'Output_shape', 'Kernel', 'Filter'],
    features: (cell) => ({
      ...image('input', cell.Input_shape!, cell.Input_channel!),
      ...image('output', cell.Output_shape!, cell.Filter!),
      ...NO_WINDOW,
      inputs: cell.Kernel!,
      inputElements: cell.Output_shape! ** 2 * cell.Filter!,
      outputElements: cell.Output_shape! ** 2 * cell.Filter!,
      weightElements: 0,
      multiplyAccumulates: 0,
    }),
  },
};

/** A mean over the whole image. */
export function globalPool(pixels: number, channels: number): Features {
  return {
    ...image('input', pixels, channels),
    ...image('output', 1, channels),
    ...NO_WINDOW,
    inputs: 1,
    inputElements: pixels ** 2 * channels,
    outputElements: channels,
    weightElements: 0,
    multiplyAccumulates: pixels ** 2 * channels,
  };
}

/** Names of the TFLite operations that are known. */
export const TFLITE_OPERATION_NAMES: readonly string[] = Object.keys(TFLITE_OPERATIONS);

/**
 * The rule for a TFLite row. The kernel's kind comes before the file's operation: the delegate runs a 1x1 convolution of
 * a 1x1 image as fully connected, and an average pool over the whole image as mean.
 */
export function tfliteRule(operation: string, kind: string): OperationRule | undefined {
  const asRun = kind === 'fully_connected' ? 'FULLY_CONNECTED' : kind === 'mean' ? 'MEAN' : operation;
  return TFLITE_OPERATIONS[operation] && TFLITE_OPERATIONS[asRun];
}

/**
 * One kernel of a depthwise convolution and the pointwise one behind it: it reads what the first reads, slides as the
 * first does, writes what the second writes, and has the weights and the work of both.
 */
export function mergeDepthwisePointwise(depthwise: Features, pointwise: Features): Features {
  const { outputHeight, outputWidth, outputChannels, outputElements } = pointwise;
  return {
    ...depthwise,
    outputHeight,
    outputWidth,
    outputChannels,
    outputElements,
    weightElements: depthwise.weightElements! + pointwise.weightElements!,
    multiplyAccumulates: depthwise.multiplyAccumulates! + pointwise.multiplyAccumulates!,
  };
}
