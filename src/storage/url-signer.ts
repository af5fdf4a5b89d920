/**
 * Signed, expiring URLs for the directory store, by HMAC-SHA256. Knows what a signature binds; must not know files.
 *
 * As with S3, the URL of an upload holds the expiry and the signature, and everything else that was signed comes with
 * the request itself: method, key, and the headers below. A request that differs in any of them has another signature.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { StorageError } from './object-store';
import { CHECKSUM_HEADER } from './presigned-headers';

const SIGNED_UPLOAD_HEADERS = ['content-length', 'content-type', 'if-none-match', CHECKSUM_HEADER];
const MINIMUM_SECRET_LENGTH = 32;

/** What is signed of a request. */
export interface SignedRequest {
  method: string;
  key: string;
  /** With lower-case names; for a PUT those of {@link SIGNED_UPLOAD_HEADERS} are bound, others are free. */
  headers: Record<string, string | string[] | undefined>;
  /** Seconds since 1970. */
  expires: number;
  fileName?: string;
}

export class UrlSigner {
  readonly #secret: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(secret: string, now: () => number) {
    if (secret.length < MINIMUM_SECRET_LENGTH) {
      throw new StorageError(
        'INVALID_ARGUMENT',
        `The signing secret has ${secret.length} characters.`,
        'signingSecret',
        `Give at least ${MINIMUM_SECRET_LENGTH} random characters.`,
      );
    }
    this.#secret = secret;
    this.#now = now;
  }

  /** The moment, in seconds since 1970, at which a URL signed now for so long expires. */
  expiry(expiresInSeconds: number): number {
    return Math.floor(this.#now() / 1000) + expiresInSeconds;
  }

  /** The query of a URL under which exactly this request is allowed until it expires. */
  sign(request: SignedRequest): URLSearchParams {
    const query = new URLSearchParams({ expires: String(request.expires) });
    if (request.fileName !== undefined) query.set('fileName', request.fileName);
    query.set('signature', this.#signature(request).toString('base64url'));
    return query;
  }

  /** @throws ACCESS_DENIED unless the query was signed here for this request and has not expired; returns the signed file name */
  verify(request: Omit<SignedRequest, 'expires' | 'fileName'>, query: Record<string, unknown>): string | undefined {
    const { expires, fileName, signature } = query;
    if (typeof expires !== 'string' || typeof signature !== 'string' || Array.isArray(fileName))
      throw this.#denied(request);
    const signed = { ...request, expires: Number(expires), fileName: fileName as string | undefined };
    const expected = this.#signature(signed);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw this.#denied(request);
    if (signed.expires * 1000 <= this.#now()) {
      throw new StorageError('ACCESS_DENIED', 'The signed URL has expired.', request.key, 'Ask for a new one.');
    }
    return signed.fileName;
  }

  #signature(request: SignedRequest): Buffer {
    const headers = request.method === 'PUT' ? SIGNED_UPLOAD_HEADERS.map((name) => request.headers[name] ?? null) : [];
    // JSON keeps the fields apart whatever they contain.
    const fields = [request.method, request.key, request.expires, request.fileName ?? null, ...headers];
    return createHmac('sha256', this.#secret).update(JSON.stringify(fields)).digest();
  }

  #denied(request: { method: string; key: string }): StorageError {
    return new StorageError(
      'ACCESS_DENIED',
      `The signature does not fit this ${request.method}.`,
      request.key,
      'Send exactly the method, URL and headers that were signed, and a body of the signed size.',
    );
  }
}
