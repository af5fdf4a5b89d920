/**
 * Rules about sliding windows that several runtimes share.
 */
import type { Op } from '../graph';
import { elementCount, OpReader } from '../shape-reader';
import type { FusionRule, GraphView, PrologueRule } from './rule-pack';

/** Zero padding of height and width goes into the window op's own. */
export const mergePadding: PrologueRule['merge'] = (view, pad, reader) => {
  const reading = new OpReader(pad, view.graph.tensors);
  const rank = reading.shape(0).length;
  const pads = reading.integers('pads') ?? reading.values(1);
  // A value that is left out by an empty name counts as an unknown one.
  const value = pad.inputs.length > 2 ? reading.optionalInput(2)?.values?.[0] : 0;
  const spatial = pads.every((size, i) => size >= 0 && (isSpatial(view, i % rank, rank) || size === 0));
  const window = new OpReader(reader, view.graph.tensors);
  const applies = reading.text('mode', 'constant') === 'constant' && pad.inputs.length <= 3 && value === 0;
  if (!applies || !spatial || window.text('auto_pad', 'NOTSET') !== 'NOTSET' || reader.outputs.length > 1) {
    return undefined;
  }
  const own = window.integers('pads') ?? new Array<number>(2 * (rank - 2)).fill(0);
  const added = pads.filter((_, i) => isSpatial(view, i % rank, rank));
  return {
    ...reader,
    inputs: [pad.inputs[0], ...reader.inputs.slice(1)],
    attributes: { ...reader.attributes, pads: own.map((size, i) => size + added[i]) },
  };
};

function isSpatial({ graph }: GraphView, axis: number, rank: number): boolean {
  return graph.layout === 'NCHW' ? axis > 1 : axis > 0 && axis < rank - 1;
}

/** Height, width and channels of a 4-dimensional activation in either layout. */
export function imageOf({ graph }: GraphView, tensor: string): { height: number; width: number; channels: number } {
  const { shape } = graph.tensors.get(tensor)!;
  const [channels, height = 1, width = 1] =
    graph.layout === 'NCHW' ? shape.slice(1) : [shape[3] ?? 1, shape[1], shape[2]];
  return { height, width, channels };
}

/** The consumer adds or multiplies by a constant of one value, or of one per output channel. */
export const byChannelConstant: NonNullable<FusionRule['when']> = (view, producer, consumer) => {
  const other = consumer.inputs.find((name) => name !== producer.outputs[0]);
  const tensor = other === undefined ? undefined : view.graph.tensors.get(other);
  const output = view.graph.tensors.get(producer.outputs[0])!.shape;
  if (!tensor?.constant) return false;
  const count = elementCount(tensor.shape);
  if (count === 1) return true;
  const axis = view.graph.layout === 'NCHW' && output.length > 2 ? 1 : output.length - 1;
  return count === output[axis] && tensor.shape[tensor.shape.length - output.length + axis] === output[axis];
};

/** Every input of the consumer but its first is a constant. */
export function othersAreConstant(view: GraphView, _producer: Op, consumer: Op): boolean {
  return consumer.inputs.slice(1).every((name) => !name || view.graph.tensors.get(name)?.constant === true);
}
