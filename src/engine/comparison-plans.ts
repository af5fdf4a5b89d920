/**
 * Two runtimes, or two versions of one, for the same network: which kernels both launch and which only one of them does.
 * Kernels are told by what they do: kind, what is fused, and the ops of the network. Must not know rules.
 */
import type { KernelPlan } from './plan';

/** What a comparison takes from a planned kernel. */
interface ComparedKernel {
  readonly kind: string;
  /** What is fused behind the first op, in order. */
  readonly fused: readonly string[];
  /** Names of the network's ops that the kernel does. */
  readonly ops: readonly string[];
  readonly reason: string;
}

/** A kernel that both launch. */
interface SharedKernel extends Omit<ComparedKernel, 'reason'> {
  /** Why A launches it, and why B does. */
  readonly reasonA: string;
  readonly reasonB: string;
}

export interface PlansComparison {
  /** Runtime, version and GPU of the rules. */
  readonly runtimeA: string;
  readonly runtimeB: string;
  /** In execution order. */
  readonly onlyInA: readonly ComparedKernel[];
  readonly onlyInB: readonly ComparedKernel[];
  readonly same: readonly SharedKernel[];
}

export function comparePlans(a: KernelPlan, b: KernelPlan): PlansComparison {
  // One op may become several kernels of one kind (expansions): each is paired once.
  const unpaired = new Map<string, KernelPlan['kernels'][number][]>();
  for (const kernel of b.kernels) unpaired.set(keyOf(kernel), [...(unpaired.get(keyOf(kernel)) ?? []), kernel]);
  const same: SharedKernel[] = [];
  const onlyInA: ComparedKernel[] = [];
  for (const kernel of a.kernels) {
    const { kind, fused, ops, reason: reasonA } = kernel;
    const pair = unpaired.get(keyOf(kernel))?.shift();
    if (pair) same.push({ kind, fused, ops, reasonA, reasonB: pair.reason });
    else onlyInA.push({ kind, fused, ops, reason: reasonA });
  }
  const left = new Set([...unpaired.values()].flat());
  return {
    runtimeA: a.runtime,
    runtimeB: b.runtime,
    onlyInA,
    onlyInB: b.kernels
      .filter((kernel) => left.has(kernel))
      .map(({ kind, fused, ops, reason }) => ({ kind, fused, ops, reason })),
    same,
  };
}

function keyOf({ kind, fused, ops }: ComparedKernel): string {
  return JSON.stringify([kind, fused, [...ops].sort()]);
}
