/** What a dataset's page shows of a profile, on rows whose numbers are seen at once. */
import { contentsOf, type Profile, spreadsOf } from '../../src/engine';

const SCENARIO = 'tflite/pixel4/gpu/float';
const OTHER = 'tflite/pixel4/1large/float';

const row = (network: string, latencyUs: number, scenario = SCENARIO) => ({ network, scenario, harness: 0, latencyUs });
const kernel = (kind: string, latencyUs: number) => ({
  ...row('a', latencyUs),
  kind,
  kernel: kind,
  fused: [],
  features: {},
});

const PROFILE: Profile = {
  harnesses: [{ threads: 4, statistic: 'median' }, {}],
  networks: [...[30, 10, 20].map((latencyUs, i) => row(`network-${i}`, latencyUs)), row('a', 5, OTHER)],
  kernels: [kernel('Add', 3), kernel('Conv', 7), kernel('Conv', 9)],
};

test('latencies are spread by scenario and kind, most rows first', () => {
  const spreads = spreadsOf(PROFILE);
  expect([...spreads.keys()]).toEqual([SCENARIO, OTHER]);
  const { networks, kinds } = spreads.get(SCENARIO)!;
  expect(networks).toEqual({
    rows: 3,
    minimumUs: 10,
    lowerQuartileUs: 15,
    medianUs: 20,
    upperQuartileUs: 25,
    maximumUs: 30,
  });
  expect(kinds.map(({ kind, rows, medianUs }) => [kind, rows, medianUs])).toEqual([
    ['Conv', 2, 8],
    ['Add', 1, 3],
  ]);
  expect(spreads.get(OTHER)!.kinds).toEqual([]);
});

test('where only kernels were measured, no spread of networks is said', () => {
  expect(spreadsOf({ ...PROFILE, networks: [] }).get(SCENARIO)).not.toHaveProperty('networks');
});

test('harnesses that no row has are not listed', () => {
  const { networkCount, harnessCount, harnesses } = contentsOf(PROFILE);
  expect([networkCount, harnessCount, harnesses]).toEqual([4, 1, [{ threads: 4, statistic: 'median' }]]);
});

test('rows without a harness, noisy rows and scenarios of few networks are warned of', () => {
  const enough = Array.from({ length: 10 }, (_, i) => ({ ...row(`network-${i}`, 100), deviationUs: 20 }));
  expect(contentsOf({ ...PROFILE, networks: enough }).warnings).toEqual([]);
  const noisy = enough.map((each, i) => ({ ...each, deviationUs: i < 2 ? 21 : 20, harness: 1 }));
  expect(contentsOf({ ...PROFILE, networks: [...noisy, row('a', 5, OTHER)] }).warnings).toEqual([
    expect.stringMatching(/^Some rows do not say how they were measured/),
    '2 rows have a standard deviation over 20 % of the latency: measure longer.',
    `Fewer than 10 networks are measured in ${OTHER}: too few for an honest error.`,
  ]);
});
