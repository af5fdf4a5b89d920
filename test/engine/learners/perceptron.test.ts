/** Perceptrons against scikit-learn's on the same rows (golden/make_golden.py), and their gradient against differences. */
import { type Perceptron, predictPerceptron } from '../../../src/engine/learners/perceptron';
import { PerceptronNetwork } from '../../../src/engine/learners/perceptron-network';
import { fitPerceptron, type PerceptronOptions } from '../../../src/engine/learners/perceptron-training';
import type { Matrix } from '../../../src/engine/matrix';
import { createRandom } from '../../../src/engine/random';
import data from './golden/forest.json';
import golden from './golden/perceptron.json';

function matrix({ rows, columns, values }: { rows: number; columns: number; values: readonly number[] }): Matrix {
  return { rows, columns, values: Float32Array.from(values) };
}

function meanSquaredError(model: Perceptron, x: Matrix, y: ArrayLike<number>): number {
  return predictPerceptron(model, x).reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / x.rows;
}

function surface(rows: number, seed: number): { x: Matrix; y: Float64Array } {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: 3 * rows }, () => 100 * random.uniform());
  const y = Float64Array.from({ length: rows }, (_, i) => {
    return Math.log(5 + values[3 * i] * values[3 * i + 1]) + 0.1 * random.uniform();
  });
  return { x: { rows, columns: 3, values }, y };
}

const QUICK: PerceptronOptions = { hiddenLayers: [16, 8], epochs: 20, batchSize: 16 };

describe('against scikit-learn', () => {
  for (const [index, { name, cases }] of golden.problems.entries()) {
    const { train, y, test: held, truth } = data.problems[index];
    test.each(cases)(
      `${name}: an error on held-out rows at most 10 % above, layers $options.hiddenLayers`,
      (expected) => {
        const errors = [0, 1].map((seed) =>
          meanSquaredError(fitPerceptron(matrix(train), y, { ...expected.options, seed }), matrix(held), truth),
        );
        const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
        expect(mean).toBeLessThan(1.1 * expected.meanSquaredError);
      },
    );
  }
});

test.each([[[3, 5, 1]], [[3, 6, 4, 1]], [[3, 5, 4, 3, 1]]])(
  'the gradient of %j is that of finite differences',
  (sizes) => {
    const random = createRandom(9);
    const network = new PerceptronNetwork(sizes, 7);
    const rows = 6;
    for (let p = 0; p < network.parameters.length; p++) network.parameters[p] = random.uniform() - 0.4;
    for (let i = 0; i < 3 * rows; i++) network.inputs[i] = 2 * random.uniform() - 1;
    const weights = Array.from({ length: rows }, () => random.uniform());
    const penalty = 0.3;
    const isBias = new Uint8Array(network.parameters.length);
    for (let layer = 1, end = 0; layer < sizes.length; layer++) {
      end += (sizes[layer - 1] + 1) * sizes[layer];
      isBias.fill(1, end - sizes[layer], end);
    }
    const loss = () => {
      network.forward(rows);
      const squares = weights.reduce((sum, weight, i) => sum + (weight * (network.outputs[i] - i) ** 2) / 2, 0);
      return (
        squares + (penalty / 2) * network.parameters.reduce((sum, value, p) => sum + (isBias[p] ? 0 : value ** 2), 0)
      );
    };
    loss();
    for (let i = 0; i < rows; i++) network.outputGradients[i] = weights[i] * (network.outputs[i] - i);
    network.backward(rows);
    network.penalize(penalty);
    const step = 1e-6;
    network.parameters.forEach((value, p) => {
      network.parameters[p] = value + step;
      const above = loss();
      network.parameters[p] = value - step;
      const difference = (above - loss()) / (2 * step);
      network.parameters[p] = value;
      expect(Math.abs(network.gradients[p] - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)));
    });
  },
);

test("Adam's first step is the learning rate, against the gradient's sign", () => {
  const network = new PerceptronNetwork([1, 1, 1], 1);
  network.gradients.set([2, -1, 0, 30]);
  network.step(0.5);
  [-0.5, 0.5, 0, -0.5].forEach((value, p) => {
    expect(network.parameters[p]).toBeCloseTo(value, 6);
  });
});

