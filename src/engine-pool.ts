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
import type { BatchChunk, RowRefusal } from './batch-rows';
import type { BatchPrediction, PredictingTask, ReadingTask, SplitTask } from './batch-thread';
import {
  EngineError,
  type EvaluationRow,
  type Graph,
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
const PREDICTING_THREADS = 1;

/** What reading one network may take: the largest networks take a tenth of a second and some 50 MB. */
const NETWORK_READING_MS = 10_000;
const NETWORK_READING_MB = 512;

export class EnginePool {
  readonly #training: Piscina;
  readonly #folds: FoldThreads;
  readonly #reading: Piscina;
  readonly #networks: Piscina;
  readonly #predicting: Piscina;
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
    this.#predicting = new Piscina({ ...common, maxThreads: PREDICTING_THREADS });
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
  summarizeNetwork(file: NetworkFile): Promise<NetworkDescription> {
    return this.#withinLimits('summarizeNetwork', file, file.name);
  }

  /** The chunks of a batch's file. @throws EngineError */
  splitBatch(task: SplitTask): Promise<BatchChunk[]> {
    return run(this.#reading, 'splitBatch', task);
  }

  /** The graph of each row of a batch, or why it has none; one beyond the limits does not harm the others. */
  async readRows({ rows, bases }: ReadingTask): Promise<(Graph | RowRefusal)[]> {
    try {
      return await this.#withinLimits('readRows', { rows, bases }, 'rows');
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'LIMIT_EXCEEDED') throw error;
      const { code, message } = error;
      if (rows.length === 1) return [{ code, message }];
      const graphs: (Graph | RowRefusal)[] = [];
      for (const row of rows) graphs.push(...(await this.readRows({ rows: [row], bases })));
      return graphs;
    }
  }

  /** What each version says of each graph. @throws EngineError INVALID_PREDICTOR */
  predictGraphs(task: PredictingTask): Promise<(BatchPrediction | RowRefusal)[][]> {
    return run(this.#predicting, 'predictGraphs', task);
  }

  /** A task that reads networks: no longer and with no more memory than reading may take. */
  async #withinLimits<T>(name: string, task: unknown, where: string): Promise<T> {
    try {
      // Reading begins when the thread is free: the limit is on a queue of one.
      return await this.#inTurn(() =>
        run<T>(this.#networks, name, task, { signal: AbortSignal.timeout(this.limits.milliseconds) }),
      );
    } catch (error) {
      const { name: kind, code } = error as { name?: string; code?: string };
      const { milliseconds, megabytes } = this.limits;
      const remedy = 'Check the file; export the network without weights, or with fewer ops.';
      if (kind === 'AbortError') {
        throw new EngineError('LIMIT_EXCEEDED', `reading took more than ${milliseconds} ms`, where, remedy);
      }
      if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
        throw new EngineError('LIMIT_EXCEEDED', `reading took more than ${megabytes} MB`, where, remedy);
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
    await Promise.all([
      this.#training.close(),
      this.#reading.close(),
      this.#networks.close(),
      this.#predicting.close(),
    ]);
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
