/**
 * Reads the subset of Python literals in which the benchmark writes a kernel's features: a dict with string keys whose
 * values are strings, integers or floats. It is a grammar of its own, not JSON with other quotes: strings may stand in
 * either quote and hold the other, and a dict may end in a comma. Anything else (nesting, names, expressions, prefixes
 * such as r'' or f'') is refused with its position; nothing is ever evaluated.
 */

/** The literal is not a dict of that form. */
export class PythonLiteralError extends Error {
  override readonly name = 'PythonLiteralError';

  /**
   * @param position of the offending character, 0-based, in UTF-16 units
   * @param expected what the grammar allows there
   */
  constructor(
    readonly position: number,
    readonly expected: string,
  ) {
    super(`expected ${expected} at character ${position + 1}`);
  }
}

const SPACE = /[ \t\r\n\f]*/y;
/** Python allows single underscores between digits, and no leading zeros in an integer other than 0 itself. */
const NUMBER = /[+-]?(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.?)(?:[eE][+-]?\d(?:_?\d)*)?/y;
const LEADING_ZERO = /^[+-]?0[0-9_]*[1-9][0-9_]*$/;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * Reads a whole text as one dict literal. A key that stands twice is refused, unlike in Python, where the last one wins.
 * @throws PythonLiteralError with the position of the first character that does not fit
 */
export function parsePythonDict(text: string): Map<string, string | number> {
  return new DictParser(text).parse();
}

class DictParser {
  private position = 0;

  constructor(private readonly text: string) {}

  parse(): Map<string, string | number> {
    const entries = new Map<string, string | number>();
    this.expect('{');
    while (!this.accept('}')) {
      if (entries.size > 0) {
        this.expect(',', "',' or '}'");
        if (this.accept('}')) break;
      }
      const at = this.position;
      const key = this.string('a quoted key');
      if (entries.has(key))
        throw new PythonLiteralError(at, `a key other than ${JSON.stringify(key)}, which stood before`);
      this.expect(':');
      entries.set(key, this.value());
    }
    this.skipSpace();
    if (this.position < this.text.length) throw this.error('the end');
    return entries;
  }

  private value(): string | number {
    this.skipSpace();
    const next = this.text[this.position];
    return next === "'" || next === '"' ? this.string('a string') : this.number();
  }

  private number(): number {
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(this.text)?.[0];
    if (match === undefined || LEADING_ZERO.test(match)) throw this.error('a string or a number');
    const value = Number(match.replaceAll('_', ''));
    if (!Number.isFinite(value)) throw this.error('a finite number');
    this.position += match.length;
    return value;
  }

  private string(expected: string): string {
    this.skipSpace();
    const quote = this.text[this.position];
    if (quote !== "'" && quote !== '"') throw this.error(expected);
    this.position += 1;
    let value = '';
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined || character === '\n') throw this.error(`the closing ${quote}`);
      if (character === quote) break;
      if (character === '\\') {
        value += this.escape();
      } else {
        value += character;
        this.position += 1;
      }
    }
    this.position += 1;
    return value;
  }

  private escape(): string {
    const kind = this.text[this.position + 1] ?? '';
    const simple = SIMPLE_ESCAPES[kind];
    if (simple !== undefined) {
      this.position += 2;
      return simple;
    }
    const digits = HEX_ESCAPES[kind];
    const hex = this.text.slice(this.position + 2, this.position + 2 + (digits ?? 0));
    const code = Number.parseInt(hex, 16);
    if (digits === undefined || hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex) || code > 0x10ffff) {
      throw this.error('an escape of a character');
    }
    this.position += 2 + digits;
    return String.fromCodePoint(code);
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.position;
    this.position += SPACE.exec(this.text)![0].length;
  }

  private accept(token: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== token) return false;
    this.position += 1;
    return true;
  }

  private expect(token: string, expected = `'${token}'`): void {
    if (!this.accept(token)) throw this.error(expected);
  }

  private error(expected: string): PythonLiteralError {
    return new PythonLiteralError(this.position, expected);
  }
}
