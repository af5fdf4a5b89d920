/** Datasets. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { recordChange } from '../audit';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { checkQuotas } from '../quotas';
import { type Connection, PageArguments } from '../schema/connection';
import {
  CreateDatasetInput,
  CreateDatasetPayload,
  Dataset,
  DatasetConnection,
  DatasetFilter,
  DatasetScenario,
  ScenarioRows,
} from '../schema/dataset';
import { newId } from '../schema/node';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext } from './context';
import { given, readPage } from './pages';
import { alreadyUsed, arrivedUpload } from './upload';

@Resolver(() => Dataset)
export class DatasetResolver {
  @Query(() => DatasetConnection)
  async datasets(
    @Args() page: PageArguments,
    @Arg('filter', () => DatasetFilter, { defaultValue: {} }) filter: DatasetFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Dataset>> {
    const session = authorize(context.session, 'DATASET_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Dataset, page, given(filter)));
  }

  @Mutation(() => CreateDatasetPayload, {
    description: 'Makes a dataset of an upload whose bytes have arrived. It becomes READY or REJECTED soon.',
  })
  async createDataset(
    @Arg('input') input: CreateDatasetInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateDatasetPayload> {
    const session = authorize(context.session, 'DATASET_WRITE');
    if (Boolean(input.network) !== Boolean(input.scenario)) {
      throw new CodedError('BAD_INPUT', 'network and scenario are given together or not at all.', 'input');
    }
    const upload = await arrivedUpload(context, session, 'DATASET', input.uploadId);
    const { teamId, fileName, sizeBytes, sha256, objectKey } = upload;
    const id = newId();
    return context.tenancy.inTeam(session, async (manager) => {
      await manager
        .createQueryBuilder()
        .insert()
        .into(Dataset)
        .values({
          id,
          teamId,
          uploadId: upload.id,
          name: input.name,
          fileName,
          sizeBytes,
          sha256,
          objectKey,
          networkName: input.network,
          scenarioName: input.scenario,
        })
        .orIgnore()
        .execute();
      const dataset = await manager.findOneByOrFail(Dataset, { uploadId: upload.id });
      if (dataset.id !== id) throw alreadyUsed('Dataset', dataset.id);
      await enqueue(manager, 'ingestDataset', { teamId, datasetId: id });
      await checkQuotas(manager, 'DATASETS');
      await recordChange(
        manager,
        session,
        'createDataset',
        { type: 'Dataset', id },
        { name: input.name, fileName, sizeBytes },
      );
      return { dataset };
    });
  }

  @FieldResolver(() => [ScenarioRows], {
    description: 'The scenarios it has measurements of, when READY; 500 at most.',
  })
  async scenarios(@Root() dataset: Dataset, @Ctx() context: RequestContext): Promise<ScenarioRows[]> {
    const session = authorize(context.session, 'SCENARIO_READ');
    const rows = await context.tenancy.inTeam(session, (manager) =>
      manager.find(DatasetScenario, { where: { datasetId: dataset.id }, order: { id: 'ASC' }, take: 500 }),
    );
    return Promise.all(
      rows.map(async ({ scenarioId, networkRows, kernelRows, spread }) => ({
        scenario: await loadById(context, session, Scenario, scenarioId),
        networkRows,
        kernelRows,
        spread,
      })),
    );
  }
}
