/**
 * The one place that says what a predictor can see of a kernel: the names of its features, with their units.
 * The same features are computed from a graph (featurize, below) and read from a profile row (formats/).
 */

export const FEATURES = {
  inputHeight: 'pixels',
  inputWidth: 'pixels',
  inputChannels: 'channels',
  outputHeight: 'pixels',
  outputWidth: 'pixels',
  outputChannels: 'channels',
  kernelHeight: 'pixels',
  kernelWidth: 'pixels',
  strideHeight: 'pixels',
  strideWidth: 'pixels',
  dilation: 'pixels',
  groups: 'groups',
  paddingHeight: 'pixels, both sides together',
  paddingWidth: 'pixels, both sides together',
  inputs: 'run-time tensors read',
  inputElements: 'elements, all run-time inputs together',
  outputElements: 'elements',
  weightElements: 'elements',
  multiplyAccumulates: 'multiply-accumulates',
  arithmeticIntensity: 'multiply-accumulates per element read or written',
  fusedOps: 'ops fused behind the first',
} as const;

export type FeatureName = keyof typeof FEATURES;

export const FEATURE_NAMES = Object.keys(FEATURES) as readonly FeatureName[];
