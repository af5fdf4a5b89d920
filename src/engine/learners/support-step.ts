/**
 * One exact step of the Lasso's solver: on the coordinates that are not zero, with their signs held, the objective
 * is a plain quadratic; this solves it by Cholesky and goes there, or as far as the first coordinate that reaches
 * zero (which then leaves, and the rest goes on). No such move raises the objective.
 */
import { gramColumn, type LeastSquares, refreshResidual } from './least-squares';

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
  // Ends: every round but the last takes at least one coordinate out of the support.
  while (support.length > 0) {
    const { factor, dependent } = factorize(problem, support);
    const members = support.slice(0, factor.length);
    const before = support.length;
    if (dependent === undefined) {
      const step = solve(
        factor,
        members.map((j) => residual[j] - penalty * Math.sign(weights[j])),
      );
      walk(weights, members, step, 1);
    } else {
      walk(weights, [...members, dependent], exchange(problem, weights, factor, members, dependent), Infinity);
    }
    refreshResidual(problem, weights, residual);
    for (let a = support.length - 1; a >= 0; a--) if (weights[support[a]] === 0) support.splice(a, 1);
    if (support.length === before) return;
  }
}

interface Factor {
  /** Lower triangle of the Cholesky factor, row after row: row a holds a + 1 numbers. */
  readonly factor: Float64Array[];
  /** The first column that depends linearly on those before it, where factoring ended; undefined if there is none. */
  readonly dependent: number | undefined;
}

function factorize(problem: LeastSquares, support: readonly number[]): Factor {
  const factor: Float64Array[] = [];
  for (const [size, j] of support.entries()) {
    const column = gramColumn(problem, j);
    const row = new Float64Array(size + 1);
    let pivot = problem.norm2[j];
    for (let a = 0; a < size; a++) {
      const above = factor[a];
      let value = column[support[a]];
      for (let b = 0; b < a; b++) value -= row[b] * above[b];
      row[a] = value / above[a];
      pivot -= row[a] * row[a];
    }
    if (pivot <= SMALLEST_PIVOT * problem.norm2[j]) return { factor, dependent: j };
    row[size] = Math.sqrt(pivot);
    factor.push(row);
  }
  return { factor, dependent: undefined };
}

/**
 * A direction over `members` and then `dependent` that leaves A w where it is and does not raise the 1-norm: some
 * weight shrinks along it, so the walk ends.
 */
function exchange(
  problem: LeastSquares,
  weights: Float64Array,
  factor: readonly Float64Array[],
  members: readonly number[],
  dependent: number,
): Float64Array {
  const column = gramColumn(problem, dependent);
  const replaced = solve(
    factor,
    members.map((j) => column[j]),
  );
  const direction = Float64Array.from([...replaced, -1]);
  const slope = [...members, dependent].reduce((sum, j, a) => sum + Math.sign(weights[j]) * direction[a], 0);
  return slope > 0 ? direction.map((value) => -value) : direction;
}

/** Adds the longest share of the step, up to `limit`, at which no weight has passed zero; weights there become 0. */
function walk(weights: Float64Array, members: readonly number[], step: Float64Array, limit: number): void {
  let share = limit;
  for (const [a, j] of members.entries()) {
    if (step[a] * weights[j] < 0) share = Math.min(share, -weights[j] / step[a]);
  }
  for (const [a, j] of members.entries()) {
    const reachesZero = step[a] * weights[j] < 0 && -weights[j] / step[a] <= share;
    weights[j] = reachesZero ? 0 : weights[j] + share * step[a];
  }
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
