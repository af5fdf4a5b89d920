/**
 * What changed between the kernels of two networks that the same version predicted, with the names that people know them
 * by. Pure. Kernels are the same if kind, fused ops and latency are: the same features give the same latency.
 */

/** A kernel as the service predicts it. */
export interface PredictedKernel {
  readonly kind: string;
  readonly fused: readonly string[];
  /** Names of the network's ops that it does. */
  readonly ops: readonly string[];
  readonly reason: string;
  readonly latencyUs: number;
  readonly coverage: string;
}

/** A kernel that is not what it was: one of the two, or both. */
export interface KernelDifference {
  readonly base?: PredictedKernel;
  readonly head?: PredictedKernel;
}

/** As the API takes it. REPLACED: another kernel for the same op. */
export interface KernelChange {
  readonly change: 'ADDED' | 'REMOVED' | 'SLOWER' | 'FASTER' | 'REPLACED';
  readonly kind: string;
  readonly fused: readonly string[];
  readonly op: string;
  readonly reason: string;
  readonly latencyUs: number | null;
  readonly baseLatencyUs: number | null;
}

/** Latencies this close, relative, are the same: onnxruntime rounds by the size of a batch. */
const TOLERANCE = 1e-4;

/** Kernels by a key, each list in execution order. */
class Pool {
  readonly #kernels = new Map<string, PredictedKernel[]>();

  constructor(
    kernels: readonly PredictedKernel[],
    private readonly keyOf: (kernel: PredictedKernel) => string,
  ) {
    for (const kernel of kernels) {
      const key = keyOf(kernel);
      const list = this.#kernels.get(key);
      if (list) list.push(kernel);
      else this.#kernels.set(key, [kernel]);
    }
  }

  /** Takes the first that goes with the kernel. */
  take(kernel: PredictedKernel, goesWith: (other: PredictedKernel) => boolean): PredictedKernel | undefined {
    const list = this.#kernels.get(this.keyOf(kernel)) ?? [];
    const at = list.findIndex(goesWith);
    return at < 0 ? undefined : list.splice(at, 1)[0];
  }

  get rest(): PredictedKernel[] {
    return [...this.#kernels.values()].flat();
  }
}

const what = ({ kind, fused }: PredictedKernel) => JSON.stringify([kind, fused]);
const isAsFast = (a: PredictedKernel, b: PredictedKernel) =>
  Math.abs(a.latencyUs - b.latencyUs) <= TOLERANCE * Math.max(a.latencyUs, b.latencyUs);

/**
 * Takes what is the same away, first by name and then without (exporters number their ops anew), and pairs the rest: by
 * the name of the op, then by kind in execution order.
 */
export function compareKernels(base: readonly PredictedKernel[], head: readonly PredictedKernel[]): KernelDifference[] {
  const same = (kernel: PredictedKernel) => (other: PredictedKernel) => isAsFast(kernel, other);
  const steps: [(kernel: PredictedKernel) => string, typeof same][] = [
    [(kernel) => JSON.stringify([what(kernel), kernel.ops]), same],
    [what, same],
    [(kernel) => kernel.ops[0] ?? '', () => () => true],
    [what, () => () => true],
  ];
  const differences: KernelDifference[] = [];
  let left = [...base];
  let right = [...head];
  for (const [keyOf, goesWith] of steps) {
    const pool = new Pool(left, keyOf);
    const unpaired: PredictedKernel[] = [];
    for (const kernel of right) {
      const other = pool.take(kernel, goesWith(kernel));
      if (!other) unpaired.push(kernel);
      else if (what(other) !== what(kernel) || !isAsFast(other, kernel))
        differences.push({ base: other, head: kernel });
    }
    left = pool.rest;
    right = unpaired;
  }
  differences.push(...left.map((kernel) => ({ base: kernel })), ...right.map((kernel) => ({ head: kernel })));
  return differences.sort((a, b) => Math.abs(weightUs(b)) - Math.abs(weightUs(a)));
}

/** What the difference adds to the latency, microseconds. */
function weightUs({ base, head }: KernelDifference): number {
  return (head?.latencyUs ?? 0) - (base?.latencyUs ?? 0);
}

/** Latencies that came (head) and went (base), summed up by kernel kind. */
export function changedParts(
  differences: readonly KernelDifference[],
): { kind: string; side: 'base' | 'head'; latencyUs: number; isModelled: boolean }[] {
  const parts = new Map<string, { kind: string; side: 'base' | 'head'; latencyUs: number; isModelled: boolean }>();
  for (const difference of differences) {
    for (const side of ['base', 'head'] as const) {
      const kernel = difference[side];
      if (!kernel) continue;
      const isModelled = kernel.coverage !== 'unmodelled';
      const key = JSON.stringify([kernel.kind, side, isModelled]);
      const part = parts.get(key) ?? { kind: kernel.kind, side, latencyUs: 0, isModelled };
      part.latencyUs += kernel.latencyUs;
      parts.set(key, part);
    }
  }
  return [...parts.values()];
}

/** The differences in words of the API, the greatest first. */
export function describeChanges(differences: readonly KernelDifference[]): KernelChange[] {
  return differences.map(({ base, head }) => {
    const shown = head ?? base!;
    return {
      change: changeOf(base, head),
      kind: shown.kind,
      fused: shown.fused,
      op: shown.ops[0] ?? '',
      reason: shown.reason,
      latencyUs: head?.latencyUs ?? null,
      baseLatencyUs: base?.latencyUs ?? null,
    };
  });
}

function changeOf(base?: PredictedKernel, head?: PredictedKernel): KernelChange['change'] {
  if (!base) return 'ADDED';
  if (!head) return 'REMOVED';
  if (what(base) !== what(head)) return 'REPLACED';
  return head.latencyUs > base.latencyUs ? 'SLOWER' : 'FASTER';
}
