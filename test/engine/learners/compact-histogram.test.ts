/** Compact histograms against whole ones: the same bins, less those that do not occur. */
import { binRows, findBins } from '../../../src/engine/learners/binning';
import { CompactHistogram } from '../../../src/engine/learners/compact-histogram';
import { histogramLayout } from '../../../src/engine/learners/histogram';
import { createRandom } from '../../../src/engine/random';

const random = createRandom(6);
const COLUMNS = 6;
const ROWS = 1000;
const x = {
  rows: ROWS,
  columns: COLUMNS,
  values: Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => random.below(i % COLUMNS === 2 ? 3 : 1000)),
};
const binned = binRows(x, findBins(x, 255));
// Whole numbers, so that the order of adding cannot matter.
const gradients = Float64Array.from({ length: ROWS }, () => random.below(100) - 50);
const weights = Float64Array.from({ length: ROWS }, () => 1 + random.below(5));
const rows = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);

test.each([
  ['weighted', weights],
  ['not weighted', undefined],
])('%s', (_, hessians) => {
  const compact = new CompactHistogram(binned, histogramLayout(binned, hessians !== undefined));
  const { offsets, stride } = compact.layout;
  // One after another in the same memory, the last as large as it may be.
  for (const [start, count] of [
    [0, 2],
    [300, 40],
    [20, compact.mostRows],
  ]) {
    const columns = [0, 2, 5];
    compact.build({ rows, start, count }, { gradients, hessians }, columns);
    for (const j of columns) {
      const expected = new Map<number, number[]>();
      for (const row of rows.subarray(start, start + count)) {
        const bin = (binned.words[j >> 2][row] >>> (8 * (j & 3))) & 255;
        const [gradient, hessian, number] = expected.get(bin) ?? [0, 0, 0];
        expected.set(bin, [gradient + gradients[row], hessian + (hessians ? hessians[row] : 1), number + 1]);
      }
      const found = Array.from({ length: compact.binCounts[j] }, (_, k) => {
        const at = offsets[j] + k * stride;
        const sums = [compact.values[at], compact.values[at + 1], compact.values[at + stride - 1]];
        return [compact.binAt(j, k), sums];
      });
      expect(found).toEqual([...expected].sort(([a], [b]) => a - b));
    }
  }
});
