import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { EngineError } from '../src/engine/errors';
import type { Table } from '../src/engine/formats/profile-cells';
import { MAXIMUM_CELLS, MAXIMUM_COLUMNS, readCsv, readParquet, writeTable } from '../src/tables';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'fusecast-tables-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function write(content: string | Uint8Array, name = 'file'): string {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

async function refusal(read: Promise<unknown>): Promise<EngineError> {
  try {
    await read;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Makes a Parquet file of a query with DuckDB itself. */
async function parquet(query: string, name = 'made.parquet'): Promise<string> {
  const file = path.join(directory, name);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (${query}) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  return file;
}

function bytes(...parts: readonly (string | number)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
}

describe('CSV', () => {
  test.each<[string, string, Pick<Table, 'columns' | 'rows' | 'lines' | 'headerLine'>]>([
    [
      'all cells are text, empty ones null',
      'a,b\n1,\n"",true\n',
      {
        columns: ['a', 'b'],
        rows: [
          ['1', null],
          [null, 'true'],
        ],
        lines: [2, 3],
        headerLine: 1,
      },
    ],
    [
      'byte order mark and CRLF',
      '\ufeffa,b\r\n1,2\r\n',
      { columns: ['a', 'b'], rows: [['1', '2']], lines: [2], headerLine: 1 },
    ],
    [
      'a mark before quotes',
      '\ufeff"a,b",c\n1,2\n',
      { columns: ['a,b', 'c'], rows: [['1', '2']], lines: [2], headerLine: 1 },
    ],
    ['no line ending at the end', 'a,b\n1,2', { columns: ['a', 'b'], rows: [['1', '2']], lines: [2], headerLine: 1 }],
    ['old line endings', 'a,b\r1,2\r', { columns: ['a', 'b'], rows: [['1', '2']], lines: [2], headerLine: 1 }],
    [
      'lines in quotes, and blank ones',
      '\na,b\n\n"1\n1",2\n\n3,"x""y"\n',
      {
        columns: ['a', 'b'],
        rows: [
          ['1\n1', '2'],
          ['3', 'x"y'],
        ],
        lines: [4, 7],
        headerLine: 2,
      },
    ],
    [
      'what looks like comments, types and other delimiters is text',
      'a,b\n#1;2\t,2020-01-01\n',
      { columns: ['a', 'b'], rows: [['#1;2\t', '2020-01-01']], lines: [2], headerLine: 1 },
    ],
    [
      'a name that stands twice stays so',
      'a,a\n1,2\n',
      { columns: ['a', 'a'], rows: [['1', '2']], lines: [2], headerLine: 1 },
    ],
    ['a header alone', 'a,b\n', { columns: ['a', 'b'], rows: [], lines: [], headerLine: 1 }],
  ])('%s', async (_, text, expected) => {
    expect(await readCsv(write(text))).toEqual({ ...expected, unit: 'line' });
  });

  test.each<[string, string | Uint8Array, string | undefined, string]>([
    ['empty file', '', 'byte offset 0', 'The file is empty.'],
    ['blank lines only', '\n\n', 'line 1', 'The file has only blank lines.'],
    ['semicolons', 'a;b\n1;2\n', 'line 1', 'The header has one column only.'],
    [
      'too few columns',
      'a,b,c\n1,2,3\n4\n',
      'line 3',
      'The CSV file is refused: "1 columns"; expected 3 columns, as the header has.',
    ],
    [
      'too many columns',
      'a,b\n1,2,3,4\n',
      'line 2',
      'The CSV file is refused: "4 columns"; expected 2 columns, as the header has.',
    ],
    [
      'quote that never closes',
      'a,b\n1,2\n3,"4\n5,6\n',
      'line 3, column b',
      'The CSV file is refused: "3,\\"4\\n5,6\\n"; expected a closing quote right before a comma or the end of the line.',
    ],
    [
      'text behind a quote',
      'a,b\n1,"2"x\n',
      'line 2, column b',
      'The CSV file is refused: "1,\\"2\\"x"; expected a closing quote right before a comma or the end of the line.',
    ],
    [
      'bytes that are no text',
      bytes('a,b\n1,2\n3,', 0xff, 0xfe, '\n'),
      'line 3, column b',
      'The CSV file is refused: "3,??"; expected UTF-8 text.',
    ],
    [
      'bytes that are no text in the header',
      bytes('a,', 0xff, '\n1,2\n'),
      'line 1',
      'The CSV file is refused: "a,?"; expected UTF-8 text.',
    ],
    ['line endings of two kinds', 'a,b\r\n1,2\r\n3,4\n', 'line 3', 'The line ends in LF, those before it in CRLF.'],
    [
      'line of megabytes',
      `a,b\n1,${'x'.repeat(3_000_000)}\n`,
      'line 2',
      `The CSV file is refused: "1,${'x'.repeat(58)}..."; expected a line of at most 2 MB.`,
    ],
  ])('%s is refused', async (_, text, where, message) => {
    const error = await refusal(readCsv(write(text)));
    expect([error.code, error.where, error.message]).toEqual(['MALFORMED_FILE', where, message]);
  });

  test('every broken row is listed, with its line', async () => {
    const error = await refusal(readCsv(write('a,b\n1\n"2\n2",2\n3,3,3\n\n4\n')));
    expect(error.problems.map(({ line, value }) => [line, value])).toEqual([
      [2, '1 columns'],
      [5, '3 columns'],
      [7, '1 columns'],
    ]);
    expect(error.problemCount).toBe(3);
  });

  test('lines are counted behind a byte order mark and CRLF too, and no column is named by a row that is no header', async () => {
    const marked = await refusal(readCsv(write('\ufeffa,b\r\n1,2\r\n"3\r\n3",4\r\n5\r\n')));
    expect([marked.where, marked.problemCount]).toEqual(['line 5', 1]);
    const headless = await refusal(readCsv(write(bytes('a,', 0xff, '\n1,2\n3,', 0xff, '\n'))));
    expect(headless.problems.map(({ line, column }) => [line, column])).toEqual([
      [1, null],
      [3, null],
    ]);
  });

  test('too many columns or cells are refused before they are read', async () => {
    const header = Array.from({ length: MAXIMUM_COLUMNS + 1 }, (_, index) => `c${index}`).join(',');
    const wide = await refusal(readCsv(write(`${header}\n`)));
    expect([wide.code, wide.message]).toEqual(['INVALID_PROFILE', 'The file has 1001 columns; at most 1000 are read.']);
    const columns = ','.repeat(MAXIMUM_COLUMNS - 1);
    const many = await refusal(readCsv(write(`${columns}\n`.repeat(MAXIMUM_CELLS / MAXIMUM_COLUMNS + 2))));
    expect([many.code, many.message]).toEqual([
      'INVALID_PROFILE',
      'The file has 2001000 cells; at most 2000000 are read.',
    ]);
  });

  test('names that look like patterns name one file', async () => {
    write('no,no\n1,2\n', 'ab1.csv');
    const file = write("a,b\n'1',2\n", "a[b]?*'.csv");
    expect((await readCsv(file)).columns).toEqual(['a', 'b']);
  });
});

describe('Parquet', () => {
  test('texts, numbers of any kind and booleans', async () => {
    const file = await parquet(
      `SELECT 'x' AS text, 7::BIGINT AS whole, 1.25::DECIMAL(9, 2) AS exact, 'nan'::DOUBLE AS none, 0.1::DOUBLE AS float,
       true AS truth, NULL::VARCHAR AS empty, 'y'::ENUM('y') AS word, 5::UTINYINT AS byte`,
    );
    expect(await readParquet(file)).toEqual({
      columns: ['text', 'whole', 'exact', 'none', 'float', 'truth', 'empty', 'word', 'byte'],
      rows: [['x', 7, 1.25, Number.NaN, 0.1, true, null, 'y', 5]],
      lines: [1],
      unit: 'row',
      headerLine: null,
    });
  });

  test('rows keep their order over many row groups', async () => {
    const table = await readParquet(await parquet('SELECT range AS n, range::VARCHAR AS t FROM range(300000)'));
    expect(table.rows.every(([n, t], index) => n === index && t === String(index))).toBe(true);
    expect([table.rows.length, table.lines.at(-1)]).toEqual([300000, 300000]);
  });

  test('columns of other types are refused by name', async () => {
    const error = await refusal(readParquet(await parquet("SELECT 1 AS a, DATE '2020-01-01' AS day, [1, 2] AS list")));
    expect([error.code, error.where, error.problemCount]).toEqual(['INVALID_PROFILE', 'column day', 2]);
    expect(error.problems.map(({ value }) => value)).toEqual(['DATE', 'INTEGER[]']);
  });

  test.each<[string, (whole: Buffer) => Uint8Array, RegExp]>([
    ['empty file', () => bytes(), /^The file is empty\.$/],
    [
      'text',
      () => bytes('network,scenario\n'),
      /^The file cannot be read as Parquet: No magic bytes found at end of file the file\.$/,
    ],
    ['cut at the end', (whole) => whole.subarray(0, -20), /^The file cannot be read as Parquet: No magic bytes found/],
    ['a few bytes', () => bytes('PAR1'), /too small to be a Parquet file\.$/],
    ['damaged pages', (whole) => Buffer.from(whole).fill(0x41, 20, 120), /^The file cannot be read as Parquet: /],
    [
      'damaged footer',
      (whole) => Buffer.from(whole).fill(0x41, whole.length - 100, whole.length - 20),
      /^The file cannot be read as Parquet: /,
    ],
  ])('%s is refused', async (_, damage, message) => {
    const whole = readFileSync(await parquet("SELECT range AS n, 'abc' || range AS t FROM range(1000)"));
    const error = await refusal(readParquet(write(damage(whole))));
    expect(error.code).toBe('MALFORMED_FILE');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(tmpdir());
  });
});

describe('written tables', () => {
  const cellText = fc
    .string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', ' ', '#', ';', "'") })
    .filter((text) => text !== '');
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
  const rows = fc.array(fc.tuple(fc.option(cellText), fc.option(number)), { minLength: 1, maxLength: 20 });
  const columns = ['some "text"', 'a,number'];

  test.each(['.csv', '.parquet'])('%s reads back as it was written', async (extension) => {
    const file = path.join(directory, `round${extension}`);
    await fc.assert(
      fc.asyncProperty(rows, async (written) => {
        // A row of nothing but one empty column is a blank line in CSV; no table here has rows without a value.
        await writeTable({ columns, rows: written, lines: [], unit: 'row', headerLine: null }, file);
        const read = await (extension === '.csv' ? readCsv(file) : readParquet(file));
        const number = (cell: unknown) => (typeof cell === 'string' ? Number(cell) : cell);
        expect(read.columns).toEqual(columns);
        expect(read.rows.map(([text, value]) => [text, number(value)])).toEqual(written);
      }),
      { numRuns: 25 },
    );
  });

  test('another extension is refused, and nothing is left behind', async () => {
    const before = readdirSync(directory);
    const table: Table = { columns: ['a', 'b'], rows: [], lines: [], unit: 'row', headerLine: null };
    expect((await refusal(writeTable(table, path.join(directory, 'x.txt')))).code).toBe('UNSUPPORTED_FORMAT');
    await expect(writeTable(table, path.join(directory, 'missing', 'x.csv'))).rejects.toThrow();
    expect(readdirSync(directory)).toEqual(before);
  });
});
