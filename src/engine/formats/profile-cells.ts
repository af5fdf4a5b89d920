/**
 * Tables as values, and the reading of their cells against rules. What a column means is the business of the formats;
 * where the table came from (CSV, JSON, Parquet) is not known here.
 */
import { isScenario, SCENARIO_FORM } from '../profile';
import type { ProblemList } from './profile-problems';

export type Cell = string | number | boolean | null;

/** A table as read from a file. All cells of a CSV file are text; an empty one is null. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Where each row stands, 1-based: the line of the file it starts in, or the number of the row where lines mean nothing. */
  readonly lines: readonly number[];
  /** What `lines` count. */
  readonly unit: 'line' | 'row';
  /** Line of the header; null where the file has none (JSON, Parquet). */
  readonly headerLine: number | null;
}

/** What a cell may hold: `expected` says it to the user, `accepts` to the program. */
export interface CellRule<T> {
  readonly expected: string;
  readonly accepts: (value: T) => boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A name that a file gives to a network or a kernel; runtimes put nearly anything into them. */
export const NAME: CellRule<string> = {
  expected: 'a name of 1 to 500 characters without control characters',
  accepts: (text) => text.length <= 500 && !CONTROL.test(text),
};

export const SCENARIO: CellRule<string> = { expected: SCENARIO_FORM, accepts: isScenario };

export const POSITIVE_MICROSECONDS: CellRule<number> = {
  expected: 'a finite number of microseconds greater than 0',
  accepts: (value) => value > 0,
};

export const MICROSECONDS: CellRule<number> = {
  expected: 'a finite number of microseconds, 0 or greater',
  accepts: (value) => value >= 0,
};

export const COUNT: CellRule<number> = {
  expected: 'a whole number, 0 or greater',
  accepts: (value) => Number.isSafeInteger(value) && value >= 0,
};

export const RATIO: CellRule<number> = { expected: 'a finite number, 0 or greater', accepts: (value) => value >= 0 };

/** Decimal notation only: no spaces, thousands separators, hexadecimal, `NaN` or `inf`. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** The number that a text is in decimal notation, or NaN. Never infinite. */
export function parseDecimal(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

/** Reads cells by rule; what does not fit goes to the list of problems and reads as undefined, as does an empty cell. */
export class CellReader {
  constructor(
    private readonly table: Table,
    private readonly problems: ProblemList,
  ) {}

  isEmpty(row: number, column: number): boolean {
    const cell = this.table.rows[row]![column];
    return cell === null || cell === undefined || cell === '';
  }

  text(row: number, column: number, rule: CellRule<string>): string | undefined {
    if (this.isEmpty(row, column)) return undefined;
    const cell = this.table.rows[row]![column]!;
    if (typeof cell === 'string' && rule.accepts(cell)) return cell;
    this.refuse(row, column, rule.expected);
    return undefined;
  }

  number(row: number, column: number, rule: CellRule<number>): number | undefined {
    if (this.isEmpty(row, column)) return undefined;
    const cell = this.table.rows[row]![column]!;
    const value = typeof cell === 'string' ? parseDecimal(cell) : cell;
    if (typeof value === 'number' && Number.isFinite(value) && rule.accepts(value)) return value;
    this.refuse(row, column, rule.expected);
    return undefined;
  }

  /** As text(); an empty cell is a problem too. */
  requiredText(row: number, column: number, rule: CellRule<string>): string | undefined {
    if (this.isEmpty(row, column)) this.refuse(row, column, rule.expected);
    return this.text(row, column, rule);
  }

  /** As number(); an empty cell is a problem too. */
  requiredNumber(row: number, column: number, rule: CellRule<number>): number | undefined {
    if (this.isEmpty(row, column)) this.refuse(row, column, rule.expected);
    return this.number(row, column, rule);
  }

  /** Says that a cell is not what it must be. */
  refuse(row: number, column: number, expected: string): void {
    this.problems.add(this.table.lines[row]!, this.table.columns[column]!, this.table.rows[row]![column], expected);
  }
}
