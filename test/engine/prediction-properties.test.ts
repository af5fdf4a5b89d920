/** What holds of every prediction, whatever the learner and however odd the kernel. */
import fc from 'fast-check';
import {
  INTERVAL_LEVELS,
  LEARNERS,
  type Learner,
  openSession,
  type Profile,
  readMetadata,
  trainPredictor,
} from '../../src/engine';
import { compose } from '../../src/engine/composition';
import { FEATURE_NAMES, type KernelFeatures, termValue } from '../../src/engine/features';
import { conformalRadii, intervalAround } from '../../src/engine/intervals';
import { gatherTrainingRows } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(7, 0.05, 8);
const rows = gatherTrainingRows(SYNTHETIC_SCENARIO, [data.profile], data.graphs).kernels;
const RUNS = { numRuns: 40, seed: 1 } as const;

/** A kernel of training with every feature scaled by up to 2^12 either way, or set to 0. */
const oddKernel = fc
  .record({
    row: fc.integer({ min: 0, max: rows.length - 1 }),
    factors: fc.array(
      fc.oneof(
        fc.constant(0),
        fc.double({ min: -12, max: 12, noNaN: true }).map((x) => 2 ** x),
      ),
      {
        minLength: FEATURE_NAMES.length,
        maxLength: FEATURE_NAMES.length,
      },
    ),
  })
  .map(({ row, factors }) => {
    const { kind, features } = rows[row];
    const odd = Object.fromEntries(FEATURE_NAMES.map((name, j) => [name, features[name] * factors[j]]));
    return { kind, features: odd as KernelFeatures };
  });

async function train(learner: Learner, profile: Profile): Promise<Uint8Array> {
  const request = { scenario: SYNTHETIC_SCENARIO, learner, seed: 1, graphs: data.graphs };
  return (await trainPredictor({ ...request, profiles: [{ sha256: 'ab', profile }] })).onnx;
}

test.each(LEARNERS.filter((learner) => learner !== 'auto'))(
  'by %s no kernel takes a negative, infinite or NaN time, and one more never makes a network faster',
  async (learner) => {
    const onnx = await train(learner, data.profile);
    const { kinds, composition } = readMetadata(onnx);
    const session = await openSession(onnx);
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(oddKernel, { minLength: 2, maxLength: 30 }), async (kernels) => {
          const feeds = Object.entries(kinds).map(([kind, columns]) => {
            const ofKind = kernels.filter((kernel) => kernel.kind === kind);
            const values = ofKind.flatMap(({ features }) => columns.map((column) => termValue(column, features)));
            return [kind, { shape: [ofKind.length, columns.length], values: Float32Array.from(values) }] as const;
          });
          const outputs = Object.values(await session.run(Object.fromEntries(feeds)));
          const latencies = outputs.flatMap(({ values }) => Array.from(values, Number));
          expect(latencies.length).toBe(kernels.length);
          expect(latencies.every((latency) => latency >= 0 && latency < Infinity)).toBe(true);
          let [kernelsUs, before] = [0, 0];
          latencies.forEach((latency, i) => {
            kernelsUs += latency;
            const after = compose(composition, { kernelsUs, kernels: i + 1 });
            expect(after).toBeGreaterThanOrEqual(before);
            before = after;
          });
        }),
        RUNS,
      );
    } finally {
      await session.release();
    }
  },
);

test('intervals hold the prediction, and widen with the level', () => {
  const latency = fc.double({ min: 1e-3, max: 1e9, noNaN: true });
  const networks = fc.array(fc.tuple(latency, latency), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(networks, latency, (pairs, latencyUs) => {
      const radii = conformalRadii(
        pairs.map(([predicted]) => predicted),
        pairs.map(([, measured]) => measured),
      );
      let [lower, upper] = [latencyUs, latencyUs];
      for (const level of INTERVAL_LEVELS) {
        const interval = intervalAround(latencyUs, radii, level);
        expect(interval.lowerUs).toBeLessThanOrEqual(lower);
        expect(interval.upperUs).toBeGreaterThanOrEqual(upper);
        [lower, upper] = [interval.lowerUs, interval.upperUs];
      }
    }),
    { seed: 1 },
  );
});
