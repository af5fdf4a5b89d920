/**
 * How the fits of a cross-validation travel between threads. Their rows are by far the largest part and the same for all of
 * them: those are written once, into memory that all threads see, and read once a thread.
 */
import { randomUUID } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { MessagePort } from 'node:worker_threads';
import type { FoldResult, FoldTask } from './engine';
import { type Outcome, unwrap } from './thread-outcome';

/** A FoldTask on its way to another thread. */
export interface PackedFold {
  readonly task: Omit<FoldTask, 'rows'>;
  readonly rows: SharedArrayBuffer;
  /** Another one for other rows. */
  readonly rowsId: string;
  /** One 32-bit integer; anything but 0 cancels. */
  readonly cancellation: SharedArrayBuffer;
}

interface FoldQuestion {
  readonly id: number;
  readonly fold: PackedFold;
}

interface FoldAnswer {
  readonly id: number;
  readonly outcome?: Outcome<FoldResult>;
  /** Why there is no outcome: the thread has ended, for example by want of memory. */
  readonly failure?: unknown;
}

export type RunFold = (task: FoldTask) => Promise<FoldResult>;

/**
 * What a training runs its folds by. It has no more folds under way than there are threads, so that trainings that share
 * the threads advance together.
 *
 * @param run gets the fold to a thread and its outcome back
 */
export function foldRunner(
  run: (fold: PackedFold) => Promise<Outcome<FoldResult>>,
  { threads, cancellation }: { readonly threads: number; readonly cancellation: SharedArrayBuffer },
): RunFold {
  const packed = new WeakMap<FoldTask['rows'], Pick<PackedFold, 'rows' | 'rowsId'>>();
  const packedRows = (rows: FoldTask['rows']) => {
    const known = packed.get(rows) ?? { rows: shared(serialize(rows)), rowsId: randomUUID() };
    packed.set(rows, known);
    return known;
  };
  let free = threads;
  const waiting: (() => void)[] = [];
  return async ({ rows, ...task }) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return unwrap(await run({ task, ...packedRows(rows), cancellation }));
    } finally {
      // The place goes to the next one, if any waits.
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

function shared(bytes: Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** Rows that this thread read last: all folds of a training have the same. */
let lastRows: { readonly id: string; readonly rows: FoldTask['rows'] } | undefined;

export function unpackFold({ task, rows, rowsId }: PackedFold): FoldTask {
  if (lastRows?.id !== rowsId) lastRows = { id: rowsId, rows: deserialize(new Uint8Array(rows)) };
  return { ...task, rows: lastRows.rows };
}

/** The side of a training thread: asks the thread that started it, which has the threads for folds. */
export function askForFolds(port: MessagePort): (fold: PackedFold) => Promise<Outcome<FoldResult>> {
  const asked = new Map<
    number,
    { resolve: (outcome: Outcome<FoldResult>) => void; reject: (reason: unknown) => void }
  >();
  let count = 0;
  port.on('message', ({ id, outcome, failure }: FoldAnswer) => {
    const { resolve, reject } = asked.get(id)!;
    asked.delete(id);
    if (outcome) resolve(outcome);
    else reject(failure);
  });
  return (fold) =>
    new Promise((resolve, reject) => {
      const id = count++;
      asked.set(id, { resolve, reject });
      port.postMessage({ id, fold } satisfies FoldQuestion);
    });
}

/** The other side: runs what is asked for, and answers. */
export function serveFolds(port: MessagePort, run: (fold: PackedFold) => Promise<Outcome<FoldResult>>): void {
  port.on('message', async ({ id, fold }: FoldQuestion) => {
    const answer = await run(fold).then(
      (outcome): FoldAnswer => ({ id, outcome }),
      (failure): FoldAnswer => ({ id, failure }),
    );
    // After the training has ended nobody hears this.
    port.postMessage(answer);
  });
}
