/**
 * Calibration: a version's predictions brought to how somebody else measures (another harness, another unit of the phone) by
 * a factor and an offset from a few own measurements, with the error before and after on networks that the fit did not see.
 * The version itself stays as it is. How the line is fitted is in calibration-line.ts.
 */
import { binomialUpperTail } from './binomial';
import { chooseLine, evaluate, fitWithoutEach, type Line, relativeError } from './calibration-line';
import { EngineError } from './errors';
import { DEFAULT_LEVEL } from './intervals';
import { type ErrorSummary, quantile, summarizeErrors } from './metrics';
import type { NetworkPrediction } from './predictor';
import { HARNESS_FIELDS, type Harness } from './profile';

/** What a calibration does to predictions. */
export interface CalibrationFit extends Line {
  /** Exponent on how far the interval reaches either way, as a ratio: 1 keeps it, 2 squares the ratio. At least 1. */
  readonly widening: number;
}

/** A network that was measured, with what the version predicts. */
export interface CalibrationPoint {
  readonly measuredUs: number;
  readonly prediction: Pick<NetworkPrediction, 'network' | 'latencyUs' | 'fixedUs' | 'interval'>;
}

export interface CalibratedNetwork {
  readonly network: string;
  readonly measuredUs: number;
  /** By the version, microseconds. */
  readonly predictedUs: number;
  /** By the version and this calibration. */
  readonly calibratedUs: number;
  /** By the version and a calibration that was made without this network; of more than ten networks, without its tenth. */
  readonly heldOutUs: number;
  /** Further than three standard deviations of the version's errors from its calibrated latency. */
  readonly isOutlier: boolean;
}

export interface FittedCalibration extends CalibrationFit {
  readonly errorBefore: ErrorSummary;
  /** Of networks that were left out, one after the other, of everything that was fitted and chosen. */
  readonly errorAfter: ErrorSummary;
  readonly networks: readonly CalibratedNetwork[];
}

export const MINIMUM_CALIBRATION_NETWORKS = 3;
/** Beyond this a training says more. */
export const MAXIMUM_CALIBRATION_NETWORKS = 50;

/** Half of a normal distribution's 90 % interval, in standard deviations. */
const DEVIATIONS_OF_INTERVAL = 1.6449;
/** No version is so exact that the fit may take it for certain. */
const MINIMUM_DEVIATION = 0.01;
const OUTLIER_DEVIATIONS = 3;
/** So many networks outside, or more, must be less likely than this before the version's interval is given up. */
const INTERVAL_SIGNIFICANCE = 0.1;

/**
 * Fits a calibration to 3 to 50 networks. The offset is kept, shrunk or dropped by how well networks are predicted that were
 * left out. Intervals are mapped with the latencies; they widen for what the fit does not know, and, where too many of
 * the left-out networks lie outside, to the conformal quantile of those (Lei et al. 2018, as intervals.ts).
 *
 * @throws EngineError INSUFFICIENT_DATA for fewer networks, LIMIT_EXCEEDED for more
 */
export function fitCalibration(points: readonly CalibrationPoint[]): FittedCalibration {
  checkCount(points.length);
  const measured = points.map(({ measuredUs, prediction }) => ({ measuredUs, predictedUs: prediction.latencyUs }));
  const options = {
    deviation: deviationOf(points),
    fixedUs: Math.min(...points.map(({ prediction }) => prediction.fixedUs)),
  };
  const line = chooseLine(measured, options);
  const heldOut = fitWithoutEach(measured, (others) => chooseLine(others, options));
  return {
    ...line,
    widening: wideningOf(line, heldOut, points),
    errorBefore: summarizeErrors(measured.map(({ measuredUs, predictedUs }) => Math.abs(predictedUs / measuredUs - 1))),
    errorAfter: summarizeErrors(measured.map((point, i) => Math.abs(relativeError(heldOut[i], point)))),
    networks: points.map(({ measuredUs, prediction: { network, latencyUs: predictedUs } }, i) => {
      const calibratedUs = evaluate(line, predictedUs);
      const isOutlier = Math.abs(Math.log(measuredUs / calibratedUs)) > OUTLIER_DEVIATIONS * options.deviation;
      return {
        network,
        measuredUs,
        predictedUs,
        calibratedUs,
        heldOutUs: evaluate(heldOut[i], predictedUs),
        isOutlier,
      };
    }),
  };
}

