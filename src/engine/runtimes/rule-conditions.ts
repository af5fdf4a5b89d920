/**
 * Conditions of rule files, held against the ops of a graph: whether they hold, and their inequalities with the numbers.
 */
import { type FeatureName, type KernelFeatures, kernelFeatures } from '../features';
import { COMPARISONS, type Comparison, type Condition } from '../formats/rule-file-schema';
import type { Op } from '../graph';
import type { GraphView } from './rule-pack';
import { byChannelConstant } from './window-rules';

/** The ops that a condition may be about. */
export interface ConditionSubject {
  readonly view: GraphView;
  readonly first: Op;
  /** For a fusion: the op that makes what the next one reads, and the next one. */
  readonly fusion?: { readonly producer: Op; readonly next: Op };
}

/** One comparison or predicate of a rule, held against one op. */
export interface Verdict {
  readonly holds: boolean;
  /** With the op's numbers: `inputChannels 64 >= 64`. */
  readonly text: string;
  /** For a comparison with a bound that was missed: what would reach it. */
  readonly reach?: { readonly feature: FeatureName; readonly value: number; readonly needed: number };
}

const HOLDS: Readonly<Record<Comparison, (value: number, bound: number) => boolean>> = {
  equals: (value, bound) => value === bound,
  atLeast: (value, bound) => value >= bound,
  atMost: (value, bound) => value <= bound,
  multipleOf: (value, bound) => value % bound === 0,
};

const SIGNS: Readonly<Record<Comparison, readonly [holds: string, fails: string]>> = {
  equals: ['=', 'is not'],
  atLeast: ['>=', '<'],
  atMost: ['<=', '>'],
  multipleOf: ['is a multiple of', 'is no multiple of'],
};

/** A verdict for every comparison and predicate of the conditions, in order. */
export function judge(conditions: readonly Condition[], subject: ConditionSubject): Verdict[] {
  return conditions.flatMap((condition) =>
    condition.feature === undefined
      ? predicate(condition, subject)
      : comparisons(condition, condition.feature, subject),
  );
}

/** True if all conditions hold. */
export function holds(conditions: readonly Condition[], subject: ConditionSubject): boolean {
  return judge(conditions, subject).every((verdict) => verdict.holds);
}

/** The features of ops, which are the same in every rule that asks. */
const known = new WeakMap<Op, KernelFeatures>();

function featuresOf({ graph }: GraphView, op: Op): KernelFeatures {
  const before = known.get(op);
  if (before) return before;
  const features = kernelFeatures(graph, { first: op, fused: [] });
  known.set(op, features);
  return features;
}

function comparisons(condition: Condition, feature: FeatureName, { view, first, fusion }: ConditionSubject): Verdict[] {
  const isOfNext = condition.of === 'next' && fusion !== undefined;
  const value = featuresOf(view, isOfNext ? fusion.next : first)[feature];
  return COMPARISONS.flatMap((comparison) => {
    const bound = condition[comparison];
    if (bound === undefined) return [];
    const isTrue = HOLDS[comparison](value, bound);
    const sign = SIGNS[comparison][isTrue ? 0 : 1];
    const needed = comparison === 'multipleOf' ? Math.ceil(value / bound) * bound : bound;
    return {
      holds: isTrue,
      text: `${isOfNext ? 'next ' : ''}${feature} ${value} ${sign} ${bound}`,
      reach: isTrue || isOfNext ? undefined : { feature, value, needed },
    };
  });
}

function predicate(condition: Condition, { view, first, fusion }: ConditionSubject): Verdict[] {
  const op = fusion?.next ?? first;
  const { inputsConstant, keepsShape, perChannelConstant } = condition;
  if (inputsConstant !== undefined) {
    const isTrue = otherInputsConstant(view, op, fusion?.producer);
    return [verdict(isTrue, inputsConstant, `${op.type} reads ${isTrue ? 'constants only' : 'run-time tensors too'}`)];
  }
  if (keepsShape !== undefined) {
    const shapeOf = (name: string) => view.graph.tensors.get(name)?.shape ?? [];
    const [from, to] = [shapeOf(op.inputs[0]), shapeOf(op.outputs[0])];
    const text = `${op.type} makes [${to.join(', ')}] of [${from.join(', ')}]`;
    return [verdict(String(from) === String(to), keepsShape, text)];
  }
  const isTrue = fusion !== undefined && byChannelConstant(view, fusion.producer, fusion.next, first);
  return [
    verdict(isTrue, perChannelConstant!, `${op.type} ${isTrue ? 'reads' : 'does not read'} a constant a channel`),
  ];
}

function verdict(isTrue: boolean, wanted: boolean, text: string): Verdict {
  return { holds: isTrue === wanted, text };
}

/** Every input is a constant but what the producer makes; without a producer, but the first. */
export function otherInputsConstant(view: GraphView, op: Op, producer: Op | undefined): boolean {
  return op.inputs.every(
    (name, i) =>
      !name ||
      (producer ? producer.outputs.includes(name) : i === 0) ||
      view.graph.tensors.get(name)?.constant === true,
  );
}
