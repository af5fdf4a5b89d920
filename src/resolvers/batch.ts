/** Batches: many networks of one file, predicted in the background. What the jobs do: batches.ts. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type FindOptionsWhere, In } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { enqueue } from '../jobs';
import {
  Batch,
  BatchConnection,
  BatchDownload,
  BatchFile,
  BatchFilter,
  CancelBatchInput,
  CancelBatchPayload,
  PredictBatchInput,
  PredictBatchPayload,
} from '../schema/batch';
import { type Connection, PageArguments } from '../schema/connection';
import { newId } from '../schema/node';
import { PredictorVersion } from '../schema/predictor-version';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';
import { alreadyUsed, arrivedUpload } from './upload';
import { versionForScenario } from './version-choice';

const DOWNLOAD_SECONDS = 15 * 60;
/** Batches of a team that have not ended: each may be 100,000 networks. */
const MAXIMUM_UNFINISHED = 10;
const UNFINISHED = In(['QUEUED', 'RUNNING']);

@Resolver(() => Batch)
export class BatchResolver {
  @Query(() => Batch)
  async batch(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Batch> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const where = { id: rowId(Batch, id, 'id') };
    const batch = await context.tenancy.inTeam(session, (manager) => manager.findOneBy(Batch, where));
    if (!batch) throw notFound('Batch', id);
    return batch;
  }

  @Query(() => BatchConnection)
  async batches(
    @Args() page: PageArguments,
    @Arg('filter', () => BatchFilter, { defaultValue: {} }) filter: BatchFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Batch>> {
    const session = authorize(context.session, 'PREDICTION_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Batch, page, given(filter)));
  }

  @Mutation(() => PredictBatchPayload, {
    description: 'Predicts every network of an uploaded file in every scenario, in the background: follow `batch`.',
  })
  async predictBatch(
    @Arg('input') input: PredictBatchInput,
    @Ctx() context: RequestContext,
  ): Promise<PredictBatchPayload> {
    const session = authorize(context.session, 'PREDICTION_WRITE');
    const upload = await arrivedUpload(context, session, 'BATCH', input.uploadId);
    const { teamId, fileName } = upload;
    const { scenarios } = input;
    const id = newId();
    return context.tenancy.inTeam(session, async (manager) => {
      const versionIds: string[] = [];
      for (const [i, name] of scenarios.entries()) {
        versionIds.push((await versionForScenario(manager, name, `input.scenarios[${i}]`)).id);
      }
      const row = { id, teamId, uploadId: upload.id, fileName, scenarios, versionIds };
      await manager.createQueryBuilder().insert().into(Batch).values(row).orIgnore().execute();
      const batch = await manager.findOneBy(Batch, { uploadId: upload.id });
      // One of scenarios that this key does not see.
      if (!batch) throw new CodedError('CONFLICT', 'This upload has become a batch already.', 'input.uploadId');
      if (batch.id !== id) throw alreadyUsed('Batch', batch.id);
      if ((await manager.countBy(Batch, { status: UNFINISHED })) > MAXIMUM_UNFINISHED) {
        const message = `The team has ${MAXIMUM_UNFINISHED} batches that have not ended.`;
        throw new CodedError('CONFLICT', message, undefined, 'Wait for one of them, or cancel one: `cancelBatch`.');
      }
      await enqueue(manager, 'startBatch', { teamId, batchId: id });
      const details = { fileName, scenarios: scenarios.length };
      await recordChange(manager, session, 'predictBatch', { type: 'Batch', id }, details);
      return { batch };
    });
  }

  @Mutation(() => CancelBatchPayload, {
    description: 'Ends a batch that is QUEUED or RUNNING. Its finished parts stay.',
  })
  async cancelBatch(
    @Arg('input') { batchId }: CancelBatchInput,
    @Ctx() context: RequestContext,
  ): Promise<CancelBatchPayload> {
    const session = authorize(context.session, 'PREDICTION_WRITE');
    const id = rowId(Batch, batchId, 'input.batchId');
    return context.tenancy.inTeam(session, async (manager) => {
      const ended = { status: 'CANCELLED', finishedAt: () => 'now()' } as const;
      const { affected } = await manager.update(Batch, { id, status: UNFINISHED }, ended);
      const batch = await manager.findOneBy(Batch, { id });
      if (!batch) throw notFound('Batch', batchId);
      if (!affected && batch.status !== 'CANCELLED') {
        throw new CodedError('CONFLICT', `The batch has ended: it is ${batch.status}.`, 'input.batchId');
      }
      if (affected) await recordChange(manager, session, 'cancelBatch', { type: 'Batch', id });
      return { batch };
    });
  }

  @FieldResolver(() => [PredictorVersion], { description: 'That answer, in the order of the scenarios.' })
  async versions(@Root() { versionIds }: Batch, @Ctx() context: RequestContext): Promise<PredictorVersion[]> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return Promise.all(versionIds.map((id) => loadById(context, session, PredictorVersion, id)));
  }

  @FieldResolver(() => [BatchDownload], { description: 'Predictions of the chunks that are finished.', complexity: 10 })
  parts(@Root() { id }: Batch, @Ctx() context: RequestContext): Promise<BatchDownload[]> {
    return downloads(context, { batchId: id, kind: 'PART' });
  }

  @FieldResolver(() => BatchDownload, { nullable: true, description: 'All predictions, when READY.' })
  async result(@Root() { id }: Batch, @Ctx() context: RequestContext): Promise<BatchDownload | undefined> {
    const [result] = await downloads(context, { batchId: id, kind: 'RESULT' });
    return result;
  }
}

/** Files of a batch, each with a URL that gives it. */
async function downloads(context: RequestContext, where: FindOptionsWhere<BatchFile>): Promise<BatchDownload[]> {
  const session = authorize(context.session, 'PREDICTION_READ');
  const files = await context.tenancy.inTeam(session, (manager) =>
    manager.find(BatchFile, { where, order: { position: 'ASC' } }),
  );
  return Promise.all(
    files.map(async ({ position, rowCount, sizeBytes, sha256, objectKey, batchId, kind }) => {
      const fileName = kind === 'RESULT' ? `batch-${batchId}.parquet` : `batch-${batchId}-${position}.parquet`;
      const options = { expiresInSeconds: DOWNLOAD_SECONDS, fileName };
      const { url, expiresAt } = await context.store.presignGet(objectKey, options);
      return { position, rowCount, sizeBytes, sha256, url, expiresAt };
    }),
  );
}
