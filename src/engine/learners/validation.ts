/**
 * The checks that every learner makes of what it is given, before any arithmetic.
 * Two kinds of refusal: data that cannot be learned from (the user can act on it: EngineError INSUFFICIENT_DATA),
 * and an argument that no caller should pass (a programmer's error: InvalidArgumentError).
 */
import { EngineError } from '../errors';

/** Rows x columns numbers, row-major; a Matrix is one, float64 sums of features are another. */
export interface NumericRows {
  readonly rows: number;
  readonly columns: number;
  /** Row-major, `rows * columns` long. */
  readonly values: ArrayLike<number>;
}

/** An argument outside its range or of the wrong length. */
class InvalidArgumentError extends RangeError {
  override readonly name = 'InvalidArgumentError';
  readonly code = 'INVALID_ARGUMENT';

  constructor(
    /** Which argument, for example `options.alpha`. */
    readonly where: string,
    /** The value that was refused. */
    readonly value: unknown,
    expected: string,
  ) {
    super(`${where} is ${String(value)}; expected ${expected}.`);
  }
}

/** Throws InvalidArgumentError unless `holds`. */
export function requireArgument(holds: boolean, where: string, value: unknown, expected: string): void {
  if (!holds) throw new InvalidArgumentError(where, value, expected);
}

/** Throws InvalidArgumentError unless the option is absent or a whole number from `least` to `most`. */
export function requireWhole<Name extends string>(
  options: Readonly<Partial<Record<Name, number>>>,
  name: Name,
  least: number,
  most = Infinity,
): void {
  const value = options[name];
  if (value === undefined) return;
  const expected = `a whole number of at least ${least}${most < Infinity ? ` and at most ${most}` : ''}`;
  requireArgument(Number.isInteger(value) && value >= least && value <= most, `options.${name}`, value, expected);
}

/**
 * Refuses rows and targets that cannot be learned from.
 * @param name prefix of the argument's name in messages, for example `validation.`
 * @param target name of the targets in messages
 * @throws InvalidArgumentError if lengths disagree
 * @throws EngineError INSUFFICIENT_DATA if there is no row or no column, or a value is not a finite number
 */
export function checkTrainingRows(x: NumericRows, y: ArrayLike<number>, name = '', target = `${name}y`): void {
  const { rows, columns, values } = x;
  requireArgument(values.length === rows * columns, `${name}x.values.length`, values.length, `${rows} x ${columns}`);
  requireArgument(y.length === rows, `${target}.length`, y.length, `${rows}, one a row`);
  if (rows === 0) {
    throw new EngineError('INSUFFICIENT_DATA', 'There is no row to train on.', `${name}x`, 'Give at least one row.');
  }
  if (columns === 0) {
    throw new EngineError('INSUFFICIENT_DATA', 'The rows have no column.', `${name}x`, 'Give at least one feature.');
  }
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      const where = `${name}x, row ${Math.floor(i / columns)}, column ${i % columns}`;
      throw notFinite('A feature', values[i], where);
    }
  }
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(y[i])) throw notFinite('A target', y[i], `${target}, row ${i}`);
  }
}

/**
 * Refuses sample weights that are negative, not finite, or all zero.
 * @throws InvalidArgumentError if there is not one a row
 * @throws EngineError INSUFFICIENT_DATA for a value that is refused
 */
export function checkSampleWeights(weights: ArrayLike<number> | undefined, rows: number): void {
  if (!weights) return;
  const where = 'options.sampleWeights';
  requireArgument(weights.length === rows, `${where}.length`, weights.length, `${rows}, one weight a row`);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(weights[i])) throw notFinite('A sample weight', weights[i], `${where}, row ${i}`);
    if (weights[i] < 0) {
      const message = `A sample weight is ${weights[i]}; expected zero or more.`;
      throw new EngineError('INSUFFICIENT_DATA', message, `${where}, row ${i}`, 'Give a weight of at least 0.');
    }
    sum += weights[i];
  }
  if (sum === 0) {
    throw new EngineError('INSUFFICIENT_DATA', 'All sample weights are 0.', where, 'Give one row a weight above 0.');
  }
}

function notFinite(what: string, value: number, where: string): EngineError {
  const message = `${what} is ${value}; expected a finite number.`;
  return new EngineError('INSUFFICIENT_DATA', message, where, 'Leave the row out, or repair the value.');
}
