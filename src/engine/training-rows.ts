/**
 * What one training learns from: the rows of one scenario, joined with the kernel plans of their networks.
 * Rows that cannot be used are dropped with a sentence that says why; none is guessed at.
 */

import { alignKernels } from './alignment';
import { EngineError } from './errors';
import { deriveFeatures, FEATURE_NAMES, featurize, type KernelFeatures } from './features';
import type { Graph } from './graph';
import { groupBy, sortedByName } from './grouping';
import { type KernelPlan, planKernels } from './plan';
import { type KernelMeasurement, type NetworkMeasurement, type Profile, parseScenario } from './profile';
import { resolveRuntime, runtimeOfScenario } from './runtimes/registry';

/** A network whose kernels are known. */
export interface PlannedNetwork {
  readonly name: string;
  /** In the plan's order. */
  readonly kernels: readonly { readonly kind: string }[];
  /** In the same order. */
  readonly features: readonly KernelFeatures[];
  /** Measured end to end, microseconds; absent if only its kernels were measured. */
  readonly latencyUs?: number;
  /** Standard deviation over latency of the end-to-end measurement. */
  readonly relativeDeviation?: number;
}

/** A network with a measured end-to-end latency. */
export type MeasuredNetwork = PlannedNetwork & { readonly latencyUs: number };

export function isMeasured(network: PlannedNetwork): network is MeasuredNetwork {
  return network.latencyUs !== undefined;
}

/** A measured kernel. */
export interface KernelRow {
  readonly network: string;
  readonly kind: string;
  readonly features: KernelFeatures;
  readonly latencyUs: number;
}

/** A kernel with what a predictor sees of it, planned or measured. */
export interface FeaturedKernel {
  readonly kind: string;
  readonly features: KernelFeatures;
}

/** All kernels of networks, in their plans' order. */
export function plannedKernels(networks: readonly PlannedNetwork[]): FeaturedKernel[] {
  return networks.flatMap(({ kernels, features }) => kernels.map(({ kind }, i) => ({ kind, features: features[i] })));
}

/** Features of kernels by kind, kinds in order of name. */
export function featuresByKind(kernels: readonly FeaturedKernel[]): Map<string, KernelFeatures[]> {
  const kinds = sortedByName(groupBy(kernels, ({ kind }) => kind));
  return new Map(kinds.map(([kind, ofKind]) => [kind, ofKind.map(({ features }) => features)]));
}

/** Networks from which on a scenario's own rows say more than those of other scenarios. */
const ENOUGH_NETWORKS = 40;
/** Networks that another scenario must have to be borrowed from. */
const FEWEST_SIBLING_NETWORKS = 10;

export interface TrainingRows {
  readonly runtime: string;
  readonly networks: readonly PlannedNetwork[];
  readonly kernels: readonly KernelRow[];
  /** Measured networks of each other scenario of the same rules and number type; none if the scenario has enough itself. */
  readonly siblings: readonly (readonly MeasuredNetwork[])[];
  readonly dropped: readonly string[];
}

/**
 * Gathers the rows of a scenario.
 *
 * @param gpu the device's GPU, where the runtime's rules need it and the device is not a known one
 * @throws EngineError INSUFFICIENT_DATA if the profiles have no row of the scenario
 */
export function gatherTrainingRows(
  scenario: string,
  profiles: readonly Profile[],
  graphs: ReadonlyMap<string, Graph>,
  gpu?: string,
): TrainingRows {
  const runtime = runtimeName(scenario, gpu);
  const endToEnd = profiles.flatMap(({ networks }) => networks.filter((row) => row.scenario === scenario));
  const measured = profiles.flatMap(({ kernels }) => kernels.filter((row) => row.scenario === scenario));
  if (endToEnd.length + measured.length === 0) {
    const known = [
      ...new Set(profiles.flatMap(({ networks, kernels }) => [...networks, ...kernels].map((row) => row.scenario))),
    ].sort();
    throw new EngineError(
      'INSUFFICIENT_DATA',
      `the profiles have no row of scenario ${scenario}`,
      scenario,
      `Scenarios in them: ${known.slice(0, 20).join(', ')}${known.length > 20 ? `, and ${known.length - 20} more` : ''}.`,
    );
  }
  const dropped: string[] = [];
  const planned = planNetworks(runtime, endToEnd, measured, graphs, dropped);
  const kernels = plannedKinds(joinKernels(measured, planned, dropped), planned, runtime, dropped);
  const networks = planned.map(withoutPlan);
  const measuredNetworks = networks.filter(isMeasured).length;
  const siblings =
    measuredNetworks < ENOUGH_NETWORKS ? gatherSiblings(scenario, runtime, profiles, graphs, planned) : [];
  return { runtime, networks, kernels, siblings, dropped };
}

/** The rules that plan a scenario's kernels, with version. */
function runtimeName(scenario: string, gpu?: string): string {
  return resolveRuntime(runtimeOfScenario(scenario, gpu)).name;
}

/** End-to-end rows of the scenarios whose kernels and number type are the same. */
function gatherSiblings(
  scenario: string,
  runtime: string,
  profiles: readonly Profile[],
  graphs: ReadonlyMap<string, Graph>,
  planned: readonly NetworkWithPlan[],
): MeasuredNetwork[][] {
  const { type } = parseScenario(scenario);
  const measured = profiles
    .flatMap(({ networks }) => networks)
    .filter((row) => row.scenario !== scenario && parseScenario(row.scenario).type === type && graphs.has(row.network));
  const known = new Map(planned.map((network) => [network.name, withoutPlan(network)]));
  const plannedNetwork = (name: string): PlannedNetwork => {
    const network = known.get(name) ?? withoutPlan(planNetwork(name, graphs.get(name)!, runtime));
    known.set(name, network);
    return network;
  };
  return [...groupBy(measured, (row) => row.scenario)]
    .map(([name, rows]) => ({ name, networks: groupBy(rows, ({ network }) => network) }))
    .filter(({ name, networks }) => networks.size >= FEWEST_SIBLING_NETWORKS && hasRuntime(name, runtime))
    .map(({ networks }) =>
      [...networks].map(([name, rows]): MeasuredNetwork => ({ ...plannedNetwork(name), ...averaged(rows) })),
    );
}

