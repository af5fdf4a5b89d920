/**
 * Proof that an exported file computes what was trained: it is loaded in onnxruntime and compared with the model, kind by
 * kind, on the training's kernels and on random ones far outside them.
 */
import { EngineError } from './errors';
import { outputName } from './export';
import type { KernelFeatures } from './features';
import { columnMatrix, predictKernels } from './kernel-model';
import { FALLBACK, type PredictorModel } from './predictor-model';
import { createRandom } from './random';
import { openSession, type RuntimeTensor } from './session';

/** Largest relative difference allowed: float32 sums against float64 ones. */
const TOLERANCE = 1e-5;

/** Random kernels per real one, each feature scaled by up to this factor either way. */
const STRETCH = 16;

/**
 * @param features the training's kernels, per kind
 * @returns the largest relative difference found
 * @throws EngineError EXPORT_MISMATCH
 */
export async function verifyExport(
  model: PredictorModel,
  onnx: Uint8Array,
  features: ReadonlyMap<string, readonly KernelFeatures[]>,
  seed: number,
): Promise<number> {
  const random = createRandom(seed);
  const all = [...features.values()].flat();
  const feeds: Record<string, RuntimeTensor> = {};
  const expected = new Map<string, Float64Array>();
  for (const [kind, kernelModel] of model.kinds) {
    const seen = kind === FALLBACK ? all : (features.get(kind) ?? all);
    const kernels = [...seen, ...seen.map((kernel) => stretched(kernel, () => random.uniform()))];
    const { rows, columns, values } = columnMatrix(kernelModel.columns, kernels);
    feeds[kind] = { shape: [rows, columns], values };
    expected.set(kind, predictKernels(kernelModel, kernels));
  }
  const session = await openSession(onnx);
  try {
    const outputs = await session.run(feeds);
    let largest = 0;
    for (const [kind, latencies] of expected) {
      const { values } = outputs[outputName(kind)];
      latencies.forEach((latency, i) => {
        const difference = latency === values[i] ? 0 : Math.abs(values[i] - latency) / Math.abs(latency);
        if (!(difference <= TOLERANCE)) {
          throw new EngineError(
            'EXPORT_MISMATCH',
            `the exported file predicts ${values[i]} us where the trained model predicts ${latency} us`,
            `kernel kind ${kind}, row ${i}`,
            'Report this: it is a defect of the engine.',
          );
        }
        largest = Math.max(largest, difference);
      });
    }
    return largest;
  } finally {
    await session.release();
  }
}

function stretched(kernel: KernelFeatures, uniform: () => number): KernelFeatures {
  const entries = Object.entries(kernel).map(([name, value]) => [name, value * STRETCH ** (2 * uniform() - 1)]);
  return Object.fromEntries(entries) as KernelFeatures;
}
