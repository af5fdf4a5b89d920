/** Composition, intervals and error measures: tiny truths, and what they promise. */
import fc from 'fast-check';
import { createRandom, DEFAULT_LEVEL, INTERVAL_LEVELS } from '../../src/engine';
import { compose, fitComposition, type KernelTotal, SUM } from '../../src/engine/composition';
import { conformalRadii, intervalAround } from '../../src/engine/intervals';
import { dealFolds, quantile, summarizeErrors } from '../../src/engine/metrics';

/** Standard normal numbers by Box and Muller. */
function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** The composition of networks whose every kernel is listed. */
function fitListed(totals: readonly KernelTotal[], latenciesUs: readonly number[]) {
  const listed = totals.map((total) => ({ ...total, unlisted: [] }));
  return fitComposition(listed, latenciesUs).composition;
}

describe('composition', () => {
  const random = createRandom(1);
  const totals = Array.from({ length: 30 }, () => ({
    kernelsUs: 1000 + 9000 * random.uniform(),
    kernels: 20 + random.below(80),
  }));

  test('recovers factor, dispatch and constant', () => {
    const truth = { kernelFactor: 0.8, perKernelUs: 12, fixedUs: 150 };
    const fitted = fitListed(
      totals,
      totals.map((total) => compose(truth, total)),
    );
    for (const [name, value] of Object.entries(truth)) {
      expect(fitted[name as keyof typeof truth] / value).toBeCloseTo(1, 4);
    }
  });

  test('is never negative: kernels that hide behind others make the factor smaller', () => {
    const latencies = totals.map(({ kernelsUs, kernels }) => 2 * kernelsUs - 5 * kernels);
    const { kernelFactor, perKernelUs, fixedUs } = fitListed(totals, latencies);
    expect(perKernelUs).toBe(0);
    expect(fixedUs).toBeGreaterThanOrEqual(0);
    expect(kernelFactor).toBeGreaterThan(1.5);
    expect(kernelFactor).toBeLessThan(2);
  });

  test('few networks fit the factor alone, none the plain sum', () => {
    const few = totals.slice(0, 7);
    const latencies = few.map(({ kernelsUs }) => 3 * kernelsUs);
    expect(fitListed(few, latencies)).toEqual({ kernelFactor: expect.closeTo(3, 6), perKernelUs: 0, fixedUs: 0 });
    expect(fitListed([], [])).toEqual(SUM);
    expect(compose(SUM, { kernelsUs: 12, kernels: 3 })).toBe(12);
  });
});

describe('intervals', () => {
  test('are ratios around the latency', () => {
    const radii = [{ level: 0.9, logRadius: Math.log(1.25) }];
    const { lowerUs, upperUs, level } = intervalAround(100, radii);
    expect(level).toBe(DEFAULT_LEVEL);
    expect(lowerUs).toBeCloseTo(80, 9);
    expect(upperUs).toBeCloseTo(125, 9);
  });

  test('are wide around what comes from kernels that training never saw', () => {
    const radii = [{ level: 0.9, logRadius: Math.log(1.25) }];
    const { lowerUs, upperUs } = intervalAround(100, radii, 0.9, 40);
    expect(lowerUs).toBeCloseTo(60 / 1.25 + 40 / 4, 9);
    expect(upperUs).toBeCloseTo(60 * 1.25 + 40 * 4, 9);
  });

  test('take the finite-sample rank of the scores', () => {
    // Nine scores of ln 1 to ln 9: ranks ceil(10 * level) = 5, 8, 9, and 10, which there is none of.
    const measured = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const radii = conformalRadii(
      measured.map(() => 1),
      measured,
    );
    expect(radii.map(({ level }) => level)).toEqual([...INTERVAL_LEVELS]);
    expect(radii.map(({ logRadius }) => Math.round(Math.exp(logRadius)))).toEqual([5, 8, 9, 9]);
  });

  test('cover new measurements as often as they say, over 200 repetitions', () => {
    const random = createRandom(2);
    const uniform = () => random.uniform();
    const draw = () => Math.exp(0.1 * normal(uniform) + (uniform() < 0.1 ? 0.3 : 0));
    const covered = new Map<number, number>(INTERVAL_LEVELS.map((level) => [level, 0]));
    const [repetitions, calibration, fresh] = [200, 40, 50];
    for (let i = 0; i < repetitions; i++) {
      const measured = Array.from({ length: calibration }, draw);
      const radii = conformalRadii(
        measured.map(() => 1),
        measured,
      );
      for (const level of INTERVAL_LEVELS) {
        const { lowerUs, upperUs } = intervalAround(1, radii, level);
        for (let j = 0; j < fresh; j++) {
          const latency = draw();
          if (latency >= lowerUs && latency <= upperUs) covered.set(level, covered.get(level)! + 1);
        }
      }
    }
    for (const level of INTERVAL_LEVELS) {
      const share = covered.get(level)! / (repetitions * fresh);
      // At least the level, at most one rank more; three standard errors of the mean over the repetitions.
      const tolerance = 3 * Math.sqrt((level * (1 - level)) / (calibration * repetitions));
      expect(share).toBeGreaterThan(level - tolerance);
      expect(share).toBeLessThan(level + 1 / (calibration + 1) + tolerance);
    }
  });
});

describe('error measures', () => {
  test('mean, median and share within 10 %', () => {
    const { mape, medianApe, within10 } = summarizeErrors([0.02, 0.1, 0.3, 0.06]);
    expect(mape).toBeCloseTo(12, 9);
    expect(medianApe).toBeCloseTo(8, 9);
    expect(within10).toBe(0.75);
  });

  test('quantiles interpolate as NumPy does', () => {
    const values = [4, 1, 3, 2];
    expect([0, 0.25, 0.5, 0.9, 1].map((probability) => quantile(values, probability))).toEqual([
      1,
      1.75,
      2.5,
      expect.closeTo(3.7, 12),
      4,
    ]);
    expect(values).toEqual([4, 1, 3, 2]);
  });
});

describe('folds', () => {
  const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 40 });

  test('hold every group once, in nearly equal parts, whatever its order', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 1e6 }), (groups, count, seed) => {
        const folds = dealFolds(groups, count, createRandom(seed));
        expect([...folds.keys()].sort()).toEqual([...groups].sort());
        const sizes = Array.from({ length: count }, (_, fold) => [...folds.values()].filter((f) => f === fold).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(dealFolds([...groups].reverse(), count, createRandom(seed))).toEqual(folds);
      }),
    );
  });

  test('another seed deals otherwise', () => {
    const groups = Array.from({ length: 20 }, (_, i) => `network-${i}`);
    expect(dealFolds(groups, 5, createRandom(1))).not.toEqual(dealFolds(groups, 5, createRandom(2)));
  });
});
