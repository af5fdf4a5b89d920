/**
 * What a rule pack is: the fusion and selection rules of one runtime version, as data. plan.ts applies them.
 * Every rule says where it comes from (`origin`), so that a reader can check it and a kernel can explain itself.
 */
import type { Graph, Op } from '../graph';

/** One op vanishes: the runtime launches nothing for it. */
export interface VanishingRule {
  readonly type: string;
  /** When it vanishes; always, if left out. */
  readonly when?: (graph: Graph, op: Op) => boolean;
  readonly reason: string;
  readonly origin: string;
}

/** A consumer is absorbed by the kernel that makes its input, if that output is read once and is no graph output. */
export interface FusionRule {
  /** Types of the op that the kernel computes first. */
  readonly first: string;
  /** Type of the consumer. */
  readonly then: string;
  /**
   * `weights`: computed once, ahead of time, into the first op's weights and bias; costs nothing at run time.
   * `epilogue`: done by the same kernel behind the first op; nothing can be absorbed after it.
   */
  readonly into: 'weights' | 'epilogue';
  readonly when?: (graph: Graph, producer: Op, consumer: Op) => boolean;
  readonly reason: string;
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

export interface RulePack {
  /** Runtime as the command line names it, for example `onnxruntime-cpu`. */
  readonly runtime: string;
  /** Version of the runtime whose behaviour the rules describe. */
  readonly version: string;
  readonly vanishing: readonly VanishingRule[];
  readonly expansions: readonly ExpansionRule[];
  readonly fusions: readonly FusionRule[];
}
