/**
 * The rows of a batch's file: what one may say, and the file split into chunks. Runs in a worker thread. A row that is wrong
 * becomes a row with a refusal; only what is wrong with the file as a whole is thrown. Must not know the object store.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBTypeId } from '@duckdb/node-api';
import { z } from 'zod';
import { identifier, literal, refuse, withFile } from './duckdb';
import { CHANGED_PROPERTIES, EngineError, MAXIMUM_CHANGES, type NetworkChange, parseChange } from './engine';

export const MAXIMUM_BATCH_ROWS = 100_000;
/** Rows of one chunk, which is one job; fewer where they are large. */
const CHUNK_ROWS = 500;
const CHUNK_BYTES = 16 * 1024 * 1024;
/** Of all rows as JSON; a Parquet file of some kilobytes can say the same long text any number of times. */
const MAXIMUM_BYTES = 1024 ** 3;

const REMEDY = 'Correct the file and send it again.';
const COLUMNS = ['id', 'networkId', 'changes', 'file', 'bindings', 'measuredUs'] as const;

/** Why a row has no prediction. */
export interface RowRefusal {
  readonly code: string;
  readonly message: string;
}

const CHANGE = z.strictObject({
  target: z.string(),
  property: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(CHANGED_PROPERTIES)),
  value: z.int(),
  width: z.int().optional(),
});

const ROW = z
  .strictObject({
    id: z.string().min(1).max(200),
    networkId: z.string().max(200).optional(),
    file: z.base64().optional(),
    bindings: z.record(z.string(), z.int().positive()).default({}),
    changes: z
      .array(z.union([z.string().max(2000), CHANGE]))
      .max(MAXIMUM_CHANGES)
      .default([]),
    measuredUs: z.record(z.string(), z.number().positive()).default({}),
  })
  .refine(({ networkId, file }) => (networkId === undefined) !== (file === undefined), {
    error: 'exactly one of networkId and file is given',
  });

/** A row that says a network: one of the service, or the base64 of a file; and what in it is another. */
export interface NetworkRow extends z.output<typeof ROW> {
  /** Line of a JSONL file, row of a Parquet file, from 1. */
  readonly row: number;
}

/** A row that says none. */
export interface RefusedRow {
  readonly row: number;
  readonly id: string | null;
  readonly refusal: RowRefusal;
}

export type BatchRow = NetworkRow | RefusedRow;

export interface BatchChunk {
  /** A file of JSON lines, each a BatchRow. */
  readonly path: string;
  readonly rows: number;
}

/**
 * Splits a `.jsonl` or `.parquet` file into files of JSON lines.
 * @param directory where they go
 * @throws EngineError UNSUPPORTED_FORMAT, MALFORMED_FILE (not Parquet, or no row), LIMIT_EXCEEDED
 */
export async function splitRows(file: string, directory: string): Promise<BatchChunk[]> {
  if ((await stat(file)).size === 0) throw new EngineError('MALFORMED_FILE', 'The file is empty.', undefined, REMEDY);
  const chunks = new ChunkWriter(directory);
  const known = new Map<string, number>();
  const add = async (row: number, value: unknown) => {
    let parsed = parseRow(row, value);
    if (parsed.id !== null) {
      const earlier = known.get(parsed.id);
      if (earlier === undefined) known.set(parsed.id, row);
      else parsed = refusedRow(row, parsed.id, `row ${earlier} has this id, too`);
    }
    await chunks.add(parsed);
  };
  const extension = path.extname(file);
  if (extension === '.jsonl' || extension === '.ndjson') await readLines(file, add);
  else if (extension === '.parquet') await withFile(file, (connection, name) => readParquetRows(connection, name, add));
  else {
    const message = `${extension || 'no extension'} is no format of batches.`;
    throw new EngineError('UNSUPPORTED_FORMAT', message, undefined, 'Send a .jsonl or a .parquet file.');
  }
  return chunks.end();
}

/** The change that a row says. @throws EngineError INVALID_CHANGE */
export function toChange(change: NetworkRow['changes'][number]): NetworkChange {
  return typeof change === 'string' ? parseChange(change) : change;
}

