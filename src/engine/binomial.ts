/**
 * Tails of the binomial and the beta-binomial distribution: how surprising a count of successes is. Sums of terms that are
 * computed by their logarithms, for some thousand trials at most.
 */

/** Probability that of `trials`, each successful with `probability`, at least `successes` are. */
export function binomialUpperTail(successes: number, trials: number, probability: number): number {
  const log = (k: number) =>
    logChoose(trials, k) + times(k, Math.log(probability)) + times(trials - k, Math.log1p(-probability));
  return sumFrom(successes, trials, log);
}

/**
 * Probability that of `trials` at most `successes` are successful, where the probability of success is itself drawn from
 * a beta distribution with the parameters `alpha` and `beta`.
 */
export function betaBinomialLowerTail(successes: number, trials: number, alpha: number, beta: number): number {
  const whole = logBeta(alpha, beta);
  return sumFrom(0, successes, (k) => logChoose(trials, k) + logBeta(k + alpha, trials - k + beta) - whole);
}

function sumFrom(first: number, last: number, logOf: (k: number) => number): number {
  let sum = 0;
  for (let k = first; k <= last; k++) sum += Math.exp(logOf(k));
  return Math.min(1, sum);
}

/** 0 * log(0) counts as 0. */
function times(count: number, log: number): number {
  return count === 0 ? 0 : count * log;
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Lanczos' approximation with g = 7 and 9 terms; relative error below 1e-13 for arguments of 0.5 and more. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x: number): number {
  const shifted = x - 1;
  const base = shifted + 7.5;
  const series = LANCZOS.reduce(
    (sum, coefficient, i) => (i === 0 ? coefficient : sum + coefficient / (shifted + i)),
    0,
  );
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(series);
}
