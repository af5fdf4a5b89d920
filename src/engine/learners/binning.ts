/**
 * Step 1 of gradient boosting: float32 values to at most 255 bins a column.
 * A bin's upper edge is a float32 threshold that lies between two values that occur, so that `x <= threshold` in
 * float32, as served, sends every training row to the side that its bin says. It knows no targets.
 */
import type { Matrix } from '../matrix';

/** Bins are bytes, four of them to a word. */
export const MOST_BINS = 255;

/** Where the bins of every column end. */
export interface Binning {
  /** One a column, rising; bin b holds thresholds[b - 1] < value <= thresholds[b], the last bin all that is larger. */
  readonly thresholds: readonly Float32Array[];
}

/** Rows as bins, laid out for building histograms. */
export interface BinnedRows {
  readonly rows: number;
  readonly columns: number;
  /** One a column. */
  readonly binCounts: Int32Array;
  /**
   * One array for every four columns, a word a row: the bin of column 4 k + s of row i is
   * `(words[k][i] >>> (8 * s)) & 255`. One load then feeds four histograms, which is what their speed hangs on.
   */
  readonly words: readonly Int32Array[];
}

/**
 * Quantile bins: every distinct value is a bin of its own while there are at most `maxBins`; otherwise bins of about
 * equally many rows. A value that fills a bin by itself ends its bin, and starts one unless the rows before it are few.
 */
export function findBins(x: Matrix, maxBins: number): Binning {
  const column = new Float32Array(x.rows);
  const thresholds = Array.from({ length: x.columns }, (_, j) => {
    for (let i = 0; i < x.rows; i++) column[i] = x.values[i * x.columns + j];
    return findThresholds(column.sort(), maxBins);
  });
  return { thresholds };
}

/** The bin of every value. */
export function binRows(x: Matrix, binning: Binning): BinnedRows {
  const { rows, columns, values } = x;
  const words = Array.from({ length: Math.ceil(columns / 4) }, () => new Int32Array(rows));
  const binCounts = new Int32Array(columns);
  for (let j = 0; j < columns; j++) {
    const thresholds = binning.thresholds[j];
    const word = words[j >> 2];
    const shift = 8 * (j & 3);
    binCounts[j] = thresholds.length + 1;
    for (let i = 0; i < rows; i++) {
      const value = values[i * columns + j];
      let low = 0;
      let high = thresholds.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value <= thresholds[middle]) high = middle;
        else low = middle + 1;
      }
      word[i] |= low << shift;
    }
  }
  return { rows, columns, binCounts, words };
}

/** @param sorted one column's values, rising */
function findThresholds(sorted: Float32Array, maxBins: number): Float32Array {
  const distinct: number[] = [];
  const counts: number[] = [];
  for (const value of sorted) {
    if (distinct.length > 0 && value === distinct[distinct.length - 1]) counts[counts.length - 1]++;
    else {
      distinct.push(value);
      counts.push(1);
    }
  }
  const thresholds: number[] = [];
  if (distinct.length <= maxBins) {
    for (let d = 1; d < distinct.length; d++) thresholds.push(between(distinct[d - 1], distinct[d]));
    return Float32Array.from(thresholds);
  }

  // A frequent value takes a bin; what is left of the bins is shared by what is left of the rows.
  const frequent = sorted.length / maxBins;
  let binsLeft = maxBins;
  let rowsLeft = sorted.length;
  for (const count of counts) {
    if (count < frequent) continue;
    binsLeft--;
    rowsLeft -= count;
  }
  let filled = 0;
  for (let d = 0; d + 1 < distinct.length && thresholds.length < maxBins - 1; d++) {
    const alone = counts[d] >= frequent;
    const nextAlone = counts[d + 1] >= frequent;
    filled += counts[d];
    const share = rowsLeft / Math.max(1, binsLeft);
    if (!alone && filled < share && !(nextAlone && filled >= share / 2)) continue;
    thresholds.push(between(distinct[d], distinct[d + 1]));
    if (!alone) {
      binsLeft--;
      rowsLeft -= filled;
    }
    filled = 0;
  }
  return Float32Array.from(thresholds);
}

/** A float32 t with a <= t < b: their middle, or `a` if no float32 lies between. */
function between(a: number, b: number): number {
  const middle = Math.fround((a + b) / 2);
  return middle < b ? middle : a;
}
