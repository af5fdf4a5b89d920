/** Learning from sums of rows: an additive truth is recovered, the loss falls, and the same sums give the same fit. */
import { type Bags, bagLoss } from '../../../src/engine/learners/bags';
import { boostBags, fitBoosting } from '../../../src/engine/learners/boosting';
import { fitForest, forestOfBags } from '../../../src/engine/learners/forest';
import { predictPerceptron } from '../../../src/engine/learners/perceptron';
import { fitPerceptron, perceptronOfBags } from '../../../src/engine/learners/perceptron-training';
import { predictEnsemble, type TreeEnsemble } from '../../../src/engine/learners/tree';
import type { Matrix } from '../../../src/engine/matrix';
import { createRandom } from '../../../src/engine/random';

interface Problem {
  readonly x: Matrix;
  readonly bags: Bags;
  /** g of every row. */
  readonly truth: Float64Array;
}

/** Networks of 2 to 12 kernels: g is a step in one column and a slope in another; two more say nothing. */
function networks(count: number, seed: number): Problem {
  const random = createRandom(seed);
  const values: number[] = [];
  const truth: number[] = [];
  const bag: number[] = [];
  const share: number[] = [];
  const residual = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const shares = Array.from({ length: 2 + random.below(11) }, () => random.uniform() ** 2);
    const total = shares.reduce((sum, value) => sum + value, 0) * (1 + 0.2 * random.uniform());
    for (const value of shares) {
      const row = Array.from({ length: 4 }, () => random.below(40) / 40);
      values.push(...row);
      truth.push((row[0] < 0.3 ? 0.8 : 0) + row[1] - 0.5);
      bag.push(i);
      share.push(value / total);
      residual[i] += (truth[truth.length - 1] * value) / total;
    }
  }
  return {
    x: { rows: bag.length, columns: 4, values: Float32Array.from(values) },
    bags: {
      bag: Int32Array.from(bag),
      share: Float64Array.from(share),
      residual,
      weight: Float64Array.from({ length: count }, () => 0.5 + random.uniform()),
    },
    truth: Float64Array.from(truth),
  };
}

/** Every row twice, with half its share each. */
function doubled({ x, bags }: Problem): { x: Matrix; bags: Bags } {
  const values = new Float32Array(2 * x.values.length);
  const bag = new Int32Array(2 * x.rows);
  const share = new Float64Array(2 * x.rows);
  for (let i = 0; i < 2 * x.rows; i++) {
    values.set(x.values.subarray((i >> 1) * x.columns, ((i >> 1) + 1) * x.columns), i * x.columns);
    bag[i] = bags.bag[i >> 1];
    share[i] = bags.share[i >> 1] / 2;
  }
  return { x: { ...x, rows: 2 * x.rows, values }, bags: { ...bags, bag, share } };
}

/** What the predictions leave of the variance of g, in shares of it. */
function unexplained(predictions: Float64Array, truth: Float64Array): number {
  const mean = truth.reduce((sum, value) => sum + value, 0) / truth.length;
  const variance = truth.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return truth.reduce((sum, value, i) => sum + (value - predictions[i]) ** 2, 0) / variance;
}

/** The loss of the first 0, 1, 2, ... trees. */
function losses(ensemble: TreeEnsemble, { x, bags }: { x: Matrix; bags: Bags }, step = 1): number[] {
  const counts = Array.from({ length: Math.floor(ensemble.trees.length / step) + 1 }, (_, k) => k * step);
  return counts.map((count) =>
    bagLoss(bags, predictEnsemble({ ...ensemble, trees: ensemble.trees.slice(0, count) }, x)),
  );
}

const training = networks(300, 1);
const fresh = networks(100, 2);
const FOREST = { trees: 80, minSamplesLeaf: 5, rounds: 8 };
const PERCEPTRON = { hiddenLayers: [24], epochs: 60, batchSize: 16 };

