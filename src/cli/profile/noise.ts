/**
 * Whether other processes had a part in what was measured. A small network, always the same, is timed before, between and
 * after the rounds; and the runs of each measured network are compared with each other.
 */
import { createRandom, openSession, readNetwork } from '../../engine';
import { randomInputs } from '../measure';
import { NetworkBuilder } from '../network-builder';
import { ascending, median, spreadOf } from './statistics';

/** Three measures of noise, all shares: 0.1 is 10 %. */
export interface Noise {
  /** By how much the reference network's median was longer at its slowest time than at its fastest. */
  readonly referenceSpread: number;
  /** Share of the reference's time in which the process could have computed and did not: others had the core. */
  readonly waitingShare: number;
  /** Median absolute deviation of a network's runs over their median; the middle one of the networks. */
  readonly rowSpread: number;
}

/** More than this, and the rows say little of the networks. See docs/guides/profiling.md for where the numbers come from. */
export const NOISE_LIMITS: Noise = { referenceSpread: 0.25, waitingShare: 0.1, rowSpread: 0.1 };

const DESCRIPTIONS: Readonly<Record<keyof Noise, string>> = {
  referenceSpread: 'the reference network took longer at its slowest time than at its fastest by',
  waitingShare: 'the process waited for a core for',
  rowSpread: 'the runs of a network deviate from their median by',
};

/** The measures that exceed their limits, in words. */
export function excesses(noise: Noise): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  return (Object.keys(NOISE_LIMITS) as (keyof Noise)[])
    .filter((name) => noise[name] > NOISE_LIMITS[name])
    .map((name) => `${DESCRIPTIONS[name]} ${percent(noise[name])} (at most ${percent(NOISE_LIMITS[name])})`);
}

/** How long the reference is run each time: long enough that a scheduler gives others a turn. */
const REFERENCE_MS = 150;
const REFERENCE_WARM_UPS = 3;

/** Watches over one measurement. */
export class NoiseWatch {
  /** Medians of the reference, microseconds. */
  readonly #medians: number[] = [];
  readonly #rowSpreads: number[] = [];
  #wallMs = 0;
  #computedMs = 0;

  /** Times the reference network. */
  async look(): Promise<void> {
    const builder = new NetworkBuilder('reference', 48, seededUniform());
    const stem = builder.convolution(builder.input(), 16, { stride: 2 });
    const bytes = builder.classify(builder.convolution(builder.convolution(stem, 32), 32), 10);
    const feeds = randomInputs(readNetwork(bytes, { name: builder.name }));
    const session = await openSession(bytes);
    try {
      for (let i = 0; i < REFERENCE_WARM_UPS; i++) await session.run(feeds);
      const latencies: number[] = [];
      const before = process.cpuUsage();
      const began = performance.now();
      let now = began;
      while (now - began < REFERENCE_MS) {
        const started = now;
        await session.run(feeds);
        now = performance.now();
        latencies.push(1000 * (now - started));
      }
      const { user, system } = process.cpuUsage(before);
      this.#wallMs += now - began;
      this.#computedMs += (user + system) / 1000;
      this.#medians.push(median(latencies.sort(ascending)));
    } finally {
      await session.release();
    }
  }

  /** Takes note of a network's runs, microseconds, in ascending order. */
  addRuns(latencies: readonly number[]): void {
    const { medianUs, medianAbsoluteDeviationUs } = spreadOf(latencies);
    this.#rowSpreads.push(medianAbsoluteDeviationUs / medianUs);
  }

  /** What was seen. `look` was called at least once. */
  get noise(): Noise {
    return {
      referenceSpread: Math.max(...this.#medians) / Math.min(...this.#medians) - 1,
      waitingShare: Math.max(0, 1 - this.#computedMs / this.#wallMs),
      rowSpread: this.#rowSpreads.length > 0 ? median([...this.#rowSpreads].sort(ascending)) : 0,
    };
  }
}

/** The same weights each time. */
function seededUniform(): () => number {
  const random = createRandom(1);
  return () => random.uniform();
}
