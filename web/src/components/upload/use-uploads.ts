/** Files on their way, one after the other: each with its state, interrupted and gone on with. Must not know nouns. */
import { useCallback, useEffect, useReducer, useRef } from 'react';
import type { ApiError } from '../../api/errors';
import type { UploadKind } from '../../api/generated/graphql';
import { useApiRequest } from '../../api/hooks';
import { type HashedFile, hashFile, transfer } from './transfer';

export type UploadState = 'WAITING' | 'PREPARING' | 'SENDING' | 'PAUSED' | 'FINISHING' | 'DONE' | 'FAILED';

/** A file that was chosen. */
export interface UploadItem {
  readonly id: number;
  readonly file: File;
  readonly state: UploadState;
  /** Of what is sent: after `prepare` not what the file has. */
  readonly sizeBytes: number;
  readonly sentBytes: number;
  /** What the store had from an earlier attempt. */
  readonly keptBytes: number;
  readonly error?: ApiError;
}

export interface UploadOptions {
  /** What the API is told that the files are for. */
  readonly kind: UploadKind;
  /** Changes a file before it goes, such as stripping it; throws an ApiError to refuse it. Called once a file. */
  readonly prepare?: (file: File) => Promise<Blob>;
  /** Makes something of the bytes, which have arrived. Resolves with the error that the file then shows, if any. */
  readonly onUploaded: (uploadId: string, file: File) => Promise<ApiError | undefined>;
}

type Change = { readonly add: UploadItem[] } | { readonly id: number; readonly to: Partial<UploadItem> | undefined };

function changed(items: readonly UploadItem[], change: Change): readonly UploadItem[] {
  if ('add' in change) return [...items, ...change.add];
  const { id, to } = change;
  return to
    ? items.map((item) => (item.id === id ? { ...item, ...to } : item))
    : items.filter((item) => item.id !== id);
}

export interface Uploads {
  readonly items: readonly UploadItem[];
  readonly add: (files: readonly File[]) => void;
  /** Interrupts; what has arrived is kept. */
  readonly pause: (id: number) => void;
  /** Goes on, or tries again. */
  readonly resume: (id: number) => void;
  /** Takes it off the list; interrupts it if it is on its way. */
  readonly remove: (id: number) => void;
}

export function useUploads(options: UploadOptions): Uploads {
  const request = useApiRequest();
  const [items, dispatch] = useReducer(changed, []);
  const latest = useRef(options);
  latest.current = options;
  const hashed = useRef(new Map<number, HashedFile>());
  const lastId = useRef(0);
  const current = useRef<{ readonly id: number; readonly interruption: AbortController }>(undefined);

  const run = useCallback(
    async ({ id, file }: UploadItem, signal: AbortSignal) => {
      const set = (to: Partial<UploadItem>) => dispatch({ id, to });
      const { kind, prepare, onUploaded } = latest.current;
      try {
        set({ state: 'PREPARING', error: undefined });
        const known = hashed.current.get(id) ?? (await hashFile(kind, file.name, prepare ? await prepare(file) : file));
        hashed.current.set(id, known);
        signal.throwIfAborted();
        set({ state: 'SENDING', sizeBytes: known.bytes.size });
        const uploadId = await transfer(request, known, set, signal);
        set({ state: 'FINISHING' });
        const error = await onUploaded(uploadId, file);
        set(error ? { state: 'FAILED', error } : { state: 'DONE' });
        if (!error) hashed.current.delete(id);
      } catch (error) {
        set(signal.aborted ? { state: 'PAUSED' } : { state: 'FAILED', error: toApiError(error) });
      }
    },
    [request],
  );

  // One after the other: the next that waits begins when nothing is on its way.
  const next = items.find(({ state }) => state === 'WAITING');
  useEffect(() => {
    if (!next || current.current) return;
    const interruption = new AbortController();
    current.current = { id: next.id, interruption };
    void run(next, interruption.signal).finally(() => {
      current.current = undefined;
      // The one after it has been waiting.
      dispatch({ add: [] });
    });
  });
  useEffect(() => () => current.current?.interruption.abort(), []);

  const interrupt = useCallback((id: number) => {
    if (current.current?.id === id) current.current.interruption.abort();
  }, []);
  return {
    items,
    add: useCallback((files) => {
      const add = files.map((file): UploadItem => {
        lastId.current += 1;
        return { id: lastId.current, file, state: 'WAITING', sizeBytes: file.size, sentBytes: 0, keptBytes: 0 };
      });
      dispatch({ add });
    }, []),
    pause: interrupt,
    resume: useCallback((id) => dispatch({ id, to: { state: 'WAITING', error: undefined } }), []),
    remove: useCallback(
      (id) => {
        interrupt(id);
        hashed.current.delete(id);
        dispatch({ id, to: undefined });
      },
      [interrupt],
    ),
  };
}

/** What was thrown, as an error that a page shows: `prepare` may throw one of these or any other. */
function toApiError(error: unknown): ApiError {
  const { code = 'UNREADABLE_FILE', message, where, remedy = 'Choose another file.' } = error as ApiError;
  return { code, message, where, remedy };
}
