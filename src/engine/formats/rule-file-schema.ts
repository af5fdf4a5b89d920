/**
 * What a rule file may say, and everything that is wrong with one that says something else: JSON path, value and what was
 * expected. It is data only; what its rules mean to a graph is in runtimes/rule-file.ts.
 */
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { EngineError, type Problem } from '../errors';
import { FEATURE_NAMES, type FeatureName } from '../features';

/** The version of this schema. */
export const RULE_FILE_VERSION = 1;
export const MAXIMUM_RULES = 1000;
export const MAXIMUM_RULE_FILE_BYTES = 256 * 1024;

/** This many problems are listed in full; the rest is counted. */
const LISTED_PROBLEMS = 20;
const SHOWN_VALUE_LENGTH = 60;

/** How a feature may be compared with a number. */
export const COMPARISONS = ['equals', 'atLeast', 'atMost', 'multipleOf'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Conditions on an op that are no comparison of a feature. */
export const OP_PREDICATES = ['inputsConstant', 'keepsShape'] as const;
/** The same for a fusion, about the op that is to be fused. */
export const FUSION_PREDICATES = [...OP_PREDICATES, 'perChannelConstant'] as const;
export type Predicate = (typeof FUSION_PREDICATES)[number];

/** Exactly one of a feature with its comparisons, or a predicate. */
export type Condition = Partial<Record<Comparison, number>> &
  Partial<Record<Predicate, boolean>> & {
    readonly feature?: FeatureName;
    /** Which op of a fusion the feature is of: the kernel's first, unless it says `next`. */
    readonly of?: 'first' | 'next';
  };

export interface RuleFile {
  readonly formatVersion: typeof RULE_FILE_VERSION;
  readonly runtime: string;
  readonly version: string;
  readonly extends?: string;
  readonly vanishing: readonly {
    readonly type: string;
    readonly when: readonly Condition[];
    readonly reason: string;
    readonly origin: string;
  }[];
  readonly fusions: readonly {
    readonly first: string;
    readonly next: string;
    readonly into: 'weights' | 'epilogue';
    readonly when: readonly Condition[];
    readonly reason: string;
    readonly origin: string;
  }[];
  readonly chain?: {
    readonly names: Readonly<Record<string, string>>;
    readonly symmetric: readonly string[];
    readonly origin?: string;
  };
  readonly kinds: readonly {
    readonly type: string;
    readonly kind: string;
    readonly when: readonly Condition[];
    readonly reason: string;
  }[];
}

/** Names that a file may use, which depend on what it extends. */
export interface RuleVocabulary {
  readonly types: readonly string[];
  /** Names of runtimes that a file must not take. */
  readonly taken: readonly string[];
}

/**
 * Checks the value of a rule file.
 *
 * @throws EngineError INVALID_RULES with every problem: `column` is the JSON path
 */
export function checkRuleFile(value: unknown, vocabulary: RuleVocabulary, more: readonly Problem[]): RuleFile {
  const parsed = schemaOf(vocabulary).safeParse(value);
  const problems = [...(parsed.error?.issues ?? []).flatMap((issue) => problemsOf(issue, value)), ...more];
  if (parsed.success) problems.push(...crossChecks(parsed.data as RuleFile));
  if (problems.length > 0) throw refusal(problems);
  return parsed.data as RuleFile;
}

/** One problem of a rule file. @param path for example `fusions[2].first`; the value is shown as JSON */
export function ruleProblem(path: string, value: unknown, expected: string): Problem {
  const text = value === undefined ? null : JSON.stringify(value);
  const shown = text && text.length > SHOWN_VALUE_LENGTH ? `${text.slice(0, SHOWN_VALUE_LENGTH)}...` : text;
  return { line: null, unit: 'line', column: path, value: shown, expected };
}

/** The error for a file with these problems. */
export function refusal(problems: readonly Problem[]): EngineError {
  const listed = problems.slice(0, LISTED_PROBLEMS);
  const lines = listed.map(
    ({ column, value, expected }) => `  ${column}: ${value ?? 'no value'}; expected ${expected}`,
  );
  if (problems.length > listed.length) lines.push(`  and ${problems.length - listed.length} more`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new EngineError(
    'INVALID_RULES',
    `The rule file is refused for ${count}:\n${lines.join('\n')}`,
    problems[0].column ?? undefined,
    'Correct the values at these paths; docs/guides/rules.md describes the schema.',
    listed,
    problems.length,
  );
}

/** The nearest of some names, as a hint; nothing if none is near. */
export function nearest(name: string, names: readonly string[]): string {
  let best: string | undefined;
  let fewest = Math.max(2, name.length >> 1);
  for (const each of names) {
    const edits = distance(name.toLowerCase(), each.toLowerCase());
    if (edits >= fewest) continue;
    best = each;
    fewest = edits;
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

function schemaOf({ types, taken }: RuleVocabulary) {
  const text = (expected: string, pattern = /\S/, longest = 500) =>
    z.string(expected).regex(pattern, expected).max(longest, `${expected}, of at most ${longest} characters`);
  const known = new Set(types);
  const type = z.string('an op type such as Conv').refine((name) => known.has(name), {
    error: ({ input }) => `a known op type${nearest(String(input), types)}`,
  });
  const name = (what: string) => text(`${what} in lower case, such as conv_3x3`, /^[a-z][a-z0-9_.]*$/, 64);
  const reason = text('a reason in words');
  const origin = text('where the rule comes from, for example a source file');
  const list = <T extends z.ZodType>(item: T, what: string) =>
    z.array(item, `a list of ${what}`).max(MAXIMUM_RULES, `at most ${MAXIMUM_RULES} ${what}`);
  const onOp = list(conditionSchema(OP_PREDICATES, false), 'conditions').default([]);
  const onFusion = list(conditionSchema(FUSION_PREDICATES, true), 'conditions').default([]);
  const into = z.enum(['weights', 'epilogue'], '"weights" or "epilogue"');
  return z.strictObject(
    {
      formatVersion: z.literal(RULE_FILE_VERSION, String(RULE_FILE_VERSION)),
      runtime: text('a runtime name such as acme-npu', /^[a-z][a-z0-9-]*$/, 64).refine((own) => !taken.includes(own), {
        error: 'a name of your own, not that of a built-in runtime; name that one under extends',
      }),
      version: text('a version as a text, such as "3.2"', /^[\w.-]+$/, 64),
      extends: z.string('a built-in runtime such as plain').optional(),
      vanishing: list(z.strictObject({ type, when: onOp, reason, origin }, 'a vanishing rule'), 'rules').default([]),
      fusions: list(
        z.strictObject({ first: type, next: type, into, when: onFusion, reason, origin }, 'a fusion rule'),
        'rules',
      ).default([]),
      chain: z
        .strictObject(
          {
            names: z.record(type, name('what the op is called in a kernel'), 'an object of names by op type'),
            symmetric: list(type, 'op types').default([]),
            origin: origin.optional(),
          },
          'an object with names and symmetric',
        )
        .optional(),
      kinds: list(
        z.strictObject({ type, kind: name('a kernel kind'), when: onOp, reason }, 'a kind rule'),
        'rules',
      ).default([]),
    },
    'an object',
  );
}

function conditionSchema(predicates: readonly Predicate[], withOf: boolean) {
  const features = FEATURE_NAMES.filter((feature) => feature !== 'fusedOps');
  const number = z.number('a finite number').optional();
  const shape = {
    feature: z
      .string('the name of a feature')
      .refine((name) => (features as readonly string[]).includes(name), {
        error: ({ input }) => `the name of a feature${nearest(String(input), features)}`,
      })
      .optional(),
    equals: number,
    atLeast: number,
    atMost: number,
    multipleOf: z.int('a whole number of at least 1').min(1, 'a whole number of at least 1').optional(),
    ...Object.fromEntries(predicates.map((name) => [name, z.boolean('true or false').optional()])),
    ...(withOf && { of: z.enum(['first', 'next'], '"first" or "next"').optional() }),
  };
  return z.strictObject(shape, 'a condition').superRefine((condition, { addIssue }) => {
    const given: Readonly<Record<string, unknown>> = condition;
    const subjects = ['feature', ...predicates].filter((key) => given[key] !== undefined);
    const compared = COMPARISONS.filter((key) => given[key] !== undefined);
    const refuse = (message: string) => addIssue({ code: 'custom', message });
    if (subjects.length !== 1) refuse(`exactly one of feature, ${predicates.join(', ')} in a condition`);
    else if (given.feature === undefined && (compared.length > 0 || given.of !== undefined))
      refuse(`${subjects[0]} alone: comparisons and of belong to a feature`);
    else if (given.feature !== undefined && compared.length === 0)
      refuse(`a comparison beside the feature: ${COMPARISONS.join(', ')}`);
    const { atLeast, atMost } = condition;
    if (atLeast !== undefined && atMost !== undefined && atLeast > atMost)
      refuse(`atLeast (${atLeast}) not above atMost (${atMost})`);
  });
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown): Problem[] {
  const valueAt = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return ruleProblem(formatPath(path), valueAt(path), 'no such key; docs/guides/rules.md lists the keys');
    });
  }
  const expected = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const value = issue.code === 'invalid_key' ? issue.path[issue.path.length - 1] : valueAt(issue.path);
  return [ruleProblem(formatPath(issue.path), value, expected)];
}

/** `fusions[2].first`; `$` for the whole file. */
function formatPath(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || '$';
}

/** What holds between rules: not too many of them, and none that another makes unreachable. */
function crossChecks({ vanishing, fusions, kinds }: RuleFile): Problem[] {
  const problems: Problem[] = [];
  const count = vanishing.length + fusions.length + kinds.length;
  if (count > MAXIMUM_RULES) problems.push(ruleProblem('$', count, `at most ${MAXIMUM_RULES} rules`));
  const lists = {
    vanishing: vanishing.map(({ type, when }) => ({ key: type, when })),
    fusions: fusions.map(({ first, next, when }) => ({ key: `${first} and ${next}`, when })),
    kinds: kinds.map(({ type, when }) => ({ key: type, when })),
  };
  for (const [list, rules] of Object.entries(lists)) {
    const always = new Map<string, number>();
    rules.forEach(({ key, when }, i) => {
      const before = always.get(key);
      if (before !== undefined)
        problems.push(
          ruleProblem(`${list}[${i}]`, key, `no rule for ${key} behind ${list}[${before}], which always applies`),
        );
      else if (when.length === 0) always.set(key, i);
    });
  }
  return problems;
}