/** A version's prediction as the calibration says it; the kernels and the fixed part still sum up to the whole. */
export function applyCalibration(prediction: NetworkPrediction, fit: CalibrationFit): NetworkPrediction {
  return {
    ...prediction,
    latencyUs: evaluate(fit, prediction.latencyUs),
    fixedUs: evaluate(fit, prediction.fixedUs),
    interval: { ...calibrateInterval(prediction, fit), level: prediction.interval.level },
    kernels: prediction.kernels.map((kernel) => ({ ...kernel, latencyUs: fit.factor * kernel.latencyUs })),
  };
}

/** A harness as a report of any age says it. */
type StatedHarness = Readonly<Partial<Record<keyof Harness, string | number>>>;

/** In sentences, each field in which a harness differs from every one that the version's measurements were made with. */
export function compareHarness(own: Harness, training: readonly StatedHarness[]): string[] {
  return (Object.keys(HARNESS_FIELDS) as (keyof Harness)[]).flatMap((field) => {
    const trained = [...new Set(training.flatMap((harness) => harness[field] ?? []))];
    const value = own[field];
    if (value === undefined || trained.length === 0 || trained.includes(value)) return [];
    return [`${field} is ${value} here and ${trained.join(' or ')} in what the version was trained on.`];
  });
}

function checkCount(count: number): void {
  if (count < MINIMUM_CALIBRATION_NETWORKS) {
    throw new EngineError(
      'INSUFFICIENT_DATA',
      `There are ${count} measured networks; a calibration takes at least ${MINIMUM_CALIBRATION_NETWORKS}.`,
      'measurements',
      'Measure more networks, small and large ones.',
    );
  }
  if (count > MAXIMUM_CALIBRATION_NETWORKS) {
    throw new EngineError(
      'LIMIT_EXCEEDED',
      `There are ${count} measured networks; a calibration takes at most ${MAXIMUM_CALIBRATION_NETWORKS}.`,
      'measurements',
      'Train a version on so many measurements instead.',
    );
  }
}

/** Standard deviation of the version's relative errors, as its intervals tell it. */
function deviationOf(points: readonly CalibrationPoint[]): number {
  const halves = points.map(({ prediction: { interval } }) => Math.log(interval.upperUs / interval.lowerUs) / 2);
  return Math.max(MINIMUM_DEVIATION, quantile(halves, 0.5) / DEVIATIONS_OF_INTERVAL);
}

/** How much wider intervals must be for a line that is fitted to these networks. */
function wideningOf(line: Line, heldOut: readonly Line[], points: readonly CalibrationPoint[]): number {
  // Variance of a prediction by p parameters from n errors, over that of an error: 1 + p / n.
  const uncertainty = Math.sqrt(1 + (line.offsetUs === 0 ? 1 : 2) / points.length);
  // How far each network lies from its prediction, in reaches of its interval: over 1 is outside.
  const scores = points
    .map(({ measuredUs, prediction }, i) => {
      const { lowerUs, upperUs } = calibrateInterval(prediction, { ...heldOut[i], widening: 1 });
      const centre = evaluate(heldOut[i], prediction.latencyUs);
      const reach = measuredUs > centre ? upperUs / centre : centre / lowerUs;
      const floor = Math.max(Math.log(reach), MINIMUM_DEVIATION);
      return Math.abs(Math.log(measuredUs / centre)) / floor;
    })
    .sort((a, b) => a - b);
  const outside = scores.filter((score) => score > 1).length;
  const surprise = binomialUpperTail(outside, scores.length, 1 - DEFAULT_LEVEL);
  if (outside === 0 || surprise >= INTERVAL_SIGNIFICANCE) return uncertainty;
  const rank = Math.min(scores.length, Math.ceil((scores.length + 1) * DEFAULT_LEVEL));
  return Math.max(uncertainty, scores[rank - 1]);
}

function calibrateInterval(
  { latencyUs, interval }: Pick<NetworkPrediction, 'latencyUs' | 'interval'>,
  fit: CalibrationFit,
): { lowerUs: number; upperUs: number } {
  const centre = evaluate(fit, latencyUs);
  // Offsets reach down to the fixed part alone, which the lower end may undercut.
  const lower = Math.max(evaluate(fit, interval.lowerUs), Number.EPSILON * centre);
  const upper = evaluate(fit, interval.upperUs);
  return { lowerUs: centre * (lower / centre) ** fit.widening, upperUs: centre * (upper / centre) ** fit.widening };
}
