/**
 * Kernel plans: which kernels a runtime launches for a graph, in execution order, each with the reason for it.
 * The decisions are rules of a rule pack (runtimes/); this file applies them.
 */
import { type Graph, type Op, snakeCase } from './graph';
import { rewriteGraph } from './rewriting';
import { resolveRuntime } from './runtimes/registry';
import { rulesByType } from './runtimes/rule-index';
import type { FusionRule, RewrittenView, RulePack, Selection } from './runtimes/rule-pack';

export interface Kernel {
  /** Kernel kind, for example `pointwise_convolution`: one predictor serves one kind. */
  readonly kind: string;
  /** The op that the kernel computes first: its shapes are the kernel's features. */
  readonly first: Op;
  /** What the kernel does behind the first op, for example `['relu']`, in order. */
  readonly fused: readonly string[];
  /** Names of all ops of the graph that the kernel does, those folded into weights included. */
  readonly ops: readonly string[];
  /** Name of the tensor that the kernel makes. */
  readonly output: string;
  readonly reason: string;
  /** What would have led to another kernel, and is close. */
  readonly nearMiss?: string;
  /** True if the runtime refuses the op. */
  readonly unsupported?: boolean;
  /** The rules by which it absorbed other ops, in order. */
  readonly rules: readonly AppliedRule[];
}

/** One application of a fusion or chain rule. */
export interface AppliedRule {
  /** Type of the kernel's first op, and of the op that the rule put into the kernel. */
  readonly first: string;
  readonly next: string;
  readonly reason: string;
  readonly origin: string;
}

export interface KernelPlan {
  readonly network: string;
  /** Runtime and version of the rules, for example `onnxruntime-cpu@1.30`. */
  readonly runtime: string;
  /** The network as the runtime has it; the same as the file's for most. */
  readonly graph: Graph;
  readonly kernels: readonly Kernel[];
  /** Ops that the runtime refuses, and why: they run elsewhere, or the network does not run at all. */
  readonly unsupported: readonly { readonly ops: readonly string[]; readonly reason: string }[];
}

/**
 * Plans the kernels of a graph.
 *
 * @param runtime as resolveRuntime takes it: `onnxruntime-cpu`, `tflite-gpu/adreno-640`, or a rule pack of one's own
 * @throws EngineError UNKNOWN_NAME
 */
export function planKernels(network: Graph, runtime: string | RulePack): KernelPlan {
  const { pack, name } = resolveRuntime(runtime);
  const view = pack.rewrite?.(network) ?? rewriteGraph(pack.restore?.(network) ?? network, pack);
  const { graph } = view;
  const kernels = new Planner(view, pack).plan();
  const unsupported = kernels.filter((kernel) => kernel.unsupported).map(({ ops, reason }) => ({ ops, reason }));
  return { network: graph.name, runtime: name, graph, kernels, unsupported };
}

/** Kind of a kernel by its first op: convolutions are told apart by what they read, other ops go by their name. */
export function kernelKind(graph: Graph, op: Op): string {
  if (op.type !== 'Conv') return snakeCase(op.type);
  const groups = typeof op.attributes.group === 'number' ? op.attributes.group : 1;
  const weight = graph.tensors.get(op.inputs[1])!.shape;
  if (groups > 1) return weight[1] === 1 && weight[0] >= groups ? 'depthwise_convolution' : 'grouped_convolution';
  return weight.slice(2).every((size) => size === 1) ? 'pointwise_convolution' : 'convolution';
}

/** Applies one pack to one rewritten graph. */
class Planner {
  private readonly graph: Graph;
  private readonly fusions: ReadonlyMap<string, readonly FusionRule[]>;
  private readonly absorbed = new Set<Op>();
  /** Tensors made by the kernels planned so far. */
  private readonly made = new Set<string>();

  constructor(
    private readonly view: RewrittenView,
    private readonly pack: RulePack,
  ) {
    this.graph = view.graph;
    this.fusions = rulesByType(pack.fusions, ({ first }) => first);
  }

  plan(): Kernel[] {
    const kernels: Kernel[] = [];
    for (const op of this.view.ops) {
      if (this.absorbed.has(op)) continue;
      const parts = this.expanded(op);
      if (parts) kernels.push(...parts);
      else kernels.push(this.kernelOf(op));
      for (const name of op.outputs) this.made.add(name);
      this.made.add(kernels[kernels.length - 1].output);
    }
    return kernels;
  }

  /** Kernels of an operator that the runtime replaces by its definition. */
  private expanded(op: Op): Kernel[] | undefined {
    const rule = this.pack.expansions.find(({ type }) => type === op.type);
    return rule?.into.map((type, i) => {
      const part: Op = { ...op, type, inputs: i === 0 ? op.inputs.slice(0, 1) : [op.inputs[0], op.outputs[0]] };
      return {
        kind: snakeCase(type),
        first: part,
        fused: [],
        ops: [op.name],
        output: op.outputs[0],
        reason: rule.reason,
        rules: [],
      };
    });
  }

