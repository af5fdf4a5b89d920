/**
 * What flows between the kernels of a plan: which kernel reads what another makes, for whoever draws the fused graph.
 * It knows plans; must not know latencies or how anything is drawn.
 */
import type { Op } from './graph';
import type { KernelPlan } from './plan';

export interface KernelFlow {
  /** Types of the kernel's ops, in their order: `['Conv', 'Relu']`. */
  readonly types: readonly string[];
  /** Kernels whose outputs it reads, as places in the plan, ascending. */
  readonly reads: readonly number[];
  /** Shape of what it makes, in the graph's layout. */
  readonly outputShape: readonly number[];
}

/**
 * The flow of every kernel, in the plan's order. Ops that no kernel does (they vanished, or compute constants) are looked
 * through: who reads them reads what they read.
 */
export function kernelFlow({ graph, kernels }: KernelPlan): KernelFlow[] {
  const named = new Map<string, Op[]>();
  const makers = new Map<string, Op>();
  for (const op of graph.ops) {
    const others = named.get(op.name);
    if (others) others.push(op);
    else named.set(op.name, [op]);
    for (const output of op.outputs) if (output) makers.set(output, op);
  }
  const opsOf = kernels.map(({ first, ops }) => {
    const behind = ops.flatMap((name) => named.get(name) ?? []);
    return behind.includes(first) ? behind : [first, ...behind];
  });
  /** The last kernel so far that makes a tensor: an op that is replaced by several kernels is made by the last. */
  const owner = new Map<string, number>();
  return kernels.map(({ first, ops, output }, index) => {
    const reads = new Set<number>();
    const seen = new Set<string>();
    const pending = opsOf[index].flatMap(({ inputs }) => inputs);
    const own = new Set(opsOf[index].flatMap(({ outputs }) => outputs));
    for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
      if (seen.has(tensor)) continue;
      seen.add(tensor);
      const from = owner.get(tensor);
      if (from !== undefined) reads.add(from);
      else if (!own.has(tensor)) pending.push(...(makers.get(tensor)?.inputs ?? []));
    }
    // A part of an op behind another part of it reads that.
    const part = owner.get(output);
    if (part !== undefined) reads.add(part);
    for (const tensor of own) owner.set(tensor, index);
    owner.set(output, index);
    return {
      types: ops.map((name) => named.get(name)?.[0].type ?? first.type),
      reads: [...reads].sort((a, b) => a - b),
      outputShape: graph.tensors.get(output)?.shape ?? [],
    };
  });
}
