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
