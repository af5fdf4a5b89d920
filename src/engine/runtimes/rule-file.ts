/**
 * Rule packs that teams bring as files: checked data becomes the same RulePack as the built-in ones. A file holds no code;
 * its conditions are a closed set (formats/rule-file-schema.ts, rule-conditions.ts). docs/guides/rules.md is its manual.
 */
import { EngineError, type Problem } from '../errors';
import { parseJson } from '../formats/profile-json';
import {
  checkRuleFile,
  MAXIMUM_RULE_FILE_BYTES,
  type RuleFile,
  refusal,
  ruleProblem,
} from '../formats/rule-file-schema';
import type { Op } from '../graph';
import { kernelKind } from '../plan';
import { OP_TYPES } from '../shapes';
import { RUNTIMES, resolveRuntime } from './registry';
import { holds, judge, otherInputsConstant, type Verdict } from './rule-conditions';
import type { FusionRule, GraphView, RulePack, Selection } from './rule-pack';

/** A bound that is missed by at most this factor is a near miss. */
const NEAR = 1.25;

/** The pack of a file that extends nothing. */
const NOTHING: Omit<RulePack, 'runtime' | 'version'> = { vanishing: [], prologues: [], expansions: [], fusions: [] };

/**
 * Reads a rule file in JSON.
 *
 * @throws EngineError MALFORMED_FILE if it is no JSON; INVALID_RULES with the JSON path, value and expectation of
 * everything that is wrong
 */
export function parseRuleFile(text: string): RulePack {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > MAXIMUM_RULE_FILE_BYTES) {
    throw refusal([ruleProblem('$', bytes.length, `at most ${MAXIMUM_RULE_FILE_BYTES} bytes`)]);
  }
  return rulePackOf(parseJson(bytes));
}

/**
 * Makes a rule pack of the value that a rule file holds, whatever notation it was written in.
 *
 * @throws EngineError INVALID_RULES
 */
export function rulePackOf(value: unknown): RulePack {
  const { base, problems } = baseOf(value);
  const types = new Set([...OP_TYPES, ...(base?.fusions ?? []).flatMap(typesOf)]);
  const file = checkRuleFile(value, { types: [...types], taken: RUNTIMES }, problems);
  return compile(file, base ?? NOTHING);
}

/** Types that a rule reads or makes: some stand for several ops at once, and in no file. */
function typesOf({ first, next, into }: FusionRule): string[] {
  return [first, next, ...(typeof into === 'object' ? [into.type] : [])];
}

function baseOf(value: unknown): { base?: RulePack; problems: Problem[] } {
  const name = typeof value === 'object' && value !== null && 'extends' in value ? value.extends : undefined;
  if (typeof name !== 'string') return { problems: [] };
  try {
    return { base: resolveRuntime(name).pack, problems: [] };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const expected = `a built-in runtime (${error.message}). ${error.remedy}`;
    return { problems: [ruleProblem('extends', name, expected)] };
  }
}

/** Rules of the file come before those of the pack that it extends. */
function compile(file: RuleFile, base: Omit<RulePack, 'runtime' | 'version'>): RulePack {
  const { runtime, version, chain } = file;
  return {
    ...base,
    runtime,
    version,
    vanishing: [
      ...file.vanishing.map(({ when, ...rule }) => ({
        ...rule,
        when: (view: GraphView, op: Op) => holds(when, { view, first: op }),
      })),
      ...base.vanishing,
    ],
    fusions: [...file.fusions.map(compileFusion), ...base.fusions],
    chain: chain ? { ...chain, origin: chain.origin ?? `rule file of ${runtime}@${version}` } : base.chain,
    select: file.kinds.length > 0 ? (view, op) => select(view, op, file.kinds, base.select) : base.select,
  };
}

function compileFusion({ when, ...rule }: RuleFile['fusions'][number]): FusionRule {
  return {
    ...rule,
    when: (view, producer, next, first) =>
      // What is not constant cannot be computed into weights ahead of time.
      (rule.into !== 'weights' || otherInputsConstant(view, next, producer)) &&
      holds(when, { view, first, fusion: { producer, next } }),
    ...(when.some(({ feature }) => feature !== undefined) && {
      numbers: (view: GraphView, first: Op, next: Op) =>
        texts(
          judge(
            when.filter(({ feature }) => feature !== undefined),
            { view, first, fusion: { producer: first, next } },
          ),
        ),
    }),
  };
}

function texts(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ text }) => text).join(', ');
}

/** The first kind whose conditions all hold; else what the extended pack selects. */
function select(view: GraphView, op: Op, kinds: RuleFile['kinds'], otherwise: RulePack['select']): Selection {
  const misses: string[] = [];
  const nearMisses: string[] = [];
  for (const { type, kind, when, reason } of kinds) {
    if (type !== op.type) continue;
    const verdicts = judge(when, { view, first: op });
    const missed = verdicts.filter((verdict) => !verdict.holds);
    if (missed.length === 0) {
      const numbers = verdicts.length > 0 ? `: ${texts(verdicts)}` : '';
      return { kind, reason: `${reason}${numbers}`, nearMiss: nearMisses.join('; ') || undefined };
    }
    misses.push(`not ${kind}: ${texts(missed)}`);
    const [{ reach }] = missed;
    if (missed.length === 1 && reach && isNear(reach.value, reach.needed))
      nearMisses.push(`${reach.feature} ${reach.value} to ${reach.needed} would make it ${kind}`);
  }
  const selected: Selection = otherwise?.(view, op) ?? {
    kind: kernelKind(view.graph, op),
    reason: `one kernel for ${op.type}`,
  };
  const nearMiss = [...nearMisses, ...(selected.nearMiss ? [selected.nearMiss] : [])].join('; ') || undefined;
  return { ...selected, reason: [selected.reason, ...misses].join('; '), nearMiss };
}

function isNear(value: number, needed: number): boolean {
  return value <= needed * NEAR && needed <= value * NEAR;
}
