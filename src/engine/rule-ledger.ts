/**
 * Keeps count of what matched rows say for and against rules, over all networks of a profile.
 */
import { type Op, snakeCase } from './graph';
import type { AppliedRule } from './plan';
import type { KernelMeasurement } from './profile';
import type { PlannedGraph, PlannedKernel } from './rule-chains';
import { featuresAgree, type Match, type Matching, type Vocabulary } from './rule-matching';
import type { RulePack } from './runtimes/rule-pack';

const LISTED_EVIDENCE = 5;
const LISTED_NEAREST = 3;

export interface ExplainedRule extends AppliedRule {
  /** Kernels of the profile that have what the rule put into them. */
  readonly kernels: number;
  readonly networks: readonly string[];
}

export interface ContradictedRule {
  /** `next` is null for the selection of a kind. */
  readonly rule: Omit<AppliedRule, 'next'> & { readonly next: string | null };
  readonly network: string;
  readonly kernels: readonly {
    readonly op: string;
    /** Kind and fused ops of the plan: `convolution_2d+relu`. */
    readonly predicted: string;
    /** What the profile has instead, or rows of the same features; empty if it has none. */
    readonly nearest: readonly string[];
  }[];
}

export interface RuleProposal {
  /** Type of the kernel's first op. */
  readonly first: string;
  /** Types of the ops that the kernel has absorbed by then, in order. */
  readonly behind: readonly string[];
  readonly next: string;
  /** Kernels in which the pair was fused, and kernels in which it could have been and was not. */
  readonly support: number;
  readonly against: number;
  readonly networks: readonly string[];
  /** Lower bound of the 95 % Wilson interval of the share that is fused. */
  readonly confidence: number;
  readonly evidence: readonly { readonly network: string; readonly op: string; readonly kernel: string }[];
}

/** What holds for all rows of a profile. */
export interface ProfileTraits {
  readonly vocabulary: Vocabulary;
  /** Kinds whose rows never name what was fused. */
  readonly silent: ReadonlySet<string>;
  /** Rows name what was fused. */
  readonly named: boolean;
}

type Contradiction = ContradictedRule['kernels'][number];
type ContradictableRule = ContradictedRule['rule'];

interface Tally {
  readonly first: string;
  readonly behind: readonly string[];
  readonly next: string;
  support: number;
  against: number;
  readonly networks: Set<string>;
  readonly evidence: RuleProposal['evidence'][number][];
}

export class RuleLedger {
  private readonly applied = new Map<string, { rule: AppliedRule; kernels: number; networks: Set<string> }>();
  private readonly missed = new Map<string, { rule: ContradictableRule; network: string; kernels: Contradiction[] }>();
  private readonly tallies = new Map<string, Tally>();

  constructor(
    private readonly pack: RulePack,
    private readonly traits: ProfileTraits,
  ) {}

  /** Enters one network. */
  enter(graph: PlannedGraph, matching: Matching): void {
    const absorbed = new Set(matching.matches.flatMap(({ fused }) => fused));
    for (const match of matching.matches) {
      const agreed = this.compare(graph.network, match, matching);
      this.learn(graph.network, match, agreed);
      this.countAgainst(match, absorbed, matching.uncertain);
    }
    const matched = new Set(matching.matches.map(({ planned }) => planned));
    for (const planned of graph.kernels) {
      const { first } = planned;
      if (!matched.has(planned) && !absorbed.has(first) && !matching.uncertain.has(first))
        this.missing(graph.network, planned, matching.unexplained);
    }
  }

  explained(): ExplainedRule[] {
    return [...this.applied.values()]
      .map(({ rule, kernels, networks }) => ({ ...rule, kernels, networks: [...networks] }))
      .sort((a, b) => b.kernels - a.kernels);
  }

  contradicted(): ContradictedRule[] {
    return [...this.missed.values()].sort((a, b) => b.kernels.length - a.kernels.length);
  }

  /** Every pair that was seen fused and that no rule covers, the most certain first. */
  proposals(): RuleProposal[] {
    return [...this.tallies.values()]
      .filter(({ support }) => support > 0)
      .map(({ networks, ...tally }) => ({
        ...tally,
        networks: [...networks],
        confidence: wilsonLowerBound(tally.support, tally.support + tally.against),
      }))
      .sort((a, b) => b.confidence - a.confidence);
  }

  /** What the plan foretold of a matched kernel. @returns how many of the fused ops it foretold */
  private compare(network: string, { planned, fused, row }: Match, { placed }: Matching): number {
    const { rules } = planned.kernel;
    const shown = rules.slice(rules.length - planned.planned.length);
    const differs = planned.planned.findIndex((op, i) => fused[i] !== op);
    const agreed = differs < 0 ? planned.planned.length : differs;
    for (const rule of shown.slice(0, agreed)) this.explain(rule, network);
    // Only a profile of all kernels says that an op has none.
    const hidden = rules.slice(0, rules.length - shown.length);
    if (!this.traits.named && planned.hidden.every((op) => !placed.has(op)))
      for (const rule of hidden) this.explain(rule, network);
    if (differs >= 0 && !this.traits.silent.has(row.kind))
      this.contradict(shown[differs] ?? selection(planned), network, planned, [row]);
    return agreed;
  }

