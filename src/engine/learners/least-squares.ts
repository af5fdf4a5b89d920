/**
 * A least-squares problem  |t - A w|^2 + ridge |w|^2  as the products A'A and A't, which is all that the Lasso's
 * solver looks at. Columns of A'A are made when first asked for, which is when their coordinate leaves zero: wide
 * problems do not pay for the whole square. It knows no 1-norm.
 */

/** A least-squares problem, and those products of its columns that were needed so far. */
export interface LeastSquares {
  readonly rows: number;
  readonly columns: number;
  /** A, column-major, `columns * rows` long. */
  readonly design: Float64Array;
  /** |t|^2. */
  readonly targetNorm2: number;
  /** A't, one a column. */
  readonly correlation: Float64Array;
  /** Weight of the squared 2-norm; it stands in the products as `columns` more rows of A would, with targets of 0. */
  readonly ridge: number;
  /** |A_j|^2 + ridge, one a column; 0 marks a column that can never take part. */
  readonly norm2: Float64Array;
  /** Columns of A'A + ridge I, made on demand. */
  readonly gram: (Float64Array | undefined)[];
}

/** @param design A, column-major; @param target t, one a row */
export function leastSquares(design: Float64Array, target: Float64Array, columns: number, ridge = 0): LeastSquares {
  const rows = target.length;
  const correlation = new Float64Array(columns);
  const norm2 = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    const offset = j * rows;
    let product = 0;
    let square = 0;
    for (let i = 0; i < rows; i++) {
      const value = design[offset + i];
      product += value * target[i];
      square += value * value;
    }
    correlation[j] = product;
    norm2[j] = square === 0 ? 0 : square + ridge;
  }
  let targetNorm2 = 0;
  for (let i = 0; i < rows; i++) targetNorm2 += target[i] * target[i];
  return { rows, columns, design, targetNorm2, correlation, ridge, norm2, gram: new Array(columns).fill(undefined) };
}

/** The column j of A'A + ridge I. */
export function gramColumn(problem: LeastSquares, j: number): Float64Array {
  const known = problem.gram[j];
  if (known) return known;
  const { rows, columns, design } = problem;
  const column = new Float64Array(columns);
  const own = design.subarray(j * rows, (j + 1) * rows);
  for (let k = 0; k < columns; k++) {
    const mirrored = problem.gram[k];
    if (mirrored) {
      column[k] = mirrored[j];
      continue;
    }
    const offset = k * rows;
    let product = 0;
    for (let i = 0; i < rows; i++) product += own[i] * design[offset + i];
    column[k] = product;
  }
  column[j] += problem.ridge;
  problem.gram[j] = column;
  return column;
}

/** residual = A'(t - A w). */
export function refreshResidual(problem: LeastSquares, weights: Float64Array, residual: Float64Array): void {
  residual.set(problem.correlation);
  for (let j = 0; j < problem.columns; j++) {
    const weight = weights[j];
    if (weight === 0) continue;
    const column = gramColumn(problem, j);
    for (let k = 0; k < problem.columns; k++) residual[k] -= weight * column[k];
  }
}
