/** Scenarios of few networks borrow from others: the mixture is of those that resemble them, and held networks stay unseen. */
import { fitBorrowed } from '../../src/engine/fit-borrowed';
import { fitEndToEnd } from '../../src/engine/fit-end-to-end';
import { defaultCandidate } from '../../src/engine/learner';
import { predictEach } from '../../src/engine/predictor-model';
import { createRandom } from '../../src/engine/random';
import { trainPredictor } from '../../src/engine/training';
import { gatherTrainingRows, isMeasured, type MeasuredNetwork } from '../../src/engine/training-rows';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

const data = createSyntheticData(40, 0.01, 5);
const lasso = defaultCandidate('lasso');
const options = { seed: 1 };
const all = gatherTrainingRows(SYNTHETIC_SCENARIO, [{ ...data.profile, kernels: [] }], data.graphs).networks.filter(
  isMeasured,
);

/** The same networks on a device that is `factor` times as slow, with some microseconds on top. */
function slower(networks: readonly MeasuredNetwork[], factor: number, fixedUs = 0): MeasuredNetwork[] {
  return networks.map((network) => ({ ...network, latencyUs: factor * network.latencyUs + fixedUs }));
}

/** A device on which latency has nothing to do with the network. */
function unrelated(networks: readonly MeasuredNetwork[]): MeasuredNetwork[] {
  const random = createRandom(9);
  return networks.map((network) => ({ ...network, latencyUs: 100 + 1e4 * random.uniform() }));
}

function meanError(fit: ReturnType<typeof fitEndToEnd>, networks: readonly MeasuredNetwork[]): number {
  const errors = networks.map(({ kernels, features, latencyUs }) => {
    const predicted = predictEach(fit.kinds, kernels, features).reduce((sum, value) => sum + value, fit.fixedUs);
    return Math.abs(predicted - latencyUs) / latencyUs;
  });
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

const few = slower(all.slice(0, 5), 3);
const rest = slower(all.slice(5), 3);

test('five networks and a device like it predict the others better than five networks alone', () => {
  const own = meanError(fitEndToEnd(few, lasso, options), rest);
  const borrowed = meanError(fitBorrowed(few, [slower(all, 1.4)], lasso, options), rest);
  expect(borrowed).toBeLessThan(0.08);
  expect(borrowed).toBeLessThan(own / 2);
});

test('a device that is like no other gets next to no weight', () => {
  const clean = meanError(fitBorrowed(few, [slower(all, 1.4)], lasso, options), rest);
  const mixed = meanError(fitBorrowed(few, [unrelated(all), slower(all, 1.4)], lasso, options), rest);
  expect(mixed).toBeLessThan(clean + 0.03);
});

test('a training of few networks takes rows of other scenarios, and says so', async () => {
  const other = SYNTHETIC_SCENARIO.replace(/^([^/]+)\/([^/]+)/, '$1/another-$2');
  const networks = [
    ...data.profile.networks.slice(0, 6),
    ...data.profile.networks.map((row) => ({ ...row, scenario: other, latencyUs: 2 * row.latencyUs })),
  ];
  const { report } = await trainPredictor({
    scenario: SYNTHETIC_SCENARIO,
    learner: 'gaussianProcess',
    seed: 1,
    profiles: [{ sha256: '00', profile: { ...data.profile, kernels: [], networks } }],
    graphs: data.graphs,
  });
  expect(report.networks).toBe(6);
  expect(report.sources.map(({ name }) => name)).toEqual(['end-to-end rows', 'other scenarios']);
  const [own, borrowed] = report.sources;
  expect(borrowed.mape).toBeLessThan(own.mape);
  expect(borrowed.share).toBeGreaterThan(0.9);
});
