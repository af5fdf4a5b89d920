/**
 * The engine in worker threads, so that neither reading a large file nor training holds up anything else in the
 * process. A thread at work in native code (onnxruntime, DuckDB) is never killed: it would take the process with it.
 * Training is asked to end; reading profiles ends by itself; reading networks, which strangers' bytes could make long, runs
 * no native code and is ended at a limit of time or memory. Pools of their own, so that none waits for another; only trainings
 * wait for folds.
 */
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import {
  EngineError,
  type EvaluationRow,
  type NetworkDescription,
  type Profile,
  type TrainedPredictor,
  type TrainingProgress,
} from './engine';
import { throwIfCancelled } from './engine/errors';
import type { NetworkFile, ProfileFile, ProfileSummary, TrainingTask } from './engine-thread';
import { serveFolds } from './fold-tasks';
import { FoldThreads } from './fold-threads';
import { type Outcome, unwrap } from './thread-outcome';

const IDLE_MS = 30_000;
const READING_THREADS = 1;

/** What reading one network may take: the largest networks take a tenth of a second and some 50 MB. */
const NETWORK_READING_MS = 10_000;
const NETWORK_READING_MB = 512;

export class EnginePool {
  readonly #training: Piscina;
  readonly #folds: FoldThreads;
  readonly #reading: Piscina;
  readonly #networks: Piscina;
  #lastRead: Promise<unknown> = Promise.resolve();

  /**
   * @param program path of the compiled engine-thread.ts
   * @param trainingThreads trainings at a time, and folds of all of them at a time
   * @param limits what reading one network may take
   */
  constructor(
    program: string,
    trainingThreads: number,
    private readonly limits = { milliseconds: NETWORK_READING_MS, megabytes: NETWORK_READING_MB },
  ) {
    // Fails here and now rather than at the first job.
    require.resolve(program);
    const common = { filename: program, minThreads: 0, idleTimeout: IDLE_MS };
    this.#training = new Piscina({ ...common, maxThreads: trainingThreads });
    this.#folds = new FoldThreads(program, trainingThreads);
    this.#reading = new Piscina({ ...common, maxThreads: READING_THREADS });
    this.#networks = new Piscina({
      ...common,
      maxThreads: READING_THREADS,
      resourceLimits: { maxOldGenerationSizeMb: limits.megabytes },
    });
  }

  /** @throws EngineError */
  summarizeProfile(file: ProfileFile): Promise<ProfileSummary> {
    return run(this.#reading, 'summarizeProfile', file);
  }

  /** @throws EngineError, LIMIT_EXCEEDED among them */
  async summarizeNetwork(file: NetworkFile): Promise<NetworkDescription> {
    try {
      // Reading begins when the thread is free: the limit is on a queue of one.
      return await this.#inTurn(() =>
        run(this.#networks, 'summarizeNetwork', file, { signal: AbortSignal.timeout(this.limits.milliseconds) }),
      );
    } catch (error) {
      const { name, code } = error as { name?: string; code?: string };
      const { milliseconds, megabytes } = this.limits;
      const remedy = 'Check the file; export the network without weights, or with fewer ops.';
      if (name === 'AbortError') {
        throw new EngineError('LIMIT_EXCEEDED', `reading took more than ${milliseconds} ms`, file.name, remedy);
      }
      if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
        throw new EngineError('LIMIT_EXCEEDED', `reading took more than ${megabytes} MB`, file.name, remedy);
      }
      throw error;
    }
  }

  /** One network after the other: waiting for the thread does not count as reading. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const turn = this.#lastRead.then(read);
    this.#lastRead = turn.catch(() => undefined);
    return turn;
  }

  /** What a training of one scenario needs of a profile. @throws EngineError */
  readScenario(file: ProfileFile, scenario: string): Promise<Profile> {
    return run(this.#training, 'readScenario', { file, scenario });
  }

  /** What an evaluation set takes of a profile, of all networks if none are named. @throws EngineError */
  readEvaluationRows(
    file: ProfileFile,
    scenarios: readonly string[],
    networks?: readonly string[],
  ): Promise<EvaluationRow[]> {
    return run(this.#reading, 'readEvaluationRows', { file, scenarios, networks });
  }

  /** Trains one version. @throws EngineError, CANCELLED soon after the signal is raised */
  async train(
    task: Omit<TrainingTask, 'progress' | 'folds' | 'foldThreads' | 'cancellation'>,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TrainingProgress) => void },
  ): Promise<TrainedPredictor> {
    throwIfCancelled(signal);
    const progress = new MessageChannel();
    progress.port1.on('message', onProgress);
    const folds = new MessageChannel();
    serveFolds(folds.port1, (fold) => this.#folds.run(fold));
    const cancellation = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const cancel = () => Atomics.store(new Int32Array(cancellation), 0, 1);
    signal.addEventListener('abort', cancel);
    try {
      const ports = { progress: progress.port2, folds: folds.port2 };
      const whole = { ...task, ...ports, foldThreads: this.#folds.threads, cancellation };
      return await run<TrainedPredictor>(this.#training, 'train', whole, { transferList: Object.values(ports) });
    } finally {
      signal.removeEventListener('abort', cancel);
      // If one fold was refused, the others need not go on.
      cancel();
      for (const { port1 } of [progress, folds]) {
        port1.close();
        await once(port1, 'close');
      }
    }
  }

  /** Ends all threads when they have nothing to do any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#training.close(), this.#reading.close(), this.#networks.close()]);
    await this.#folds.stop();
  }
}

async function run<T>(
  pool: Piscina,
  name: string,
  task: unknown,
  options: { transferList?: MessagePort[]; signal?: AbortSignal } = {},
): Promise<T> {
  const outcome: Outcome<T> = await pool.run(task, { name, ...options });
  return unwrap(outcome);
}