describe('an additive truth is recovered row by row from sums alone', () => {
  test('boosting', () => {
    const ensemble = boostBags(training.x, training.bags, { trees: 300, learningRate: 0.2, maxLeaves: 6 });
    expect(unexplained(predictEnsemble(ensemble, fresh.x), fresh.truth)).toBeLessThan(0.05);
  });

  test('forest', () => {
    const ensemble = forestOfBags(training.x, training.bags, FOREST);
    expect(unexplained(predictEnsemble(ensemble, fresh.x), fresh.truth)).toBeLessThan(0.06);
  });

  test('perceptron', () => {
    const model = perceptronOfBags(training.x, training.bags, { hiddenLayers: [32, 32], epochs: 120 });
    expect(unexplained(predictPerceptron(model, fresh.x), fresh.truth)).toBeLessThan(0.1);
  });
});

describe('the loss falls', () => {
  test.each([0.1, 1])('with every tree of boosting, learning rate %d', (learningRate) => {
    const ensemble = boostBags(training.x, training.bags, { trees: 60, learningRate });
    const fallen = losses(ensemble, training);
    for (let k = 1; k < fallen.length; k++) expect(fallen[k]).toBeLessThan(fallen[k - 1] * (1 + 1e-9));
    expect(fallen.at(-1)).toBeLessThan(0.3 * fallen[0]);
  });

  test.each([0.3, 1])('with every forest, shrinkage %d', (shrinkage) => {
    const ensemble = forestOfBags(training.x, training.bags, { ...FOREST, shrinkage });
    expect(ensemble.trees).toHaveLength(80);
    const fallen = losses(ensemble, training, 10);
    for (let k = 1; k < fallen.length; k++) expect(fallen[k]).toBeLessThan(fallen[k - 1]);
  });
});

describe('the same sums give the same fit', () => {
  const twice = doubled(training);

  test('boosting: a row twice is a row with twice the share', () => {
    const options = { trees: 40, minSamplesLeaf: 1 };
    const once = predictEnsemble(boostBags(training.x, training.bags, options), fresh.x);
    const again = predictEnsemble(boostBags(twice.x, twice.bags, options), fresh.x);
    const apart = once.filter((value, i) => Math.abs(value - again[i]) > 1e-6).length;
    // Where two splits part the rows alike, rounding chooses.
    expect(apart).toBeLessThanOrEqual(0.02 * once.length);
  });

  test('perceptron: a row twice is a row with twice the share', () => {
    const once = predictPerceptron(perceptronOfBags(training.x, training.bags, PERCEPTRON), fresh.x);
    const again = predictPerceptron(perceptronOfBags(twice.x, twice.bags, PERCEPTRON), fresh.x);
    once.forEach((value, i) => {
      expect(again[i]).toBeCloseTo(value, 3);
    });
  });

  test('bags of one row with a share of 1 are rows', () => {
    const { x, truth } = training;
    const weights = truth.map((_, i) => 1 + (i % 3));
    const bags = { bag: Int32Array.from(truth.keys()), share: truth.map(() => 1), residual: truth, weight: weights };
    const boosting = { trees: 20, rowSubsample: 0.7, seed: 3 };
    const boosted = predictEnsemble(boostBags(x, bags, boosting), fresh.x);
    predictEnsemble(fitBoosting(x, truth, { ...boosting, sampleWeights: weights }), fresh.x).forEach((value, i) => {
      expect(boosted[i]).toBeCloseTo(value, 9);
    });
    const perceptron = { ...PERCEPTRON, epochs: 3 };
    expect(perceptronOfBags(x, bags, perceptron)).toEqual(
      fitPerceptron(x, truth, { ...perceptron, sampleWeights: weights }),
    );
    // One forest of bags is the forest of rows, but for how far it goes.
    const forest = { trees: 5, maxLeaves: 8, seed: 3 };
    const [of, plain] = [
      forestOfBags(x, bags, { ...forest, rounds: 1 }),
      fitForest(x, truth, { ...forest, sampleWeights: weights }),
    ];
    expect(of.trees.map(({ feature, threshold }) => ({ feature, threshold }))).toEqual(
      plain.trees.map(({ feature, threshold }) => ({ feature, threshold })),
    );
  });

  test('bags of weight 0 do not matter', () => {
    const { x, bags } = training;
    const kept = bags.bag.indexOf(200);
    const part = {
      x: { ...x, rows: kept, values: x.values.subarray(0, kept * 4) },
      bags: {
        bag: bags.bag.subarray(0, kept),
        share: bags.share.subarray(0, kept),
        residual: bags.residual.subarray(0, 200),
        weight: bags.weight.subarray(0, 200),
      },
    };
    const muted = { ...bags, weight: bags.weight.map((weight, i) => (i < 200 ? weight : 0)) };
    const options = { trees: 20, rowSubsample: 0.5 };
    expect(boostBags(x, muted, options)).toEqual(boostBags(part.x, part.bags, options));
    const whole = perceptronOfBags(x, muted, PERCEPTRON);
    expect(whole.layers).toEqual(perceptronOfBags(part.x, part.bags, PERCEPTRON).layers);
  });

  test('the same seed gives the same bytes', () => {
    const { x, bags } = training;
    const boosting = { trees: 20, rowSubsample: 0.5, columnSubsample: 0.5, seed: 8 };
    expect(boostBags(x, bags, boosting)).toEqual(boostBags(x, bags, boosting));
    expect(boostBags(x, bags, { ...boosting, seed: 9 })).not.toEqual(boostBags(x, bags, boosting));
    expect(forestOfBags(x, bags, FOREST)).toEqual(forestOfBags(x, bags, FOREST));
    expect(perceptronOfBags(x, bags, PERCEPTRON)).toEqual(perceptronOfBags(x, bags, PERCEPTRON));
  });
});

