/**
 * The proof that an exported file computes what was trained, by files that do not.
 */
import { featurize, openSession, planKernels } from '../../src/engine';
import { SUM } from '../../src/engine/composition';
import { exportPredictor } from '../../src/engine/export';
import { type KernelModel, linearModel, type ModelTerm } from '../../src/engine/kernel-model';
import { FALLBACK, hullOf, type PredictorModel } from '../../src/engine/predictor-model';
import { verifyExport } from '../../src/engine/verification';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const [graph] = createSyntheticData(1, 0, 1).graphs.values();
const plan = planKernels(graph, 'onnxruntime-cpu');
const kernels = featurize(plan).filter((_, i) => plan.kernels[i].kind === 'convolution');
const features = new Map([['convolution', kernels]]);
const provenance = { learner: 'lasso', seed: 1, datasets: [], harnesses: [] };

/** A base of two columns, and a tree that tells kernels apart by their outputs' elements. */
function model(changes: Partial<ModelTerm> = {}): PredictorModel {
  const trees = {
    columns: 2,
    baseline: 0.1,
    trees: [
      {
        feature: Int32Array.of(1, -1, -1),
        threshold: Float32Array.of(kernels[0].outputElements, 0, 0),
        left: Int32Array.of(1, 0, 0),
        right: Int32Array.of(2, 0, 0),
        value: Float32Array.of(0, -0.5, 0.5),
      },
    ],
  };
  const convolution: KernelModel = {
    columns: [{ term: 'multiplyAccumulates' }, { term: 'outputElements' }],
    terms: [
      {
        weights: Float32Array.of(1e-4, 1e-3),
        floorUs: 1,
        factor: { form: 'trees', reads: [0, 1], ensemble: trees },
        ...changes,
      },
    ],
  };
  const fallback = linearModel([{ term: 'kernels' }], [3], 0);
  return {
    scenario: SYNTHETIC_SCENARIO,
    runtime: plan.runtime,
    kinds: new Map([
      ['convolution', convolution],
      [FALLBACK, fallback],
    ]),
    hulls: new Map([['convolution', hullOf(kernels)]]),
    composition: SUM,
    radii: [],
    noiseFloor: null,
  };
}

test('a faithful file passes, to the bit of float32', async () => {
  const trained = model();
  expect(await verifyExport(trained, exportPredictor(trained, provenance), features, 1)).toBeLessThan(1e-6);
});

test.each<[string, Partial<ModelTerm>]>([
  ['another weight', { weights: Float32Array.of(1.0001e-4, 1e-3) }],
  ['another floor', { floorUs: 2000 }],
  ['no factor', { factor: undefined }],
])('a file with %s is found out', async (_, changes) => {
  const other = exportPredictor(model(changes), provenance);
  await expect(verifyExport(model(), other, features, 1)).rejects.toMatchObject({
    code: 'EXPORT_MISMATCH',
    where: expect.stringMatching(/^kernel kind convolution, row \d+$/),
    message: expect.stringMatching(/predicts [\d.]+ us where the trained model predicts [\d.]+ us/),
  });
});

test('kernels on a threshold go the way they went in training', async () => {
  const session = await openSession(exportPredictor(model(), provenance));
  const at = kernels[0].outputElements;
  const outputs = await session.run({
    convolution: { shape: [2, 2], values: Float32Array.of(0, at, 0, at + 1) },
    [FALLBACK]: { shape: [1, 1], values: Float32Array.of(1) },
  });
  await session.release();
  const [on, above] = outputs['convolution.latencyUs'].values;
  expect(on).toBeCloseTo(Math.max(1, 1e-3 * at) * Math.exp(-0.4), 3);
  expect(above).toBeCloseTo(Math.max(1, 1e-3 * (at + 1)) * Math.exp(0.6), 3);
});
