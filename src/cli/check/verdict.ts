/**
 * When a budget is kept, broken, or cannot be told: by intervals, never by the predicted latency alone. Pure: numbers
 * in, verdicts out; docs/guides/check.md has the reasons.
 */
import { changedParts, type KernelDifference } from './kernel-changes';

export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE';

export interface Interval {
  readonly lowerUs: number;
  readonly upperUs: number;
  /** How often the interval holds the true latency, 0 to 1. */
  readonly level: number;
}

/** How much slower than the base, percent, with the interval that errors of the predictor leave. */
export interface RelativeChange {
  readonly percent: number;
  readonly lowerPercent: number;
  readonly upperPercent: number;
}

interface Estimate {
  readonly latencyUs: number;
  readonly interval: Interval;
}

/** PASS if the whole interval is within the budget, FAIL if it is beyond. All in one unit. */
export function judge(lower: number, upper: number, budget: number): Verdict {
  if (upper <= budget) return 'PASS';
  return lower > budget ? 'FAIL' : 'INCONCLUSIVE';
}

const SEVERITY: readonly Verdict[] = ['PASS', 'INCONCLUSIVE', 'FAIL'];

/** The gravest; undefined of none. */
export function worst(verdicts: readonly (Verdict | undefined)[]): Verdict | undefined {
  const ranks = verdicts.filter((verdict) => verdict !== undefined).map((verdict) => SEVERITY.indexOf(verdict));
  return ranks.length > 0 ? SEVERITY[Math.max(...ranks)] : undefined;
}

/** Factor of the error that an unmodelled kernel may have: as the engine's intervals of level 0.9 take it. */
const UNMODELLED_FACTOR = 4;

/**
 * The change between two networks that the same predictor version predicted. What the model errs by on kernels that are
 * in both cancels; only kernels that changed count. The kernels of one kind that came err together, by the version's
 * cross-validated error of the kind, and independently of those that went and of other kinds. Errors are taken as
 * Laplace distributed: their absolute value is below `-ln(1 - level)` times its mean with the probability `level`.
 *
 * @param kindErrors mean absolute percentage error of the version by kernel kind, percent; where a kind has none, the
 *   network's interval is taken, divided by the root of the share of the latency: of a part, less averages out
 */
export function changeByKernels(
  base: Estimate,
  head: Estimate,
  differences: readonly KernelDifference[],
  kindErrors: ReadonlyMap<string, number>,
): RelativeChange {
  let differenceUs = 0;
  let variance = 0;
  for (const { kind, side, latencyUs, isModelled } of changedParts(differences)) {
    const whole = side === 'head' ? head : base;
    differenceUs += side === 'head' ? latencyUs : -latencyUs;
    variance += (latencyUs * relativeError(kind, latencyUs, isModelled, whole, kindErrors)) ** 2;
  }
  return relative(differenceUs, Math.sqrt(variance), base);
}

function relativeError(
  kind: string,
  latencyUs: number,
  isModelled: boolean,
  whole: Estimate,
  kindErrors: ReadonlyMap<string, number>,
): number {
  if (!isModelled) return UNMODELLED_FACTOR - 1;
  const percent = kindErrors.get(kind);
  if (percent !== undefined) return -Math.log(1 - whole.interval.level) * (percent / 100);
  const share = Math.min(1, latencyUs / whole.latencyUs);
  return share > 0 ? (whole.interval.upperUs / whole.latencyUs - 1) / Math.sqrt(share) : 0;
}

/** The base is not known exactly either: its own interval divides. */
function relative(differenceUs: number, errorUs: number, { latencyUs, interval }: Estimate): RelativeChange {
  const [lowest, highest] = [differenceUs - errorUs, differenceUs + errorUs];
  return {
    percent: (100 * differenceUs) / latencyUs,
    lowerPercent: (100 * lowest) / (lowest > 0 ? interval.upperUs : interval.lowerUs),
    upperPercent: (100 * highest) / (highest > 0 ? interval.lowerUs : interval.upperUs),
  };
}

/**
 * The change where the base cannot be predicted by the version of today (a file of another service): the two may err in
 * opposite directions, so that ends of one interval meet the other ends of the other.
 */
export function changeByIntervals(base: Estimate, head: Estimate): RelativeChange {
  const percent = (of: number, to: number) => 100 * (of / to - 1);
  return {
    percent: percent(head.latencyUs, base.latencyUs),
    lowerPercent: percent(head.interval.lowerUs, base.interval.upperUs),
    upperPercent: percent(head.interval.upperUs, base.interval.lowerUs),
  };
}