test('early stopping keeps what was best on other bags', () => {
  const noise = createRandom(4);
  const bags = { ...training.bags, residual: training.bags.residual.map((value) => value + noise.uniform() - 0.5) };
  const held = { x: fresh.x, bags: fresh.bags, patience: 10 };
  const errors: (number | undefined)[] = [];
  const onProgress = (_: number, error: number | undefined) => errors.push(error);
  const ensemble = boostBags(training.x, bags, { learningRate: 0.3, earlyStopping: held, onProgress });
  expect(ensemble.trees.length).toBe(errors.length - 10);
  expect(bagLoss(fresh.bags, predictEnsemble(ensemble, fresh.x))).toBeCloseTo(Math.min(...errors.map(Number)), 12);
  errors.length = 0;
  const model = perceptronOfBags(training.x, bags, { ...PERCEPTRON, earlyStopping: held, onProgress });
  expect(bagLoss(fresh.bags, predictPerceptron(model, fresh.x))).toBeCloseTo(Math.min(...errors.map(Number)), 5);
});

describe('refuses', () => {
  const x = { rows: 3, columns: 1, values: Float32Array.of(1, 2, 3) };
  const bags: Bags = {
    bag: Int32Array.of(0, 0, 1),
    share: Float64Array.of(0.5, 0.5, 1),
    residual: Float64Array.of(1, 2),
    weight: Float64Array.of(1, 1),
  };
  test.each<[string, Bags, string, string]>([
    ['a bag that does not exist', { ...bags, bag: Int32Array.of(0, 0, 2) }, 'INVALID_ARGUMENT', 'bags.bag[2]'],
    ['a weight too few', { ...bags, weight: Float64Array.of(1) }, 'INVALID_ARGUMENT', 'bags.weight.length'],
    ['a share too many', { ...bags, share: new Float64Array(4) }, 'INVALID_ARGUMENT', 'bags.share.length'],
    [
      'shares above 1 in sum',
      { ...bags, share: Float64Array.of(0.5, 0.6, 1) },
      'INVALID_ARGUMENT',
      'the sum of bags.share of bag 0',
    ],
    ['a negative share', { ...bags, share: Float64Array.of(0.5, -0.5, 1) }, 'INSUFFICIENT_DATA', 'bags.share, row 1'],
    ['NaN', { ...bags, residual: Float64Array.of(1, Number.NaN) }, 'INSUFFICIENT_DATA', 'bags.residual, bag 1'],
    ['a negative weight', { ...bags, weight: Float64Array.of(-1, 1) }, 'INSUFFICIENT_DATA', 'bags.weight, bag 0'],
    ['nothing that counts', { ...bags, share: Float64Array.of(0, 0, 0) }, 'INSUFFICIENT_DATA', 'bags'],
  ])('%s', (_, refused, code, where) => {
    for (const learn of [boostBags, forestOfBags, perceptronOfBags]) {
      expect(() => learn(x, refused)).toThrow(expect.objectContaining({ code, where }));
    }
  });
});