  private kernelOf(op: Op): Kernel {
    const merged = this.view.merged(op);
    const ops = [op.name, ...merged.ops];
    const reasons = [...merged.reasons];
    const fused: string[] = [];
    const rules: AppliedRule[] = [];
    let first = op;
    let tail = op;
    for (let next = this.absorbable(first, tail); next; next = this.absorbable(first, tail)) {
      const { rule, consumer } = next;
      this.absorbed.add(consumer);
      ops.push(consumer.name, ...this.view.merged(consumer).ops);
      reasons.push(rule.numbers ? `${rule.reason}: ${rule.numbers(this.view, first, consumer)}` : rule.reason);
      rules.push({ first: first.type, next: consumer.type, reason: rule.reason, origin: rule.origin });
      if (typeof rule.into === 'object') first = joined(first, tail, consumer, rule.into.type);
      tail = consumer;
      if (rule.into === 'epilogue') {
        fused.push(snakeCase(consumer.type));
        break;
      }
    }
    for (let link = this.chained(tail); link; link = this.chained(tail)) {
      this.absorbed.add(link.consumer);
      ops.push(link.consumer.name, ...this.view.merged(link.consumer).ops);
      fused.push(link.name);
      rules.push({
        first: first.type,
        next: link.consumer.type,
        reason: `${link.name} is linked behind it`,
        origin: this.pack.chain!.origin,
      });
      tail = link.consumer;
    }
    const selection: Selection = this.pack.select?.(this.view, first) ?? {
      kind: kernelKind(this.graph, first),
      reason: `one kernel for ${first.type}`,
    };
    const { kind, reason, nearMiss, unsupported, unnamedChain } = selection;
    if (this.pack.chain && fused.length > 0) reasons.push(`${fused.join(', ')} linked behind it`);
    return {
      kind,
      first,
      fused: unnamedChain ? [] : fused,
      ops,
      output: tail.outputs[0],
      reason: reasons.length === 0 ? reason : [reason, ...reasons].join('; '),
      nearMiss,
      unsupported,
      rules,
    };
  }

  /** The elementwise op behind `tail` that the pack's chain lets the same kernel do. */
  private chained(tail: Op): { consumer: Op; name: string } | undefined {
    const { chain } = this.pack;
    const readers = this.view.readers(tail.outputs[0]);
    if (!chain || tail.outputs.length !== 1 || readers.length !== 1 || this.view.isOutput(tail.outputs[0]))
      return undefined;
    const [consumer] = readers;
    const name = chain.names[consumer.type];
    if (name === undefined || consumer.outputs.length !== 1) return undefined;
    const inputs = consumer.inputs.map((input) => this.view.source(input));
    const others = inputs.filter((input) => input && input !== tail.outputs[0]);
    const ready = others.every((input) => this.made.has(input) || this.view.maker(input) === undefined);
    const isFirst = inputs[0] === tail.outputs[0];
    // Of two inputs of one shape the one made last counts as the first: with the other ready, that is the tail's.
    const swaps =
      chain.symmetric.includes(consumer.type) && others.every((input) => this.sameShape(input, tail.outputs[0]));
    return ready && (isFirst || swaps) ? { consumer, name } : undefined;
  }

  private sameShape(a: string, b: string): boolean {
    return String(this.graph.tensors.get(a)?.shape) === String(this.graph.tensors.get(b)?.shape);
  }

  /** The op behind `tail` that a rule lets the kernel of `first` absorb. */
  private absorbable(first: Op, tail: Op): { rule: FusionRule; consumer: Op } | undefined {
    const rules = this.fusions.get(first.type);
    if (!rules) return undefined;
    const [output, ...others] = tail.outputs;
    const readers = this.view.readers(output);
    const isRead = (name: string) => this.view.readers(name).length > 0 || this.view.isOutput(name);
    if (others.some(isRead) || readers.length !== 1 || this.view.isOutput(output)) return undefined;
    const consumer = readers[0];
    const rule = rules.find(
      (each) => each.next === consumer.type && (!each.when || each.when(this.view, tail, consumer, first)),
    );
    return rule && { rule, consumer };
  }
}

/** The first op with what else the consumer reads, under the type that both have together; it makes what the consumer made. */
function joined(first: Op, tail: Op, consumer: Op, type: string): Op {
  const others = consumer.inputs.filter((name) => name !== tail.outputs[0] && !first.inputs.includes(name));
  return { ...first, type, inputs: [...first.inputs, ...others], outputs: consumer.outputs };
}
