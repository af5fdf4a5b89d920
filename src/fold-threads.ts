/**
 * Threads for the fits of cross-validations. They are apart from the threads that train, which wait for them: trainings that
 * filled a common pool would wait forever.
 */
import { Piscina } from 'piscina';
import type { FoldResult } from './engine';
import { foldRunner, type PackedFold, type RunFold } from './fold-tasks';
import type { Outcome } from './thread-outcome';

const IDLE_MS = 30_000;

export class FoldThreads {
  readonly #pool: Piscina;

  /** @param program path of the compiled engine-thread.ts */
  constructor(
    program: string,
    readonly threads: number,
  ) {
    this.#pool = new Piscina({ filename: program, minThreads: 0, maxThreads: threads, idleTimeout: IDLE_MS });
  }

  /** Runs a fold when a thread is free. */
  run(fold: PackedFold): Promise<Outcome<FoldResult>> {
    return this.#pool.run(fold, { name: 'runFold' });
  }

  /** For a training in the calling thread, which nobody cancels. */
  runner(): RunFold {
    const cancellation = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    return foldRunner((fold) => this.run(fold), { threads: this.threads, cancellation });
  }

  /** Ends the threads when they have nothing to do any more. */
  async stop(): Promise<void> {
    await this.#pool.close();
  }
}
