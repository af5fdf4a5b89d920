/**
 * A network with something in it changed: a new graph in which everything fits together again. Sizes spread along the
 * ties between dimensions (what-if-ties.ts); a change of a layer whose channels are tied to other layers' changes all of
 * them, and one that is tied to something that no weight makes (the network's input, a concatenation) is refused.
 *
 * The ops are gone through in execution order, each adapted to what it reads and its outputs inferred anew. A size that
 * turns out to be another than an earlier op took it to be becomes fixed, and the ops are gone through again: each time
 * one more size is fixed, so that it ends.
 */
import { EngineError } from './errors';
import type { Graph, Op, Tensor } from './graph';
import { elementCount, MAXIMUM_FOLDED_ELEMENTS } from './shape-reader';
import { checked, formatChange, MAXIMUM_CHANGES, type NetworkChange } from './what-if-changes';
import { adapted, type Changing } from './what-if-ops';
import { inferAnew } from './what-if-shapes';
import { sharedAgain, unshared } from './what-if-sharing';
import { type AskedWindow, askedOps, askedSizes } from './what-if-targets';
import { tieDimensions } from './what-if-tie-rules';
import { CONVOLUTIONS, type DimensionTies } from './what-if-ties';

/** What is different in an op of a changed network. */
export interface OpDifference {
  readonly op: string;
  readonly type: string;
  readonly property: 'channels' | 'kernel' | 'stride' | 'groups';
  /** One number, or height and width. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface ChangedNetwork {
  readonly graph: Graph;
  /** Layers with weights, and pools, that differ: those that were asked for and those that were tied to them. */
  readonly differences: readonly OpDifference[];
}

/** Ops that are looked at in all passes together, a second's work; networks of today take a tenth of it at most. */
const MAXIMUM_STEPS = 300_000;

/**
 * Changes a graph.
 *
 * @throws EngineError INVALID_CHANGE if there is no such op or property, or a size is tied to one that cannot follow;
 *   LIMIT_EXCEEDED
 */
export function changeGraph(network: Graph, changes: readonly NetworkChange[]): ChangedNetwork {
  if (changes.length > MAXIMUM_CHANGES) {
    const remedy = `Ask for at most ${MAXIMUM_CHANGES} at once.`;
    throw new EngineError('LIMIT_EXCEEDED', `there are ${changes.length} changes`, 'changes', remedy);
  }
  for (const change of changes) checked(change);
  const { graph, originals } = unshared(network);
  const asked = askedOps(graph, changes);
  const ungrouped = new Set([...asked].flatMap(([name, { groups }]) => (groups === undefined ? [] : [name])));
  const ties = tieDimensions(graph, ungrouped);
  const fixed = new Map<number, { readonly size: number; readonly by: string }>();
  const openInputs = new Set<string>();
  for (const { tensor, axis, size, change } of askedSizes(graph, changes)) {
    if (change.property !== 'channels') openInputs.add(`${tensor} ${axis}`);
    const known = fixed.get(ties.of(tensor, axis));
    if (known && known.size !== size) {
      throw new EngineError(
        'INVALID_CHANGE',
        `${formatChange(change)} contradicts ${known.by}: the two are tied, and must be equal`,
        formatChange(change),
        'Change one of them, or both alike.',
      );
    }
    fixed.set(ties.of(tensor, axis), { size, by: formatChange(change) });
  }
  const isChannelsOnly = changes.every(({ property }) => property === 'channels' || property === 'groups');
  for (let steps = 0; steps === 0 || steps < MAXIMUM_STEPS; steps += graph.ops.length) {
    const changed = new Pass(graph, ties, fixed, asked, openInputs, isChannelsOnly).run();
    if (!changed) continue;
    return {
      graph: sharedAgain(changed, network, originals),
      differences: differencesBetween(graph, changed),
    };
  }
  const where = changes.map(formatChange).join(', ');
  throw new EngineError('LIMIT_EXCEEDED', 'following the change takes too long', where, 'Change fewer things at once.');
}

/** All ops once, in order. */
class Pass implements Changing {
  readonly #tensors = new Map<string, Tensor>();
  readonly #ops: Op[] = [];
  /** Sizes that ops were given so far, by the dimensions' ties. */
  readonly #taken = new Map<number, number>();
  /** Tensors that follow from the shape of something. */
  readonly #computed = new Set<string>();
  #isStale = false;

