/**
 * What could stand behind each kernel of a plan: the ops that a runtime might have put into the same kernel, one after the
 * other. Knows graphs and plans, no profile.
 */
import { featurize, type KernelFeatures } from './features';
import { type Op, snakeCase } from './graph';
import type { Kernel, KernelPlan } from './plan';
import { type RewrittenGraph, rewriteGraph } from './rewriting';
import { resolveRuntime } from './runtimes/registry';
import type { RulePack } from './runtimes/rule-pack';

/** Chains in recorded kernels have up to five ops. */
const LONGEST_CHAIN = 8;

/** What runtimes call elementwise ops in the names of fused kernels: the widest table that is recorded. */
const RECORDED_NAMES = resolveRuntime('tflite-gpu/mali-g76').pack.chain!.names;

/** A kernel of a plan with its surroundings. */
export interface PlannedKernel {
  readonly kernel: Kernel;
  readonly features: KernelFeatures;
  /** The op that it computes first, as the graph has it. */
  readonly first: Op;
  /** Ops that the plan puts into the kernel and that its name does not show. */
  readonly hidden: readonly Op[];
  /** The ops that the plan puts into the kernel and that its name shows, in order: as many as `kernel.fused`. */
  readonly planned: readonly Op[];
  /** These and the ops behind them that a kernel could absorb: each the only reader of the one before. */
  readonly behind: readonly Op[];
}

export interface PlannedGraph {
  readonly network: string;
  readonly view: RewrittenGraph;
  readonly kernels: readonly PlannedKernel[];
}

/** @param pack the rules that the plan was made by */
export function surroundings(plan: KernelPlan, pack: RulePack): PlannedGraph {
  const view = rewriteGraph(plan.graph, pack);
  const features = featurize(plan);
  const kernels = plan.kernels.flatMap((kernel, i) => {
    const first = view.maker(kernel.first.outputs[0]);
    // Several kernels may do one op; the graph has no op between them.
    if (!first || plan.kernels.some((other) => other !== kernel && other.first.outputs[0] === first.outputs[0]))
      return [];
    const absorbed: Op[] = [];
    for (let tail = first; tail.outputs[0] !== kernel.output; ) {
      const next = onlyReader(view, tail);
      if (!next) break;
      absorbed.push(next);
      tail = next;
    }
    const hidden = absorbed.slice(0, Math.max(0, absorbed.length - kernel.fused.length));
    const behind = absorbed.slice(hidden.length);
    let tail: Op | undefined = absorbed[absorbed.length - 1] ?? first;
    while (behind.length < LONGEST_CHAIN) {
      tail = onlyReader(view, tail);
      if (!tail) break;
      behind.push(tail);
    }
    const planned = behind.slice(0, kernel.fused.length);
    return { kernel, features: features[i], first, hidden, planned, behind };
  });
  return { network: plan.network, view, kernels };
}

/** The op that alone reads what another makes, once; what the graph gives out has none. */
function onlyReader(view: RewrittenGraph, op: Op): Op | undefined {
  const [output, ...others] = op.outputs;
  const isRead = (name: string) => view.readers(name).length > 0 || view.isOutput(name);
  const readers = view.readers(output);
  return readers.length === 1 && !others.some(isRead) && !view.isOutput(output) ? readers[0] : undefined;
}

/** True if a fused kernel's name may call an op of this type so. */
export function isNameOf(word: string, type: string, { chain }: RulePack): boolean {
  return word === snakeCase(type) || word === chain?.names[type] || word === RECORDED_NAMES[type];
}
