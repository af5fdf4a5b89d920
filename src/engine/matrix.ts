/**
 * The one numeric layout that features, learners and exported predictors share: rows x columns, row-major, float32.
 * Float32 from the start because ONNX tree ensembles compare in float32: training sees exactly the values serving sees.
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major, `rows * columns` long. */
  readonly values: Float32Array;
}

/** The given rows of a matrix, in the given order. */
export function selectRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const { columns } = matrix;
  const values = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    values.set(matrix.values.subarray(rows[i] * columns, (rows[i] + 1) * columns), i * columns);
  }
  return { rows: rows.length, columns, values };
}
