/** Measure these next: reads graphs and what was measured, writes nothing. */
import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import { type EntityManager, type FindOptionsWhere, In, Not } from 'typeorm';
import { measureNext, runtimeOfScenario } from '../engine';
import { CodedError } from '../errors';
import { PredictorVersionNetwork } from '../schema/evaluation-set';
import { MAXIMUM_CANDIDATES, MeasureNext, MeasureNextInput } from '../schema/measure-next';
import { MeasuredLatency } from '../schema/measurement';
import { Network } from '../schema/network';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { readyNetworks } from './ready-networks';
import { readyVersion } from './version-choice';

/** For what networks are to be measured. */
interface Target {
  readonly runtime: string;
  /** Row id; absent if the team has nothing of the scenario. */
  readonly scenarioId?: string;
}

/** @throws NOT_FOUND, CONFLICT, BAD_INPUT unless either is given; EngineError UNKNOWN_NAME */
async function targetOf(manager: EntityManager, { scenario, versionId }: MeasureNextInput): Promise<Target> {
  if (versionId && !scenario) {
    const version = await readyVersion(manager, versionId, 'input.versionId');
    return { runtime: version.report!.runtime, scenarioId: version.scenarioId };
  }
  if (scenario && !versionId) {
    const known = await manager.findOneBy(Scenario, { name: scenario });
    return { runtime: runtimeOfScenario(scenario), scenarioId: known?.id };
  }
  const given = scenario ? 'Both a scenario and a version are' : 'Neither a scenario nor a version is';
  throw new CodedError('BAD_INPUT', `${given} given.`, 'input', 'Give one of `scenario` and `versionId`.');
}

/** Names and ids of the networks that versions of the scenario were trained on, or whose latency was reported. */
async function measuredIn(manager: EntityManager, scenarioId: string | undefined) {
  if (scenarioId === undefined) return { names: new Set<string>(), ids: new Set<string>() };
  const versions = await manager.find(PredictorVersion, {
    where: { scenarioId, status: 'READY' },
    select: { id: true },
  });
  const trained = await manager
    .createQueryBuilder(PredictorVersionNetwork, 'trained')
    .select('DISTINCT trained.name', 'name')
    .where('trained.predictor_version_id = ANY(:ids)', { ids: versions.map(({ id }) => id) })
    .getRawMany<{ name: string }>();
  const reported = await manager
    .createQueryBuilder(MeasuredLatency, 'reported')
    .select('DISTINCT reported.network_id', 'id')
    .where('reported.scenario_id = :scenarioId', { scenarioId })
    .getRawMany<{ id: string }>();
  return { names: new Set(trained.map(({ name }) => name)), ids: new Set(reported.map(({ id }) => id)) };
}

/** The newest READY networks that `where` names, each name once; MAXIMUM_CANDIDATES and one more at most. */
async function newestNetworks(
  manager: EntityManager,
  alternatives: readonly FindOptionsWhere<Network>[],
): Promise<Network[]> {
  const rows = await manager.find(Network, {
    where: alternatives.map((alternative) => ({ ...alternative, status: 'READY' })),
    order: { id: 'DESC' },
    take: MAXIMUM_CANDIDATES + 1,
  });
  return [...new Map(rows.reverse().map((network) => [network.name, network])).values()];
}

@Resolver(() => MeasureNext)
export class MeasureNextResolver {
  @Query(() => MeasureNext, {
    description: 'The networks whose measurement would teach a predictor of a scenario most, with the reasons.',
    complexity: 20,
  })
  async measureNext(@Arg('input') input: MeasureNextInput, @Ctx() context: RequestContext): Promise<MeasureNext> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const { tenancy, serving } = context;
    const { runtime, candidates, measured } = await tenancy.inTeam(session, async (manager) => {
      const target = await targetOf(manager, input);
      const { names, ids } = await measuredIn(manager, target.scenarioId);
      const isKnown = ({ name, id }: Network) => names.has(name) || ids.has(id);
      const open = input.networkIds
        ? await readyNetworks(manager, input.networkIds)
        : await newestNetworks(manager, [{ name: Not(In([...names])), id: Not(In([...ids])) }]);
      const known = await newestNetworks(manager, [{ name: In([...names]) }, { id: In([...ids]) }]);
      return { runtime: target.runtime, candidates: open.filter((network) => !isKnown(network)), measured: known };
    });
    if (candidates.length + measured.length > MAXIMUM_CANDIDATES) {
      throw new CodedError(
        'LIMIT_EXCEEDED',
        `There are more than ${MAXIMUM_CANDIDATES} networks, candidates and measured ones together.`,
        'input.networkIds',
        'Name fewer candidates, or use the command measure-next, which works on files.',
      );
    }
    const graphsOf = (networks: readonly Network[]) => Promise.all(networks.map((network) => serving.graph(network)));
    const [open, known] = [await graphsOf(candidates), await graphsOf(measured)];
    const answer = measureNext({ runtime, candidates: open, measured: known, count: input.count });
    const networks = answer.networks.map(({ candidate, ...next }) => ({ ...next, network: candidates[candidate] }));
    return { ...answer, networks };
  }
}
