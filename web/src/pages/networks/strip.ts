/** Asks a worker to take the weights out of a file. Knows the worker; must not know the API or pages. */
import type { ApiError } from '../../api/errors';

export interface StrippedFile {
  readonly bytes: Blob;
  /** Constants whose values were left out. */
  readonly stripped: number;
  /** Names of dimensions without a size. */
  readonly dimensions: readonly string[];
}

/** What the worker says: the file, or why it cannot be read. */
export type StripAnswer = StrippedFile | ApiError;

/** @throws ApiError of the engine: MALFORMED_FILE, UNSUPPORTED_FORMAT, UNSUPPORTED_OP; UNREADABLE_FILE */
export async function stripFile(file: File): Promise<StrippedFile> {
  const worker = new Worker(new URL('./strip-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<StripAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<StripAnswer>) => resolve(data);
      worker.onerror = ({ message }) =>
        reject({
          code: 'UNREADABLE_FILE',
          message: `The file cannot be read: ${message}`,
          remedy: 'Load the page again.',
        });
      worker.postMessage(file);
    });
    if ('code' in answer) throw answer;
    return answer;
  } finally {
    worker.terminate();
  }
}
