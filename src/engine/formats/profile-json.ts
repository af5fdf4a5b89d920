/**
 * JSON bytes to values and to tables, with the place of what is malformed. Which profile a value holds is decided
 * elsewhere, except that a trace can be told from a table here.
 */
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { EngineError } from '../errors';
import type { Cell, Table } from './profile-cells';
import { ProblemList } from './profile-problems';

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const REMEDY = 'Send the complete file again; nothing of it was taken.';

/**
 * Parses a whole file as one JSON value.
 * @throws EngineError MALFORMED_FILE with line and byte offset of the first thing that is wrong
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  return parseText(text, { line: 1, byte: BYTE_ORDER_MARK.every((mark, index) => bytes[index] === mark) ? 3 : 0 });
}

/** True if a JSON value is a list of trace events, such as onnxruntime's profile. */
export function isTrace(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && isObject(value[0]) && 'ph' in value[0] && 'ts' in value[0];
}

/**
 * Makes a table of an array of objects: a row an object, a column a key that any of them has.
 * @throws EngineError INVALID_PROFILE if the value is not an array of flat objects
 */
export function tableFromRecords(value: unknown): Table {
  if (!Array.isArray(value)) {
    throw new EngineError(
      'INVALID_PROFILE',
      'The JSON file holds no array; expected an array of objects.',
      'line 1',
      REMEDY,
    );
  }
  return tableOf(
    value,
    value.map((_, index) => index + 1),
    'row',
  );
}

/**
 * Makes a table of JSON lines: a row a line that is not blank.
 * @throws EngineError MALFORMED_FILE with line and byte offset; INVALID_PROFILE if a line is not a flat object
 */
export function tableFromJsonLines(bytes: Uint8Array): Table {
  const records: unknown[] = [];
  const lines: number[] = [];
  let byte = BYTE_ORDER_MARK.every((mark, index) => bytes[index] === mark) ? 3 : 0;
  decodeUtf8(bytes)
    .split('\n')
    .forEach((text, index) => {
      if (text.trim() !== '') {
        records.push(parseText(text, { line: index + 1, byte }));
        lines.push(index + 1);
      }
      byte += Buffer.byteLength(text) + 1;
    });
  return tableOf(records, lines, 'line');
}

function tableOf(records: readonly unknown[], lines: readonly number[], unit: Table['unit']): Table {
  const problems = new ProblemList(unit);
  const index = new Map<string, number>();
  const rows = records.map((record, position) => {
    const row: Cell[] = [];
    if (!isObject(record)) {
      problems.add(lines[position]!, null, record, 'an object with a key for each column');
      return row;
    }
    for (const [key, value] of Object.entries(record)) {
      if (typeof value === 'object' && value !== null) {
        problems.add(lines[position]!, key, value, 'a text, a number, true, false or null');
        continue;
      }
      const column = index.get(key) ?? index.size;
      index.set(key, column);
      row[column] = value as Cell;
    }
    return row;
  });
  problems.throwIfAny('INVALID_PROFILE', 'JSON file', REMEDY);
  const columns = [...index.keys()];
  return {
    columns,
    rows: rows.map((row) => columns.map((_, column) => row[column] ?? null)),
    lines,
    unit,
    headerLine: null,
  };
}

/** @param start where the text begins in its file */
function parseText(text: string, start: { readonly line: number; readonly byte: number }): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // JSON.parse says where only in some versions of V8, so a second parser says it.
    const errors: ParseError[] = [];
    parse(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
    const { error, offset } = errors[0] ?? { error: undefined, offset: text.length };
    const before = text.slice(0, offset);
    const line = start.line + before.split('\n').length - 1;
    const what =
      text.trim() === '' ? 'it is empty' : offset >= text.trimEnd().length ? 'it ends too early' : reason(error);
    throw new EngineError(
      'MALFORMED_FILE',
      `The file is not valid JSON: ${what}.`,
      `line ${line}, byte offset ${start.byte + Buffer.byteLength(before)}`,
      REMEDY,
    );
  }
}

/** `PropertyNameExpected` as `property name expected`. */
function reason(error: number | undefined): string {
  if (error === undefined) return 'unexpected content';
  return printParseErrorCode(error)
    .replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new EngineError(
      'MALFORMED_FILE',
      'The file is not UTF-8 text.',
      `byte offset ${validPrefixLength(bytes)}`,
      'Save the file as UTF-8.',
    );
  }
}

/** Length of the longest prefix that could go on to be UTF-8: by bisection, because decoders do not say where they fail. */
function validPrefixLength(bytes: Uint8Array): number {
  let [valid, invalid] = [0, bytes.length + 1];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (isUtf8Prefix(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

function isUtf8Prefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
