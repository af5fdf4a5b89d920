/**
 * Padding of a window that is given another kernel or stride, or slides over another image.
 */
import type { Graph } from './graph';

/** A sliding window, dimension by dimension. */
export interface ChangedWindow {
  /** Of the image. */
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** ONNX's order: all befores, then all afters. */
  readonly pads: readonly number[];
}

/**
 * The padding that goes on meaning what it meant. In TFLite SAME stays SAME, whose numbers depend on the image. In ONNX the
 * numbers stay, except that a window of a new size keeps the size of the image if the old one did (at stride 1). A 1 x 1
 * window, of which both are true, is taken to keep the size.
 */
export function keptPadding(
  format: Graph['format'],
  before: ChangedWindow,
  after: Pick<ChangedWindow, 'sizes' | 'kernel' | 'strides'>,
): readonly number[] {
  const { dilations, pads } = before;
  const rank = before.kernel.length;
  const reach = (kernel: readonly number[], i: number) => (kernel[i] - 1) * dilations[i] + 1;
  if (format === 'tflite') {
    const same = ({ sizes, kernel, strides }: Pick<ChangedWindow, 'sizes' | 'kernel' | 'strides'>) =>
      joined(sizes.map((size, i) => (Math.ceil(size / strides[i]) - 1) * strides[i] + reach(kernel, i) - size));
    const isSame = String(same(before)) === String(pads);
    const isPoint = before.kernel.every((size) => size === 1);
    return isSame && (isPoint || pads.some((size) => size > 0)) ? same(after) : pads;
  }
  const totals = before.kernel.map((_, i) => pads[i] + pads[i + rank]);
  const keeps = totals.every((total, i) => total === reach(before.kernel, i) - 1);
  if (!keeps || String(before.kernel) === String(after.kernel)) return pads;
  return joined(after.kernel.map((_, i) => reach(after.kernel, i) - 1));
}

/** Totals as befores and afters, the odd one behind. */
function joined(totals: readonly number[]): number[] {
  const positive = totals.map((total) => Math.max(0, total));
  return [...positive.map((total) => Math.floor(total / 2)), ...positive.map((total) => Math.ceil(total / 2))];
}
