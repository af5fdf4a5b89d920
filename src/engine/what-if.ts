/**
 * What becomes of a network's latency when something in it is another: predictions before and after, and the kernels that
 * the runtime launches instead, with the rules that decided so. For one set of changes, or one after the other for each
 * value of a sweep.
 */
import { EngineError } from './errors';
import type { Graph } from './graph';
import { type Kernel, type KernelPlan, planKernels } from './plan';
import type { NetworkPrediction } from './predictor';
import { checked, MAXIMUM_SWEPT_VALUES, type NetworkChange, type Sweep } from './what-if-changes';
import { changeGraph, type OpDifference } from './what-if-graph';

export interface WhatIfQuestion {
  readonly changes: readonly NetworkChange[];
  /** Asked on top of the changes, one value after the other. */
  readonly sweep?: Sweep;
}

/** A kernel as one side of a comparison has it. */
export interface PlannedKernel {
  readonly kind: string;
  readonly fused: readonly string[];
  readonly ops: readonly string[];
  readonly reason: string;
  /** What would have led to another kernel, and is close. */
  readonly nearMiss?: string;
}

/** Kernels of the same ops that a runtime launches differently: usually one before and one after. */
export interface KernelChange {
  readonly before: readonly PlannedKernel[];
  readonly after: readonly PlannedKernel[];
}

export interface WhatIfPoint {
  /** The sweep's value; null where there is no sweep. */
  readonly value: number | null;
  /** Null if the network cannot be changed so: then `refusal` says why. */
  readonly prediction: NetworkPrediction | null;
  /** Latency minus that of the network as it is, microseconds. */
  readonly differenceUs: number | null;
  /** Layers that are others than in the network as it is: what was asked for, and what was tied to it. */
  readonly differences: readonly OpDifference[];
  /** Against the point before; of the first, against the network as it is. */
  readonly kernelChanges: readonly KernelChange[];
  /** Kernels that are close to becoming others, and were not at the point before. */
  readonly nearMisses: readonly PlannedKernel[];
  readonly refusal: string | null;
}

export interface WhatIf {
  /** Rules that planned the kernels, with version. */
  readonly runtime: string;
  /** The network as it is. */
  readonly before: NetworkPrediction;
  /** One for each value of the sweep, in order; one alone without. */
  readonly points: readonly WhatIfPoint[];
}

/** What predicts: a predictor version, loaded. */
export interface WhatIfPredictor {
  readonly runtime: string;
  predict(graphs: readonly Graph[]): Promise<readonly NetworkPrediction[]>;
}

/**
 * Answers a question about a network. In a sweep, values that the network cannot take are points with a `refusal`.
 *
 * @param between awaited before each change of the network, some milliseconds of work; it may throw to end the whole
 * @throws EngineError INVALID_CHANGE, LIMIT_EXCEEDED; what planning and predicting throw
 */
export async function answerWhatIf(
  graph: Graph,
  question: WhatIfQuestion,
  predictor: WhatIfPredictor,
  between?: () => Promise<void>,
): Promise<WhatIf> {
  const cases = casesOf(question);
  const [before] = await predictor.predict([graph]);
  const points: WhatIfPoint[] = [];
  let plan = planKernels(graph, predictor.runtime);
  for (const { value, changes } of cases) {
    await between?.();
    const changed = value === null ? changeGraph(graph, changes) : tried(graph, changes);
    if ('refusal' in changed) {
      const nothing = { differences: [], kernelChanges: [], nearMisses: [] };
      points.push({ value, prediction: null, differenceUs: null, ...nothing, refusal: changed.refusal });
      continue;
    }
    const [prediction] = await predictor.predict([changed.graph]);
    const [last, next] = [plan, planKernels(changed.graph, predictor.runtime)];
    plan = next;
    points.push({
      value,
      prediction,
      differenceUs: prediction.latencyUs - before.latencyUs,
      differences: changed.differences,
      kernelChanges: kernelChanges(last, next),
      nearMisses: newNearMisses(last, next),
      refusal: null,
    });
  }
  return { runtime: plan.runtime, before, points };
}

function casesOf({ changes, sweep }: WhatIfQuestion): { value: number | null; changes: readonly NetworkChange[] }[] {
  if (!sweep) {
    if (changes.length > 0) return [{ value: null, changes }];
    const remedy = 'Say at least one change, or a sweep.';
    throw new EngineError('INVALID_CHANGE', 'nothing is to be changed', 'changes', remedy);
  }
  const { target, property, values } = sweep;
  if (values.length === 0 || values.length > MAXIMUM_SWEPT_VALUES) {
    const remedy = `Give 1 to ${MAXIMUM_SWEPT_VALUES}.`;
    throw new EngineError('LIMIT_EXCEEDED', `the sweep has ${values.length} values`, 'sweep', remedy);
  }
  return values.map((value) => ({ value, changes: [...changes, checked({ target, property, value })] }));
}

function tried(graph: Graph, changes: readonly NetworkChange[]) {
  try {
    return changeGraph(graph, changes);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_CHANGE') throw error;
    return { refusal: error.where ? `${error.message} (${error.where})` : error.message };
  }
}

/** Kernels that differ in kind, or in what they do together, between two plans of a network with the same ops. */
export function kernelChanges(before: KernelPlan, after: KernelPlan): KernelChange[] {
  const sameOps = (plan: KernelPlan) => new Map(plan.kernels.map((kernel) => [kernel.ops.join('\n'), kernel]));
  const [then, now] = [sameOps(before), sameOps(after)];
  const isSame = (a: Kernel, b: Kernel | undefined) =>
    b !== undefined && a.kind === b.kind && a.fused.join() === b.fused.join() && !a.unsupported === !b.unsupported;
  const left = before.kernels.filter((kernel) => !isSame(kernel, now.get(kernel.ops.join('\n'))));
  const right = after.kernels.filter((kernel) => !isSame(kernel, then.get(kernel.ops.join('\n'))));
  return joinedByOps(left, right);
}

/** Kernels of two plans, those that share ops together. */
function joinedByOps(before: readonly Kernel[], after: readonly Kernel[]): KernelChange[] {
  const changes: { ops: Set<string>; before: Kernel[]; after: Kernel[] }[] = [];
  const add = (kernel: Kernel, side: 'before' | 'after') => {
    const meeting = changes.filter(({ ops }) => kernel.ops.some((op) => ops.has(op)));
    const [home = { ops: new Set<string>(), before: [], after: [] }, ...others] = meeting;
    if (meeting.length === 0) changes.push(home);
    for (const other of others) {
      for (const op of other.ops) home.ops.add(op);
      home.before.push(...other.before);
      home.after.push(...other.after);
      changes.splice(changes.indexOf(other), 1);
    }
    for (const op of kernel.ops) home.ops.add(op);
    home[side].push(kernel);
  };
  for (const kernel of before) add(kernel, 'before');
  for (const kernel of after) add(kernel, 'after');
  return changes.map((change) => ({ before: change.before.map(shown), after: change.after.map(shown) }));
}

function newNearMisses(before: KernelPlan, after: KernelPlan): PlannedKernel[] {
  const near = new Set(before.kernels.flatMap(({ ops, nearMiss }) => (nearMiss ? [ops.join('\n')] : [])));
  return after.kernels.filter(({ ops, nearMiss }) => nearMiss && !near.has(ops.join('\n'))).map(shown);
}

function shown({ kind, fused, ops, reason, nearMiss }: Kernel): PlannedKernel {
  return { kind, fused, ops, reason, ...(nearMiss && { nearMiss }) };
}
