/** Splits of histograms small enough to be worked out by hand. */
import { findSplit, leafOutput, type Monotone, type NodeSums } from '../../../src/engine/learners/splitting';

/** One column; a bin is [sum of gradients, rows]. */
function search(
  bins: readonly (readonly [number, number])[],
  rules: { minSamplesLeaf?: number; l2?: number; minGain?: number; monotone?: readonly Monotone[] } = {},
  bounds: { lower: number; upper: number } = { lower: -Infinity, upper: Infinity },
) {
  const count = bins.reduce((sum, [, rows]) => sum + rows, 0);
  const gradient = bins.reduce((sum, [value]) => sum + value, 0);
  const node: NodeSums = { count, hessian: count, gradient, ...bounds };
  const layout = { stride: 2 as const, offsets: Int32Array.of(0), length: 2 * bins.length };
  const all = { minSamplesLeaf: 1, l2: 0, minGain: 0, monotone: undefined, ...rules };
  return findSplit(Float64Array.from(bins.flat()), layout, Int32Array.of(bins.length), node, [0], all);
}

// Targets -3, -3 | 1, 1 and 4: gradients are their negatives round 0.
const bins = [
  [6, 2],
  [-2, 2],
  [-4, 1],
] as const;

test('takes the threshold of largest gain, with the sums of both sides', () => {
  const { split, columns } = search(bins);
  expect(columns).toEqual([0]);
  // 6^2 / 2 + 6^2 / 3 - 0
  expect(split?.gain).toBeCloseTo(30, 12);
  expect(split).toMatchObject({ column: 0, bin: 0 });
  expect(split?.left).toMatchObject({ count: 2, gradient: 6, hessian: 2 });
  expect(split?.right).toMatchObject({ count: 3, gradient: -6, hessian: 3 });
});

test('l2 lowers gains and outputs', () => {
  const { split } = search(bins, { l2: 1 });
  expect(split?.gain).toBeCloseTo(36 / 3 + 36 / 4, 12);
  expect(leafOutput(split!.left, 1)).toBe(-2);
});

test.each([
  ['a gain that is not above minGain', { minGain: 30 }],
  ['a leaf with too few rows', { minSamplesLeaf: 3 }],
  ['outputs in the wrong order', { monotone: [-1] as const }],
])('refuses %s', (_, rules) => {
  expect(search(bins, rules)).toEqual({ split: undefined, columns: [] });
});

test('minSamplesLeaf moves the threshold to where both sides have enough', () => {
  const uneven = [
    [9, 1],
    [0, 1],
    [-1, 4],
  ] as const;
  expect(search(uneven).split?.bin).toBe(0);
  expect(search(uneven, { minSamplesLeaf: 2 }).split?.bin).toBe(1);
});

test('a monotone split bounds both sides by the middle of their outputs', () => {
  const { split } = search(bins, { monotone: [1] });
  // Outputs -3 and 2.
  expect(split?.left).toMatchObject({ lower: -Infinity, upper: -0.5 });
  expect(split?.right).toMatchObject({ lower: -0.5, upper: Infinity });
});

test('bounds from above clamp outputs', () => {
  const { split } = search(bins, { monotone: [1] }, { lower: -1, upper: 1 });
  expect([leafOutput(split!.left, 0), leafOutput(split!.right, 0)]).toEqual([-1, 1]);
});

test('of thresholds that part the rows alike, the largest', () => {
  const { split } = search([
    [6, 2],
    [0, 0],
    [0, 0],
    [-6, 3],
  ]);
  expect(split?.bin).toBe(2);
});
