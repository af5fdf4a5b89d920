/**
 * What a rule pack is: the fusion and selection rules of one runtime version, as data. rewriting.ts and plan.ts apply them.
 * Every rule says where it comes from (`origin`), so that a reader can check it and a kernel can explain itself.
 */
import type { Graph, Merged, Op } from '../graph';

/** A graph while it is planned, with who reads what. */
export interface GraphView {
  readonly graph: Graph;
  /** Ops that read a tensor, one entry a use. */
  readers(tensor: string): readonly Op[];
  /** The op that makes a tensor; undefined for inputs and constants. */
  maker(tensor: string): Op | undefined;
  isOutput(tensor: string): boolean;
  /** The tensor whose bytes a tensor has under another shape, where the op between them vanished; else itself. */
  source(tensor: string): string;
}

/** A graph behind the rewriting that comes before fusion. */
export interface RewrittenView extends GraphView {
  /** What is left to launch, in execution order. */
  readonly ops: readonly Op[];
  /** What was put into an op. */
  merged(op: Op): Merged;
}

/** One op vanishes: the runtime launches nothing for it, and its readers read its run-time input. */
export interface VanishingRule {
  readonly type: string;
  /** When it vanishes; always, if left out. */
  readonly when?: (view: GraphView, op: Op) => boolean;
  readonly reason: string;
  readonly origin: string;
}

/** An op vanishes into the only reader of its output, which does its work too. */
export interface PrologueRule {
  readonly first: string;
  readonly into: string;
  /** The reader as it is afterwards; undefined if the rule does not apply. */
  readonly merge: (view: GraphView, first: Op, reader: Op) => Op | undefined;
  readonly reason: string;
  readonly origin: string;
}

/** A consumer is absorbed by the kernel that makes its input, if that output is read once and is no graph output. */
export interface FusionRule {
  /** Types of the op that the kernel computes first. */
  readonly first: string;
  /** Type of the consumer. */
  readonly next: string;
  /**
   * `weights`: computed once, ahead of time, into the first op's weights and bias; costs nothing at run time.
   * `epilogue`: done by the same kernel behind the first op; nothing can be absorbed after it.
   * A type: both become one op of that type, for which fusion goes on.
   */
  readonly into: 'weights' | 'epilogue' | { readonly type: string };
  /** `producer` makes what the consumer reads; `first` is the op that the kernel computes first, often the same. */
  readonly when?: (view: GraphView, producer: Op, consumer: Op, first: Op) => boolean;
  readonly reason: string;
  /** The rule's inequalities with the numbers of the ops at hand, for the kernel's reason. */
  readonly numbers?: (view: GraphView, first: Op, consumer: Op) => string;
  readonly origin: string;
}

/** An operator without a kernel of its own: the runtime replaces it by its definition in simpler operators. */
export interface ExpansionRule {
  readonly type: string;
  /** Elementwise ops in order; the last one makes the output. */
  readonly into: readonly string[];
  readonly reason: string;
  readonly origin: string;
}

/**
 * A kernel absorbs elementwise ops behind it one after the other, for as long as each reads its only output as its first
 * input and everything else that it reads is there already.
 */
export interface ChainRule {
  /** Elementwise ops by type, and what they are called in a fused kernel's name. */
  readonly names: Readonly<Record<string, string>>;
  /** Ops of two run-time inputs of one shape, of which the one made last counts as the first. */
  readonly symmetric: readonly string[];
  readonly origin: string;
}

/** Which kernel an op becomes. */
export interface Selection {
  readonly kind: string;
  /** The decision with its numbers, in words. */
  readonly reason: string;
  /** What would have led to another kernel, and is close. */
  readonly nearMiss?: string;
  /** True if the runtime refuses the op; the reason says why. */
  readonly unsupported?: boolean;
  /** True if the runtime's own names of the kernel leave out what is chained behind it: so does `fused` then. */
  readonly unnamedChain?: boolean;
}

/** What a runtime does to ops one by one, in rounds until nothing changes. */
export interface Cleaning {
  readonly vanishing: readonly VanishingRule[];
  readonly prologues: readonly PrologueRule[];
  /** Where it stands that equal ops on equal inputs are computed once; left out if they are not. */
  readonly sharing?: { readonly origin: string };
}

export interface RulePack extends Cleaning {
  /** Runtime as the command line names it, for example `onnxruntime-cpu`. */
  readonly runtime: string;
  /** Version of the runtime whose behaviour the rules describe. */
  readonly version: string;
  /** The graph as the runtime has it, where ops were lost or patterns of several replaced; taken before any other rule. */
  readonly restore?: (graph: Graph) => Graph;
  /** Takes the place of `vanishing` and `prologues` for a runtime that replaces whole patterns among them. */
  readonly rewrite?: (graph: Graph) => RewrittenView;
  readonly expansions: readonly ExpansionRule[];
  readonly fusions: readonly FusionRule[];
  readonly chain?: ChainRule;
  /**
   * Names the kernel of an op as it stands after rewriting; where it says nothing, convolutions are told apart by their
   * windows and others go by their type.
   */
  readonly select?: (view: GraphView, op: Op) => Selection | undefined;
}
