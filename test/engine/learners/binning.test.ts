/** Bins and thresholds must send every row to the same side. */
import fc from 'fast-check';
import { binRows, findBins } from '../../../src/engine/learners/binning';
import type { Matrix } from '../../../src/engine/matrix';

function column(values: readonly number[]): Matrix {
  return { rows: values.length, columns: 1, values: Float32Array.from(values) };
}

/** Bins of the column `j`, unpacked. */
function bins(x: Matrix, maxBins: number, j = 0): number[] {
  const { words } = binRows(x, findBins(x, maxBins));
  return Array.from({ length: x.rows }, (_, i) => (words[j >> 2][i] >>> (8 * (j & 3))) & 255);
}

test('few distinct values get a bin each, parted in the middle', () => {
  const x = column([5, 1, 1, 2, 5]);
  expect(Array.from(findBins(x, 255).thresholds[0])).toEqual([1.5, 3.5]);
  expect(bins(x, 255)).toEqual([2, 0, 0, 1, 2]);
});

test('many distinct values get bins of equally many rows', () => {
  const counts = new Array(10).fill(0);
  for (const bin of bins(column(Array.from({ length: 1000 }, (_, i) => i ** 2)), 10)) counts[bin]++;
  expect(counts).toEqual(new Array(10).fill(100));
});

test('a frequent value shares its bin with less than half a bin of others, none of them larger', () => {
  const values = [...Array.from({ length: 500 }, () => 250.5), ...Array.from({ length: 500 }, (_, i) => i)];
  const found = bins(column(values), 20);
  const others = values.filter((value, i) => found[i] === found[0] && value !== 250.5);
  expect(others.length).toBeLessThan(500 / 19 / 2);
  expect(Math.max(...others)).toBeLessThan(250.5);
});

test('neighbouring float32 values are parted', () => {
  const next = new Float32Array(new Uint32Array([0x3f800001]).buffer)[0];
  const x = column([1, next, -next, -1]);
  expect(bins(x, 255)).toEqual([2, 3, 0, 1]);
});

test('the ninth column is packed like the first', () => {
  const x = { rows: 3, columns: 9, values: Float32Array.from({ length: 27 }, (_, i) => (i * 7) % 11) };
  for (let j = 0; j < 9; j++) {
    const own = column(Array.from({ length: 3 }, (_, i) => x.values[i * 9 + j]));
    expect(bins(x, 255, j)).toEqual(bins(own, 255));
  }
});

test('for any float32 values, bin <= b if and only if value <= thresholds[b]', () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(
      fc.array(float, { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 2, max: 40 }),
      (values, maxBins) => {
        const x = column(values);
        const [thresholds] = findBins(x, maxBins).thresholds;
        const found = bins(x, maxBins);
        expect(thresholds.length).toBeLessThan(maxBins);
        for (let b = 0; b < thresholds.length; b++) {
          if (b > 0) expect(thresholds[b]).toBeGreaterThan(thresholds[b - 1]);
          found.forEach((bin, i) => {
            expect(bin <= b).toBe(x.values[i] <= thresholds[b]);
          });
        }
      },
    ),
  );
});