  constructor(
    readonly graph: Graph,
    private readonly ties: DimensionTies,
    private readonly fixed: Map<number, { readonly size: number; readonly by: string }>,
    readonly asked: ReadonlyMap<string, AskedWindow>,
    /** Dimensions of inputs that are asked to be others, as `name axis`. */
    private readonly openInputs: ReadonlySet<string>,
    readonly isChannelsOnly: boolean,
  ) {}

  /** The changed graph; undefined if another size has become fixed. */
  run(): Graph | undefined {
    const { graph } = this;
    const made = new Set(graph.ops.flatMap(({ outputs }) => outputs));
    for (const tensor of graph.tensors.values()) {
      if (made.has(tensor.name)) continue;
      const isInput = graph.inputs.includes(tensor.name);
      if (tensor.constant) this.#tensors.set(tensor.name, this.resized(tensor));
      else this.#tensors.set(tensor.name, isInput ? this.input(tensor) : tensor);
    }
    for (const op of graph.ops) {
      this.step(op);
      if (this.#isStale) return undefined;
    }
    return { ...graph, ops: this.#ops, tensors: this.#tensors };
  }

  private step(original: Op): void {
    const reads = original.inputs.filter((name) => name !== '');
    // An op that reads only numbers of the file says something of them alone.
    const isComputed = reads.some((name) => this.#computed.has(name) || !this.before(name).constant);
    if (isComputed) for (const name of original.outputs) this.#computed.add(name);
    const weights = original.type === 'Constant' ? this.constantOf(original) : original;
    const isTouched = weights !== original || this.asked.has(original.name) || reads.some((name) => this.differs(name));
    if (!isTouched) {
      this.#ops.push(original);
      for (const name of original.outputs) if (name) this.#tensors.set(name, this.before(name));
    } else {
      const op = adapted(weights, this);
      if (this.#isStale) return;
      this.#ops.push(op);
      this.infer(op);
    }
    for (const name of original.outputs) if (name) this.take(original, this.now(name));
  }

  private infer(op: Op): void {
    try {
      inferAnew(this.graph, op, this.#tensors);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'INVALID_SHAPE') throw error;
      throw this.refusal(op, error.message);
    }
  }

  /** Whether a tensor is another than it was, as far as what reads it can tell. */
  private differs(name: string): boolean {
    const [before, now] = [this.before(name), this.now(name)];
    return before !== now && (!equal(before.shape, now.shape) || !equal(before.values ?? [], now.values ?? []));
  }

  /** Every dimension of a tensor is decided now: what is tied to it has to follow. */
  private take(op: Op, { name, shape }: Tensor): void {
    shape.forEach((size, axis) => {
      const tied = this.ties.of(name, axis);
      const fixed = this.fixed.get(tied);
      if (fixed && fixed.size !== size) {
        throw this.refusal(
          op,
          `dimension ${axis} of ${name} is ${size} and cannot be ${fixed.size}, which ${fixed.by} makes of what is tied to it`,
        );
      }
      const taken = this.#taken.get(tied);
      if (taken !== undefined && taken !== size) {
        if (size === this.before(name).shape[axis]) {
          throw this.refusal(op, `dimension ${axis} of ${name} stays ${size}, but what is tied to it becomes ${taken}`);
        }
        this.fix(tied, size, `op ${op.name} (${op.type})`);
      }
      this.#taken.set(tied, size);
    });
  }

  private fix(tied: number, size: number, by: string): void {
    this.fixed.set(tied, { size, by });
    this.#isStale = true;
  }

  private input(tensor: Tensor): Tensor {
    const resized = this.resized(tensor);
    resized.shape.forEach((size, axis) => {
      if (size === tensor.shape[axis] || this.openInputs.has(`${tensor.name} ${axis}`)) return;
      const { by } = this.fixed.get(this.ties.of(tensor.name, axis))!;
      throw new EngineError(
        'INVALID_CHANGE',
        `${by} is tied to dimension ${axis} of the network's input ${tensor.name}, which is ${tensor.shape[axis]}`,
        `input ${tensor.name}`,
        'Change a layer whose channels are its own.',
      );
    });
    return resized;
  }

  /** A tensor that no op makes, with the sizes that its dimensions' ties have. */
  private resized(tensor: Tensor): Tensor {
    const shape = tensor.shape.map((size, axis) => this.fixed.get(this.ties.of(tensor.name, axis))?.size ?? size);
    return equal(shape, tensor.shape) ? tensor : { ...tensor, shape, values: repeated(tensor, shape) };
  }

  /** An op that states a tensor, with the sizes that the tensor has to have. */
  private constantOf(op: Op): Op {
    const { value } = op.attributes;
    const [name] = op.outputs;
    const before = this.before(name);
    const now = this.resized(before);
    if (now === before || typeof value !== 'object' || !('shape' in value)) return op;
    const attributes = { ...op.attributes, value: { ...value, shape: now.shape, values: now.values } };
    return { ...op, attributes };
  }

  before(tensor: string): Tensor {
    return this.graph.tensors.get(tensor)!;
  }

  now(tensor: string): Tensor {
    return this.#tensors.get(tensor)!;
  }

  isLiteral(tensor: string): boolean {
    return this.before(tensor).constant && !this.#computed.has(tensor);
  }

  addLiteral(op: Op, literal: string, values: readonly number[]): string {
    let name = `${op.name}/${literal}`;
    while (this.graph.tensors.has(name) || this.#tensors.has(name)) name += '_';
    this.#tensors.set(name, { ...this.before(literal), name, values });
    return name;
  }

  known(tensor: string, axis: number): number | undefined {
    const tied = this.ties.of(tensor, axis);
    return this.fixed.get(tied)?.size ?? this.#taken.get(tied);
  }

  want(op: Op, tensor: string, axis: number, size: number): void {
    if (this.now(tensor).shape[axis] === size) return;
    const tied = this.ties.of(tensor, axis);
    const fixed = this.fixed.get(tied);
    if (fixed)
      throw this.refusal(op, `it wants ${size} of its weights ${tensor}, but ${fixed.by} makes them ${fixed.size}`);
    if (!this.now(tensor).constant)
      throw this.refusal(op, `its weights ${tensor} are computed, and cannot become ${size}`);
    this.fix(tied, size, `op ${op.name} (${op.type})`);
  }

  refusal(op: Op, message: string): EngineError {
    return new EngineError(
      'INVALID_CHANGE',
      message,
      `op ${op.name} (${op.type})`,
      'Change what it is tied to as well, or choose another value.',
    );
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}

/** Small constants keep values, repeated along dimensions that grew: rules look at the few that mean something. */
function repeated({ values, shape }: Tensor, to: readonly number[]): readonly number[] | undefined {
  if (!values || elementCount(to) > MAXIMUM_FOLDED_ELEMENTS) return undefined;
  return Array.from({ length: elementCount(to) }, (_, index) => {
    let [at, rest, stride] = [0, index, 1];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += ((rest % to[axis]) % shape[axis]) * stride;
      rest = Math.floor(rest / to[axis]);
      stride *= shape[axis];
    }
    return values[at];
  });
}

const POOLS = ['AveragePool', 'MaxPool', 'LpPool'];

function differencesBetween(before: Graph, after: Graph): OpDifference[] {
  return before.ops.flatMap((op, i) => {
    const [then, now] = [layerOf(before, op), layerOf(after, after.ops[i])];
    if (!then || !now) return [];
    return (['channels', 'kernel', 'stride', 'groups'] as const).flatMap((property) =>
      equal(then[property], now[property])
        ? []
        : [{ op: op.name, type: op.type, property, before: then[property], after: now[property] }],
    );
  });
}

/** What can differ of an op with weights, or of a pool. */
function layerOf(graph: Graph, op: Op): Record<OpDifference['property'], readonly number[]> | undefined {
  const isGemm = op.type === 'Gemm';
  const place = CONVOLUTIONS[op.type]?.weight;
  if (place === undefined && !isGemm && !POOLS.includes(op.type)) return undefined;
  const { shape } = graph.tensors.get(op.outputs[0])!;
  const weight = place === undefined ? undefined : graph.tensors.get(op.inputs[place])!.shape;
  const numbers = (name: string) => (op.attributes[name] as readonly number[] | undefined) ?? [];
  return {
    channels: weight ? [weight[0]] : isGemm ? [shape[shape.length - 1]] : [],
    kernel: weight ? weight.slice(2) : numbers('kernel_shape'),
    stride: numbers('strides'),
    groups: weight && typeof op.attributes.group === 'number' ? [op.attributes.group] : [],
  };
}
