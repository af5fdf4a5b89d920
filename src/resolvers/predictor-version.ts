/** Predictor versions: training, cancelling, following. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import { type EntityManager, In } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { enqueue } from '../jobs';
import { notify } from '../notifications';
import { checkQuotas } from '../quotas';
import { type Connection, PageArguments } from '../schema/connection';
import { Dataset, DatasetScenario } from '../schema/dataset';
import { newId } from '../schema/node';
import { Predictor } from '../schema/predictor';
import {
  CancelTrainingInput,
  CancelTrainingPayload,
  PredictorVersion,
  PredictorVersionConnection,
  PredictorVersionDataset,
  PredictorVersionFilter,
  TrainingProgress,
  TrainPredictorInput,
  TrainPredictorPayload,
} from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize, type TeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { holdOut, readyEvaluationSets } from './held-out';
import { given, readPage } from './pages';
import { followTraining } from './training-progress';

/** Row id of the scenario that the team knows by this name. @throws NOT_FOUND */
export async function scenarioIdNamed(manager: EntityManager, name: string, argument: string): Promise<string> {
  const scenario = await manager.findOneBy(Scenario, { name });
  if (scenario) return scenario.id;
  throw new CodedError(
    'NOT_FOUND',
    `No dataset of this team names the scenario ${JSON.stringify(name.slice(0, 200))}.`,
    argument,
    '`scenarios` lists the names; a new one comes with a dataset that has measurements of it.',
  );
}

/**
 * The datasets, which are READY; one at least measures the scenario, the others it or scenarios that it may borrow from.
 * @throws NOT_FOUND, CONFLICT, BAD_INPUT
 */
async function checkDatasets(manager: EntityManager, ids: string[], scenarioId: string): Promise<void> {
  const datasets = new Map((await manager.findBy(Dataset, { id: In(ids) })).map((row) => [row.id, row]));
  const { runtime, type } = await manager.findOneByOrFail(Scenario, { id: scenarioId });
  const related = new Set((await manager.findBy(Scenario, { runtime, type })).map(({ id }) => id));
  const measured = await manager.findBy(DatasetScenario, { datasetId: In(ids), scenarioId: In([...related]) });
  const covers = new Set(measured.map(({ datasetId }) => datasetId));
  for (const [i, id] of ids.entries()) {
    const where = `input.datasetIds[${i}]`;
    const dataset = datasets.get(id);
    if (!dataset) throw notFound('Dataset', where);
    if (dataset.status !== 'READY') {
      throw new CodedError('CONFLICT', `The dataset ${dataset.name} is ${dataset.status}, not READY.`, where);
    }
    if (!covers.has(id)) {
      const message = `The dataset ${dataset.name} has measurements neither of this scenario nor of one of the same runtime and number type.`;
      throw new CodedError('BAD_INPUT', message, where, 'Leave it out, or train for a scenario it lists.');
    }
  }
  if (!measured.some((row) => row.scenarioId === scenarioId)) {
    const message = 'None of these datasets has measurements of the scenario itself.';
    throw new CodedError('BAD_INPUT', message, 'input.datasetIds', 'Add one that has; `Dataset.scenarios` lists them.');
  }
}

/** The predictor of this name, made if need be, with its next version number counted. @throws CONFLICT */
async function nextNumber(
  manager: EntityManager,
  { teamId }: TeamSession,
  name: string,
  scenarioId: string,
): Promise<{ predictorId: string; number: number }> {
  const made = { id: newId(), teamId, name, scenarioId };
  await manager.createQueryBuilder().insert().into(Predictor).values(made).orIgnore().execute();
  await manager.increment(Predictor, { name }, 'lastNumber', 1);
  // One that an API key may not see is of another scenario, too.
  const predictor = await manager.findOneBy(Predictor, { name });
  if (predictor?.scenarioId !== scenarioId) {
    const message = `The predictor ${name} is for another scenario.`;
    throw new CodedError('CONFLICT', message, 'input.name', 'Choose another name: a predictor serves one scenario.');
  }
  return { predictorId: predictor.id, number: predictor.lastNumber };
}

@Resolver(() => PredictorVersion)
export class PredictorVersionResolver {
  @Query(() => PredictorVersionConnection)
  async predictorVersions(
    @Args() page: PageArguments,
    @Arg('filter', () => PredictorVersionFilter, { defaultValue: {} }) filter: PredictorVersionFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<PredictorVersion>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const { scenario, predictorId, ...where } = given(filter);
    return context.tenancy.inTeam(session, async (manager) =>
      readPage(manager, PredictorVersion, page, {
        ...where,
        ...(predictorId !== undefined && { predictorId: rowId(Predictor, predictorId, 'filter.predictorId') }),
        ...(scenario !== undefined && { scenarioId: await scenarioIdNamed(manager, scenario, 'filter.scenario') }),
      }),
    );
  }

