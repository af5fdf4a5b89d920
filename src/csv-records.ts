/**
 * Where the records of a CSV file begin: DuckDB reads the cells, but says of a row neither its line nor how many columns
 * the header has. A pass over the bytes by the quoting rules of RFC 4180; it knows no columns and keeps no cells.
 */
import { createReadStream } from 'node:fs';
import { EngineError } from './engine/errors';

export interface CsvRecords {
  /** 1-based line in which each record starts, the header's first. Blank lines are no records. */
  readonly lines: readonly number[];
  /** Byte offset at which each record starts. */
  readonly offsets: readonly number[];
  /** Fields of the first record. */
  readonly columnCount: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

type LineEnding = 'LF' | 'CRLF' | 'CR';

/**
 * Reads a file through, in constant memory but for two numbers a record.
 * @param limit most records that are read; one more is an error
 * @throws EngineError MALFORMED_FILE with the line, if lines end in different ways; INVALID_PROFILE beyond the limit
 */
export async function scanCsvRecords(path: string, limit: number): Promise<CsvRecords> {
  const scanner = new CsvScanner(limit);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) scanner.take(chunk as Uint8Array);
  return scanner.end();
}

class CsvScanner {
  private readonly lines: number[] = [];
  private readonly offsets: number[] = [];
  private columnCount = 1;
  private line = 1;
  private offset = 0;
  private inRecord = false;
  private atFieldStart = true;
  private inQuotes = false;
  /** The byte before was a carriage return outside quotes: what comes next says which line ending it is. */
  private afterReturn = false;
  private ending: LineEnding | undefined;

  constructor(private readonly limit: number) {}

  take(chunk: Uint8Array): void {
    for (const byte of chunk) {
      const isMark = this.offset < 3 && byte === BYTE_ORDER_MARK[this.offset];
      this.offset += 1;
      if (!isMark) this.byte(byte);
    }
  }

  end(): CsvRecords {
    if (this.afterReturn) this.endLine('CR');
    return { lines: this.lines, offsets: this.offsets, columnCount: this.columnCount };
  }

  private byte(byte: number): void {
    if (this.afterReturn) {
      this.afterReturn = false;
      this.endLine(byte === LINE_FEED ? 'CRLF' : 'CR');
      if (byte === LINE_FEED) return;
    }
    if (this.inQuotes) {
      // A doubled quote closes and opens again, which comes to the same.
      if (byte === QUOTE) this.inQuotes = false;
      else if (byte === LINE_FEED) this.line += 1;
      this.atFieldStart = byte === QUOTE;
    } else if (byte === LINE_FEED) {
      this.endLine('LF');
    } else if (byte === CARRIAGE_RETURN) {
      this.afterReturn = true;
    } else {
      this.fieldByte(byte);
    }
  }

  private fieldByte(byte: number): void {
    if (!this.inRecord) {
      this.inRecord = true;
      this.lines.push(this.line);
      this.offsets.push(this.offset - 1);
      if (this.lines.length > this.limit) this.refuseLength();
    }
    if (byte === QUOTE && this.atFieldStart) {
      this.inQuotes = true;
    } else {
      this.atFieldStart = byte === COMMA;
      if (byte === COMMA && this.lines.length === 1) this.columnCount += 1;
    }
  }

  private endLine(ending: LineEnding): void {
    this.ending ??= ending;
    if (ending !== this.ending) {
      throw new EngineError(
        'MALFORMED_FILE',
        `The line ends in ${ending}, those before it in ${this.ending}.`,
        `line ${this.line}`,
        'Save the file with one kind of line ending.',
      );
    }
    this.line += 1;
    this.inRecord = false;
    this.atFieldStart = true;
  }

  private refuseLength(): void {
    throw new EngineError(
      'INVALID_PROFILE',
      `The file has more than ${this.limit - 1} rows.`,
      `line ${this.line}`,
      'Split the file.',
    );
  }
}
