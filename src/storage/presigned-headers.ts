/**
 * The headers of presigned requests, the same for every object store, so that one client code serves them all.
 * Knows header names and encodings; must not know how a store signs.
 */

import { createHash } from 'node:crypto';
import type { PresignPutOptions } from './object-store';

/** S3's header for the digest of a body: base64 of the 32 bytes. */
export const CHECKSUM_HEADER = 'x-amz-checksum-sha256';

/** What an upload must send along, apart from `host` and `content-length`, which the HTTP client fills in. */
export function uploadHeaders(options: Pick<PresignPutOptions, 'sha256' | 'contentType'>): Record<string, string> {
  return {
    'content-type': options.contentType,
    'if-none-match': '*',
    [CHECKSUM_HEADER]: hexToBase64(options.sha256),
  };
}

/** Lower-case hexadecimal SHA-256 of the bytes. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

export function base64ToHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

/**
 * The value of `content-disposition` that makes a browser save a download under the name: ASCII for old clients,
 * and the whole name in the encoding of RFC 8187.
 */
export function contentDisposition(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
