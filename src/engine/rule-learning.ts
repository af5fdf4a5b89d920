/**
 * Learns fusion rules from a profile: which rules of a pack its rows explain, which they contradict, and which pairs of ops
 * they show to be fused that no rule knows. Every proposal carries its evidence, for and against.
 */
import type { KernelPlan } from './plan';
import type { KernelMeasurement } from './profile';
import { matchByAbsence } from './rule-absence';
import { surroundings } from './rule-chains';
import { type ContradictedRule, type ExplainedRule, RuleLedger, type RuleProposal } from './rule-ledger';
import { matchRows, type Vocabulary } from './rule-matching';
import type { RulePack } from './runtimes/rule-pack';

export interface FusionReport {
  /** `fused names`: rows name what was fused. `absent kernels`: none does, and ops without a kernel were fused. */
  readonly basis: 'fused names' | 'absent kernels';
  readonly networks: number;
  readonly rows: number;
  /** Rows that are a kernel of the plan, perhaps with more or less fused than planned. */
  readonly matchedRows: number;
  /** Rows (with absent kernels: ops) that fit in several ways. Nothing is concluded from them. */
  readonly ambiguous: number;
  /** Rows that no kernel of the plan fits. */
  readonly unexplainedRows: number;
  /** Kinds whose rows never name what was fused, so that they say nothing against a fusion. */
  readonly silentKinds: readonly string[];
  readonly explained: readonly ExplainedRule[];
  readonly contradicted: readonly ContradictedRule[];
  /** Pairs that no rule of the pack covers, the most certain first. */
  readonly proposals: readonly RuleProposal[];
  /** Pairs that were seen fused too seldom or too irregularly to be proposed. */
  readonly weak: readonly RuleProposal[];
}

export interface LearningOptions {
  /** Proposals have at least this confidence; at 0.5 a pair must have been seen four times, never otherwise. */
  readonly minimumConfidence?: number;
}

/**
 * Holds the fusions that a profile shows against the plans of its networks.
 *
 * @param plans of the networks that were measured, all by `pack`; rows of other networks are passed over
 * @param pack `plain` to learn from nothing, or a runtime's own to check it
 * @param rows of one scenario, in any order. Of a network that was measured under several harnesses the first counts
 */
export function explainFusions(
  plans: readonly KernelPlan[],
  pack: RulePack,
  rows: readonly KernelMeasurement[],
  { minimumConfidence = 0.5 }: LearningOptions = {},
): FusionReport {
  const byNetwork = rowsByNetwork(rows);
  const measured = plans.filter(({ network }) => byNetwork.has(network));
  const used = measured.flatMap(({ network }) => byNetwork.get(network)!);
  const vocabulary: Vocabulary = {
    ofPlans: new Set(measured.flatMap(({ kernels }) => kernels.map(({ kind }) => kind))),
    ofRows: new Set(used.map(({ kind }) => kind)),
    fused: new Set(used.flatMap(({ fused }) => fused)),
  };
  const naming = new Set(used.filter(({ fused }) => fused.length > 0).map(({ kind }) => kind));
  const named = naming.size > 0;
  const silent = named ? [...vocabulary.ofRows].filter((kind) => !naming.has(kind)).sort() : [];
  const ledger = new RuleLedger(pack, { vocabulary, silent: new Set(silent), named });
  const totals = { matched: 0, ambiguous: 0, unexplained: 0 };
  for (const plan of measured) {
    const graph = surroundings(plan, pack);
    const own = byNetwork.get(plan.network)!;
    const matching = named ? matchRows(graph, own, vocabulary, pack) : matchByAbsence(graph, own);
    totals.matched += matching.matches.length;
    totals.ambiguous += matching.ambiguous;
    totals.unexplained += matching.unexplained.length;
    ledger.enter(graph, matching);
  }
  const proposals = ledger.proposals();
  return {
    basis: named ? 'fused names' : 'absent kernels',
    networks: measured.length,
    rows: used.length,
    matchedRows: totals.matched,
    ambiguous: totals.ambiguous,
    unexplainedRows: totals.unexplained,
    silentKinds: silent,
    explained: ledger.explained(),
    contradicted: ledger.contradicted(),
    proposals: proposals.filter(({ confidence }) => confidence >= minimumConfidence),
    weak: proposals.filter(({ confidence }) => confidence < minimumConfidence),
  };
}

function rowsByNetwork(rows: readonly KernelMeasurement[]): Map<string, KernelMeasurement[]> {
  const byNetwork = new Map<string, KernelMeasurement[]>();
  for (const row of rows) {
    const known = byNetwork.get(row.network);
    if (!known) byNetwork.set(row.network, [row]);
    else if (known[0].harness === row.harness) known.push(row);
  }
  return byNetwork;
}
