/** Serving: a tree small enough to follow by eye. */
import { predictEnsemble, type TreeEnsemble } from '../../../src/engine/learners/tree';

// x0 <= 0.5 ? (x1 <= 2 ? 10 : 20) : 30
const ensemble: TreeEnsemble = {
  columns: 2,
  baseline: 100,
  trees: [
    {
      feature: Int32Array.of(0, 1, -1, -1, -1),
      threshold: Float32Array.of(0.5, 2, 0, 0, 0),
      left: Int32Array.of(1, 3, 0, 0, 0),
      right: Int32Array.of(2, 4, 0, 0, 0),
      value: Float32Array.of(0, 0, 30, 10, 20),
    },
    {
      feature: Int32Array.of(-1),
      threshold: Float32Array.of(0),
      left: Int32Array.of(0),
      right: Int32Array.of(0),
      value: Float32Array.of(1),
    },
  ],
};

test('a value equal to the threshold goes left', () => {
  const values = Float32Array.of(0.5, 2, 0.5, 2.0000002, 0.50000006, 0);
  expect(Array.from(predictEnsemble(ensemble, { rows: 3, columns: 2, values }))).toEqual([111, 121, 131]);
});

test('more rows than go through the trees at once', () => {
  const rows = 1000;
  const values = Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? i / 2 / rows : 3));
  const predictions = predictEnsemble(ensemble, { rows, columns: 2, values });
  expect(Array.from(predictions)).toEqual(Array.from({ length: rows }, (_, i) => (i <= 500 ? 121 : 131)));
});

test('rows with other columns than in training are refused', () => {
  expect(() => predictEnsemble(ensemble, { rows: 1, columns: 3, values: new Float32Array(3) })).toThrow(
    'x.columns is 3; expected 2, as in training.',
  );
});
