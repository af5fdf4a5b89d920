/**
 * What onnxruntime does to reshapes in a row. Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of
 * kernels.
 */
import type { Op } from '../graph';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

/** A Reshape and the reshapes behind it, each the only reader of the one before. */
function contiguousReshapes(view: PatternView, reshape: Op): Replacement | undefined {
  const chain = [reshape];
  for (;;) {
    const next = view.onlyReader(chain[chain.length - 1], 'Reshape', 'Squeeze', 'Unsqueeze');
    if (!next || next.inputs[0] !== chain[chain.length - 1].outputs[0]) break;
    chain.push(next);
  }
  if (chain.length < 2) return undefined;
  const { name, outputs } = chain[chain.length - 1];
  return { remove: chain, insert: [{ name, type: 'Reshape', inputs: [reshape.inputs[0]], outputs, attributes: {} }] };
}

export const CONTIGUOUS_RESHAPES: PatternRule = {
  at: ['Reshape'],
  match: contiguousReshapes,
  reason: 'reshapes in a row are one',
  origin: 'reshape_fusion.cc',
};
