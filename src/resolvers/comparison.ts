/** Comparisons: two versions on an evaluation set, networks over scenarios, and the plans of two runtimes. */
import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import { type EntityManager, In } from 'typeorm';
import { compareColumns, compareVersions, differencesOf, type EvaluatedNetwork, type VersionFacts } from '../engine';
import { CodedError } from '../errors';
import { Comparison } from '../schema/comparison';
import {
  ComparePlansInput,
  CompareScenariosInput,
  CompareVersionsInput,
  PlansComparison,
  ScenariosComparison,
} from '../schema/comparison-inputs';
import type { TrainedNetworks } from '../schema/enums';
import { PredictorVersionNetwork } from '../schema/evaluation-set';
import type { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize, type TeamSession } from '../tenancy';
import type { RequestContext } from './context';
import { type EvaluatedRow, type RowsRequest, readEvaluatedRows, withoutTrained } from './evaluated-rows';
import { readyEvaluationSets } from './held-out';
import { readyNetworks } from './ready-networks';
import { readyVersion, versionForScenario } from './version-choice';

/** Networks times columns of one comparison of scenarios. */
const MAXIMUM_PREDICTIONS = 3000;

/** Two versions and what they are compared on; both READY and of the session's team. */
export interface ComparisonRequest extends RowsRequest {
  readonly onTrainedNetworks: TrainedNetworks;
  readonly seed: number;
}

/**
 * Compares two versions on an evaluation set. No transaction is open while the object store and onnxruntime work.
 * @throws CodedError CONFLICT if a version was trained on networks of the set (or nobody knows), BAD_INPUT if the set has
 *   no measurement of the scenarios; StorageError; EngineError
 */
export async function compareOnSet(
  context: Pick<RequestContext, 'tenancy' | 'serving'>,
  session: TeamSession,
  request: ComparisonRequest,
): Promise<Comparison> {
  const { versionA, versionB, evaluationSet, onTrainedNetworks, seed } = request;
  const { rows, leftOut, facts } = await context.tenancy.inTeam(session, async (manager) => {
    const all = await readEvaluatedRows(manager, request);
    return {
      ...(await withoutTrained(manager, all, [versionA, versionB], onTrainedNetworks)),
      facts: [await factsOf(manager, versionA), await factsOf(manager, versionB)] as const,
    };
  });
  const [a, b] = [await evaluate(context, versionA, rows), await evaluate(context, versionB, rows)];
  const evaluated = rows.map(
    ({ network, scenario, latencyUs: measuredUs, kinds }): EvaluatedNetwork => ({
      network: network.name,
      scenario,
      measuredUs,
      kinds,
      a: a.get(network.id)!,
      b: b.get(network.id)!,
    }),
  );
  const compared = compareVersions(evaluated, { seed });
  const versionDifferences = differencesOf(...facts);
  return { ...compared, versionA, versionB, evaluationSet, leftOut, versionDifferences };
}

async function scenarioNames(
  manager: EntityManager,
  versions: readonly PredictorVersion[],
): Promise<Map<string, string>> {
  const scenarios = await manager.findBy(Scenario, { id: In(versions.map(({ scenarioId }) => scenarioId)) });
  return new Map(scenarios.map(({ id, name }) => [id, name]));
}

/** Predictions of each network, by its row id: one of several scenarios is predicted once. */
async function evaluate(
  { serving }: Pick<RequestContext, 'serving'>,
  version: PredictorVersion,
  rows: readonly EvaluatedRow[],
) {
  const networks = [...new Map(rows.map(({ network }) => [network.id, network])).values()];
  const graphs = await Promise.all(networks.map((network) => serving.graph(network)));
  const predictions = await serving.evaluate(version, graphs);
  return new Map(networks.map(({ id }, i) => [id, predictions[i]]));
}

/** What is said of a version besides its predictions. */
async function factsOf(manager: EntityManager, version: PredictorVersion): Promise<VersionFacts> {
  const { id: predictorVersionId, report, learner, seed, searchedSettings } = version;
  const networks = await manager.find(PredictorVersionNetwork, {
    where: { predictorVersionId },
    select: { name: true },
  });
  const { datasets, sources, runtime, engineVersion, harnesses, composition, kernelRows } = report!;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  return {
    datasets,
    networks: networks.map(({ name }) => name),
    settings: {
      rules: runtime,
      engine: engineVersion,
      learner,
      seed: String(seed),
      'searched settings': String(searchedSettings),
      sources: sources.map(({ name, share }) => `${name} ${percent(share)}`).join(', '),
      'chosen learners': chosenLearners(sources),
      'kernel rows': String(kernelRows),
      composition: `${composition.kernelFactor.toFixed(3)} x kernels + ${composition.perKernelUs.toFixed(1)} us each + ${composition.fixedUs.toFixed(0)} us`,
      harnesses: harnesses.map((harness) => JSON.stringify(harness)).join(', '),
    },
  };
}

