/**
 * The object store in a directory, for an installation without S3. Knows the file system; must not know HTTP (that is
 * `directory-routes.ts`) or what the objects are.
 *
 * An object is a directory `objects/<2 hex>/<SHA-256 of its key>` with the files `content` and `metadata.json`. It is
 * made in `incoming/` and renamed when it is complete and on the disk: renaming onto a directory that holds files
 * fails, so an object is written once, and never half, whoever else writes. Named by digest, a key can neither leave
 * the directory nor collide with another on a file system that ignores case.
 */

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import {
  checkExpiry,
  checkKey,
  checkSha256,
  checkSize,
  checksumMismatch,
  DEFAULT_MAXIMUM_BYTES,
  type GetOptions,
  type ObjectHead,
  type ObjectStore,
  type PresignedRequest,
  type PresignGetOptions,
  type PresignPutOptions,
  type PutOptions,
  StorageError,
  tooLarge,
} from './object-store';
import { sha256Of, uploadHeaders } from './presigned-headers';
import { UrlSigner } from './url-signer';

export interface DirectoryOptions {
  /** Created if missing. */
  directory: string;
  /** At least 32 random characters; whoever knows it can read and write everything. */
  signingSecret: string;
  /** Where clients reach the server with {@link directoryStoreRoutes}, asked at each signing: `http://host:port`. */
  publicUrl: () => string;
  /** The largest object that is taken. Default 5 GiB, as one PUT to S3. */
  maximumObjectBytes?: number;
  /** Milliseconds since 1970. Default Date.now. */
  now?: () => number;
}

interface Metadata extends Required<ObjectHead> {
  key: string;
}

/** The path under which the objects are served. */
export const OBJECTS_PATH = '/objects';

const LEFTOVER_AGE_MS = 24 * 3600 * 1000;

export class DirectoryObjectStore implements ObjectStore {
  readonly signer: UrlSigner;
  readonly #directory: string;
  readonly #publicUrl: () => string;
  readonly #maximumObjectBytes: number;

