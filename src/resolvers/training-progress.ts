/** The source of the subscription trainingProgress: the version's row, read again at every notification of a change. */
import { notFound } from '../errors';
import { toGlobalId } from '../schema/node';
import { PredictorVersion, type TrainingProgress } from '../schema/predictor-version';
import type { TeamSession } from '../tenancy';
import { type RequestContext, rowId } from './context';

/**
 * Yields the progress now and at every change, and ends when the training has ended.
 * @throws NOT_FOUND, BAD_INPUT before the first value
 */
export async function followTraining(
  context: RequestContext,
  session: TeamSession,
  versionId: string,
): Promise<AsyncIterableIterator<TrainingProgress>> {
  const id = rowId(PredictorVersion, versionId, 'versionId');
  const read = () => context.tenancy.inTeam(session, (manager) => manager.findOneBy(PredictorVersion, { id }));
  if (!(await read())) throw notFound('PredictorVersion', versionId);

  const changes = new Changes();
  async function* follow(): AsyncGenerator<TrainingProgress> {
    // Listening begins before the row is read, so that no change falls between the two.
    const unlisten = context.notifications.listen('training', id, () => changes.signal());
    try {
      while (!changes.ended) {
        const version = await read();
        if (!version) return;
        const { status, step, fraction } = version;
        yield { versionId: toGlobalId('PredictorVersion', id), status, step, fraction };
        if (version.finishedAt) return;
        await changes.next();
      }
    } finally {
      unlisten();
    }
  }
  return endable(follow(), () => changes.end());
}

/**
 * A generator that is waiting hears of `return` only when its wait is over; `end` ends the wait. Without it, a client
 * that goes away would be remembered until the next change.
 */
function endable<T>(generator: AsyncGenerator<T>, end: () => void): AsyncIterableIterator<T> {
  return {
    next: () => generator.next(),
    return: () => {
      end();
      return generator.return(undefined);
    },
    throw: (error) => {
      end();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Remembers that something changed since it was last asked: many changes while nobody waits count as one. */
class Changes {
  ended = false;
  #pending = false;
  #wake: (() => void) | undefined;

  signal(): void {
    this.#pending = true;
    this.#wake?.();
  }

  end(): void {
    this.ended = true;
    this.signal();
  }

  async next(): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#pending = false;
    this.#wake = undefined;
  }
}