function chosenLearners(sources: NonNullable<PredictorVersion['report']>['sources']): string {
  return sources
    .flatMap(({ choices }) => choices.map(({ kind, chosen }) => `${kind ?? 'all kinds'}: ${chosen.learner}`))
    .join(', ');
}

@Resolver()
export class ComparisonResolver {
  @Query(() => Comparison, { description: 'Two versions on the same frozen networks: which is better, and where.' })
  async compareVersions(
    @Arg('input') input: CompareVersionsInput,
    @Ctx() context: RequestContext,
  ): Promise<Comparison> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const found = await context.tenancy.inTeam(session, async (manager) => {
      const [evaluationSet] = await readyEvaluationSets(manager, [input.evaluationSetId], 'input.evaluationSetId');
      return {
        versionA: await readyVersion(manager, input.versionAId, 'input.versionAId'),
        versionB: await readyVersion(manager, input.versionBId, 'input.versionBId'),
        evaluationSet,
      };
    });
    const { scenarios, onTrainedNetworks, seed } = input;
    return compareOnSet(context, session, { ...found, scenarios, onTrainedNetworks, seed });
  }

  @Query(() => ScenariosComparison, {
    description: 'Networks side by side over scenarios and versions, with their orders.',
  })
  async compareScenarios(
    @Arg('input') input: CompareScenariosInput,
    @Ctx() context: RequestContext,
  ): Promise<ScenariosComparison> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const scenarios = input.scenarios ?? [];
    const versionIds = input.versionIds ?? [];
    const amount = input.networkIds.length * (scenarios.length + versionIds.length);
    if (amount === 0 || amount > MAXIMUM_PREDICTIONS) {
      const message = `This asks for ${amount} predictions (networks times scenarios and versions), expected 1 to ${MAXIMUM_PREDICTIONS}.`;
      throw new CodedError('BAD_INPUT', message, 'input', 'Name at least one scenario or version, and fewer networks.');
    }
    const { networks, versions, names } = await context.tenancy.inTeam(session, async (manager) => {
      const found: PredictorVersion[] = [];
      for (const [i, name] of scenarios.entries())
        found.push(await versionForScenario(manager, name, `input.scenarios[${i}]`));
      for (const [i, id] of versionIds.entries()) found.push(await readyVersion(manager, id, `input.versionIds[${i}]`));
      return {
        networks: await readyNetworks(manager, input.networkIds),
        versions: found,
        names: await scenarioNames(manager, found),
      };
    });
    const graphs = await Promise.all(networks.map((network) => context.serving.graph(network)));
    const predicted = await Promise.all(versions.map((version) => context.serving.predict(version, graphs)));
    const { orders, agreements } = compareColumns(
      predicted.map((column) => ({ latenciesUs: column.map(({ latencyUs }) => latencyUs) })),
    );
    const columns = versions.map((version, v) => ({
      scenario: names.get(version.scenarioId)!,
      version,
      latencies: orders[v].map((network, rank) => {
        const { latencyUs, interval, coverage } = predicted[v][network];
        const { lowerUs, upperUs } = interval;
        return { network: networks[network].name, latencyUs, lowerUs, upperUs, coverage, rank: rank + 1 };
      }),
    }));
    return { columns, agreements };
  }

  @Query(() => PlansComparison, {
    description: 'Which kernels two runtimes, or two versions of the rules of one, launch for a network.',
  })
  async comparePlans(@Arg('input') input: ComparePlansInput, @Ctx() context: RequestContext): Promise<PlansComparison> {
    const session = authorize(context.session, 'NETWORK_READ');
    const [network] = await context.tenancy.inTeam(session, (manager) =>
      readyNetworks(manager, [input.networkId], () => 'input.networkId'),
    );
    return context.serving.comparePlans(network, input.runtimeA, input.runtimeB);
  }
}
