/**
 * fusecast.yaml: networks, scenarios and budgets. Text in, values out; what is wrong is said with line and column, all of
 * it at once. Knows YAML and the units; must not know files or the service.
 */
import { isAlias, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { ServiceError } from '../client';

/** Where something stands in the file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const MICROSECONDS: Readonly<Record<string, number>> = { us: 1, µs: 1, μs: 1, ms: 1e3, s: 1e6 };

/** A value that a parser reads from a string; numbers are read as they are written. */
function written<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.union([z.string(), z.number()], { error: `expected ${expected}` }).transform((value, context) => {
    const parsed = parse(String(value).trim());
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not ${expected}` });
    return z.NEVER;
  });
}

const latency = written('a latency above 0 with its unit, such as `30 ms` (us, ms or s)', (text) => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(us|µs|μs|ms|s)$/.exec(text) ?? [];
  const microseconds = Number(amount) * MICROSECONDS[unit];
  return microseconds > 0 && microseconds <= 1e12 ? microseconds : undefined;
});

const percent = written('a change in percent above -100 %, such as `+5 %`', (text) => {
  const [, amount] = /^([+-]?\d+(?:\.\d+)?)\s*%$/.exec(text) ?? [];
  const value = Number(amount);
  return value > -100 && value <= 1e6 ? value : undefined;
});

const text = z
  .string({ error: 'expected a text' })
  .trim()
  .min(1, { error: 'is empty' })
  .max(300, { error: 'is too long' });
const texts = z.union([text.transform((each) => [each]), z.array(text).min(1, { error: 'is empty' })], {
  error: 'expected a text or a list of texts',
});
const scenarioName = text.regex(/^[^/\s]+(\/[^/\s]+){3}$/, {
  error: 'expected runtime/device/processor/type, such as tflite/pixel4/gpu/float',
});

const networkEntry = z.strictObject({
  files: texts,
  name: text.optional(),
  names: z.enum(['file', 'path'], { error: 'expected file or path' }).default('file'),
  bindings: z.record(z.string(), z.int({ error: 'expected a whole number above 0' }).min(1).max(1_000_000)).default({}),
});

const scenarioEntry = z
  .strictObject({ scenario: scenarioName, version: text.optional(), pin: text.optional() })
  .refine(({ version, pin }) => !(version && pin), { error: 'has a version and a pin; expected one of them at most' });

const budgetEntry = z
  .strictObject({
    networks: texts.default(['**']),
    scenarios: texts.default(['**']),
    latency: latency.optional(),
    regression: percent.optional(),
  })
  .refine((budget) => budget.latency !== undefined || budget.regression !== undefined, {
    error: 'expected latency, regression or both',
  });

/** An entry that may be written as a text alone. The wider form is checked by itself, for errors with a place. */
function short<T extends z.ZodType>(wide: T, key: string) {
  return z.preprocess((value) => (typeof value === 'string' ? { [key]: value } : value), wide);
}

function listOf<T extends z.ZodType>(entry: T) {
  return z.array(entry, { error: 'expected a list' }).min(1, { error: 'is empty; expected one entry at least' });
}

const schema = z.strictObject(
  {
    repository: text.optional(),
    base: text.optional(),
    networks: listOf(short(networkEntry, 'files')),
    scenarios: listOf(short(scenarioEntry, 'scenario')),
    budgets: listOf(budgetEntry),
  },
  { error: ({ code }) => (code === 'invalid_type' ? 'expected networks, scenarios and budgets' : undefined) },
);

type Parsed = z.infer<typeof schema>;
export type NetworkEntry = Parsed['networks'][number] & Position;
export type ScenarioEntry = Parsed['scenarios'][number] & Position;
export type BudgetEntry = Parsed['budgets'][number] & Position;

export interface Configuration {
  /** As it was given. */
  readonly file: string;
  readonly repository?: string;
  /** The branch to compare with where nothing else says one. */
  readonly base?: string;
  readonly networks: readonly NetworkEntry[];
  readonly scenarios: readonly ScenarioEntry[];
  readonly budgets: readonly BudgetEntry[];
}

const REMEDY = 'docs/guides/check.md shows every key.';

/** An error about the file at a place in it. */
export function configurationError(file: string, { line, column }: Position, message: string, remedy?: string) {
  return new ServiceError({ code: 'BAD_INPUT', message, where: `${file}:${line}:${column}`, remedy });
}

/** @throws ServiceError BAD_INPUT with everything that is wrong */
export function parseConfiguration(source: string, file: string): Configuration {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    throw refusal(
      file,
      document.errors.map(({ pos, message }) => ({ ...position(pos[0]), message: message.split('\n')[0] })),
    );
  }
  /** Where the value of a path stands, or, where it is missing, what it is missing in. */
  const at = (path: readonly PropertyKey[]): Position => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      const resolved = isAlias(node) ? node : isNode(node) ? node : undefined;
      if (resolved?.range) return position(resolved.range[0]);
    }
    return { line: 1, column: 1 };
  };
  const parsed = schema.safeParse(read(document, file));
  if (!parsed.success) {
    throw refusal(
      file,
      parsed.error.issues.flatMap((issue) => {
        const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
        return unknown.map((key) => {
          const path = key === undefined ? issue.path : [...issue.path, key];
          const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
          const message = key === undefined ? issue.message : 'is no key that is known';
          return { ...at(path), message: `${name.replace(/^\./, '') || 'the file'}: ${message}` };
        });
      }),
    );
  }
  const { networks, scenarios, budgets, ...rest } = parsed.data;
  const placed = <T extends object>(entries: readonly T[], key: string) =>
    entries.map((entry, i) => ({ ...entry, ...at([key, i]) }));
  return {
    file,
    ...rest,
    networks: placed(networks, 'networks'),
    scenarios: placed(scenarios, 'scenarios'),
    budgets: placed(budgets, 'budgets'),
  };
}

/** The values of a document. @throws ServiceError BAD_INPUT for aliases that multiply without end */
function read(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw refusal(file, [{ line: 1, column: 1, message: (error as Error).message }]);
  }
}

function refusal(file: string, problems: readonly (Position & { message: string })[]): ServiceError {
  const [first] = problems;
  if (problems.length === 1) return configurationError(file, first, first.message, REMEDY);
  const lines = problems.map(({ line, column, message }) => `\n${file}:${line}:${column}: ${message}`);
  return configurationError(file, first, `${problems.length} things are wrong${lines.join('')}`, REMEDY);
}
