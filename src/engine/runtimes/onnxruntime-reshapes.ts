/**
 * What onnxruntime does to reshapes in a row and to slices that make up a whole. Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of
 * kernels.
 */
import type { Op, Tensor } from '../graph';
import { OpReader } from '../shape-reader';
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

/** What a Gather by one number or a Slice of step 1 takes of an axis. */
interface Part {
  readonly op: Op;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  /** True if the axis vanishes. */
  readonly squeezes: boolean;
}

function partOf(view: PatternView, op: Op, shape: readonly number[]): Part | undefined {
  const reader = new OpReader(op, view.graph.tensors);
  if (op.type === 'Gather') {
    const index = view.scalar(op.inputs[1]);
    const axis = reader.axis(reader.integer('axis', 0), shape.length);
    if (index === undefined) return undefined;
    const start = index < 0 ? index + shape[axis] : index;
    return { op, axis, start, end: start + 1, squeezes: view.tensor(op.inputs[1])!.shape.length === 0 };
  }
  const [from, to, along, step = 1] = op.inputs.slice(1).map((name) => view.scalar(name));
  if (op.type !== 'Slice' || from === undefined || to === undefined || along === undefined || step !== 1)
    return undefined;
  const axis = reader.axis(along, shape.length);
  const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + shape[axis] : place, 0), shape[axis]);
  return { op, axis, start: clamp(from), end: clamp(to), squeezes: false };
}

/** The slices of one tensor, if each element of an axis stands in just one of them: one Split. */
function slicesOfWhole(view: PatternView, first: Op): Replacement | undefined {
  const input = view.tensor(first.inputs[0])!;
  const maker = view.maker(input.name);
  if (maker && (maker.outputs.length > 1 || maker.type === 'Shape')) return undefined;
  const slices = view
    .readers(input.name)
    .filter(({ type, inputs }) => inputs[0] === input.name && (type === 'Gather' || type === 'Slice'));
  const found = slices.flatMap((op) => partOf(view, op, input.shape) ?? []).sort((a, b) => a.start - b.start);
  if (found.length < slices.length || found.length < 2) return undefined;
  const { axis } = found[0];
  const follows = found.every((part, i) => part.axis === axis && part.start === (i === 0 ? 0 : found[i - 1].end));
  if (!follows || found[found.length - 1].end !== input.shape[axis]) return undefined;
  const tensors: Tensor[] = [];
  const squeezes: Op[] = [];
  const outputs = found.map(({ op, start, end, squeezes: isSqueezed }) => {
    const [output] = op.outputs;
    if (!isSqueezed) return output;
    const name = view.unusedName(`${output}/part`);
    const shape = input.shape.map((size, i) => (i === axis ? end - start : size));
    tensors.push({ name, type: input.type, shape, constant: false });
    squeezes.push({ name: op.name, type: 'Squeeze', inputs: [name], outputs: [output], attributes: { axes: [axis] } });
    return name;
  });
  const split: Op = { name: first.name, type: 'Split', inputs: [input.name], outputs, attributes: { axis } };
  return { remove: found.map(({ op }) => op), insert: [split, ...squeezes], tensors };
}

export const SLICES_OF_WHOLE: PatternRule = {
  at: ['Gather', 'Slice'],
  match: slicesOfWhole,
  reason: 'slices that make up the whole are one Split',
  origin: 'gather_fusion.cc, GatherSliceToSplitFusion',
};

export const CONTIGUOUS_RESHAPES: PatternRule = {
  at: ['Reshape'],
  match: contiguousReshapes,
  reason: 'reshapes in a row are one',
  origin: 'reshape_fusion.cc',
};
