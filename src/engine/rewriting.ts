/**
 * What a runtime does to a graph before it fuses anything: ops that compute nothing vanish, some are merged into their
 * reader, equal ops are computed once, constants are folded. The rules are a rule pack's; this file applies them.
 */
import type { Graph, Merged, Op } from './graph';
import { rulesByType } from './runtimes/rule-index';
import type { Cleaning, GraphView, PrologueRule, VanishingRule } from './runtimes/rule-pack';

/** Constants of up to this many elements are told apart by their values, larger ones by their names. */
const SHARED_ELEMENTS = 8;

const NOTHING_MERGED: Merged = { ops: [], reasons: [] };

/** A graph as the runtime sees it behind its rewriting. */
export class RewrittenGraph implements GraphView {
  private readonly readersOf = new Map<string, Op[]>();
  private readonly makers = new Map<string, Op>();
  private readonly outputs: ReadonlySet<string>;

  constructor(
    readonly graph: Graph,
    readonly ops: readonly Op[],
    /** What is read instead of a tensor whose op vanished and that has the same shape. */
    private readonly renamed: ReadonlyMap<string, string>,
    /** What a tensor is made of whose op vanished and that has another shape: readers still see that shape. */
    private readonly reshaped: ReadonlyMap<string, string>,
    private readonly mergedInto: ReadonlyMap<string, Merged>,
  ) {
    this.outputs = new Set(graph.outputs.map((name) => this.source(renamed.get(name) ?? name)));
    // One look at every op's every input, for each network that is planned: plain loops.
    for (const op of ops) {
      for (const name of op.outputs) this.makers.set(name, op);
      for (const input of op.inputs) {
        const name = this.source(input);
        const readers = this.readersOf.get(name);
        if (readers) readers.push(op);
        else this.readersOf.set(name, [op]);
      }
    }
  }

  readers(tensor: string): readonly Op[] {
    return this.readersOf.get(this.source(tensor)) ?? [];
  }

  maker(tensor: string): Op | undefined {
    return this.makers.get(this.source(tensor));
  }

  isOutput(tensor: string): boolean {
    return this.outputs.has(this.source(tensor));
  }

  source(tensor: string): string {
    return this.reshaped.size === 0 ? tensor : (this.reshaped.get(tensor) ?? tensor);
  }

  merged(op: Op): Merged {
    return (this.mergedInto.size === 0 ? undefined : this.mergedInto.get(op.outputs[0])) ?? NOTHING_MERGED;
  }

  /** True if the ops say all that is known of them: nothing was merged into one, and all read tensors by their own shape. */
  get isPlain(): boolean {
    return this.mergedInto.size === 0 && this.reshaped.size === 0;
  }

  /** The graph as it stands, for a rewriting of another kind; tensors that vanished stay in its list. */
  toGraph(): Graph {
    const ops = this.ops.map((op) => {
      const merged = this.mergedInto.get(op.outputs[0]);
      if (merged === op.merged && this.reshaped.size === 0) return op;
      return { ...op, inputs: op.inputs.map((input) => this.source(input)), ...(merged && { merged }) };
    });
    return { ...this.graph, ops, outputs: [...this.outputs] };
  }

  /** One pass over all ops; the graph itself if nothing changes. */
  rewrite(pack: Cleaning): RewrittenGraph {
    const renamed = new Map(this.renamed);
    const reshaped = new Map(this.reshaped);
    const merged = new Map(this.mergedInto);
    const changed = new Map<Op, Op>();
    const computed = new Map<string, Op>();
    const vanishing = rulesByType(pack.vanishing, ({ type }) => type);
    const prologues = rulesByType(pack.prologues, ({ first }) => first);
    const ops: Op[] = [];
    for (const original of this.ops) {
      const op = withInputs(changed.get(original) ?? original, renamed);
      const kept = this.replacement(original, op, vanishing.get(op.type)) ?? this.sharedResult(op, pack, computed);
      if (kept !== undefined) {
        if (this.sameShape(kept, op.outputs[0])) renamed.set(op.outputs[0], kept);
        else reshaped.set(op.outputs[0], reshaped.get(kept) ?? kept);
        continue;
      }
      const prologue = this.prologue(original, prologues.get(original.type));
      if (prologue) {
        const { reader } = prologue;
        changed.set(reader, prologue.op);
        const parts = [reader, op].map(({ outputs }) => merged.get(outputs[0]) ?? NOTHING_MERGED);
        merged.set(reader.outputs[0], {
          ops: [...parts.flatMap(({ ops }) => ops), op.name],
          reasons: [...parts.flatMap(({ reasons }) => reasons), prologue.reason],
        });
        continue;
      }
      ops.push(op);
    }
    return ops.length === this.ops.length ? this : new RewrittenGraph(this.graph, ops, renamed, reshaped, merged);
  }

