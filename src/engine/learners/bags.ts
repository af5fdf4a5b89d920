/**
 * Rows that are only measured in sums: a network's latency is the sum over its kernels, and often nothing else is known.
 * A bag is such a sum; here is its vocabulary and what a prediction of every row makes of it. The learners fit g(row) with
 *
 *     loss = sum over bags i of weight_i (residual_i - sum over the bag's rows k of share_k g(x_k))^2
 *
 * by majorising it (Hunter and Lange 2004, section 3): since a bag's shares add up to at most 1, by Jensen's inequality
 * the loss at g + d is at most the sum over rows of weight_i share_k (rest_i - d(x_k))^2 plus a constant, with equality at
 * d = 0, where rest_i is what g leaves of the bag. That is ordinary weighted regression on rows, and whatever lowers it
 * lowers the loss. A supervised fit is the case of one row a bag with a share of 1, where the two are the same.
 */
import { EngineError } from '../errors';
import { checkTrainingRows, type NumericRows, requireArgument } from './validation';

export interface Bags {
  /** One a row: the number of its bag, from 0. */
  readonly bag: Int32Array;
  /** One a row, zero or more: what a unit of the row's output adds to its bag. A bag's shares add up to at most 1. */
  readonly share: Float64Array;
  /** One a bag: what the rows are to explain together. */
  readonly residual: Float64Array;
  /** One a bag, zero or more; only their ratios matter. */
  readonly weight: Float64Array;
}

/** Shares may add up to this much more than 1 by rounding. */
const ROUNDING = 1e-9;

/** What the bags' rows explain: the sum of share * prediction, one a bag. */
export function sumBags(bags: Bags, predictions: ArrayLike<number>, sums: Float64Array): Float64Array {
  const { bag, share } = bags;
  sums.fill(0);
  for (let i = 0; i < bag.length; i++) sums[bag[i]] += share[i] * predictions[i];
  return sums;
}

/** The weighted mean square of what predictions leave of the bags. */
export function bagLoss(bags: Bags, predictions: ArrayLike<number>): number {
  const { residual, weight } = bags;
  const sums = sumBags(bags, predictions, new Float64Array(residual.length));
  let loss = 0;
  let total = 0;
  for (let i = 0; i < residual.length; i++) {
    loss += weight[i] * (residual[i] - sums[i]) ** 2;
    total += weight[i];
  }
  return loss / total;
}

/** The constant prediction of least loss. */
export function bagConstant(bags: Bags): number {
  const { residual, weight, bag } = bags;
  const sums = sumBags(bags, new Float64Array(bag.length).fill(1), new Float64Array(residual.length));
  let product = 0;
  let square = 0;
  for (let i = 0; i < residual.length; i++) {
    product += weight[i] * sums[i] * residual[i];
    square += weight[i] * sums[i] * sums[i];
  }
  return product / square;
}

/** One a row: the weight that the majorising regression gives it. */
export function rowWeights({ bag, share, weight }: Bags): Float64Array {
  return share.map((value, i) => value * weight[bag[i]]);
}

/** Rows with their own targets as bags of one. */
export function singletons(y: ArrayLike<number>, weights: ArrayLike<number> | undefined): Bags {
  return {
    bag: Int32Array.from({ length: y.length }, (_, i) => i),
    share: new Float64Array(y.length).fill(1),
    residual: Float64Array.from(y),
    weight: weights ? Float64Array.from(weights) : new Float64Array(y.length).fill(1),
  };
}

/**
 * Refuses rows and bags that cannot be learned from.
 * @param name prefix of the arguments' names in messages, for example `options.earlyStopping.`
 * @throws InvalidArgumentError for lengths that disagree, a bag that does not exist, or shares that add up to more than 1
 * @throws EngineError INSUFFICIENT_DATA for no rows, numbers that are not finite or negative, or nothing that counts
 */
export function checkBags(x: NumericRows, bags: Bags, name = ''): void {
  const { bag, share, residual, weight } = bags;
  checkTrainingRows(x, share, name, `${name}bags.share`);
  requireArgument(bag.length === x.rows, `${name}bags.bag.length`, bag.length, `${x.rows}, one a row`);
  const count = residual.length;
  requireArgument(weight.length === count, `${name}bags.weight.length`, weight.length, `${count}, one a bag`);
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(residual[i])) refuse('A residual', residual[i], `${name}bags.residual, bag ${i}`, 'finite');
    if (!(weight[i] >= 0 && weight[i] < Infinity)) {
      refuse('A weight', weight[i], `${name}bags.weight, bag ${i}`, 'finite and at least 0');
    }
  }
  const sums = new Float64Array(count);
  let counting = 0;
  for (let i = 0; i < x.rows; i++) {
    requireArgument(
      bag[i] >= 0 && bag[i] < count,
      `${name}bags.bag[${i}]`,
      bag[i],
      `a bag's number, 0 to ${count - 1}`,
    );
    if (share[i] < 0) refuse('A share', share[i], `${name}bags.share, row ${i}`, 'at least 0');
    sums[bag[i]] += share[i];
    counting += share[i] * weight[bag[i]];
  }
  const over = sums.findIndex((sum) => sum > 1 + ROUNDING);
  requireArgument(over < 0, `the sum of bags.share of bag ${over}`, sums[over], 'at most 1');
  if (!(counting > 0)) refuse('The sum of shares times weights', counting, `${name}bags`, 'above 0');
}

function refuse(what: string, value: number, where: string, expected: string): never {
  const message = `${what} is ${value}; expected a number that is ${expected}.`;
  throw new EngineError('INSUFFICIENT_DATA', message, where, 'Leave the bag out, or repair the value.');
}
