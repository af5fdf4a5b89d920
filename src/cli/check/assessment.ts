/**
 * Predictions against budgets and against the base: the result of a check. Pure, but for what it is given; the same
 * result is what all reports show.
 */
import picomatch from 'picomatch';
import { type Base, type BaseResult, baseKey } from './base';
import { type BudgetEntry, type Configuration, configurationError, type Position } from './configuration';
import { compareKernels, describeChanges, type KernelChange } from './kernel-changes';
import type { UploadedModel } from './models';
import type { Prediction } from './service';
import {
  changeByIntervals,
  changeByKernels,
  type Interval,
  judge,
  type RelativeChange,
  type Verdict,
  worst,
} from './verdict';

/** One budget of one network in one scenario. Either is null where it does not apply. */
export interface BudgetVerdict extends Position {
  readonly kind: 'latency' | 'regression';
  readonly verdict: Verdict;
  /** Microseconds of a latency, percent of a regression. */
  readonly budget: number;
}

export interface CheckResult {
  readonly network: string;
  readonly networkId: string;
  readonly file: string;
  readonly scenario: string;
  readonly version: { readonly id: string; readonly number: number; readonly predictor: string };
  readonly predictionId: string;
  readonly latencyUs: number;
  readonly interval: Interval;
  /** Share of the latency from kernels inside what training saw, 0 to 1. */
  readonly coverage: number;
  /** Null where no budget applies. */
  readonly verdict: Verdict | null;
  readonly budgets: readonly BudgetVerdict[];
  /** Null where there is no base, or no such network in it. */
  readonly base: { readonly latencyUs: number; readonly recordedLatencyUs: number; readonly versionId: string } | null;
  readonly change: RelativeChange | null;
  readonly kernelChanges: readonly KernelChange[];
}

/** Predictions by scenario and network id. */
export type Predictions = ReadonlyMap<string, ReadonlyMap<string, Prediction>>;

interface Limits {
  readonly latency?: { readonly budget: number; readonly entry: BudgetEntry };
  readonly regression?: { readonly budget: number; readonly entry: BudgetEntry };
}

/** The last budget that says something counts, for latency and for regression by itself. */
function limitsFor(budgets: readonly MatchingBudget[], network: string, scenario: string): Limits {
  let limits: Limits = {};
  for (const { entry, matches } of budgets) {
    if (!matches(network, scenario)) continue;
    const { latency, regression } = entry;
    if (latency !== undefined) limits = { ...limits, latency: { budget: latency, entry } };
    if (regression !== undefined) limits = { ...limits, regression: { budget: regression, entry } };
  }
  return limits;
}

interface MatchingBudget {
  readonly entry: BudgetEntry;
  readonly matches: (network: string, scenario: string) => boolean;
}

/** Budgets with their patterns. @throws ServiceError BAD_INPUT for one that nothing matches: it would guard nothing */
export function matchBudgets(configuration: Configuration, networks: readonly string[]): MatchingBudget[] {
  const scenarios = configuration.scenarios.map(({ scenario }) => scenario);
  return configuration.budgets.map((entry) => {
    const isNetwork = picomatch(entry.networks);
    const isScenario = picomatch(entry.scenarios);
    for (const [what, names, matches] of [
      ['network', networks, isNetwork],
      ['scenario', scenarios, isScenario],
    ] as const) {
      if (names.some((name) => matches(name))) continue;
      const patterns = entry[`${what}s`].join(', ');
      throw configurationError(
        configuration.file,
        entry,
        `this budget matches no ${what}: ${patterns}`,
        `There are: ${names.join(', ')}.`,
      );
    }
    return { entry, matches: (network, scenario) => isNetwork(network) && isScenario(scenario) };
  });
}

export interface Assessed {
  readonly configuration: Configuration;
  readonly models: readonly UploadedModel[];
  readonly budgets: readonly MatchingBudget[];
  readonly heads: Predictions;
  readonly base?: Base;
  /** The base's networks under the versions of today; empty if the service does not have them. */
  readonly bases: Predictions;
  /** What a regression budget is judged as where there is no base. */
  readonly withoutBase?: Verdict;
}

/** Every network in every scenario, by network and then in the order of the configuration. */
export function assess(assessed: Assessed): CheckResult[] {
  const { configuration, models, budgets } = assessed;
  return models.flatMap((model) =>
    configuration.scenarios.map(({ scenario }) =>
      assessOne(assessed, model, scenario, limitsFor(budgets, model.name, scenario)),
    ),
  );
}

function assessOne(
  { heads, base, bases, withoutBase }: Assessed,
  model: UploadedModel,
  scenario: string,
  limits: Limits,
): CheckResult {
  const head = heads.get(scenario)!.get(model.networkId)!;
  const known = base?.results.get(baseKey(model.name, scenario));
  // The same bytes: nothing changed, whatever version predicted them then.
  const isSame = known?.networkId === model.networkId;
  const compared = known && compare(head, known, isSame ? head : bases.get(scenario)?.get(known.networkId));
  const budgets = judgeBudgets(head, limits, compared?.change, withoutBase);
  const { version } = head;
  return {
    network: model.name,
    networkId: model.networkId,
    file: model.file,
    scenario,
    version: { id: version.id, number: version.number, predictor: version.predictor.name },
    predictionId: head.id,
    latencyUs: head.latencyUs,
    interval: head.interval,
    coverage: head.coverage,
    verdict: worst(budgets.map(({ verdict }) => verdict)) ?? null,
    budgets,
    base: compared?.base ?? null,
    change: compared?.change ?? null,
    kernelChanges: compared?.kernelChanges ?? [],
  };
}

function judgeBudgets(
  head: Prediction,
  { latency, regression }: Limits,
  change: RelativeChange | undefined,
  withoutBase?: Verdict,
) {
  const budgets: BudgetVerdict[] = [];
  if (latency) {
    const { line, column } = latency.entry;
    const verdict = judge(head.interval.lowerUs, head.interval.upperUs, latency.budget);
    budgets.push({ kind: 'latency', verdict, budget: latency.budget, line, column });
  }
  if (regression) {
    const { line, column } = regression.entry;
    const verdict = change ? judge(change.lowerPercent, change.upperPercent, regression.budget) : withoutBase;
    if (verdict) budgets.push({ kind: 'regression', verdict, budget: regression.budget, line, column });
  }
  return budgets;
}

/** @param again the base's network under the version of today, if the service still has the network */
function compare(head: Prediction, known: BaseResult, again: Prediction | undefined) {
  const differences = again ? compareKernels(again.kernels, head.kernels) : [];
  const kindErrors = new Map(head.version.report?.kernelKinds.map(({ kind, mape }) => [kind, mape]));
  return {
    base: {
      latencyUs: again?.latencyUs ?? known.latencyUs,
      recordedLatencyUs: known.latencyUs,
      versionId: known.versionId,
    },
    change: again ? changeByKernels(again, head, differences, kindErrors) : changeByIntervals(known, head),
    kernelChanges: describeChanges(differences),
  };
}
