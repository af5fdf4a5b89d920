/**
 * The only importer of onnxruntime-node: a thin, typed session. One thread a session where predictors are served: many
 * versions are served side by side, and a predictor is too small to gain from more.
 */
import * as ort from 'onnxruntime-node';

export interface RuntimeTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface SessionOptions {
  /** Graph optimisation level: what onnxruntime fuses. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Threads that an op may use; 1, if left out. */
  readonly threads?: number;
  /** Prefix of the path of the profile that `endProfiling` completes; no profile is written without it. */
  readonly profilePrefix?: string;
  /** Path to which onnxruntime writes the network as it will run it. */
  readonly optimizedModelPath?: string;
}

export interface RuntimeSession {
  readonly inputNames: readonly string[];
  /** Runs once; float32 in and out. */
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Record<string, RuntimeTensor>>;
  endProfiling(): void;
  release(): Promise<void>;
}

/** Version of onnxruntime that computes here. */
export const ONNXRUNTIME_VERSION = ort.env.versions.node ?? ort.env.versions.common;

/** Opens a session on the CPU, with one thread unless told otherwise. */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<RuntimeSession> {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    executionProviders: ['cpu'],
    graphOptimizationLevel: options.optimization ?? 'all',
    logSeverityLevel: 3,
    ...(options.profilePrefix ? { enableProfiling: true, profileFilePrefix: options.profilePrefix } : {}),
    ...(options.optimizedModelPath ? { optimizedModelFilePath: options.optimizedModelPath } : {}),
  });
  return {
    inputNames: session.inputNames,
    async run(feeds) {
      const tensors = Object.fromEntries(
        Object.entries(feeds).map(([name, { shape, values }]) => [name, new ort.Tensor('float32', values, shape)]),
      );
      const outputs = await session.run(tensors);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [
          name,
          { shape: tensor.dims, values: tensor.data as Float32Array },
        ]),
      );
    },
    endProfiling: () => session.endProfiling(),
    release: () => session.release(),
  };
}
