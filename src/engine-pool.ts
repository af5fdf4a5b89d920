/**
 * The engine in worker threads, so that neither reading a large file nor training holds up anything else in the
 * process. A thread is never killed at work: native code (onnxruntime, DuckDB) would take the process with it. Training
 * is asked to end; reading ends by itself. Two pools: files of one team do not wait for a training of another.
 */
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import {
  EngineError,
  type NetworkDescription,
  type Profile,
  type TrainedPredictor,
  type TrainingProgress,
} from './engine';
import { throwIfCancelled } from './engine/errors';
import type { NetworkFile, Outcome, ProfileFile, ProfileSummary, TrainingTask } from './engine-thread';

const IDLE_MS = 30_000;
const READING_THREADS = 1;

export class EnginePool {
  readonly #training: Piscina;
  readonly #reading: Piscina;

  /** @param program path of the compiled engine-thread.ts */
  constructor(program: string, trainingThreads: number) {
    // Fails here and now rather than at the first job.
    require.resolve(program);
    const common = { filename: program, minThreads: 0, idleTimeout: IDLE_MS };
    this.#training = new Piscina({ ...common, maxThreads: trainingThreads });
    this.#reading = new Piscina({ ...common, maxThreads: READING_THREADS });
  }

  /** @throws EngineError */
  summarizeProfile(file: ProfileFile): Promise<ProfileSummary> {
    return run(this.#reading, 'summarizeProfile', file);
  }

  /** @throws EngineError */
  summarizeNetwork(file: NetworkFile): Promise<NetworkDescription> {
    return run(this.#reading, 'summarizeNetwork', file);
  }

  /** The measurements of one scenario in a profile. @throws EngineError */
  readScenario(file: ProfileFile, scenario: string): Promise<Profile> {
    return run(this.#training, 'readScenario', { file, scenario });
  }

  /** Trains one version. @throws EngineError, CANCELLED soon after the signal is raised */
  async train(
    task: Omit<TrainingTask, 'progress' | 'cancellation'>,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TrainingProgress) => void },
  ): Promise<TrainedPredictor> {
    throwIfCancelled(signal);
    const { port1, port2 } = new MessageChannel();
    port1.on('message', onProgress);
    const cancellation = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const cancel = () => Atomics.store(new Int32Array(cancellation), 0, 1);
    signal.addEventListener('abort', cancel);
    try {
      const whole = { ...task, progress: port2, cancellation };
      return await run<TrainedPredictor>(this.#training, 'train', whole, [port2]);
    } finally {
      signal.removeEventListener('abort', cancel);
      port1.close();
      await once(port1, 'close');
    }
  }

  /** Ends all threads when they have nothing to do any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#training.close(), this.#reading.close()]);
  }
}

async function run<T>(pool: Piscina, name: string, task: unknown, transferList: MessagePort[] = []): Promise<T> {
  const outcome: Outcome<T> = await pool.run(task, { name, transferList });
  if ('value' in outcome) return outcome.value;
  const { code, message, where, remedy, problems, problemCount } = outcome.refusal;
  throw new EngineError(code, message, where, remedy, problems, problemCount);
}
