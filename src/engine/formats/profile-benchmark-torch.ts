/** The torch half of what mobile-ml-benchmark's `feature` cells say; see profile-benchmark-features.ts. */
import { NO_WINDOW } from '../features';
import {
  type FeatureCell,
  type Features,
  globalPool,
  image,
  type OperationRule,
  squareWindow,
  vectorLayer,
} from './profile-benchmark-features';

/** The keys that a torch cell may have. */
export const TORCH_KEYS: readonly string[] = [
  'input_channel',
  'input_shape',
  'output_channel',
  'output_shape',
  'kernel_size',
  'stride',
  'padding',
  'groups',
  'input_size',
  'output_size',
  'filter_size',
  'flops',
];

const IMAGE_KEYS = ['input_channel', 'input_shape'];
const WINDOW_KEYS = [...IMAGE_KEYS, 'output_shape', 'kernel_size', 'stride', 'padding', 'input_size', 'output_size'];

/** Unlike in the TFLite file sizes are without padding, and padding is that of one side. */
function slidingWindow(cell: FeatureCell, outputChannels: number, groups: number): Features {
  return {
    ...image('input', cell.input_shape!, cell.input_channel!),
    ...image('output', cell.output_shape!, outputChannels),
    ...squareWindow(cell.kernel_size!, cell.stride!, 2 * cell.padding!, groups),
    inputs: 1,
    inputElements: cell.input_size!,
    outputElements: cell.output_size!,
  };
}

/** An op that gives an image of the size that it reads; `elements` is that image's. */
function elementwise(cell: FeatureCell, elements: number): Features {
  return {
    ...image('input', cell.input_shape!, cell.input_channel!),
    ...image('output', cell.input_shape!, cell.input_channel!),
    ...NO_WINDOW,
    inputs: 1,
    inputElements: elements,
    outputElements: elements,
    weightElements: 0,
    multiplyAccumulates: 0,
  };
}

/** `flops` counts elements here. */
const UNARY: OperationRule = {
  needs: [...IMAGE_KEYS, 'flops'],
  features: (cell) => elementwise(cell, cell.flops!),
};

const BINARY: OperationRule = {
  needs: [...IMAGE_KEYS, 'flops'],
  // The second operand may be broadcast or a constant: what is read in all is not said.
  features: (cell) => {
    const {
      inputs: _inputs,
      inputElements: _elements,
      weightElements: _weights,
      ...features
    } = elementwise(cell, cell.flops!);
    return features;
  },
};

const POOL: OperationRule = {
  needs: [...IMAGE_KEYS, 'input_size'],
  // A pool over the whole image has no window in the file.
  features: (cell) =>
    WINDOW_KEYS.every((key) => cell[key] !== undefined)
      ? {
          ...slidingWindow(cell, cell.input_channel!, 1),
          weightElements: 0,
          multiplyAccumulates: cell.output_size! * cell.kernel_size! ** 2,
        }
      : globalPool(cell.input_shape!, cell.input_channel!),
};

/** By the file's operation. */
export const TORCH_OPERATIONS: Readonly<Record<string, OperationRule>> = {
  'vulkan_prepack::run_conv2d_context': {
    // `groups` is missing exactly where the convolution is depthwise: all of those 515 rows ran a conv2d_dw kernel.
    // `flops` is MACs here. Whether there is a bias is not said, so the weights are the filter's alone.
    needs: [...WINDOW_KEYS, 'output_channel', 'filter_size', 'flops'],
    features: (cell) => ({
      ...slidingWindow(cell, cell.output_channel!, cell.groups ?? cell.input_channel!),
      weightElements: cell.filter_size!,
      multiplyAccumulates: cell.flops!,
    }),
  },
  'vulkan_prepack::run_linear_context': {
    // `flops` is 2 x MACs less one addition an output.
    needs: ['input_shape', 'output_shape'],
    features: (cell) => vectorLayer(cell.input_shape!, cell.output_shape!),
  },
  'vulkan_prepack::run_batchnorm_context': {
    needs: [...IMAGE_KEYS, 'input_size'],
    // Scale, shift, mean and variance of each channel.
    features: (cell) => ({ ...elementwise(cell, cell.input_size!), weightElements: 4 * cell.input_channel! }),
  },
  'aten::max_pool2d': POOL,
  'aten::avg_pool2d': POOL,
  'aten::adaptive_avg_pool2d': POOL,
  'aten::add': BINARY,
  'aten::mul': BINARY,
  'aten::relu': UNARY,
  'aten::clamp': UNARY,
  'aten::hardswish': UNARY,
  'aten::sigmoid': UNARY,
};
