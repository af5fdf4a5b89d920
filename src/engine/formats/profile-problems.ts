/**
 * Collects what is wrong in a profile while it is being read, so that a file is refused once, with everything at once,
 * and never half-ingested. Knows no format.
 */
import { EngineError, type EngineErrorCode, type Problem } from '../errors';

/** This many problems are listed in full; the rest is counted. */
const LISTED_PROBLEMS = 20;

const SHOWN_VALUE_LENGTH = 60;

export class ProblemList {
  private readonly first: Problem[] = [];
  private total = 0;

  /** @param unit what positions count in the file at hand */
  constructor(private readonly unit: Problem['unit']) {}

  get count(): number {
    return this.total;
  }

  /**
   * @param line 1-based, in this list's unit; null for the header of a table without lines
   * @param value what stands there; null or an empty text if nothing does
   */
  add(line: number | null, column: string | null, value: unknown, expected: string): void {
    this.total += 1;
    if (this.first.length < LISTED_PROBLEMS) {
      this.first.push({ line, unit: this.unit, column, value: shorten(value), expected });
    }
  }

  /**
   * Ends the reading if anything was wrong.
   * @param what what is being refused, for example `profile table`
   * @throws EngineError with the given code: the first problem is its `where`, the first 20 are its message and `problems`
   */
  throwIfAny(code: EngineErrorCode, what: string, remedy: string): void {
    const [first] = this.first;
    if (first === undefined) return;
    const unlisted = this.total - this.first.length;
    const lines = this.first.map((problem) => `  ${describe(problem)}`);
    if (unlisted > 0) lines.push(`  and ${unlisted} more`);
    const message =
      this.total === 1
        ? `The ${what} is refused: ${complaint(first)}.`
        : `The ${what} is refused for ${this.total} problems:\n${lines.join('\n')}`;
    throw new EngineError(code, message, place(first), remedy, this.first, this.total);
  }
}

/** Where a problem is: `line 12, column latencyUs`. */
function place(problem: Problem): string {
  const parts = [];
  if (problem.line !== null) parts.push(`${problem.unit} ${problem.line}`);
  if (problem.column !== null) parts.push(`column ${problem.column}`);
  return parts.join(', ') || 'header';
}

function complaint(problem: Problem): string {
  return `${problem.value === null ? 'no value' : JSON.stringify(problem.value)}; expected ${problem.expected}`;
}

function describe(problem: Problem): string {
  return `${place(problem)}: ${complaint(problem)}`;
}

function shorten(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null;
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_VALUE_LENGTH ? `${text.slice(0, SHOWN_VALUE_LENGTH)}...` : text;
}
