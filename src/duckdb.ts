/**
 * DuckDB as a reader of one file: an empty database in memory that can reach that file and nothing else, and its errors in
 * our words. What is in the file is not known here.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { EngineError } from './engine/errors';
import type { Cell } from './engine/formats/profile-cells';

/** What a user can do about a broken file. */
export const REMEDY = 'Correct the file and send it again as a whole; nothing of it was taken.';

const OPTIONS = { memory_limit: '512MB', threads: '2', temp_directory: '' };

/** Runs a function with a connection to an empty database in memory. */
export async function withDatabase<T>(run: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', OPTIONS);
  const connection = await instance.connect();
  try {
    return await run(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Runs a function with a connection that can reach one file and nothing else; the file has a plain name there. */
export async function withFile<T>(
  file: string,
  run: (connection: DuckDBConnection, name: string) => Promise<T>,
): Promise<T> {
  // DuckDB takes brackets and stars in a name for a pattern, and has no way to write them otherwise.
  const directory = await mkdtemp(path.join(tmpdir(), 'fusecast-table-'));
  const name = path.join(directory, 'table');
  try {
    await symlink(path.resolve(file), name);
    return await withDatabase(async (connection) => {
      await connection.run(`SET allowed_paths = [${literal(name)}]`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
      return run(connection, name);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Runs a query over the file.
 * @throws EngineError MALFORMED_FILE if the file cannot be read as its format
 */
export async function query(connection: DuckDBConnection, sql: string, format: string): Promise<Cell[][]> {
  try {
    return (await connection.runAndReadAll(sql)).getRowsJS() as Cell[][];
  } catch (error) {
    return refuse(format)(error);
  }
}

/** Turns DuckDB's error into ours. Its first line says what is wrong; what follows are options that nobody but we can set. */
export function refuse(format: string) {
  return (error: unknown): never => {
    const message = error instanceof Error ? error.message : String(error);
    const line = /on Line: (\d+)/i.exec(message)?.[1];
    const what = message
      .split('\n', 1)[0]!
      .replace(/^([A-Za-z ]*Error: )+/, '')
      .replaceAll(/['"]?\/\S*fusecast-table-\S*?\/table['"]?/g, 'the file');
    throw new EngineError(
      'MALFORMED_FILE',
      `The file cannot be read as ${format}: ${what}.`,
      line && `line ${line}`,
      REMEDY,
    );
  };
}

/** A text as SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