/** Whether a scenario's kernels are planned by the same rules; false too for those that need a GPU's name. */
function hasRuntime(scenario: string, runtime: string): boolean {
  try {
    return runtimeName(scenario) === runtime;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

function planNetwork(name: string, graph: Graph, runtime: string): NetworkWithPlan {
  const plan = planKernels(graph, runtime);
  return { name, plan, features: featurize(plan) };
}

/** Plans stay behind: rows may go to other threads, and learners need no more of a kernel than its kind. */
function withoutPlan({ plan, ...network }: NetworkWithPlan): PlannedNetwork {
  return { ...network, kernels: plan.kernels.map(({ kind }) => ({ kind })) };
}

interface NetworkWithPlan extends Omit<PlannedNetwork, 'kernels'> {
  readonly plan: KernelPlan;
}

function planNetworks(
  runtime: string,
  endToEnd: readonly NetworkMeasurement[],
  measured: readonly KernelMeasurement[],
  graphs: ReadonlyMap<string, Graph>,
  dropped: string[],
): NetworkWithPlan[] {
  const ofNetwork = groupBy(endToEnd, ({ network }) => network);
  const names = new Set([...measured, ...endToEnd].map(({ network }) => network));
  const planned: NetworkWithPlan[] = [];
  const missing: string[] = [];
  for (const name of [...names].sort()) {
    const measurements = ofNetwork.get(name) ?? [];
    const graph = graphs.get(name);
    if (!graph) {
      if (measurements.length > 0) missing.push(name);
      continue;
    }
    const measurement = measurements.length > 0 ? averaged(measurements) : {};
    planned.push({ ...planNetwork(name, graph, runtime), ...measurement });
  }
  if (missing.length > 0) {
    dropped.push(`End-to-end rows of ${missing.length} networks without a graph: ${listed(missing)}.`);
  }
  return planned;
}

/** Mean over repeated measurements of one network (of several datasets, or under several harnesses). */
function averaged(rows: readonly NetworkMeasurement[]): Pick<MeasuredNetwork, 'latencyUs' | 'relativeDeviation'> {
  const latencyUs = rows.reduce((sum, row) => sum + row.latencyUs, 0) / rows.length;
  const known = rows.filter((row) => row.deviationUs !== undefined);
  const relativeDeviation =
    known.length > 0 ? known.reduce((sum, row) => sum + row.deviationUs! / row.latencyUs, 0) / known.length : undefined;
  return { latencyUs, relativeDeviation };
}

/** Kernel rows with full features: those that the row carries, or else those of the kernel of the plan that it is. */
function joinKernels(
  measured: readonly KernelMeasurement[],
  networks: readonly NetworkWithPlan[],
  dropped: string[],
): KernelRow[] {
  const rows: KernelRow[] = [];
  const incomplete: KernelMeasurement[] = [];
  for (const row of measured) {
    const features = deriveFeatures({ fusedOps: row.fused.length, ...row.features });
    if (isComplete(features)) {
      rows.push({ network: row.network, kind: row.kind, features, latencyUs: row.latencyUs });
    } else incomplete.push(row);
  }
  const planned = new Map(networks.map((network) => [network.name, network]));
  const unmatched = new Map<string, number>();
  for (const [name, ofNetwork] of groupBy(incomplete, ({ network }) => network)) {
    const network = planned.get(name);
    const positions = network ? alignKernels(network.plan, ofNetwork) : ofNetwork.map(() => undefined);
    ofNetwork.forEach(({ kind, latencyUs }, i) => {
      const position = positions[i];
      if (position === undefined) unmatched.set(name, (unmatched.get(name) ?? 0) + 1);
      else rows.push({ network: name, kind, features: network!.features[position], latencyUs });
    });
  }
  if (unmatched.size > 0) {
    const total = [...unmatched.values()].reduce((sum, count) => sum + count, 0);
    const names = [...unmatched].map(([name, count]) => `${name} (${count})`);
    dropped.push(
      `${total} kernel rows whose features are incomplete and that no kernel of the network's plan explains: ${listed(names)}.`,
    );
  }
  return rows;
}

function isComplete(features: Partial<KernelFeatures>): features is KernelFeatures {
  return FEATURE_NAMES.every((name) => Number.isFinite(features[name]));
}

/** The first few of many names. */
function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

/** Rows of kinds that the runtime's plans know: no plan would ever ask a model of another kind. */
function plannedKinds(
  rows: KernelRow[],
  networks: readonly NetworkWithPlan[],
  runtime: string,
  dropped: string[],
): KernelRow[] {
  if (networks.length === 0) return rows;
  const kinds = new Set(networks.flatMap(({ plan }) => plan.kernels.map(({ kind }) => kind)));
  const unknown = new Map<string, number>();
  const known = rows.filter(({ kind }) => kinds.has(kind) || void unknown.set(kind, (unknown.get(kind) ?? 0) + 1));
  if (unknown.size > 0) {
    const counts = [...unknown].sort().map(([kind, count]) => `${kind} (${count})`);
    dropped.push(`Kernel rows of kinds that the plans of runtime ${runtime} do not have: ${counts.join(', ')}.`);
  }
  return known;
}
