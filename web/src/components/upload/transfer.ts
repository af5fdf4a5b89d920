/**
 * Sends the bytes of one file to the object store: hashed in the browser, in parts if they are many, with progress, and
 * going on where it was interrupted. Knows requestUpload; must not know what becomes of the file.
 */
import type { ApiError } from '../../api/errors';
import { graphql } from '../../api/generated';
import type { RequestUploadMutation, UploadKind } from '../../api/generated/graphql';
import type { useApiRequest } from '../../api/hooks';

const REQUEST_UPLOAD = graphql(`
  mutation RequestUpload($input: RequestUploadInput!) {
    requestUpload(input: $input) {
      uploadId
      request { method url headers { name value } }
      parts { offsetBytes sizeBytes request { method url headers { name value } } }
    }
  }
`);

/** As the API has it: requestUpload's partSha256s. */
const PART_BYTES = 8 * 1024 * 1024;

type SignedRequest = NonNullable<RequestUploadMutation['requestUpload']['request']>;

/** A file that is known well enough to be sent, and sent again. */
export interface HashedFile {
  readonly kind: UploadKind;
  readonly fileName: string;
  readonly bytes: Blob;
  readonly sha256: string;
  /** Of each part; absent for a file that goes at once. */
  readonly partSha256s?: readonly string[];
}

/** Computes what the API asks of a file. @throws ApiError where the browser cannot, or the file cannot be read */
export async function hashFile(kind: UploadKind, fileName: string, bytes: Blob): Promise<HashedFile> {
  if (!window.isSecureContext) {
    throw refusal('INSECURE_PAGE', 'The browser computes no digests here.', 'Open the dashboard by https.');
  }
  if (bytes.size === 0) throw refusal('EMPTY_FILE', 'The file has no bytes.', 'Choose another file.');
  const content = await bytes.arrayBuffer().catch((error: Error) => {
    throw refusal('UNREADABLE_FILE', `The file cannot be read: ${error.message}`, 'Choose it again.');
  });
  const sha256 = await sha256Of(content);
  if (bytes.size <= PART_BYTES) return { kind, fileName, bytes, sha256 };
  const partSha256s: string[] = [];
  for (let offset = 0; offset < bytes.size; offset += PART_BYTES) {
    partSha256s.push(await sha256Of(content.slice(offset, offset + PART_BYTES)));
  }
  return { kind, fileName, bytes, sha256, partSha256s };
}

/** How far a transfer is, in bytes. */
export interface TransferProgress {
  readonly sentBytes: number;
  /** Of them, what the store had before. */
  readonly keptBytes: number;
}

/**
 * Sends what the store has not yet, and resolves with the upload's id.
 * @param signal interrupts; calling this again goes on
 * @throws ApiError; the signal's reason if it was interrupted
 */
export async function transfer(
  request: ReturnType<typeof useApiRequest>,
  file: HashedFile,
  onProgress: (progress: TransferProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  const { kind, fileName, bytes, sha256, partSha256s } = file;
  const input = {
    kind,
    fileName,
    sizeBytes: bytes.size,
    sha256,
    ...(partSha256s && { partSha256s: [...partSha256s] }),
  };
  const { data, error } = await request(REQUEST_UPLOAD, {
    input: { contentType: 'application/octet-stream', ...input },
  });
  signal.throwIfAborted();
  if (!data) throw error;
  const { uploadId, request: whole, parts } = data.requestUpload;
  const pieces = whole ? [{ offsetBytes: 0, sizeBytes: bytes.size, request: whole }] : parts;
  const missing = pieces.filter((piece) => piece.request);
  const keptBytes = bytes.size - missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let sentBytes = keptBytes;
  onProgress({ sentBytes, keptBytes });
  for (const { offsetBytes, sizeBytes, request: signed } of missing) {
    const piece = bytes.slice(offsetBytes, offsetBytes + sizeBytes);
    await send(signed!, piece, (loaded) => onProgress({ sentBytes: sentBytes + loaded, keptBytes }), signal);
    sentBytes += sizeBytes;
    onProgress({ sentBytes, keptBytes });
  }
  return uploadId;
}

/** Makes a signed request; by XMLHttpRequest, because fetch tells no progress of a body. */
function send(
  { method, url, headers }: SignedRequest,
  body: Blob,
  onProgress: (loaded: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const exchange = new XMLHttpRequest();
    const abort = () => exchange.abort();
    exchange.open(method, url);
    for (const { name, value } of headers) exchange.setRequestHeader(name, value);
    exchange.upload.onprogress = ({ loaded }) => onProgress(loaded);
    exchange.onloadend = () => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) return reject(signal.reason);
      // 412: the very bytes are there, from another tab perhaps.
      if ((exchange.status >= 200 && exchange.status < 300) || exchange.status === 412) return resolve();
      const { status } = exchange;
      reject(
        status === 0
          ? refusal('INTERRUPTED', 'The connection broke off.', 'Resume: what has arrived is kept.')
          : refusal('REFUSED', `The object store answered ${status}.`, 'Resume, or choose the file again.'),
      );
    };
    signal.addEventListener('abort', abort);
    exchange.send(body);
  });
}

async function sha256Of(content: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function refusal(code: string, message: string, remedy: string): ApiError {
  return { code, message, remedy };
}
