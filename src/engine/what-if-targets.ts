/**
 * What the changes of a network mean in its graph: the ops and inputs that they name, and the sizes that they set.
 */
import { EngineError } from './errors';
import type { Graph, Op } from './graph';
import { formatChange, INPUT, type NetworkChange } from './what-if-changes';
import { CONVOLUTIONS, channelAxis } from './what-if-ties';

/** What is asked of a convolution's window and groups. */
export interface AskedWindow {
  readonly kernel?: readonly number[];
  readonly stride?: readonly number[];
  readonly groups?: number;
}

/** A size that a change sets. */
interface AskedSize {
  readonly tensor: string;
  readonly axis: number;
  readonly size: number;
  readonly change: NetworkChange;
}

/** Convolutions by name whose window or groups are to be others. @throws EngineError INVALID_CHANGE */
export function askedOps(graph: Graph, changes: readonly NetworkChange[]): Map<string, AskedWindow> {
  const asked = new Map<string, AskedWindow>();
  for (const change of changes) {
    const { target, property, value, width = value } = change;
    if (property !== 'kernel' && property !== 'stride' && property !== 'groups') continue;
    const op = opOf(graph, change);
    const place = CONVOLUTIONS[op.type]?.weight;
    if (place === undefined) throw refused(change, `op ${target} is a ${op.type}, which has no ${property} to change`);
    const rank = graph.tensors.get(op.inputs[place])!.shape.length - 2;
    if (rank === 1 && change.width !== undefined) throw refused(change, `op ${target} slides in one direction only`);
    const sides = rank === 1 ? [value] : rank === 2 ? [value, width] : new Array<number>(rank).fill(value);
    asked.set(target, { ...asked.get(target), [property]: property === 'groups' ? value : sides });
  }
  return asked;
}

/** Sizes of tensors that the changes of channels, resolution and batch set. @throws EngineError INVALID_CHANGE */
export function askedSizes(graph: Graph, changes: readonly NetworkChange[]): AskedSize[] {
  return changes.flatMap((change): AskedSize[] => {
    const { property, value: size, width = size } = change;
    if (property === 'channels') {
      const [tensor, axis] = channelsOf(graph, opOf(graph, change), change);
      return [{ tensor, axis, size, change }];
    }
    if (property === 'batch') return inputsOf(graph, change, 1).map((tensor) => ({ tensor, axis: 0, size, change }));
    if (property !== 'resolution') return [];
    const images = inputsOf(graph, change, 4);
    if (images.length > 1) throw refused(change, `the network has several images as inputs: ${images.join(', ')}`);
    const [tensor] = images;
    const first = graph.layout === 'NHWC' ? 1 : 2;
    return [
      { tensor, axis: first, size, change },
      { tensor, axis: first + 1, size: width, change },
    ];
  });
}

/** The dimension that an op's output channels are. */
function channelsOf(graph: Graph, op: Op, change: NetworkChange): readonly [string, number] {
  const [tensor] = op.outputs;
  const rank = graph.tensors.get(tensor)!.shape.length;
  if (CONVOLUTIONS[op.type] || op.type === 'ConvTranspose') return [tensor, channelAxis(graph, rank)];
  if (op.type === 'Gemm' || op.type === 'MatMul') {
    if (graph.tensors.get(op.inputs[1])!.constant) return [tensor, rank - 1];
  }
  throw refused(change, `op ${op.name} is a ${op.type}, which has no weights that make its channels`);
}

function opOf(graph: Graph, change: NetworkChange): Op {
  const named = graph.ops.filter(({ name }) => name === change.target);
  if (named.length === 1) return named[0];
  if (named.length > 1) throw refused(change, `${named.length} ops are called ${change.target}`);
  const layers = graph.ops.filter(({ type }) => CONVOLUTIONS[type] || type === 'Gemm').map(({ name }) => name);
  throw new EngineError(
    'INVALID_CHANGE',
    `the network has no op ${change.target}`,
    formatChange(change),
    layers.length === 0 ? 'It has no layer to change.' : `It has ${likely(layers, change.target).join(', ')}.`,
  );
}

const LISTED_LAYERS = 10;

/** Some names, those first that hold what was given, or are held by it. */
function likely(names: readonly string[], given: string): string[] {
  const isLikely = (name: string) => name.includes(given) || given.includes(name);
  const ordered = [...names.filter(isLikely), ...names.filter((name) => !isLikely(name))];
  return ordered.length > LISTED_LAYERS ? [...ordered.slice(0, LISTED_LAYERS), '...'] : ordered;
}

/** Inputs that a change is about, of at least so many dimensions. */
function inputsOf(graph: Graph, change: NetworkChange, rank: number): string[] {
  const { target, property } = change;
  const names = target === INPUT && !graph.inputs.includes(INPUT) ? graph.inputs : [target];
  for (const name of names) {
    if (graph.inputs.includes(name)) continue;
    throw refused(change, `${target} is no input of the network, whose inputs are ${graph.inputs.join(', ')}`);
  }
  const fitting = names.filter((name) => graph.tensors.get(name)!.shape.length >= rank);
  if (fitting.length === 0) throw refused(change, `no input has ${rank} dimensions, of which some are its ${property}`);
  return fitting;
}

function refused(change: NetworkChange, message: string): EngineError {
  return new EngineError('INVALID_CHANGE', message, formatChange(change), 'See the names that `fusecast plan` shows.');
}
