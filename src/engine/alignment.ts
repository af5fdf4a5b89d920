/**
 * Which kernel of a plan a measured kernel is. A runtime names its kernels by the op that they do first; kernels that it
 * makes itself have no such name, and are paired in order with those of their kind.
 */
import { groupBy } from './grouping';
import type { KernelPlan } from './plan';

/** A kernel as a runtime's profile names it. */
export interface NamedKernel {
  readonly kernel: string;
  readonly kind: string;
}

/**
 * @param measured one network's kernels in the order in which they ran
 * @returns the position in the plan of each, undefined where nothing fits
 */
export function alignKernels(plan: KernelPlan, measured: readonly NamedKernel[]): (number | undefined)[] {
  const byName = new Map<string, number>();
  plan.kernels.forEach(({ ops, kind }, i) => {
    byName.set(`${ops[0]}\n${kind}`, i);
  });
  const positions = measured.map(({ kernel, kind }) => byName.get(`${kernel}\n${kind}`));
  const taken = new Set(positions);
  const free = positionsByKind(plan.kernels, (i) => !taken.has(i));
  const left = positionsByKind(measured, (i) => positions[i] === undefined);
  for (const [kind, rows] of left) {
    const kernels = free.get(kind);
    // Counts that differ would pair wrong ones without a sign.
    if (kernels?.length !== rows.length) continue;
    rows.forEach((row, i) => {
      positions[row] = kernels[i];
    });
  }
  return positions;
}

function positionsByKind(
  kernels: readonly { readonly kind: string }[],
  include: (position: number) => boolean,
): Map<string, number[]> {
  return groupBy([...kernels.keys()].filter(include), (i) => kernels[i].kind);
}
