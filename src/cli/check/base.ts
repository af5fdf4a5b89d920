/**
 * What a check is compared with: the last run of a branch that the service kept, or the file of an earlier run.
 */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { type Client, ServiceError } from '../client';
import type { Interval } from './verdict';

export interface BaseResult {
  readonly networkId: string;
  readonly versionId: string;
  readonly latencyUs: number;
  readonly interval: Interval;
}

export interface Base {
  /** As a person knows it: a branch with its commit, or a file. */
  readonly name: string;
  readonly commit?: string;
  /** Of the run in the service. */
  readonly checkId?: string;
  /** By `baseKey`. */
  readonly results: ReadonlyMap<string, BaseResult>;
}

export function baseKey(network: string, scenario: string): string {
  return JSON.stringify([network, scenario]);
}

const RUNS = `query ($filter: BudgetCheckFilter!) { budgetChecks(first: 2, filter: $filter) { edges { node {
  id commit results { network { id name } scenario { name } version { id } latencyUs interval { lowerUs upperUs level } }
} } } }`;

interface Run {
  readonly id: string;
  readonly commit: string;
  readonly results: readonly {
    readonly network: { readonly id: string; readonly name: string };
    readonly scenario: { readonly name: string };
    readonly version: { readonly id: string };
    readonly latencyUs: number;
    readonly interval: Interval;
  }[];
}

/** The last run of a branch itself (not of a pull request from one of this name), of another commit than this. */
export async function baseOfBranch(
  client: Client,
  filter: { readonly repository: string; readonly configuration: string; readonly branch: string },
  commit?: string,
): Promise<Base | undefined> {
  const { budgetChecks } = await client.request<{ budgetChecks: { edges: { node: Run }[] } }>(RUNS, {
    filter: { ...filter, pullRequest: false },
  });
  const run = budgetChecks.edges.map(({ node }) => node).find((each) => each.commit !== commit);
  if (!run) return undefined;
  const results = run.results.map(({ network, scenario, version, latencyUs, interval }): [string, BaseResult] => [
    baseKey(network.name, scenario.name),
    { networkId: network.id, versionId: version.id, latencyUs, interval },
  ]);
  return {
    name: `${filter.branch} (${run.commit.slice(0, 10)})`,
    commit: run.commit,
    checkId: run.id,
    results: new Map(results),
  };
}

const latency = z.number().positive();
const fileSchema = z.object({
  commit: z.string().nullish(),
  results: z.array(
    z.object({
      network: z.string(),
      networkId: z.string(),
      scenario: z.string(),
      version: z.object({ id: z.string() }),
      latencyUs: latency,
      interval: z.object({ lowerUs: latency, upperUs: latency, level: z.number().gt(0).lt(1) }),
    }),
  ),
});

/** True if there is a file of this name: `--base` takes a branch or a file. */
export async function isFile(name: string): Promise<boolean> {
  return (await stat(name).catch(() => undefined))?.isFile() ?? false;
}

/** The result of an earlier run with --json. @throws ServiceError BAD_INPUT */
export async function baseOfFile(file: string): Promise<Base> {
  const text = await readFile(file, 'utf8');
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ServiceError({
      code: 'BAD_INPUT',
      message: `this is not what fusecast check --json writes: ${path.join('.') || 'the file'}: ${message}`,
      where: file,
      remedy: 'Give a file of an earlier run, or the name of a branch.',
    });
  }
  const { commit, results } = parsed.data;
  return {
    name: file,
    commit: commit ?? undefined,
    results: new Map(
      results.map(({ network, scenario, version, ...rest }) => [
        baseKey(network, scenario),
        { ...rest, versionId: version.id },
      ]),
    ),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
