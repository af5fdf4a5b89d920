/**
 * The object store: where the bytes of datasets, networks and predictor versions live, behind one interface with
 * two implementations, `s3.ts` and `directory.ts`. Knows keys and bytes; must not know teams, tables or GraphQL
 * (which team owns a key is decided in tenancy.ts).
 *
 * Objects are written once. SHA-256 digests are lower-case hexadecimal everywhere in this interface; only the
 * header `x-amz-checksum-sha256` on the wire is base64, as S3 has it.
 */

const STORAGE_ERROR_CODES = [
  /** No object has this key. */
  'NOT_FOUND',
  /** The key holds other bytes already; objects are written once. */
  'ALREADY_EXISTS',
  /** The bytes do not have the stated SHA-256. */
  'CHECKSUM_MISMATCH',
  /** There are more or fewer bytes than were signed for. */
  'SIZE_MISMATCH',
  /** The object is larger than the caller (or the store) takes. */
  'TOO_LARGE',
  /** The key is not of the allowed form. */
  'INVALID_KEY',
  /** A size, digest or expiry is not of the allowed form. */
  'INVALID_ARGUMENT',
  /** A signed URL is expired, was edited or is not ours; or the credentials were refused. */
  'ACCESS_DENIED',
  /** The store does not answer, or answers with a fault of its own; trying again later may help. */
  'UNAVAILABLE',
] as const;

export type StorageErrorCode = (typeof STORAGE_ERROR_CODES)[number];

export class StorageError extends Error {
  override readonly name = 'StorageError';

