/**
 * The object store on any S3 server. Knows the S3 protocol through the AWS SDK; must not know Fusecast's configuration
 * or what the objects are.
 */

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
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
import { base64ToHex, contentDisposition, hexToBase64, sha256Of, uploadHeaders } from './presigned-headers';

export interface S3Options {
  bucket: string;
  region: string;
  /** Absent for AWS itself. */
  endpoint?: string;
  /** The endpoint in signed URLs, where clients reach the server by another address than this process does. */
  publicEndpoint?: string;
  /** Absent: what the SDK finds by itself (environment, profile, role of the machine). */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** `https://host/bucket/key` rather than `https://bucket.host/key`: most servers other than AWS need it. */
  forcePathStyle?: boolean;
  /** How long making a connection, and silence on one, may last. Default 10,000. */
  timeoutMs?: number;
  /** How often a request is made in all before it counts as failed. Default 3. */
  maximumAttempts?: number;
  /** Milliseconds since 1970, for signing. Default Date.now. */
  now?: () => number;
}

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #signingClient: S3Client;
  readonly #bucket: string;
  readonly #where: string;
  readonly #now: () => number;

  constructor(options: S3Options) {
    const timeout = options.timeoutMs ?? 10_000;
    const configuration = {
      region: options.region,
      credentials: options.credentials,
      forcePathStyle: options.forcePathStyle ?? false,
      maxAttempts: options.maximumAttempts ?? 3,
      requestHandler: { connectionTimeout: timeout, socketTimeout: timeout },
      // Every upload states its SHA-256. The SDK's own CRC32 would have to be sent by whoever holds a signed URL.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    } as const;
    this.#client = new S3Client({ ...configuration, endpoint: options.endpoint });
    this.#signingClient = new S3Client({ ...configuration, endpoint: options.publicEndpoint ?? options.endpoint });
    this.#bucket = options.bucket;
    this.#now = options.now ?? Date.now;
    this.#where = `bucket ${options.bucket} at ${options.endpoint ?? `AWS, ${options.region}`}`;
  }

  /** Makes the bucket if it is missing and the credentials allow it. @throws StorageError ACCESS_DENIED, UNAVAILABLE */
  async ensureBucket(): Promise<void> {
    const input = { Bucket: this.#bucket };
    try {
      await this.#client.send(new HeadBucketCommand(input));
    } catch (error) {
      if (statusOf(error) !== 404) throw this.#translate(error);
      await this.#client.send(new CreateBucketCommand(input)).catch((cause) => {
        // Another process that starts at the same time may have made it.
        if (cause?.name !== 'BucketAlreadyOwnedByYou') throw this.#translate(cause);
      });
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<void> {
    const input = { ...this.#object(key), ...conditions({ ...options, sizeBytes: bytes.byteLength }), Body: bytes };
    if (sha256Of(bytes) !== options.sha256) throw checksumMismatch(key);
    try {
      await this.#client.send(new PutObjectCommand(input));
    } catch (error) {
      // 412: the key is taken. 409: another writer of it is under way. Who wrote what is known by looking.
      if (statusOf(error) !== 412 && statusOf(error) !== 409) throw this.#translate(error, key);
      if ((await this.head(key))?.sha256 !== options.sha256) throw this.#translate(error, key);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const maximumBytes = options.maximumBytes ?? DEFAULT_MAXIMUM_BYTES;
    const input = this.#object(key);
    try {
      const { Body: body, ContentLength: sizeBytes } = await this.#client.send(new GetObjectCommand(input));
      if (sizeBytes === undefined || sizeBytes > maximumBytes) {
        (body as unknown as { destroy(): void }).destroy();
        throw tooLarge(key, sizeBytes, maximumBytes);
      }
      const bytes = Buffer.from(await body!.transformToByteArray());
      if (options.sha256 !== undefined && sha256Of(bytes) !== options.sha256) throw checksumMismatch(key);
      return bytes;
    } catch (error) {
      throw this.#translate(error, key);
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const input = this.#object(key);
    try {
      const head = await this.#client.send(new HeadObjectCommand({ ...input, ChecksumMode: 'ENABLED' }));
      return {
        sizeBytes: head.ContentLength!,
        sha256: head.ChecksumSHA256 === undefined ? undefined : base64ToHex(head.ChecksumSHA256),
        contentType: head.ContentType,
      };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#translate(error, key);
    }
  }

  async presignPut(key: string, options: PresignPutOptions): Promise<PresignedRequest> {
    const command = new PutObjectCommand({ ...this.#object(key), ...conditions(options) });
    const headers = uploadHeaders(options);
    const names = new Set(Object.keys(headers));
    return this.#sign('PUT', command, headers, options.expiresInSeconds, {
      // Left to itself the presigner signs no content type and moves the checksum into the URL, where servers differ.
      signableHeaders: names,
      unhoistableHeaders: names,
    });
  }

  async presignGet(key: string, options: PresignGetOptions): Promise<PresignedRequest> {
    const disposition = options.fileName === undefined ? undefined : contentDisposition(options.fileName);
    const command = new GetObjectCommand({ ...this.#object(key), ResponseContentDisposition: disposition });
    return this.#sign('GET', command, {}, options.expiresInSeconds, {});
  }

  async *list(prefix: string): AsyncGenerator<string> {
    try {
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
      for await (const { Contents = [] } of pages) for (const { Key } of Contents) if (Key) yield Key;
    } catch (error) {
      throw this.#translate(error, prefix);
    }
  }

  async delete(key: string): Promise<void> {
    const input = this.#object(key);
    await this.#client.send(new DeleteObjectCommand(input)).catch((error) => {
      if (statusOf(error) !== 404) throw this.#translate(error, key);
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#client.destroy();
    this.#signingClient.destroy();
  }

  #object(key: string) {
    return { Bucket: this.#bucket, Key: checkKey(key) };
  }

  async #sign(
    method: 'PUT' | 'GET',
    command: PutObjectCommand | GetObjectCommand,
    headers: Record<string, string>,
    expiresInSeconds: number,
    names: { signableHeaders?: Set<string>; unhoistableHeaders?: Set<string> },
  ): Promise<PresignedRequest> {
    const expiresIn = checkExpiry(expiresInSeconds);
    const signingDate = new Date(this.#now());
    const expiresAt = new Date(signingDate.getTime() + expiresIn * 1000);
    try {
      const url = await getSignedUrl(this.#signingClient, command, { expiresIn, signingDate, ...names });
      return { method, url, headers, expiresAt };
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** What S3 or the connection to it said, in this interface's codes; errors that have one already stay as they are. */
  #translate(error: unknown, key?: string): StorageError {
    if (error instanceof StorageError) return error;
    const name = (error as Error).name;
    const said = `${name}: ${(error as Error).message}`;
    const where = key === undefined ? this.#where : `${key} in ${this.#where}`;
    const coded = (code: StorageError['code'], what: string, remedy: string) =>
      new StorageError(code, `${what} (${said})`, where, remedy, { cause: error });
    if (name === 'NoSuchBucket') return coded('UNAVAILABLE', 'The bucket is missing.', 'Create the bucket.');
    if (name === 'BadDigest' || name === 'XAmzContentChecksumMismatch') return checksumMismatch(key ?? '');
    switch (statusOf(error)) {
      case 403:
        return coded('ACCESS_DENIED', 'The S3 server refused the credentials.', 'Check keys and permissions.');
      case 404:
        return coded('NOT_FOUND', 'There is no such object.', 'Check the key.');
      case 409:
      case 412:
        return coded('ALREADY_EXISTS', 'The key holds other bytes.', 'Objects are written once: choose another key.');
      case 413:
        return coded('TOO_LARGE', 'The S3 server takes no object of this size.', 'Send a smaller one.');
      default:
        return coded('UNAVAILABLE', 'The S3 server did not do what it was asked.', 'Try again; check the endpoint.');
    }
  }
}

/** What an upload is bound to: size, digest, type, and that the key is still empty. */
function conditions(options: PutOptions & { sizeBytes: number }) {
  return {
    ContentLength: checkSize(options.sizeBytes),
    ContentType: options.contentType,
    ChecksumSHA256: hexToBase64(checkSha256(options.sha256)),
    IfNoneMatch: '*',
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