  @Mutation(() => TrainPredictorPayload, {
    description: 'Queues the training of a new version. Follow it with trainingProgress.',
  })
  async trainPredictor(
    @Arg('input') input: TrainPredictorInput,
    @Ctx() context: RequestContext,
  ): Promise<TrainPredictorPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const { teamId } = session;
    const datasetIds = input.datasetIds.map((id, i) => rowId(Dataset, id, `input.datasetIds[${i}]`));
    return context.tenancy.inTeam(session, async (manager) => {
      const scenarioId = await scenarioIdNamed(manager, input.scenario, 'input.scenario');
      await checkDatasets(manager, datasetIds, scenarioId);
      const evaluationSets = await readyEvaluationSets(manager, input.evaluationSetIds, 'input.evaluationSetIds');
      const numbered = await nextNumber(manager, session, input.name, scenarioId);
      const id = newId();
      const { learner, searchedSettings, seed } = input;
      const asked = { learner, searchedSettings, seed };
      await manager.insert(PredictorVersion, { id, teamId, scenarioId, ...asked, ...numbered });
      await manager.insert(
        PredictorVersionDataset,
        datasetIds.map((datasetId) => ({ id: newId(), teamId, predictorVersionId: id, datasetId })),
      );
      await holdOut(manager, session, id, evaluationSets);
      await checkQuotas(manager, 'VERSIONS', 'TRAINING_MINUTES');
      const details = { name: input.name, scenario: input.scenario, number: numbered.number };
      await recordChange(manager, session, 'trainPredictor', { type: 'PredictorVersion', id }, details);
      await enqueue(manager, 'trainPredictor', { teamId, versionId: id });
      return { version: await manager.findOneByOrFail(PredictorVersion, { id }) };
    });
  }

  @Mutation(() => CancelTrainingPayload, { description: 'Ends a training that is QUEUED or TRAINING.' })
  async cancelTraining(
    @Arg('input') { versionId }: CancelTrainingInput,
    @Ctx() context: RequestContext,
  ): Promise<CancelTrainingPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const id = rowId(PredictorVersion, versionId, 'input.versionId');
    return context.tenancy.inTeam(session, async (manager) => {
      const ended = { status: 'CANCELLED', finishedAt: () => 'now()' } as const;
      const { affected } = await manager.update(PredictorVersion, { id, status: In(['QUEUED', 'TRAINING']) }, ended);
      const version = await manager.findOneBy(PredictorVersion, { id });
      if (!version) throw notFound('PredictorVersion', versionId);
      if (!affected && version.status !== 'CANCELLED') {
        throw new CodedError(
          'CONFLICT',
          `The training has ended: the version is ${version.status}.`,
          'input.versionId',
        );
      }
      if (affected) await recordChange(manager, session, 'cancelTraining', { type: 'PredictorVersion', id });
      await notify(manager, 'training', id);
      return { version };
    });
  }

  @Subscription(() => TrainingProgress, {
    description: 'How far a training is: now, at every change, and when it has ended.',
    subscribe: ({ args, context }: { args: { versionId: string }; context: RequestContext }) => {
      const session = authorize(context.session, 'PREDICTOR_READ');
      return followTraining(context, session, args.versionId);
    },
  })
  trainingProgress(
    @Arg('versionId', () => ID) _versionId: string,
    @Root() progress: TrainingProgress,
  ): TrainingProgress {
    return progress;
  }

  @FieldResolver(() => Predictor)
  async predictor(@Root() version: PredictorVersion, @Ctx() context: RequestContext): Promise<Predictor> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, Predictor, version.predictorId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() version: PredictorVersion, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, version.scenarioId);
  }

  @FieldResolver(() => [Dataset], { description: 'What it is trained on.' })
  async datasets(@Root() version: PredictorVersion, @Ctx() context: RequestContext): Promise<Dataset[]> {
    const session = authorize(context.session, 'DATASET_READ');
    const rows = await context.tenancy.inTeam(session, (manager) =>
      manager.find(PredictorVersionDataset, { where: { predictorVersionId: version.id }, order: { id: 'ASC' } }),
    );
    return Promise.all(rows.map(({ datasetId }) => loadById(context, session, Dataset, datasetId)));
  }
}
