/**
 * Files that come in parts: what has arrived of one, and the parts put together. A part is an object of its own, written
 * once and checked by its SHA-256 as any other; the whole is checked by its own before anything sees it. So it is the
 * same with every object store.
 */
import { CodedError } from '../errors';
import {
  type RequestUploadInput,
  UPLOAD_PART_BYTES,
  type Upload,
  type UploadPart,
  type UploadRequest,
} from '../schema/upload';
import type { ObjectStore, PresignedRequest } from '../storage/object-store';
import { type TeamSession, uploadPartKey } from '../tenancy';

const PART_CONTENT_TYPE = 'application/octet-stream';

/** A file of which some parts are to be stored. */
type FileInParts = Pick<Upload, 'sizeBytes' | 'sha256' | 'contentType' | 'partSha256s'>;

/** @throws BAD_INPUT unless there are as many digests as the file has parts, two at least */
export function checkParts({ sizeBytes, partSha256s }: RequestUploadInput): void {
  if (!partSha256s) return;
  const expected = Math.ceil(sizeBytes / UPLOAD_PART_BYTES);
  if (expected > 1 && partSha256s.length === expected) return;
  const message = `${partSha256s.length} parts were announced; ${sizeBytes} bytes are ${expected} of at most ${UPLOAD_PART_BYTES}.`;
  const remedy = expected > 1 ? 'Give the SHA-256 of each.' : 'Leave partSha256s out: the file goes at once.';
  throw new CodedError('BAD_INPUT', message, 'input.partSha256s', remedy);
}

/** The parts of the file, each with the request that puts it if it is not there. */
export async function requestParts(
  store: ObjectStore,
  session: TeamSession,
  file: FileInParts,
  expiresInSeconds: number,
): Promise<UploadPart[]> {
  return Promise.all(
    (file.partSha256s ?? []).map(async (sha256, part) => {
      const key = uploadPartKey(session, file.sha256, part);
      const offsetBytes = part * UPLOAD_PART_BYTES;
      const sizeBytes = partSize(file, part);
      const stored = await store.head(key);
      const arrived = stored?.sizeBytes === sizeBytes && (stored.sha256 ?? sha256) === sha256;
      if (arrived) return { offsetBytes, sizeBytes };
      // Of an announcement that said other parts of the same whole: one of the two is wrong, and this is the newer.
      if (stored) await store.delete(key);
      const options = { sizeBytes, sha256, contentType: PART_CONTENT_TYPE, expiresInSeconds };
      return { offsetBytes, sizeBytes, request: toRequest(await store.presignPut(key, options)) };
    }),
  );
}

/** The end of the queue in which files are put together: one at a time, because each is held in memory. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * Puts the whole file in its place and removes its parts.
 * @throws BAD_INPUT if parts are missing, CHECKSUM_MISMATCH if they do not make the announced file, which removes them
 */
export function joinParts(store: ObjectStore, session: TeamSession, upload: Upload, where: string): Promise<void> {
  const joined = queue.then(() => join(store, session, upload, where));
  queue = joined.catch(() => {});
  return joined;
}

async function join(store: ObjectStore, session: TeamSession, upload: Upload, where: string): Promise<void> {
  const { objectKey, sha256, sizeBytes, contentType, partSha256s } = upload;
  const keys = (partSha256s ?? []).map((_, part) => uploadPartKey(session, sha256, part));
  const heads = await Promise.all(keys.map((key) => store.head(key)));
  const missing = heads.flatMap((head, part) => (head?.sizeBytes === partSize(upload, part) ? [] : [part + 1]));
  if (missing.length > 0) {
    // Another request has joined them meanwhile.
    if (await store.head(objectKey)) return;
    const message = `${missing.length} of ${keys.length} parts of this upload have not arrived: ${missing.join(', ')}.`;
    const remedy =
      'Call requestUpload again with the same file, put the parts that have a request, then call this again.';
    throw new CodedError('BAD_INPUT', message, where, remedy);
  }
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (const [part, key] of keys.entries()) (await store.get(key)).copy(bytes, part * UPLOAD_PART_BYTES);
  try {
    await store.put(objectKey, bytes, { sha256, contentType });
  } finally {
    // Also where they do not make the announced file: sent again, they may.
    for (const key of keys) await store.delete(key);
  }
}

function partSize({ sizeBytes }: FileInParts, part: number): number {
  return Math.min(UPLOAD_PART_BYTES, sizeBytes - part * UPLOAD_PART_BYTES);
}

/** A signed request as the API gives it. */
export function toRequest(signed: PresignedRequest): UploadRequest {
  return { ...signed, headers: Object.entries(signed.headers).map(([name, value]) => ({ name, value })) };
}
