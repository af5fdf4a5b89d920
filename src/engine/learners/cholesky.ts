/**
 * Cholesky decomposition of a dense, symmetric, positive definite matrix, and the linear systems that it solves.
 * Source: Golub and Van Loan, "Matrix Computations", 4th edition, algorithms 4.2.1, 3.1.1 and 3.1.2.
 */

/**
 * Replaces the lower triangle of a matrix by its factor L, A = L L'.
 *
 * @param values `size * size`, row-major
 */
export function factorize(values: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = values[i * size + j];
      for (let k = 0; k < j; k++) sum -= values[i * size + k] * values[j * size + k];
      values[i * size + j] = i === j ? Math.sqrt(sum) : sum / values[j * size + j];
    }
  }
  return values;
}

/** x of L L' x = b, by substitution forward and back. */
export function solveFactorized(factor: Float64Array, b: ArrayLike<number>): Float64Array {
  const size = b.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i] -= factor[i * size + k] * x[k];
    x[i] /= factor[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i] -= factor[k * size + i] * x[k];
    x[i] /= factor[i * size + i];
  }
  return x;
}
