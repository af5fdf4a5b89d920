/** Histograms against sums done one row at a time, through every kernel: whole blocks, single columns, weighted. */
import { binRows, findBins } from '../../../src/engine/learners/binning';
import { HistogramBuilder, histogramLayout, subtractHistogram } from '../../../src/engine/learners/histogram';
import { createRandom } from '../../../src/engine/random';

const ROWS = 200;
const COLUMNS = 11;
const random = createRandom(5);
const x = {
  rows: ROWS,
  columns: COLUMNS,
  values: Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => random.below(i % COLUMNS === 3 ? 255 : 7)),
};
const binned = binRows(x, findBins(x, 255));
// Whole numbers, so that the order of adding cannot matter.
const gradients = Float64Array.from({ length: ROWS }, () => random.below(100) - 50);
const weights = Float64Array.from({ length: ROWS }, () => 1 + random.below(5));
const rows = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);

function build(start: number, count: number, hessians: Float64Array | undefined, columns: readonly number[]) {
  const layout = histogramLayout(binned, hessians !== undefined);
  const histogram = new Float64Array(layout.length);
  const builder = new HistogramBuilder(binned, layout);
  builder.build(histogram, { rows, start, count }, { gradients, hessians }, columns);
  return { layout, histogram };
}

/** [gradient, hessian, count] of column j's bin b. */
function naive(start: number, count: number, hessians: Float64Array | undefined, j: number, b: number): number[] {
  const sums = [0, 0, 0];
  for (const row of rows.subarray(start, start + count)) {
    if (((binned.words[j >> 2][row] >>> (8 * (j & 3))) & 255) !== b) continue;
    sums[0] += gradients[row];
    sums[1] += hessians ? hessians[row] : 1;
    sums[2] += 1;
  }
  return sums;
}

const all = Array.from({ length: COLUMNS }, (_, j) => j);

test.each([
  ['all columns', undefined, all],
  ['all columns, weighted', weights, all],
  ['some columns', undefined, [0, 2, 3, 5, 10]],
  ['some columns, weighted', weights, [0, 2, 3, 5, 10]],
])('%s', (_, hessians, columns) => {
  const { layout, histogram } = build(20, 150, hessians, columns);
  for (const j of columns) {
    for (let b = 0; b < binned.binCounts[j]; b++) {
      const at = layout.offsets[j] + b * layout.stride;
      const found = [histogram[at], histogram[at + 1], histogram[at + layout.stride - 1]];
      expect(found).toEqual(naive(20, 150, hessians, j, b));
    }
  }
});

test('all rows, whose counts are known beforehand', () => {
  const rising = rows.toSorted();
  const layout = histogramLayout(binned, false);
  const histogram = new Float64Array(layout.length).fill(99);
  const node = { rows: rising, start: 0, count: ROWS };
  new HistogramBuilder(binned, layout).build(histogram, node, { gradients, hessians: undefined }, all);
  for (const j of all) {
    for (let b = 0; b < binned.binCounts[j]; b++) {
      const at = layout.offsets[j] + 2 * b;
      const [gradient, , count] = naive(0, ROWS, undefined, j, b);
      expect([histogram[at], histogram[at + 1]]).toEqual([gradient, count]);
    }
  }
});

test('a parent less one child is the other child', () => {
  const parent = build(0, ROWS, weights, all).histogram;
  subtractHistogram(parent, build(0, 60, weights, all).histogram);
  expect(parent).toEqual(build(60, ROWS - 60, weights, all).histogram);
});