  /** What the profile has fused beyond the plan. */
  private learn(network: string, { planned, fused, row }: Match, agreed: number): void {
    if (agreed < planned.planned.length) return;
    const { first } = planned;
    for (let i = agreed; i < fused.length; i++) {
      const { type } = fused[i];
      const rule = this.ruleFor(first.type, type);
      if (rule) {
        this.contradict(rule, network, planned, [row]);
        return;
      }
      const tally = this.tally(first, fused.slice(0, i), type);
      tally.support += 1;
      tally.networks.add(network);
      const kernel =
        row.fused.length > 0 ? nameOf(row) : [row.kind, ...fused.map((op) => snakeCase(op.type))].join('+');
      if (tally.evidence.length < LISTED_EVIDENCE) tally.evidence.push({ network, op: first.name, kernel });
    }
  }

  /** The op behind a kernel could have been fused, and no kernel has absorbed it. */
  private countAgainst({ planned, fused, row }: Match, absorbed: ReadonlySet<Op>, uncertain: ReadonlySet<Op>): void {
    const next = planned.behind[fused.length];
    if (!next || absorbed.has(next) || uncertain.has(next) || this.traits.silent.has(row.kind)) return;
    this.tally(planned.first, fused, next.type).against += 1;
  }

  /** A kernel of the plan that the profile does not have. Profiles need not list every kind. */
  private missing(network: string, planned: PlannedKernel, unexplained: readonly KernelMeasurement[]): void {
    const { vocabulary } = this.traits;
    const { kernel } = planned;
    const near = unexplained.filter((row) => featuresAgree(row, planned));
    const rule = kernel.rules[kernel.rules.length - 1];
    const isForetold = planned.planned.length > 0 && vocabulary.ofRows.has(kernel.kind);
    if (isForetold && rule) this.contradict(rule, network, planned, near);
    else if (near.some(({ kind }) => vocabulary.ofPlans.has(kind) && kind !== kernel.kind))
      this.contradict(selection(planned), network, planned, near);
  }

  private explain(rule: AppliedRule, network: string): void {
    const key = JSON.stringify([rule.first, rule.next, rule.reason, rule.origin]);
    const known = this.applied.get(key) ?? { rule, kernels: 0, networks: new Set<string>() };
    known.kernels += 1;
    known.networks.add(network);
    this.applied.set(key, known);
  }

  private contradict(
    rule: ContradictableRule,
    network: string,
    { kernel, first }: PlannedKernel,
    rows: readonly KernelMeasurement[],
  ): void {
    const key = JSON.stringify([network, rule.first, rule.next, rule.origin]);
    const known = this.missed.get(key) ?? { rule, network, kernels: [] };
    const nearest = [...new Set(rows.map(nameOf))].slice(0, LISTED_NEAREST);
    known.kernels.push({ op: first.name, predicted: nameOf(kernel), nearest });
    this.missed.set(key, known);
  }

  private ruleFor(first: string, next: string): ContradictableRule | undefined {
    const { fusions, chain } = this.pack;
    // What is folded into weights shows in no name.
    const rule = fusions.find(
      (each) => each.first === first && each.next === next && !(this.traits.named && each.into === 'weights'),
    );
    if (rule) return { first, next, reason: rule.reason, origin: rule.origin };
    const name = chain?.names[next];
    return name === undefined
      ? undefined
      : { first, next, reason: `${name} is linked behind it`, origin: chain!.origin };
  }

  private tally(first: Op, behind: readonly Op[], next: string): Tally {
    const types = behind.map(({ type }) => type);
    const key = JSON.stringify([first.type, types, next]);
    const known = this.tallies.get(key);
    if (known) return known;
    const empty = { first: first.type, behind: types, next, support: 0, against: 0 };
    const tally: Tally = { ...empty, networks: new Set(), evidence: [] };
    this.tallies.set(key, tally);
    return tally;
  }
}

/** The decision for a kernel's kind, as a rule. */
function selection({ kernel, first }: PlannedKernel): ContradictableRule {
  return { first: first.type, next: null, reason: kernel.reason, origin: 'selection of the kernel' };
}

/** `convolution_2d+relu`. */
function nameOf({ kind, fused }: { readonly kind: string; readonly fused: readonly string[] }): string {
  return [kind, ...fused].join('+');
}

/** Lower bound of the 95 % score interval of a share (Wilson 1927). */
function wilsonLowerBound(successes: number, trials: number): number {
  const z = 1.96;
  const share = successes / trials;
  const centre = share + (z * z) / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share) + (z * z) / (4 * trials)) / trials);
  return (centre - spread) / (1 + (z * z) / trials);
}
