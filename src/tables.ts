/**
 * Reads a CSV or Parquet file into a Table with DuckDB, and writes one. What the columns mean is the engine's business;
 * here are files, limits, and DuckDB's errors in our words. DuckDB may read that one file and nothing else.
 */
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type DuckDBConnection, DuckDBTypeId } from '@duckdb/node-api';
import { type CsvRecords, scanCsvRecords } from './csv-records';
import { identifier, literal, query, REMEDY, refuse, withDatabase, withFile } from './duckdb';
import { EngineError } from './engine/errors';
import type { Cell, Table } from './engine/formats/profile-cells';
import { ProblemList } from './engine/formats/profile-problems';

const MAXIMUM_ROWS = 5_000_000;
export const MAXIMUM_COLUMNS = 1_000;
/** A table is held in memory as a whole, at about 120 bytes a cell, and its profile at 80 more: together some 400 MB. */
export const MAXIMUM_CELLS = 2_000_000;
/** A Parquet file of some kilobytes can say the same long text any number of times. */
const MAXIMUM_TEXT_BYTES = 64 * 1024 * 1024;

/**
 * Reads a CSV file: UTF-8 with or without byte order mark, commas, double quotes, a header, LF or CRLF. All cells are
 * text, empty ones null; nothing is detected or guessed.
 * @throws EngineError MALFORMED_FILE with up to 20 problems (line, column) if a row has too few or too many columns, a
 *   quote is never closed or a text is not UTF-8; MALFORMED_FILE if there is no header; INVALID_PROFILE beyond the limits
 */
export async function readCsv(file: string): Promise<Table> {
  await refuseEmpty(file);
  const records = await scanCsvRecords(file, MAXIMUM_ROWS + 1);
  const { lines, columnCount } = records;
  if (lines.length === 0) throw new EngineError('MALFORMED_FILE', 'The file has only blank lines.', 'line 1', REMEDY);
  if (columnCount < 2) {
    throw new EngineError(
      'MALFORMED_FILE',
      'The header has one column only.',
      `line ${lines[0]}`,
      'Separate columns by commas, not by semicolons or tabs.',
    );
  }
  refuseSize(lines.length - 1, columnCount);
  return withFile(file, async (connection, name) => {
    const types = Array.from({ length: columnCount }, (_, index) => `'c${index}': 'VARCHAR'`).join(', ');
    const sql = `SELECT * FROM read_csv(${literal(name)}, auto_detect = false, header = false, columns = {${types}},
      delim = ',', quote = '"', escape = '"', comment = '', skip = 0, encoding = 'utf-8', compression = 'none',
      strict_mode = true, null_padding = false, store_rejects = true)`;
    const rows = await query(connection, sql, 'CSV');
    const header = rows[0]?.map((cell) => String(cell ?? ''));
    await refuseRejects(connection, header, records);
    if (header === undefined || rows.length !== lines.length) {
      throw new EngineError(
        'MALFORMED_FILE',
        `The file has ${lines.length} records, of which ${rows.length} can be read.`,
        undefined,
        REMEDY,
      );
    }
    return { columns: header, rows: rows.slice(1), lines: lines.slice(1), unit: 'line', headerLine: lines[0]! };
  });
}

/** Turns the rows that DuckDB could not read into problems. */
async function refuseRejects(connection: DuckDBConnection, header: readonly string[] | undefined, records: CsvRecords) {
  // A row that is too short is listed once for each column it lacks, a row that is too long once for each it has beyond:
  // the first and the last say how many it has. DuckDB's own line numbers do not count line endings in quotes.
  const rejects = await connection.runAndReadAll(
    `SELECT line_byte_position::DOUBLE, min(column_idx)::DOUBLE, error_type::VARCHAR,
       CASE error_type WHEN 'TOO MANY COLUMNS' THEN arg_max(error_message, column_idx) ELSE arg_min(error_message, column_idx) END,
       min(csv_line)
     FROM reject_errors GROUP BY line_byte_position, error_type ORDER BY line_byte_position`,
  );
  const problems = new ProblemList('line');
  const rows = (rejects.getRowsJS() as Cell[][]).map(
    ([offset, ...reject]) => [recordAt(records, Number(offset)), ...reject] as const,
  );
  // Without its header the file has no names of columns: what was read first is another row.
  const names = rows[0]?.[0] === 0 ? undefined : header;
  for (const [record, column, kind, message, text] of rows) {
    const found = /Found: (\d+)/.exec(String(message))?.[1];
    const name = names?.[Number(column) - 1] ?? null;
    const [where, value, expected] = describeReject(String(kind), {
      found,
      name,
      text,
      columnCount: records.columnCount,
    });
    problems.add(records.lines[record]!, where, value, expected);
  }
  problems.throwIfAny('MALFORMED_FILE', 'CSV file', REMEDY);
}

