/**
 * The line of a calibration: measured = factor * predicted + offset, fitted to a handful of networks by relative errors, so
 * that one bad measurement does not carry it away. How sure the fit is, and what becomes of intervals, is not known here.
 */
import { mean, quantile } from './metrics';

/** A network as the version predicts it and as it was measured, microseconds. */
export interface LinePoint {
  readonly predictedUs: number;
  readonly measuredUs: number;
}

export interface Line {
  /** Zero or more, no unit. */
  readonly factor: number;
  readonly offsetUs: number;
}

/** What the fit knows beforehand of the version. */
export interface LineOptions {
  /** Standard deviation of the version's relative errors: beyond it a residual counts linearly, not squared. */
  readonly deviation: number;
  /** What a run costs whatever the network, microseconds: an offset cannot take more away than this, times the factor. */
  readonly fixedUs: number;
}

/** Shares of the fitted offset that are tried; 0 is the factor alone. */
const SHARES = [0, 0.25, 0.5, 0.75, 1];
/** With fewer networks than this an offset cannot be told from the factor. */
const NETWORKS_FOR_OFFSET = 3;
/** Networks are left out one by one, or, of more than this, in so many groups. */
const MAXIMUM_GROUPS = 10;
const MAXIMUM_ITERATIONS = 30;
/** Relative change of every calibrated latency below which the fit is done. */
const TOLERANCE = 1e-7;

export function evaluate({ factor, offsetUs }: Line, predictedUs: number): number {
  return factor * predictedUs + offsetUs;
}

/** For each position the group that it is left out with. */
function leftOutGroups(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i % MAXIMUM_GROUPS);
}

/**
 * For each point a line from all points but those of its group.
 * @param fit makes the line of the points it is given
 */
export function fitWithoutEach(points: readonly LinePoint[], fit: (others: readonly LinePoint[]) => Line): Line[] {
  const groups = leftOutGroups(points.length);
  const lines = Array.from({ length: Math.min(points.length, MAXIMUM_GROUPS) }, (_, group) =>
    fit(points.filter((_point, i) => groups[i] !== group)),
  );
  return groups.map((group) => lines[group]);
}

/** The line whose share of the offset predicts networks best that were left out of its fit. */
export function chooseLine(points: readonly LinePoint[], options: LineOptions): Line {
  if (points.length < NETWORKS_FOR_OFFSET) return fitLine(points, 0, options);
  const losses = SHARES.map((share) => {
    const lines = fitWithoutEach(points, (others) => fitLine(others, share, options));
    return mean(points.map((point, i) => huberLoss(relativeError(lines[i], point), options.deviation)));
  });
  return fitLine(points, SHARES[losses.indexOf(Math.min(...losses))], options);
}

/** Error of a line at a network over what was measured, with its sign. */
export function relativeError(line: Line, { predictedUs, measuredUs }: LinePoint): number {
  return evaluate(line, predictedUs) / measuredUs - 1;
}

/** Fits the line, takes a share of its offset, and fits the factor again to what the offset leaves. */
function fitLine(points: readonly LinePoint[], share: number, options: LineOptions): Line {
  const median = quantile(
    points.map(({ measuredUs, predictedUs }) => measuredUs / predictedUs),
    0.5,
  );
  const start = { factor: median, offsetUs: 0 };
  if (share === 0) return iterate(points, start, options, (weights) => solveFactor(points, weights, 0));
  const whole = iterate(points, start, options, (weights) => solveBoth(points, weights, options.fixedUs));
  if (share === 1) return whole;
  const offsetUs = share * whole.offsetUs;
  return iterate(points, { ...whole, offsetUs }, options, (weights) => solveFactor(points, weights, offsetUs));
}

/** Huber's estimate of regression by iteratively reweighted least squares (Huber and Ronchetti 2009, section 7.8). */
function iterate(
  points: readonly LinePoint[],
  start: Line,
  { deviation }: LineOptions,
  solve: (weights: readonly number[]) => Line,
): Line {
  let line = start;
  const weights = new Array<number>(points.length);
  for (let iteration = 0; iteration < MAXIMUM_ITERATIONS; iteration++) {
    for (let i = 0; i < points.length; i++) {
      const residual = Math.abs(relativeError(line, points[i]));
      weights[i] = Math.min(1, deviation / residual) / points[i].measuredUs ** 2;
    }
    const next = solve(weights);
    const moved = points.some((point) => Math.abs(relativeError(next, point) - relativeError(line, point)) > TOLERANCE);
    line = next;
    if (!moved) break;
  }
  return line;
}

function huberLoss(residual: number, deviation: number): number {
  const size = Math.abs(residual);
  return size <= deviation ? size ** 2 / 2 : deviation * (size - deviation / 2);
}

/** Weighted least squares in the factor alone. */
function solveFactor(points: readonly LinePoint[], weights: readonly number[], offsetUs: number): Line {
  let products = 0;
  let squares = 0;
  points.forEach(({ predictedUs, measuredUs }, i) => {
    products += weights[i] * predictedUs * (measuredUs - offsetUs);
    squares += weights[i] * predictedUs ** 2;
  });
  return { factor: Math.max(0, products / squares), offsetUs };
}

/** Weighted least squares in both, with the factor at zero or more and the offset at `-factor * fixedUs` or more. */
function solveBoth(points: readonly LinePoint[], weights: readonly number[], fixedUs: number): Line {
  let [total, meanPredicted, meanMeasured] = [0, 0, 0];
  for (let i = 0; i < points.length; i++) {
    total += weights[i];
    meanPredicted += weights[i] * points[i].predictedUs;
    meanMeasured += weights[i] * points[i].measuredUs;
  }
  meanPredicted /= total;
  meanMeasured /= total;
  let [variance, covariance] = [0, 0];
  for (let i = 0; i < points.length; i++) {
    const away = points[i].predictedUs - meanPredicted;
    variance += (weights[i] / total) * away ** 2;
    covariance += (weights[i] / total) * away * (points[i].measuredUs - meanMeasured);
  }
  // Networks of one size say nothing of an offset.
  if (variance <= 1e-6 * meanPredicted ** 2) return solveFactor(points, weights, 0);
  const factor = Math.max(0, covariance / variance);
  const offsetUs = meanMeasured - factor * meanPredicted;
  if (offsetUs >= -factor * fixedUs) return { factor, offsetUs };
  // On the bound the line goes through nothing at the fixed cost.
  const shifted = points.map((point) => ({ ...point, predictedUs: point.predictedUs - fixedUs }));
  const { factor: bounded } = solveFactor(shifted, weights, 0);
  return { factor: bounded, offsetUs: -bounded * fixedUs };
}
