/**
 * Fits a scenario of few networks with the help of others: what kernels cost in scenarios that are like it, mixed so that the
 * mixture explains the scenario's own networks, and what those leave over.
 */
import { correctFit, type EndToEndFit, fitLinear } from './fit-end-to-end';
import type { RegressorOptions } from './fit-regressor';
import { type SingleModel, sumLinear } from './kernel-model';
import type { Candidate } from './learner';
import { fitRelativeRegression } from './learners/relative-regression';
import { mean } from './metrics';
import { FALLBACK, predictEach } from './predictor-model';
import type { MeasuredNetwork } from './training-rows';

/** Scenarios that are mixed, at most. */
const MOST_DONORS = 8;
/** Networks that two scenarios must both have measured to be compared. */
const FEWEST_COMMON = 3;
/** Weight of the squared 2-norm: donors that are alike share their weight. */
const RIDGE = 1e-2;

/**
 * @param siblings measured networks of each of the other scenarios
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitBorrowed(
  networks: readonly MeasuredNetwork[],
  siblings: readonly (readonly MeasuredNetwork[])[],
  candidate: Candidate,
  options: RegressorOptions,
): EndToEndFit {
  const donors = nearest(networks, siblings).map((donor) => fitLinear(donor, options.signal));
  const columns = donors.length + 1;
  const values = new Float64Array(networks.length * columns);
  networks.forEach(({ kernels, features }, i) => {
    donors.forEach(({ kinds }, d) => {
      values[i * columns + d] = predictEach(kinds, kernels, features).reduce((sum, latency) => sum + latency, 0);
    });
    values[i * columns + donors.length] = 1;
  });
  const weights = fitRelativeRegression(
    { rows: networks.length, columns, values },
    networks.map(({ latencyUs }) => latencyUs),
    { units: [...donors.map((_, d) => `donor ${d}`), 'constant'], ridge: RIDGE, signal: options.signal },
  );
  return correctFit(mix(donors, weights), networks, candidate, options);
}

/** One linear predictor: the donors', each by its weight; the last weight is the constant. */
function mix(donors: readonly EndToEndFit[], weights: Float64Array): EndToEndFit {
  const kinds = new Set(donors.flatMap((donor) => [...donor.kinds.keys()]));
  const mixed = [...kinds].map((kind): [string, SingleModel] => {
    const parts = donors.map((donor, d) => ({
      model: donor.kinds.get(kind) ?? donor.kinds.get(FALLBACK)!,
      share: weights[d],
    }));
    return [kind, sumLinear(parts)];
  });
  return { kinds: new Map(mixed), fixedUs: weights[donors.length] };
}

/**
 * The scenarios whose latencies are most nearly proportional to these, by the networks that both have measured. Those that
 * cannot be compared come last, with the most networks first.
 */
function nearest(
  networks: readonly MeasuredNetwork[],
  siblings: readonly (readonly MeasuredNetwork[])[],
): (readonly MeasuredNetwork[])[] {
  const own = new Map(networks.map(({ name, latencyUs }) => [name, latencyUs]));
  return siblings
    .map((donor) => {
      const ratios = donor.flatMap(({ name, latencyUs }) => {
        const latency = own.get(name);
        return latency === undefined ? [] : [Math.log(latency / latencyUs)];
      });
      const centre = ratios.length > 0 ? mean(ratios) : 0;
      const distance = ratios.length < FEWEST_COMMON ? Infinity : mean(ratios.map((ratio) => Math.abs(ratio - centre)));
      return { donor, distance };
    })
    .sort((a, b) => (a.distance === b.distance ? b.donor.length - a.donor.length : a.distance - b.distance))
    .slice(0, MOST_DONORS)
    .map(({ donor }) => donor);
}