function parseRow(row: number, value: unknown): BatchRow {
  const parsed = ROW.safeParse(value);
  if (parsed.success) return { row, ...parsed.data };
  const id = z.object({ id: z.string().max(200) }).safeParse(value).data?.id ?? null;
  const [{ path: where, message }] = parsed.error.issues;
  return refusedRow(row, id, where.length > 0 ? `${where.join('.')}: ${message}` : message);
}

function refusedRow(row: number, id: string | null, message: string): RefusedRow {
  return { row, id, refusal: { code: 'BAD_INPUT', message } };
}

type AddRow = (row: number, value: unknown) => Promise<void>;

async function readLines(file: string, add: AddRow): Promise<void> {
  let row = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    row += 1;
    if (line.trim() !== '') await add(row, parsedJson(line));
  }
}

/** The value, or undefined, which no row is. */
function parsedJson(text: string): unknown {
  try {
    return withoutNulls(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A field that is null is one that is not there: a Parquet file has no other way to say it. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

/** Lists and maps may be columns of those types, or texts of JSON; a file may be bytes, or base64. */
async function readParquetRows(connection: DuckDBConnection, name: string, add: AddRow): Promise<void> {
  const source = `read_parquet(${literal(name)}, hive_partitioning = false)`;
  const described = await connection.run(`SELECT * FROM ${source} LIMIT 0`).catch(refuse('Parquet'));
  const types = described.columnTypes();
  const columns = described.columnNames().map((column, i) => {
    if (!(COLUMNS as readonly string[]).includes(column)) {
      const message = `${column} is no column of a batch.`;
      throw new EngineError('MALFORMED_FILE', message, column, `Columns: ${COLUMNS.join(', ')}.`);
    }
    const cell = identifier(column);
    if (types[i].typeId === DuckDBTypeId.BLOB) return `base64(${cell})`;
    return types[i].typeId === DuckDBTypeId.VARCHAR ? cell : `to_json(${cell})::VARCHAR`;
  });
  const names = described.columnNames();
  const result = await connection.stream(`SELECT ${columns.join(', ')} FROM ${source}`).catch(refuse('Parquet'));
  let row = 0;
  for await (const cells of result.yieldRowsJs()) {
    for (const values of cells) {
      row += 1;
      const fields = names.flatMap((column, i) => (values[i] === null ? [] : [[column, toField(column, values[i])]]));
      await add(row, Object.fromEntries(fields));
    }
  }
}

function toField(column: string, cell: unknown): unknown {
  return column === 'changes' || column === 'bindings' || column === 'measuredUs' ? parsedJson(String(cell)) : cell;
}

/** Writes rows to files of so many rows, or bytes, each. */
class ChunkWriter {
  readonly #chunks: BatchChunk[] = [];
  #lines: string[] = [];
  #bytes = 0;
  #allRows = 0;
  #allBytes = 0;

  constructor(private readonly directory: string) {}

  async add(row: BatchRow): Promise<void> {
    const line = JSON.stringify(row);
    this.#lines.push(line);
    this.#bytes += line.length;
    this.#allRows += 1;
    this.#allBytes += line.length;
    if (this.#allRows > MAXIMUM_BATCH_ROWS) throw beyond(`more than ${MAXIMUM_BATCH_ROWS} rows`);
    if (this.#allBytes > MAXIMUM_BYTES) throw beyond(`more than ${MAXIMUM_BYTES} bytes of rows`);
    if (this.#lines.length >= CHUNK_ROWS || this.#bytes >= CHUNK_BYTES) await this.#write();
  }

  async end(): Promise<BatchChunk[]> {
    if (this.#lines.length > 0) await this.#write();
    if (this.#chunks.length === 0) throw new EngineError('MALFORMED_FILE', 'The file has no row.', undefined, REMEDY);
    return this.#chunks;
  }

  async #write(): Promise<void> {
    const file = path.join(this.directory, `rows-${this.#chunks.length}`);
    const stream = createWriteStream(file);
    stream.end(`${this.#lines.join('\n')}\n`);
    await finished(stream);
    this.#chunks.push({ path: file, rows: this.#lines.length });
    this.#lines = [];
    this.#bytes = 0;
  }
}

function beyond(what: string): EngineError {
  return new EngineError('LIMIT_EXCEEDED', `The file has ${what}.`, undefined, 'Split the file.');
}
