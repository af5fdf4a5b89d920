/**
 * Step 2 for nodes of few rows: a histogram of only the bins that occur, so that what a split costs falls with the rows.
 * A forest's trees have most of their nodes down there, where almost all of 255 bins would be empty.
 * It is laid out as `histogram` says, so that the same search reads both.
 */
import type { BinnedRows } from './binning';
import type { Derivatives, HistogramLayout, NodeRows } from './histogram';

/** A whole histogram pays from about so many rows for every bin of a column. */
const ROWS_PER_BIN = 0.5;

/** Builds one node's histogram after another in the same memory. */
export class CompactHistogram {
  /** Nodes of at most so many rows are for this one. */
  readonly mostRows: number;
  readonly layout: HistogramLayout;
  readonly values: Float64Array;
  /** One a column: how many bins occur in the node. */
  readonly binCounts: Int32Array;
  /** The bins that occur, rising: column j's from j * mostRows. */
  private readonly bins: Uint8Array;
  /** One column's sums by bin: gradients, hessians, rows. Only bins of the node hold anything meaningful. */
  private readonly sums = new Float64Array(3 * 256);
  /** A bit a bin: whether it occurs in the node. */
  private readonly occurs = new Int32Array(8);

  constructor(
    private readonly binned: BinnedRows,
    { stride, length }: HistogramLayout,
  ) {
    const meanBins = length / (stride * binned.columns);
    this.mostRows = Math.min(binned.rows, Math.ceil(ROWS_PER_BIN * meanBins));
    const offsets = Int32Array.from({ length: binned.columns }, (_, j) => j * stride * this.mostRows);
    this.layout = { stride, offsets, length: stride * this.mostRows * binned.columns };
    this.values = new Float64Array(this.layout.length);
    this.binCounts = new Int32Array(binned.columns);
    this.bins = new Uint8Array(this.mostRows * binned.columns);
  }

  /** Fills `values` and `binCounts` of these columns from the node's rows, at most `mostRows`. */
  build(node: NodeRows, derivatives: Derivatives, columns: readonly number[]): void {
    for (const column of columns) {
      this.addRows(node, derivatives, column);
      this.writeOccurring(column);
    }
  }

  /** The bin, as all rows are binned, of a column's `index`-th bin here. */
  binAt(column: number, index: number): number {
    return this.bins[column * this.mostRows + index];
  }

  private addRows({ rows, start, count }: NodeRows, { gradients, hessians }: Derivatives, column: number): void {
    const { sums, occurs } = this;
    const words = this.binned.words[column >> 2];
    const shift = 8 * (column & 3);
    for (let i = start; i < start + count; i++) {
      const row = rows[i];
      const bin = (words[row] >>> shift) & 255;
      const at = 3 * bin;
      const bit = 1 << (bin & 31);
      const hessian = hessians ? hessians[row] : 1;
      if (occurs[bin >> 5] & bit) {
        sums[at] += gradients[row];
        sums[at + 1] += hessian;
        sums[at + 2] += 1;
      } else {
        occurs[bin >> 5] |= bit;
        sums[at] = gradients[row];
        sums[at + 1] = hessian;
        sums[at + 2] = 1;
      }
    }
  }

  /** Moves one column's sums to where the search reads them, bins rising, and forgets them. */
  private writeOccurring(column: number): void {
    const { sums, occurs, values, bins } = this;
    const { stride, offsets } = this.layout;
    const first = column * this.mostRows;
    let to = first;
    let at = offsets[column];
    for (let word = 0; word < 8; word++) {
      for (let left = occurs[word]; left !== 0; left &= left - 1) {
        const bin = 32 * word + 31 - Math.clz32(left & -left);
        bins[to++] = bin;
        values[at] = sums[3 * bin];
        values[at + 1] = sums[3 * bin + 1];
        // With a stride of 2 hessians are row counts, and the two are one.
        values[at + stride - 1] = sums[3 * bin + 2];
        at += stride;
      }
      occurs[word] = 0;
    }
    this.binCounts[column] = to - first;
  }
}