/** Index of the record that begins at or before a byte, by bisection. */
function recordAt({ offsets }: CsvRecords, offset: number): number {
  let [low, high] = [0, offsets.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low;
}

interface Reject {
  readonly found: string | undefined;
  readonly name: string | null;
  readonly text: Cell | undefined;
  readonly columnCount: number;
}

/** Column, value and expectation for each kind of DuckDB's rejects. */
function describeReject(kind: string, { found, name, text, columnCount }: Reject): [string | null, Cell, string] {
  switch (kind) {
    case 'MISSING COLUMNS':
    case 'TOO MANY COLUMNS':
      return [null, `${found} columns`, `${columnCount} columns, as the header has`];
    case 'UNQUOTED VALUE':
      return [name, text ?? null, 'a closing quote right before a comma or the end of the line'];
    case 'INVALID ENCODING':
      return [name, text ?? null, 'UTF-8 text'];
    case 'LINE SIZE OVER MAXIMUM':
      return [name, text ?? null, 'a line of at most 2 MB'];
    default:
      return [name, text ?? null, `a row of ${columnCount} columns (${kind.toLowerCase()})`];
  }
}

const TEXT_TYPES = new Set([DuckDBTypeId.VARCHAR, DuckDBTypeId.ENUM]);
const NUMBER_TYPES = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.DECIMAL,
]);

/**
 * Reads a Parquet file whose columns are texts, numbers or booleans.
 * @throws EngineError MALFORMED_FILE if it is not Parquet, truncated or damaged; INVALID_PROFILE if a column is of another
 *   type, or beyond the limits
 */
export async function readParquet(file: string): Promise<Table> {
  await refuseEmpty(file);
  return withFile(file, async (connection, name) => {
    const source = `read_parquet(${literal(name)}, hive_partitioning = false)`;
    const [[count] = []] = await query(connection, `SELECT count(*)::DOUBLE FROM ${source}`, 'Parquet');
    const { columns, types } = await describe(connection, source);
    refuseSize(Number(count), columns.length);
    const problems = new ProblemList('row');
    const selected = columns.map((column, index) => {
      const type = types[index]!;
      if (NUMBER_TYPES.has(type.typeId)) return `${identifier(column)}::DOUBLE`;
      if (TEXT_TYPES.has(type.typeId)) return `${identifier(column)}::VARCHAR`;
      if (type.typeId !== DuckDBTypeId.BOOLEAN) {
        problems.add(null, column, String(type), 'a column of texts, numbers or booleans');
      }
      return identifier(column);
    });
    problems.throwIfAny('INVALID_PROFILE', 'Parquet file', REMEDY);
    const texts = columns.filter((_, index) => TEXT_TYPES.has(types[index]!.typeId));
    const sizes = texts.map((column) => `coalesce(sum(strlen(${identifier(column)}::VARCHAR)), 0)::DOUBLE`).join(' + ');
    const [[bytes] = []] = sizes ? await query(connection, `SELECT ${sizes} FROM ${source}`, 'Parquet') : [[0]];
    refuseBeyond('bytes of text', Number(bytes), MAXIMUM_TEXT_BYTES);
    const rows = await query(connection, `SELECT ${selected.join(', ')} FROM ${source}`, 'Parquet');
    return { columns, rows, lines: rows.map((_, index) => index + 1), unit: 'row', headerLine: null };
  });
}

async function describe(connection: DuckDBConnection, source: string) {
  const result = await connection.run(`SELECT * FROM ${source} LIMIT 0`).catch(refuse('Parquet'));
  return { columns: result.columnNames(), types: result.columnTypes() };
}

/**
 * Writes a table as CSV or Parquet, by the extension of the name. The file appears under its name once it is complete.
 * @throws EngineError UNSUPPORTED_FORMAT if the extension is neither `.csv` nor `.parquet`
 */
export async function writeTable(table: Table, file: string): Promise<void> {
  const extension = path.extname(file).toLowerCase();
  if (extension !== '.csv' && extension !== '.parquet') {
    throw new EngineError(
      'UNSUPPORTED_FORMAT',
      `${path.basename(file)} is neither .csv nor .parquet.`,
      file,
      'Give the file one of these extensions.',
    );
  }
  const part = `${path.resolve(file)}.${process.pid}.part`;
  try {
    await withDatabase(async (connection) => {
      const isText = table.columns.map((_, column) => table.rows.some((row) => typeof row[column] === 'string'));
      // As text in CSV, so that JavaScript writes the numbers: shortest form that reads back as the same number.
      const asText = isText.map((text) => text || extension === '.csv');
      const columns = table.columns.map(
        (name, column) => `${identifier(name)} ${asText[column] ? 'VARCHAR' : 'DOUBLE'}`,
      );
      await connection.run(`CREATE TABLE result (${columns.join(', ')})`);
      const appender = await connection.createAppender('result');
      for (const row of table.rows) {
        row.forEach((cell, column) => {
          if (cell === null) appender.appendNull();
          else if (asText[column]) appender.appendVarchar(String(cell));
          else appender.appendDouble(Number(cell));
        });
        appender.endRow();
      }
      appender.closeSync();
      const format =
        extension === '.csv' ? "FORMAT csv, HEADER true, DELIMITER ','" : 'FORMAT parquet, COMPRESSION zstd';
      await connection.run(`COPY result TO ${literal(part)} (${format})`);
    });
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}

async function refuseEmpty(file: string): Promise<void> {
  if ((await stat(file)).size === 0)
    throw new EngineError('MALFORMED_FILE', 'The file is empty.', 'byte offset 0', REMEDY);
}

function refuseSize(rows: number, columns: number): void {
  refuseBeyond('columns', columns, MAXIMUM_COLUMNS);
  refuseBeyond('rows', rows, MAXIMUM_ROWS);
  refuseBeyond('cells', rows * columns, MAXIMUM_CELLS);
}

function refuseBeyond(what: string, value: number, limit: number): void {
  if (value <= limit) return;
  const message = `The file has ${value} ${what}; at most ${limit} are read.`;
  throw new EngineError('INVALID_PROFILE', message, undefined, 'Split the file.');
}