  constructor(options: DirectoryOptions) {
    this.#directory = path.resolve(options.directory);
    this.#publicUrl = options.publicUrl;
    this.#maximumObjectBytes = options.maximumObjectBytes ?? 5 * 1024 ** 3;
    this.signer = new UrlSigner(options.signingSecret, options.now ?? Date.now);
    mkdirSync(this.#incoming(), { recursive: true, mode: 0o700 });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<void> {
    checkKey(key);
    checkSha256(options.sha256);
    if (sha256Of(bytes) !== options.sha256) throw checksumMismatch(key);
    try {
      await this.write(key, [bytes], { ...options, sizeBytes: bytes.byteLength });
    } catch (error) {
      const taken = error instanceof StorageError && error.code === 'ALREADY_EXISTS';
      if (!taken || (await this.head(key))?.sha256 !== options.sha256) throw error;
    }
  }

  /**
   * Writes an object from a stream without holding it in memory.
   * @throws ALREADY_EXISTS if the key is taken (by the same bytes too), SIZE_MISMATCH, CHECKSUM_MISMATCH, TOO_LARGE
   */
  async write(
    key: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: PutOptions & { sizeBytes: number },
  ): Promise<void> {
    const target = this.#locate(key);
    const { sizeBytes, sha256, contentType } = options;
    if (checkSize(sizeBytes) > this.#maximumObjectBytes) throw tooLarge(key, sizeBytes, this.#maximumObjectBytes);
    checkSha256(sha256);
    if (await this.head(key)) throw alreadyExists(key);
    const incoming = path.join(this.#incoming(), randomUUID());
    try {
      await mkdir(incoming);
      await writeContent(path.join(incoming, 'content'), key, source, options);
      const metadata: Metadata = { key, sizeBytes, sha256, contentType };
      await writeDurably(path.join(incoming, 'metadata.json'), (file) => file.writeFile(JSON.stringify(metadata)));
      await mkdir(path.dirname(target), { recursive: true });
      await rename(incoming, target);
      await syncDirectory(path.dirname(target));
    } catch (error) {
      await rm(incoming, { recursive: true, force: true });
      throw translate(error, key);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const metadata = await this.#metadata(key);
    if (!metadata) throw notFound(key);
    const maximumBytes = options.maximumBytes ?? DEFAULT_MAXIMUM_BYTES;
    if (metadata.sizeBytes > maximumBytes) throw tooLarge(key, metadata.sizeBytes, maximumBytes);
    try {
      const bytes = await readFile(path.join(this.#locate(key), 'content'));
      // Also without being asked: nothing else notices when a disk or a person changed the file.
      if (sha256Of(bytes) !== (options.sha256 ?? metadata.sha256)) throw checksumMismatch(key);
      return bytes;
    } catch (error) {
      throw translate(error, key);
    }
  }

  /** An object as a stream, with what is known of it. @throws NOT_FOUND */
  async open(key: string): Promise<{ head: Required<ObjectHead>; content: Readable }> {
    const metadata = await this.#metadata(key);
    if (!metadata) throw notFound(key);
    const { sizeBytes, sha256, contentType } = metadata;
    const content = createReadStream(path.join(this.#locate(key), 'content'));
    return { head: { sizeBytes, sha256, contentType }, content };
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const metadata = await this.#metadata(key);
    return metadata && { sizeBytes: metadata.sizeBytes, sha256: metadata.sha256, contentType: metadata.contentType };
  }

  async presignPut(key: string, options: PresignPutOptions): Promise<PresignedRequest> {
    checkSha256(options.sha256);
    if (checkSize(options.sizeBytes) > this.#maximumObjectBytes) {
      throw tooLarge(key, options.sizeBytes, this.#maximumObjectBytes);
    }
    const headers = uploadHeaders(options);
    const bound = { ...headers, 'content-length': String(options.sizeBytes) };
    return this.#sign('PUT', key, bound, options.expiresInSeconds, headers);
  }

  async presignGet(key: string, options: PresignGetOptions): Promise<PresignedRequest> {
    return this.#sign('GET', key, {}, options.expiresInSeconds, {}, options.fileName);
  }

  async delete(key: string): Promise<void> {
    const doomed = path.join(this.#incoming(), randomUUID());
    try {
      await rename(this.#locate(key), doomed);
      await rm(doomed, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw translate(error, key);
    }
  }

  /** Reads the metadata of all objects: names of directories are digests of keys. */
  async *list(prefix: string): AsyncGenerator<string> {
    const root = path.join(this.#directory, 'objects');
    for (const group of await namesIn(root)) {
      for (const name of await namesIn(path.join(root, group))) {
        const metadata = await readMetadata(path.join(root, group, name), prefix);
        if (metadata?.key.startsWith(prefix)) yield metadata.key;
      }
    }
  }

  /** Removes what writers that died left in `incoming/`: everything older than a day. Returns how many. */
  async removeLeftovers(): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#incoming())) {
      const leftover = path.join(this.#incoming(), name);
      const age = await stat(leftover).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age < LEFTOVER_AGE_MS) continue;
      await rm(leftover, { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }

  #sign(
    method: 'PUT' | 'GET',
    key: string,
    bound: Record<string, string>,
    expiresInSeconds: number,
    headers: Record<string, string>,
    fileName?: string,
  ): PresignedRequest {
    const expires = this.signer.expiry(checkExpiry(expiresInSeconds));
    const query = this.signer.sign({ method, key: checkKey(key), headers: bound, expires, fileName });
    const url = new URL(`${OBJECTS_PATH}/${key}?${query}`, this.#publicUrl()).href;
    return { method, url, headers, expiresAt: new Date(expires * 1000) };
  }

  async #metadata(key: string): Promise<Metadata | undefined> {
    return readMetadata(this.#locate(key), key);
  }

  #incoming(): string {
    return path.join(this.#directory, 'incoming');
  }

  #locate(key: string): string {
    const name = createHash('sha256').update(checkKey(key)).digest('hex');
    return path.join(this.#directory, 'objects', name.slice(0, 2), name);
  }
}

/** What is in a directory; nothing if it is not there. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw translate(error, directory);
  }
}

async function readMetadata(directory: string, key: string): Promise<Metadata | undefined> {
  try {
    return JSON.parse(await readFile(path.join(directory, 'metadata.json'), 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw translate(error, key);
  }
}

async function writeContent(
  fileName: string,
  key: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: { sizeBytes: number; sha256: string },
): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await writeDurably(fileName, async (file) => {
    for await (const chunk of source) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > expected.sizeBytes) throw sizeMismatch(key, expected.sizeBytes);
      hash.update(chunk);
      await file.appendFile(chunk);
    }
  });
  if (sizeBytes !== expected.sizeBytes) throw sizeMismatch(key, expected.sizeBytes);
  if (hash.digest('hex') !== expected.sha256) throw checksumMismatch(key);
}

async function writeDurably(fileName: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(fileName, 'wx', 0o600);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function alreadyExists(key: string): StorageError {
  return new StorageError('ALREADY_EXISTS', 'The key is taken.', key, 'Objects are written once: choose another key.');
}

function notFound(key: string): StorageError {
  return new StorageError('NOT_FOUND', 'There is no such object.', key, 'Check the key.');
}

function sizeMismatch(key: string, sizeBytes: number): StorageError {
  return new StorageError('SIZE_MISMATCH', `The body does not have ${sizeBytes} bytes.`, key, 'Send all of it again.');
}

/** What the file system said, in the interface's codes; errors that have one already stay as they are. */
function translate(error: unknown, key: string): StorageError {
  if (error instanceof StorageError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTEMPTY' || code === 'EEXIST') return alreadyExists(key);
  if (code === 'ENOENT') return notFound(key);
  return new StorageError(
    'UNAVAILABLE',
    `The directory did not take or give the object (${message}).`,
    key,
    'Check space and permissions of the data directory, then try again.',
    { cause: error },
  );
}