  /** The tensor that is read instead of what an op makes, if the op vanishes. */
  private replacement(original: Op, op: Op, rules: readonly VanishingRule[] = []): string | undefined {
    if (!rules.some(({ when }) => !when || when(this, original))) return undefined;
    return op.inputs.find((name) => name && !this.graph.tensors.get(name)!.constant) ?? op.inputs[0];
  }

  private sameShape(a: string, b: string): boolean {
    return String(this.graph.tensors.get(a)!.shape) === String(this.graph.tensors.get(b)!.shape);
  }

  /** The result of an equal op before this one. */
  private sharedResult(op: Op, pack: Cleaning, computed: Map<string, Op>): string | undefined {
    if (!pack.sharing || op.outputs.length !== 1 || this.isOutput(op.outputs[0])) return undefined;
    // Equal ops read the same run-time tensor: one that no other op of the type reads spares the comparison. What this
    // pass renames is seen by the next.
    for (const name of op.inputs) {
      if (name === '' || this.graph.tensors.get(name)!.constant) continue;
      if (!this.isReadTwice(name, op.type)) return undefined;
      break;
    }
    const key = JSON.stringify([op.type, op.inputs.map((name) => this.identity(name)), op.attributes]);
    const known = computed.get(key);
    if (!known) computed.set(key, op);
    return known?.outputs[0];
  }

  private isReadTwice(tensor: string, type: string): boolean {
    let count = 0;
    for (const reader of this.readers(tensor)) if (reader.type === type) count++;
    return count > 1;
  }

  private identity(name: string): unknown {
    const { type, shape, values } = this.graph.tensors.get(name) ?? {};
    return values && values.length <= SHARED_ELEMENTS ? [type, shape, values] : name;
  }

  private prologue(op: Op, rules: readonly PrologueRule[] = []): { reader: Op; op: Op; reason: string } | undefined {
    if (rules.length === 0) return undefined;
    const [reader, ...others] = this.readers(op.outputs[0]);
    if (!reader || others.length > 0 || this.isOutput(op.outputs[0])) return undefined;
    for (const { into, merge, reason } of rules) {
      const result = into === reader.type ? merge(this, op, reader) : undefined;
      if (result) return { reader, op: result, reason };
    }
    return undefined;
  }
}

function withInputs(op: Op, renamed: ReadonlyMap<string, string>): Op {
  if (renamed.size === 0 || !op.inputs.some((name) => renamed.has(name))) return op;
  return { ...op, inputs: op.inputs.map((name) => renamed.get(name) ?? name) };
}

/** Rewrites a graph by a pack's rules until none applies any more. */
export function rewriteGraph(network: Graph, pack: Cleaning): RewrittenGraph {
  // Constants and shape arithmetic are computed before the network runs.
  const isConstant = (name: string) => !name || network.tensors.get(name)!.constant;
  const ops = network.ops.filter(({ outputs }) => !outputs.every(isConstant));
  const graph: Graph = { ...network, ops };
  const merged = new Map<string, Merged>();
  for (const op of ops) if (op.merged) merged.set(op.outputs[0], op.merged);
  let current = new RewrittenGraph(graph, ops, new Map(), new Map(), merged);
  for (;;) {
    const next = current.rewrite(pack);
    if (next === current) return current;
    current = next;
  }
}
