/**
 * Which kernel of a plan each row of a profile is, where rows name what was fused but neither ops nor their order: rows and
 * kernels are compared as multisets by kind and features. What fits in several ways is counted apart, never guessed.
 */
import type { FeatureName } from './features';
import type { Op } from './graph';
import type { KernelMeasurement } from './profile';
import { isNameOf, type PlannedGraph, type PlannedKernel } from './rule-chains';
import type { RulePack } from './runtimes/rule-pack';

/** A row with the kernel that it is, and the ops that the row says to be fused behind its first. */
export interface Match {
  readonly row: KernelMeasurement;
  readonly planned: PlannedKernel;
  readonly fused: readonly Op[];
}

export interface Matching {
  readonly matches: readonly Match[];
  /** Rows (without fused names: ops) that fit in several ways, behind which different ops stand. */
  readonly ambiguous: number;
  /** Rows that no kernel of the plan fits. */
  readonly unexplained: readonly KernelMeasurement[];
  /** Ops of which it is not known whether some kernel has absorbed them. */
  readonly uncertain: ReadonlySet<Op>;
  /** Ops that are some matched kernel's first, or fused into one. */
  readonly placed: ReadonlySet<Op>;
}

/** Features that tell kernels apart. Sizes of inputs are left out: padding that was merged in changes them. */
const TELLING: readonly FeatureName[] = [
  'inputChannels',
  'outputHeight',
  'outputWidth',
  'outputChannels',
  'groups',
  'inputs',
  'multiplyAccumulates',
];

/** True if nothing that the row says of its kernel is otherwise in the plan's. */
export function featuresAgree({ features }: KernelMeasurement, { features: planned }: PlannedKernel): boolean {
  if (TELLING.some((name) => features[name] !== undefined && features[name] !== planned[name])) return false;
  // A pool over the whole image has no window in profiles that call it a mean.
  const sameWindow = features.kernelHeight === undefined || features.kernelHeight === planned.kernelHeight;
  return !sameWindow || features.strideHeight === undefined || features.strideHeight === planned.strideHeight;
}

/** What rows and plans call their kernels. A kind that both have is the same; other kinds are told by features alone. */
export interface Vocabulary {
  readonly ofPlans: ReadonlySet<string>;
  readonly ofRows: ReadonlySet<string>;
  /** What rows call the ops that are fused. */
  readonly fused: ReadonlySet<string>;
}

interface Candidate {
  readonly planned: PlannedKernel;
  readonly fused: readonly Op[];
}

/** Rows that say the same. */
interface RowClass {
  readonly rows: KernelMeasurement[];
  readonly candidates: readonly Candidate[];
}

/** @param rows of one network, under one harness */
export function matchRows(
  graph: PlannedGraph,
  rows: readonly KernelMeasurement[],
  vocabulary: Vocabulary,
  pack: RulePack,
): Matching {
  return new Matcher(graph, vocabulary, pack).match(rows);
}

class Matcher {
  private readonly matches: Match[] = [];
  private ambiguous = 0;
  private readonly unexplained: KernelMeasurement[] = [];
  private readonly placed = new Set<Op>();
  private readonly uncertain = new Set<Op>();

  constructor(
    private readonly graph: PlannedGraph,
    private readonly vocabulary: Vocabulary,
    private readonly pack: RulePack,
  ) {}

  match(rows: readonly KernelMeasurement[]): Matching {
    const classes = new Map<string, RowClass>();
    for (const row of rows) {
      const key = JSON.stringify([row.kind, row.fused, row.features]);
      const known = classes.get(key);
      if (known) known.rows.push(row);
      else classes.set(key, { rows: [row], candidates: this.candidates(row) });
    }
    // Rows that say most come first: what they claim is out of question for the others.
    const pending = [...classes.values()].sort((a, b) => b.rows[0].fused.length - a.rows[0].fused.length);
    while (pending.length > 0) {
      const certain = pending.findIndex((each) => this.isForced(each));
      const [next] = pending.splice(Math.max(0, certain), 1);
      if (certain >= 0 || this.isIndifferent(next)) this.place(next);
      else this.leaveOpen(next);
    }
    const { matches, ambiguous, unexplained, uncertain, placed } = this;
    return { matches, ambiguous, unexplained, uncertain, placed };
  }

