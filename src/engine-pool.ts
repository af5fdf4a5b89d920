/**
 * The engine in worker threads, so that neither reading a large file nor training holds up anything else in the
 * process. Cancelling ends the thread. Two pools: files of one team do not wait for a training of another.
 */
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import {
  EngineError,
  type NetworkDescription,
  type Profile,
  type TrainedPredictor,
  type TrainingProgress,
} from './engine';
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

  /** @throws EngineError, CANCELLED too */
  summarizeProfile(file: ProfileFile, signal: AbortSignal): Promise<ProfileSummary> {
    return this.#run(this.#reading, 'summarizeProfile', file, { signal });
  }

  /** @throws EngineError, CANCELLED too */
  summarizeNetwork(file: NetworkFile, signal: AbortSignal): Promise<NetworkDescription> {
    return this.#run(this.#reading, 'summarizeNetwork', file, { signal });
  }

  /** The measurements of one scenario in a profile. @throws EngineError, CANCELLED too */
  readScenario(file: ProfileFile, scenario: string, signal: AbortSignal): Promise<Profile> {
    return this.#run(this.#training, 'readScenario', { file, scenario }, { signal });
  }

  /** Trains one version. @throws EngineError, CANCELLED too */
  async train(
    task: Omit<TrainingTask, 'progress'>,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TrainingProgress) => void },
  ): Promise<TrainedPredictor> {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', onProgress);
    try {
      const withPort = { ...task, progress: port2 };
      return await this.#run<TrainedPredictor>(this.#training, 'train', withPort, { signal, transferList: [port2] });
    } finally {
      port1.close();
      await once(port1, 'close');
    }
  }

  /** Ends all threads, whatever they do. */
  async stop(): Promise<void> {
    await Promise.all([this.#training.destroy(), this.#reading.destroy()]);
  }

  async #run<T>(
    pool: Piscina,
    name: string,
    task: unknown,
    options: { signal: AbortSignal; transferList?: MessageChannel['port1'][] },
  ): Promise<T> {
    let outcome: Outcome<T>;
    try {
      outcome = await pool.run(task, { name, ...options });
    } catch (error) {
      if (options.signal.aborted) throw new EngineError('CANCELLED', 'The work was cancelled.');
      throw error;
    }
    if ('value' in outcome) return outcome.value;
    const { code, message, where, remedy, problems, problemCount } = outcome.refusal;
    throw new EngineError(code, message, where, remedy, problems, problemCount);
  }
}
