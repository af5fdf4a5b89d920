/** A training while it runs: what it tells of its progress, how soon it stops, and where its folds may run. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Profile, type TrainingProgress, type TrainingRequest, trainPredictor } from '../../src/engine';
import { runFold } from '../../src/engine/cross-validation';
import { createRandom } from '../../src/engine/random';
import { createSyntheticData, permuteKernels, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(10, 0.02, 6);

function request(changes: Partial<TrainingRequest> = {}, profile: Profile = data.profile): TrainingRequest {
  const profiles = [{ sha256: 'ab', profile }];
  return { scenario: SYNTHETIC_SCENARIO, learner: 'lasso', seed: 1, profiles, graphs: data.graphs, ...changes };
}

describe('progress', () => {
  const permuted: Profile = { ...data.profile, kernels: permuteKernels(data.profile.kernels, 3, createRandom(1)) };

  test.each([
    ['both sources', data.profile],
    ['end-to-end rows', { ...data.profile, kernels: [] }],
    ['rows that are cross-validated again, because they were permuted', permuted],
  ])('of %s goes from 0 to 1 and never back', async (_, profile) => {
    const seen: TrainingProgress[] = [];
    const { report } = await trainPredictor(request({ onProgress: (progress) => seen.push(progress) }, profile));
    expect(report.sources[0].permuted).toBe(profile === permuted);
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect([fractions[0], fractions[fractions.length - 1]]).toEqual([0, 1]);
    const steps = [...new Set(seen.map(({ step }) => step))];
    expect(steps).toEqual(['planning', 'cross-validating', 'exporting', 'verifying']);
    // Five folds of each source at least.
    const folds = seen.filter(({ step }) => step === 'cross-validating').length;
    expect(folds).toBeGreaterThanOrEqual(5 * report.sources.length);
  });
});

describe('cancellation', () => {
  test.each(['planning', 'cross-validating', 'exporting'] as const)('while %s', async (step) => {
    const controller = new AbortController();
    const seen: string[] = [];
    const cancelled = request({
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress.step);
        if (progress.step === step) controller.abort();
      },
    });
    await expect(trainPredictor(cancelled)).rejects.toMatchObject({ name: 'EngineError', code: 'CANCELLED' });
    // Nothing was begun, or finished, after the signal.
    expect(seen.filter((each) => each === step).length).toBe(1);
    expect(seen[seen.length - 1]).toBe(step);
  });

  test('that arrives between two folds ends the training before the next one is done', async () => {
    const controller = new AbortController();
    let folds = 0;
    const cancelled = request({
      learner: 'forest',
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step !== 'cross-validating') return;
        folds += 1;
        if (folds === 2) setImmediate(() => controller.abort());
      },
    });
    await expect(trainPredictor(cancelled)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(folds).toBe(2);
  });

  test('reaches folds that run elsewhere by their failure', async () => {
    const failure = new Error('the thread has ended');
    const failing = request({ runFold: (task) => (task.fold === 3 ? Promise.reject(failure) : turn(runFold(task))) });
    await expect(trainPredictor(failing)).rejects.toBe(failure);
  });
});

test.each(['lasso', 'boosting', 'gaussianProcess'] as const)(
  'folds of %s that run elsewhere, in any order, give the same bytes and the same report',
  async (learner) => {
    const here = await trainPredictor(request({ learner }));
    let running = 0;
    let most = 0;
    const elsewhere = await trainPredictor(
      request({
        learner,
        runFold: async (task) => {
          running += 1;
          most = Math.max(most, running);
          // As messages between threads: copies of plain data, the last fold first.
          const copy = structuredClone(task);
          for (let i = task.fold; i < 5; i++) await turn();
          const result = structuredClone(runFold(copy));
          running -= 1;
          return result;
        },
      }),
    );
    expect(most).toBeGreaterThan(1);
    expect(Buffer.from(elsewhere.onnx).equals(Buffer.from(here.onnx))).toBe(true);
    expect(elsewhere.report).toEqual(here.report);
  },
);
