/** Evaluation sets, their rows, and what versions were trained with and without. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound, sqlState, UNIQUE_VIOLATION } from '../errors';
import { enqueue } from '../jobs';
import { type Connection, PageArguments } from '../schema/connection';
import { Dataset, DatasetScenario } from '../schema/dataset';
import {
  CreateEvaluationSetInput,
  CreateEvaluationSetPayload,
  EvaluationSet,
  EvaluationSetConnection,
  EvaluationSetFilter,
  EvaluationSetRow,
  EvaluationSetRowConnection,
  PredictorVersionEvaluationSet,
  PredictorVersionNetwork,
  PredictorVersionNetworkConnection,
} from '../schema/evaluation-set';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';

/**
 * Names of the dataset's scenarios that have whole networks measured, and that whoever asks may see; those asked for, if
 * any are.
 * @throws NOT_FOUND, BAD_INPUT
 */
async function measuredScenarios(
  manager: EntityManager,
  dataset: Dataset,
  asked: readonly string[] | null | undefined,
): Promise<string[]> {
  const rows: { name: string }[] = await manager
    .createQueryBuilder(Scenario, 'scenario')
    .innerJoin(DatasetScenario, 'measured', 'measured.scenarioId = scenario.id AND measured.networkRows > 0')
    .where('measured.datasetId = :id', { id: dataset.id })
    .select('scenario.name', 'name')
    .getRawMany();
  const names = rows.map(({ name }) => name).sort();
  const missing = asked?.findIndex((name) => !names.includes(name)) ?? -1;
  if (missing >= 0) {
    const name = JSON.stringify(asked![missing].slice(0, 200));
    const message = `The dataset ${dataset.name} has no measurement of a whole network in the scenario ${name}.`;
    throw new CodedError('NOT_FOUND', message, `input.scenarios[${missing}]`, '`Dataset.scenarios` lists them.');
  }
  if (names.length > 0) return asked ? [...asked].sort() : names;
  const message = `The dataset ${dataset.name} has no measurement of a whole network.`;
  throw new CodedError('BAD_INPUT', message, 'input.datasetId', 'Name a dataset with end-to-end rows.');
}

@Resolver(() => EvaluationSet)
export class EvaluationSetResolver {
  @Query(() => EvaluationSetConnection)
  async evaluationSets(
    @Args() page: PageArguments,
    @Arg('filter', () => EvaluationSetFilter, { defaultValue: {} }) filter: EvaluationSetFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<EvaluationSet>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, EvaluationSet, page, given(filter)));
  }

  @Mutation(() => CreateEvaluationSetPayload, {
    description: 'Freezes measured networks of a dataset. The set becomes READY or REJECTED soon.',
  })
  async createEvaluationSet(
    @Arg('input') input: CreateEvaluationSetInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateEvaluationSetPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const { teamId } = session;
    const datasetId = rowId(Dataset, input.datasetId, 'input.datasetId');
    const id = newId();
    const make = async (manager: EntityManager): Promise<CreateEvaluationSetPayload> => {
      const dataset = await manager.findOneBy(Dataset, { id: datasetId });
      if (!dataset) throw notFound('Dataset', input.datasetId);
      if (dataset.status !== 'READY') {
        const message = `The dataset ${dataset.name} is ${dataset.status}, not READY.`;
        throw new CodedError('CONFLICT', message, 'input.datasetId');
      }
      const scenarioNames = await measuredScenarios(manager, dataset, input.scenarios);
      const { name, networks: networkNames } = input;
      await manager.insert(EvaluationSet, { id, teamId, datasetId, name, networkNames, scenarioNames });
      await enqueue(manager, 'createEvaluationSet', { teamId, evaluationSetId: id });
      const details = { name, dataset: dataset.name, networks: networkNames?.length, scenarios: scenarioNames.length };
      await recordChange(manager, session, 'createEvaluationSet', { type: 'EvaluationSet', id }, details);
      return { evaluationSet: await manager.findOneByOrFail(EvaluationSet, { id }) };
    };
    try {
      return await context.tenancy.inTeam(session, make);
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      const message = `There is an evaluation set ${input.name} already.`;
      throw new CodedError('CONFLICT', message, 'input.name', 'Sets never change: choose another name.', error);
    }
  }

  @FieldResolver(() => Dataset)
  async dataset(@Root() set: EvaluationSet, @Ctx() context: RequestContext): Promise<Dataset> {
    const session = authorize(context.session, 'DATASET_READ');
    return loadById(context, session, Dataset, set.datasetId);
  }

  @FieldResolver(() => EvaluationSetRowConnection, { description: 'Its measurements.' })
  async rows(
    @Root() set: EvaluationSet,
    @Args() page: PageArguments,
    @Ctx() context: RequestContext,
  ): Promise<Connection<EvaluationSetRow>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const where = { evaluationSetId: set.id };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, EvaluationSetRow, page, where));
  }

  @FieldResolver(() => [Scenario], { description: 'Scenarios that it has measurements of.' })
  async scenarios(@Root() set: EvaluationSet, @Ctx() context: RequestContext): Promise<Scenario[]> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return context.tenancy.inTeam(session, (manager) =>
      manager
        .createQueryBuilder(Scenario, 'scenario')
        .where(
          (query) =>
            `EXISTS ${query
              .subQuery()
              .select('1')
              .from(EvaluationSetRow, 'row')
              .where('row.evaluationSetId = :id AND row.scenarioId = scenario.id', { id: set.id })
              .getQuery()}`,
        )
        .orderBy('scenario.name')
        .getMany(),
    );
  }
}

@Resolver(() => EvaluationSetRow)
export class EvaluationSetRowResolver {
  @FieldResolver(() => Network)
  async network(@Root() row: EvaluationSetRow, @Ctx() context: RequestContext): Promise<Network> {
    const session = authorize(context.session, 'NETWORK_READ');
    return loadById(context, session, Network, row.networkId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() row: EvaluationSetRow, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, row.scenarioId);
  }
}

/** What a version was trained with and without. */
@Resolver(() => PredictorVersion)
export class TrainedNetworksResolver {
  @FieldResolver(() => [EvaluationSet], { description: 'Sets whose networks it was trained without.' })
  async evaluationSets(@Root() version: PredictorVersion, @Ctx() context: RequestContext): Promise<EvaluationSet[]> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return context.tenancy.inTeam(session, (manager) =>
      manager
        .createQueryBuilder(EvaluationSet, 'evaluation_set')
        .innerJoin(PredictorVersionEvaluationSet, 'link', 'link.evaluationSetId = evaluation_set.id')
        .where('link.predictorVersionId = :id', { id: version.id })
        .orderBy('evaluation_set.id')
        .getMany(),
    );
  }

  @FieldResolver(() => PredictorVersionNetworkConnection, {
    description: 'Networks it was trained on, when READY; none in versions of before this was kept.',
  })
  async trainedNetworks(
    @Root() version: PredictorVersion,
    @Args() page: PageArguments,
    @Ctx() context: RequestContext,
  ): Promise<Connection<PredictorVersionNetwork>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const where = { predictorVersionId: version.id };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, PredictorVersionNetwork, page, where));
  }
}