describe('for any data', () => {
  const { x, y } = surface(200, 1);

  test('what is served is what the description says, in float32 data alone', () => {
    const model = fitPerceptron(x, y, { ...QUICK, logarithm: true });
    const predictions = predictPerceptron(model, x);
    for (let i = 0; i < x.rows; i++) {
      let units = Array.from(x.values.subarray(3 * i, 3 * i + 3), (value, j) => {
        return (Math.log1p(value) - model.mean[j]) / model.scale[j];
      });
      for (const [index, { inputs, outputs, weights, biases }] of model.layers.entries()) {
        expect(weights).toHaveLength(inputs * outputs);
        const sums = Array.from(biases, (bias, o) =>
          units.reduce((sum, unit, j) => sum + unit * weights[j * outputs + o], bias),
        );
        units = index + 1 < model.layers.length ? sums.map((value) => Math.max(0, value)) : sums;
      }
      expect(predictions[i]).toBeCloseTo(units[0], 9);
    }
  });

  test('more rows than pass together, and none', () => {
    const model = fitPerceptron(x, y, { ...QUICK, epochs: 1 });
    const { x: many } = surface(700, 2);
    const predictions = predictPerceptron(model, many);
    const last = { rows: 1, columns: 3, values: many.values.subarray(3 * 699) };
    expect(predictions[699]).toBe(predictPerceptron(model, last)[0]);
    expect(predictPerceptron(model, matrix({ rows: 0, columns: 3, values: [] }))).toHaveLength(0);
  });

  test('inputs and targets in other units give the same fit', () => {
    const scaled = { ...x, values: x.values.map((value) => 1024 * value) };
    const other = fitPerceptron(
      scaled,
      y.map((value) => 8 * value + 3),
      QUICK,
    );
    const predictions = predictPerceptron(other, scaled);
    predictPerceptron(fitPerceptron(x, y, QUICK), x).forEach((value, i) => {
      expect((predictions[i] - 3) / 8).toBeCloseTo(value, 3);
    });
  });

  test('rows of weight 0 do not matter, and twice the weights are the same', () => {
    const kept = { rows: 120, columns: 3, values: x.values.subarray(0, 360) };
    const weights = Array.from({ length: 200 }, (_, i) => (i < 120 ? 2 : 0));
    const model = fitPerceptron(x, y, { ...QUICK, sampleWeights: weights });
    expect(model).toEqual(fitPerceptron(kept, y.subarray(0, 120), QUICK));
  });

  test('targets that are all the same, and a column with one value, are no trouble', () => {
    const values = x.values.map((value, i) => (i % 3 === 1 ? 7 : value));
    const model = fitPerceptron({ ...x, values }, new Float64Array(200).fill(4), QUICK);
    expect(model.scale[1]).toBe(1);
    for (const value of predictPerceptron(model, x)) expect(Number.isFinite(value)).toBe(true);
    for (const value of predictPerceptron(model, { ...x, values })) expect(Math.abs(value - 4)).toBeLessThan(0.2);
  });

  test('the same seed gives the same bytes, another seed other weights', () => {
    const model = fitPerceptron(x, y, { ...QUICK, seed: 4 });
    expect(fitPerceptron(x, y, { ...QUICK, seed: 4 })).toEqual(model);
    expect(fitPerceptron(x, y, { ...QUICK, seed: 5 })).not.toEqual(model);
  });

  test('early stopping keeps the weights that were best on the rows held out', () => {
    const held = surface(100, 3);
    const noisy = y.map((value, i) => value + Math.sin(1e4 * i));
    const errors: number[] = [];
    const model = fitPerceptron(x, noisy, {
      hiddenLayers: [64, 64],
      epochs: 300,
      learningRate: 0.01,
      earlyStopping: { ...held, patience: 8 },
      onProgress: (epoch, error) => {
        expect(epoch).toBe(errors.length);
        errors.push(error!);
      },
    });
    const best = errors.indexOf(Math.min(...errors));
    expect(errors).toHaveLength(best + 9);
    expect(meanSquaredError(model, held.x, held.y)).toBeCloseTo(errors[best], 5);
  });

  test('stops between epochs when cancelled', () => {
    const cancel = new AbortController();
    let last = -1;
    const onProgress = (epoch: number) => {
      last = epoch;
      if (epoch === 2) cancel.abort();
    };
    const train = () => fitPerceptron(x, y, { ...QUICK, signal: cancel.signal, onProgress });
    expect(train).toThrow(expect.objectContaining({ code: 'CANCELLED' }));
    expect(last).toBe(2);
  });
});

describe('refuses', () => {
  const { x, y } = surface(4, 2);
  const negative = { ...x, values: x.values.with(4, -1) };
  test.each([
    [
      'a column for a logarithm',
      () => fitPerceptron(negative, y, { logarithm: true }),
      'INSUFFICIENT_DATA',
      'x, row 1, column 1',
    ],
    ['no layer', () => fitPerceptron(x, y, { hiddenLayers: [] }), 'INVALID_ARGUMENT', 'options.hiddenLayers.length'],
    [
      'a layer of none',
      () => fitPerceptron(x, y, { hiddenLayers: [8, 0] }),
      'INVALID_ARGUMENT',
      'options.hiddenLayers[1]',
    ],
    ['no epoch', () => fitPerceptron(x, y, { epochs: 0 }), 'INVALID_ARGUMENT', 'options.epochs'],
    [
      'an endless step',
      () => fitPerceptron(x, y, { learningRate: Infinity }),
      'INVALID_ARGUMENT',
      'options.learningRate',
    ],
    ['a penalty below 0', () => fitPerceptron(x, y, { l2: -1 }), 'INVALID_ARGUMENT', 'options.l2'],
    ['NaN', () => fitPerceptron(x, y.with(2, Number.NaN)), 'INSUFFICIENT_DATA', 'y, row 2'],
  ])('%s', (_, act, code, where) => {
    expect(act).toThrow(expect.objectContaining({ code, where }));
  });
});