  /**
   * @param code one of the closed list
   * @param message what is wrong, naming the parameter and its value
   * @param where the key, or the endpoint
   * @param remedy what the caller can do about it
   */
  constructor(
    readonly code: StorageErrorCode,
    message: string,
    readonly where?: string,
    readonly remedy?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What is known of a stored object without reading it. */
export interface ObjectHead {
  sizeBytes: number;
  /** Absent only for objects that something else put into an S3 bucket without a SHA-256. */
  sha256?: string;
  contentType?: string;
}

/**
 * A request that whoever holds it may make until it expires: `fetch(url, { method, headers, body })`.
 * All headers must be sent as they are; `content-length` is signed too and is left to the HTTP client, which
 * derives it from the body (so: a buffer or blob as the body, not a stream of unknown length).
 */
export interface PresignedRequest {
  method: 'PUT' | 'GET';
  url: string;
  headers: Record<string, string>;
  expiresAt: Date;
}

export interface PutOptions {
  /** SHA-256 of the bytes, checked before anything becomes visible under the key. */
  sha256: string;
  contentType: string;
}

export interface GetOptions {
  /** The largest object the caller is ready to hold in memory; {@link DEFAULT_MAXIMUM_BYTES} if absent. */
  maximumBytes?: number;
  /** If given, the bytes are checked against it after reading. */
  sha256?: string;
}

export interface PresignPutOptions extends PutOptions {
  /** The exact size of the body. */
  sizeBytes: number;
  /** From 1 second to {@link MAXIMUM_EXPIRY_SECONDS}. */
  expiresInSeconds: number;
}

export interface PresignGetOptions {
  /** From 1 second to {@link MAXIMUM_EXPIRY_SECONDS}. */
  expiresInSeconds: number;
  /** The name a browser saves the download under. */
  fileName?: string;
}

/** The largest object `get` reads unless told otherwise: 256 MiB. */
export const DEFAULT_MAXIMUM_BYTES = 256 * 1024 * 1024;

/** Signed URLs live for minutes: one hour at most. */
const MAXIMUM_EXPIRY_SECONDS = 3600;

/** Every method rejects with {@link StorageError} and nothing else. */
export interface ObjectStore {
  /**
   * Writes an object once, whole or not at all. Writing the same bytes to the same key again does nothing.
   * @throws CHECKSUM_MISMATCH if the bytes do not have the digest; ALREADY_EXISTS if the key holds other bytes
   */
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<void>;

  /** Reads a whole object. @throws NOT_FOUND, TOO_LARGE (before reading), CHECKSUM_MISMATCH */
  get(key: string, options?: GetOptions): Promise<Buffer>;

  /** Size and digest of an object, or undefined if there is none. */
  head(key: string): Promise<ObjectHead | undefined>;

  /**
   * Signs one upload: exactly this key, size, digest and content type, and only while the key is empty.
   * The store itself answers anything else: 403 for an edited or expired URL or other signed headers,
   * 400 for other bytes, 412 for a key that is taken (by the same bytes too).
   */
  presignPut(key: string, options: PresignPutOptions): Promise<PresignedRequest>;

  /** Signs one download. The object need not exist yet: a missing one is answered with 404. */
  presignGet(key: string, options: PresignGetOptions): Promise<PresignedRequest>;

  /**
   * The keys that begin with a prefix, in no order. What is written or deleted meanwhile may be among them or not.
   * @param prefix ends with `/`
   */
  list(prefix: string): AsyncIterable<string>;

  /** Deletes an object; deleting what is not there does nothing. */
  delete(key: string): Promise<void>;
}

const KEY_PATTERN = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
const MAXIMUM_KEY_LENGTH = 512;

/** Returns the key if it is `segment/segment/...` of letters, digits, `.`, `_` and `-`, without `.` and `..` segments. @throws INVALID_KEY */
export function checkKey(key: string): string {
  const allowed =
    key.length <= MAXIMUM_KEY_LENGTH &&
    KEY_PATTERN.test(key) &&
    !key.split('/').some((segment) => segment === '.' || segment.includes('..'));
  if (allowed) return key;
  throw new StorageError(
    'INVALID_KEY',
    `The key ${JSON.stringify(key.slice(0, 80))} is not an object key.`,
    'key',
    `Use segments of A-Z, a-z, 0-9, '.', '_' and '-' joined by '/', without '..', ${MAXIMUM_KEY_LENGTH} characters at most.`,
  );
}

/** Returns the digest if it is 64 lower-case hexadecimal digits. @throws INVALID_ARGUMENT */
export function checkSha256(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new StorageError(
    'INVALID_ARGUMENT',
    `sha256 is ${JSON.stringify(sha256.slice(0, 80))}, not a SHA-256 digest.`,
    'sha256',
    'Give 64 lower-case hexadecimal digits.',
  );
}

/** Returns the size if it is a whole number of bytes. @throws INVALID_ARGUMENT */
export function checkSize(sizeBytes: number): number {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return sizeBytes;
  throw new StorageError(
    'INVALID_ARGUMENT',
    `sizeBytes is ${sizeBytes}, not a size.`,
    'sizeBytes',
    'Give a whole number of bytes, 0 or more.',
  );
}

/** Returns the expiry if it is within the allowed range. @throws INVALID_ARGUMENT */
export function checkExpiry(expiresInSeconds: number): number {
  if (Number.isInteger(expiresInSeconds) && expiresInSeconds >= 1 && expiresInSeconds <= MAXIMUM_EXPIRY_SECONDS) {
    return expiresInSeconds;
  }
  throw new StorageError(
    'INVALID_ARGUMENT',
    `expiresInSeconds is ${expiresInSeconds}.`,
    'expiresInSeconds',
    `Give a whole number from 1 to ${MAXIMUM_EXPIRY_SECONDS}.`,
  );
}

export function checksumMismatch(key: string): StorageError {
  return new StorageError(
    'CHECKSUM_MISMATCH',
    'The bytes do not have the stated SHA-256.',
    key,
    'Compute the digest over exactly the bytes that are sent, and send them again.',
  );
}

/** @param sizeBytes undefined if the store does not say */
export function tooLarge(key: string, sizeBytes: number | undefined, maximumBytes: number): StorageError {
  return new StorageError(
    'TOO_LARGE',
    `The object has ${sizeBytes ?? 'an unknown number of'} bytes; at most ${maximumBytes} are read here.`,
    key,
    'Use a smaller object, or a presigned GET and a stream.',
  );
}
