/** Uploads: permission to put bytes into the object store, and the check that they arrived. */
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { checkQuotas } from '../quotas';
import { UploadKind } from '../schema/enums';
import { newId, toGlobalId } from '../schema/node';
import { RequestUploadInput, RequestUploadPayload, Upload } from '../schema/upload';
import { authorize, type TeamAction, type TeamSession, uploadKey } from '../tenancy';
import { type RequestContext, rowId } from './context';
import { checkParts, joinParts, requestParts, toRequest } from './upload-parts';

const UPLOAD_SECONDS = 15 * 60;

const ACTION_OF_KIND: Record<UploadKind, TeamAction> = {
  DATASET: 'DATASET_WRITE',
  NETWORK: 'NETWORK_WRITE',
  BATCH: 'PREDICTION_WRITE',
};

@Resolver()
export class UploadResolver {
  @Mutation(() => RequestUploadPayload, {
    description: 'Allows one file to be put into the object store. Then: createDataset, createNetwork or predictBatch.',
  })
  async requestUpload(
    @Arg('input') input: RequestUploadInput,
    @Ctx() context: RequestContext,
  ): Promise<RequestUploadPayload> {
    const session = authorize(context.session, ACTION_OF_KIND[input.kind]);
    const { tenancy, store } = context;
    const objectKey = uploadKey(session, input.sha256);
    const stored = await store.head(objectKey);
    checkParts(input);
    const inParts = Boolean(input.partSha256s);
    const expiresInSeconds = UPLOAD_SECONDS;
    const request =
      stored || inParts ? undefined : toRequest(await store.presignPut(objectKey, { ...input, expiresInSeconds }));
    const parts = stored || !inParts ? [] : await requestParts(store, session, input, expiresInSeconds);
    const id = newId();
    await tenancy.inTeam(session, async (manager) => {
      await manager.insert(Upload, { id, teamId: session.teamId, objectKey, ...input });
      await checkQuotas(manager, 'BYTES');
      const { kind, fileName, sizeBytes } = input;
      await recordChange(manager, session, 'requestUpload', { type: 'Upload', id }, { kind, fileName, sizeBytes });
    });
    return { uploadId: toGlobalId('Upload', id), request, parts };
  }
}

/**
 * An upload of the session's team whose bytes are in the object store, with the size and digest that were announced.
 * @throws NOT_FOUND, BAD_INPUT (of another kind, or its bytes have not arrived), SIZE_MISMATCH, CHECKSUM_MISMATCH
 */
export async function arrivedUpload(
  { tenancy, store }: RequestContext,
  session: TeamSession,
  kind: UploadKind,
  uploadId: string,
): Promise<Upload> {
  const where = 'input.uploadId';
  const id = rowId(Upload, uploadId, where);
  const upload = await tenancy.inTeam(session, (manager) => manager.findOneBy(Upload, { id }));
  if (!upload) throw notFound('Upload', uploadId);
  if (upload.kind !== kind) {
    throw new CodedError('BAD_INPUT', `The upload was requested for a ${upload.kind}, not a ${kind}.`, where);
  }
  const { objectKey, sizeBytes, sha256 } = upload;
  if (upload.partSha256s && !(await store.head(objectKey))) await joinParts(store, session, upload, where);
  const stored = await store.head(objectKey);
  if (!stored) {
    const remedy = 'Make the HTTP request that requestUpload returned, then call this again.';
    throw new CodedError('BAD_INPUT', 'The bytes of this upload have not arrived.', where, remedy);
  }
  if (stored.sizeBytes !== sizeBytes) {
    const message = `The stored file has ${stored.sizeBytes} bytes; ${sizeBytes} were announced.`;
    throw new CodedError('SIZE_MISMATCH', message, where, 'Request an upload with the size of the file.');
  }
  // A store that keeps no digest has to be read to know.
  if (stored.sha256 === undefined) await store.get(objectKey, { sha256 });
  else if (stored.sha256 !== sha256) {
    const message = `The stored file has the SHA-256 ${stored.sha256}; ${sha256} was announced.`;
    throw new CodedError('CHECKSUM_MISMATCH', message, where, 'Request an upload with the SHA-256 of the file.');
  }
  return upload;
}

/** CONFLICT for an upload that has become something already. */
export function alreadyUsed(noun: string, id: string): CodedError {
  return new CodedError(
    'CONFLICT',
    `This upload has become ${noun} ${toGlobalId(noun, id)} already.`,
    'input.uploadId',
    'Use that one, or request another upload.',
  );
}