  private candidates(row: KernelMeasurement): Candidate[] {
    return this.graph.kernels.flatMap((planned) => {
      if (!this.kindsAgree(row.kind, planned.kernel.kind) || !featuresAgree(row, planned)) return [];
      const fused = planned.behind.slice(0, row.fused.length);
      const isSaid = (op: Op, i: number) =>
        i < planned.planned.length
          ? row.fused[i] === planned.kernel.fused[i]
          : isNameOf(row.fused[i], op.type, this.pack);
      return fused.length === row.fused.length && fused.every(isSaid) ? [{ planned, fused }] : [];
    });
  }

  private kindsAgree(ofRow: string, ofPlan: string): boolean {
    const { ofPlans, ofRows } = this.vocabulary;
    return ofPlans.has(ofRow) ? ofRow === ofPlan : !ofRows.has(ofPlan);
  }

  private live({ candidates }: RowClass): Candidate[] {
    return candidates.filter(({ planned, fused }) =>
      [planned.first, ...fused].every((op) => !this.placed.has(op) && !this.uncertain.has(op)),
    );
  }

  /** No more kernels are left than rows, and none shares an op with another. */
  private isForced(rows: RowClass): boolean {
    const live = this.live(rows);
    return live.length <= rows.rows.length && this.disjoint(live).length === live.length;
  }

  /** It does not matter which of the kernels are taken: the same stands behind all of them, or the plan foretells enough. */
  private isIndifferent(rows: RowClass): boolean {
    const live = this.preferred(rows);
    return new Set(live.map(({ planned }) => this.pattern(planned))).size === 1;
  }

  /** Kernels whose plan says what the rows say, if there are enough; else all. Those with nothing fused foretell nothing. */
  private preferred(rows: RowClass): Candidate[] {
    const live = this.live(rows);
    const exact = live.filter(({ planned, fused }) => fused.length > 0 && planned.planned.length === fused.length);
    return this.disjoint(exact).length >= rows.rows.length ? exact : live;
  }

  /** What stands behind a kernel, as far as runtimes of this profile fuse such ops at all. */
  private pattern({ kernel, behind }: PlannedKernel): string {
    const isFused = ({ type }: Op) => [...this.vocabulary.fused].some((word) => isNameOf(word, type, this.pack));
    const end = behind.findIndex((op) => !isFused(op));
    const types = behind.slice(0, end < 0 ? behind.length : end).map(({ type }) => type);
    return [kernel.first.type, kernel.fused, ...types].join('+');
  }

  /** Of candidates that share ops only one each: the last, because a runtime fuses into what it makes last. */
  private disjoint(candidates: readonly Candidate[]): Candidate[] {
    const used = new Set<Op>();
    return [...candidates].reverse().filter(({ planned, fused }) => {
      const ops = [planned.first, ...fused];
      if (ops.some((op) => used.has(op))) return false;
      for (const op of ops) used.add(op);
      return true;
    });
  }

  private place(rows: RowClass): void {
    const chosen = this.disjoint(this.preferred(rows));
    rows.rows.forEach((row, i) => {
      if (i < chosen.length) {
        const { planned, fused } = chosen[i];
        this.matches.push({ row, planned, fused });
        for (const op of [planned.first, ...fused]) this.placed.add(op);
      } else if (this.wasOpen(rows)) this.ambiguous += 1;
      else this.unexplained.push(row);
    });
  }

  /** A kernel that the rows could have been is one that other rows left open. */
  private wasOpen({ candidates }: RowClass): boolean {
    return candidates.some(({ planned, fused }) => [planned.first, ...fused].some((op) => this.uncertain.has(op)));
  }

  private leaveOpen(rows: RowClass): void {
    this.ambiguous += rows.rows.length;
    for (const { planned, fused } of this.live(rows)) {
      for (const op of [planned.first, ...fused]) this.uncertain.add(op);
    }
  }
}
