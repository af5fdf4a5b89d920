/**
 * One exact step of the Lasso's solver: on the coordinates that are not zero, with their signs held, the objective
 * is a plain quadratic; this solves it by Cholesky and goes there, or as far as the first coordinate that reaches
 * zero (which then leaves, and the rest goes on). Every such move lowers the objective.
 */
import { gramColumn, type LeastSquares } from './least-squares';

/** A column whose part that is new to the factored ones is a smaller share than this is collinear with them. */
const SMALLEST_PIVOT = 1e-11;

/**
 * @param weights one a column; changed in place
 * @param residual A'(t - A w) for these weights; kept up to date
 */
export function supportStep(
  problem: LeastSquares,
  weights: Float64Array,
  residual: Float64Array,
  penalty: number,
): void {
  const support: number[] = [];
  for (let j = 0; j < problem.columns; j++) if (weights[j] !== 0) support.push(j);
  // Ends: each round but the last takes one coordinate out of the support.
  while (support.length > 0) {
    const { members, factor } = factorize(problem, support);
    const step = solve(
      factor,
      members.map((j) => residual[j] - penalty * Math.sign(weights[j])),
    );
    let share = 1;
    let leaving = -1;
    for (let a = 0; a < members.length; a++) {
      const weight = weights[members[a]];
      if (step[a] * weight < 0 && Math.abs(step[a]) * share > Math.abs(weight)) {
        share = Math.abs(weight / step[a]);
        leaving = members[a];
      }
    }
    for (let a = 0; a < members.length; a++) {
      const j = members[a];
      const change = j === leaving ? -weights[j] : share * step[a];
      weights[j] = j === leaving ? 0 : weights[j] + change;
      const column = gramColumn(problem, j);
      for (let k = 0; k < problem.columns; k++) residual[k] -= change * column[k];
    }
    if (leaving < 0) return;
    support.splice(support.indexOf(leaving), 1);
  }
}

interface Factor {
  /** Those columns of the support that are linearly independent. */
  readonly members: number[];
  /** Lower triangle of their A'A, row after row: row a holds a + 1 numbers. */
  readonly factor: Float64Array[];
}

/** Cholesky, row by row; a column that depends on those before it is left out, which holds its weight where it is. */
function factorize(problem: LeastSquares, support: readonly number[]): Factor {
  const members: number[] = [];
  const factor: Float64Array[] = [];
  for (const j of support) {
    const column = gramColumn(problem, j);
    const row = new Float64Array(members.length + 1);
    let pivot = problem.norm2[j];
    for (let a = 0; a < members.length; a++) {
      const above = factor[a];
      let value = column[members[a]];
      for (let b = 0; b < a; b++) value -= row[b] * above[b];
      row[a] = value / above[a];
      pivot -= row[a] * row[a];
    }
    if (pivot <= SMALLEST_PIVOT * problem.norm2[j]) continue;
    row[members.length] = Math.sqrt(pivot);
    members.push(j);
    factor.push(row);
  }
  return { members, factor };
}

/** Solves L L' s = b by substitution, forward and back. */
function solve(factor: readonly Float64Array[], b: readonly number[]): Float64Array {
  const solution = Float64Array.from(b);
  for (let a = 0; a < solution.length; a++) {
    for (let k = 0; k < a; k++) solution[a] -= factor[a][k] * solution[k];
    solution[a] /= factor[a][a];
  }
  for (let a = solution.length - 1; a >= 0; a--) {
    for (let k = a + 1; k < solution.length; k++) solution[a] -= factor[k][a] * solution[k];
    solution[a] /= factor[a][a];
  }
  return solution;
}
