/**
 * What a check asks of the service: predictions of networks under scenarios, versions and pins; the run to compare with;
 * and that the run be kept.
 */
import { type Client, ServiceError } from '../client';
import { type Configuration, configurationError, type ScenarioEntry } from './configuration';
import type { PredictedKernel } from './kernel-changes';
import type { Interval } from './verdict';

/** One network in one scenario, as a version predicts it. */
export interface Prediction {
  readonly id: string;
  readonly scenario: string;
  readonly network: { readonly id: string; readonly name: string };
  readonly version: {
    readonly id: string;
    readonly number: number;
    readonly predictor: { readonly name: string };
    readonly report: { readonly kernelKinds: readonly { readonly kind: string; readonly mape: number }[] } | null;
  };
  readonly latencyUs: number;
  readonly interval: Interval;
  readonly coverage: number;
  readonly kernels: readonly PredictedKernel[];
}

const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  id latencyUs interval { lowerUs upperUs level } coverage network { id name } scenario { name }
  version { id number predictor { name } report { kernelKinds { kind mape } } }
  kernels { kind fused ops reason latencyUs coverage } } } }`;

/** Of one call, by the service. */
const MAXIMUM_NETWORKS = 500;
const MAXIMUM_PREDICTIONS = 3000;

/** How each kind of target is said in PredictInput. */
const TARGETS = [
  ['scenarios', (entry: ScenarioEntry) => (entry.version || entry.pin ? undefined : entry.scenario)],
  ['versionIds', (entry: ScenarioEntry) => entry.version],
  ['pins', (entry: ScenarioEntry) => entry.pin],
] as const;

/** Every network in every scenario, by scenario and then by network id. @throws ServiceError */
export async function predict(
  client: Client,
  { file, scenarios }: Configuration,
  networkIds: readonly string[],
): Promise<Map<string, Map<string, Prediction>>> {
  const found = new Map(scenarios.map(({ scenario }) => [scenario, new Map<string, Prediction>()]));
  for (const [input, targetOf] of TARGETS) {
    const entries = scenarios.filter((entry) => targetOf(entry) !== undefined);
    if (entries.length === 0) continue;
    const targets = entries.map(targetOf);
    const atOnce = Math.min(MAXIMUM_NETWORKS, Math.max(1, Math.floor(MAXIMUM_PREDICTIONS / entries.length)));
    for (let start = 0; start < networkIds.length; start += atOnce) {
      const ids = networkIds.slice(start, start + atOnce);
      const predictions = await request(client, file, input, entries, { networkIds: ids, [input]: targets });
      predictions.forEach((prediction, i) => {
        const entry = entries[i % entries.length];
        if (prediction.scenario !== entry.scenario) {
          const message = `${entry.pin ?? entry.version} is a version of ${prediction.scenario}, not of ${entry.scenario}`;
          throw configurationError(file, entry, message, 'Give the scenario of the version.');
        }
        found.get(entry.scenario)!.set(prediction.network.id, prediction);
      });
    }
  }
  return found;
}

async function request(
  client: Client,
  file: string,
  target: string,
  entries: readonly ScenarioEntry[],
  input: object,
): Promise<Prediction[]> {
  type Answer = Omit<Prediction, 'scenario'> & { readonly scenario: { readonly name: string } };
  try {
    const { predict: answer } = await client.request<{ predict: { predictions: Answer[] } }>(PREDICT, { input });
    return answer.predictions.map(({ scenario, kernels, ...prediction }) => ({
      ...prediction,
      scenario: scenario.name,
      kernels: kernels.map((kernel) => ({ ...kernel, coverage: kernel.coverage.toLowerCase() })),
    }));
  } catch (error) {
    // What the service says of an argument is said of the line that it comes from.
    const where = error instanceof ServiceError ? error.failure.where : undefined;
    const [, position] = new RegExp(`^input\\.${target}\\[(\\d+)\\]`).exec(where ?? '') ?? [];
    if (!(error instanceof ServiceError) || !position) throw error;
    const { line, column } = entries[Number(position)];
    throw new ServiceError({ ...error.failure, where: `${file}:${line}:${column}` });
  }
}

/** What a check is recorded as. */
export interface RecordedRun {
  readonly repository: string;
  readonly configuration: string;
  readonly branch: string;
  readonly baseBranch?: string;
  readonly commit: string;
  readonly run: string;
  readonly url?: string;
  readonly baseId?: string;
  readonly verdict: string;
  readonly results: readonly object[];
}

/** Keeps the run, and answers its id. @throws ServiceError */
export async function record(client: Client, input: RecordedRun): Promise<string> {
  const { recordBudgetCheck } = await client.request<{ recordBudgetCheck: { check: { id: string } } }>(
    'mutation ($input: RecordBudgetCheckInput!) { recordBudgetCheck(input: $input) { check { id } } }',
    { input },
  );
  return recordBudgetCheck.check.id;
}
