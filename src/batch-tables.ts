/**
 * The Parquet files of a batch: one record for each row and scenario, written chunk by chunk, joined, and asked for what was
 * measured. Must not know the object store.
 */
import { literal, withDatabase } from './duckdb';

/** One row in one scenario: a prediction, or a code and a message. */
export interface BatchRecord {
  readonly row: number;
  readonly id: string | null;
  readonly scenario: string;
  /** Global id of the version that answered. */
  readonly versionId: string;
  readonly latencyUs: number | null;
  readonly lowerUs: number | null;
  readonly upperUs: number | null;
  readonly level: number | null;
  readonly coverage: number | null;
  readonly measuredUs: number | null;
  readonly code: string | null;
  readonly message: string | null;
}

/** Columns and their types, in order. */
const COLUMNS = {
  row: 'INTEGER',
  id: 'VARCHAR',
  scenario: 'VARCHAR',
  versionId: 'VARCHAR',
  latencyUs: 'DOUBLE',
  lowerUs: 'DOUBLE',
  upperUs: 'DOUBLE',
  level: 'DOUBLE',
  coverage: 'DOUBLE',
  measuredUs: 'DOUBLE',
  code: 'VARCHAR',
  message: 'VARCHAR',
} as const satisfies Record<keyof BatchRecord, string>;

const NAMES = Object.keys(COLUMNS) as (keyof BatchRecord)[];
const FORMAT = '(FORMAT parquet, COMPRESSION zstd)';

/** Writes the records to a Parquet file. The same records give the same bytes. */
export async function writeRecords(records: readonly BatchRecord[], file: string): Promise<void> {
  await withDatabase(async (connection) => {
    await connection.run(`CREATE TABLE part (${NAMES.map((name) => `"${name}" ${COLUMNS[name]}`).join(', ')})`);
    const appender = await connection.createAppender('part');
    for (const record of records) {
      for (const name of NAMES) {
        const cell = record[name];
        if (cell === null) appender.appendNull();
        else if (typeof cell === 'string') appender.appendVarchar(cell);
        else if (COLUMNS[name] === 'INTEGER') appender.appendInteger(cell);
        else appender.appendDouble(cell);
      }
      appender.endRow();
    }
    appender.closeSync();
    await connection.run(`COPY part TO ${literal(file)} ${FORMAT}`);
  });
}

/** Joins Parquet files, in their order, into one. */
export async function joinRecords(parts: readonly string[], file: string): Promise<void> {
  await withDatabase((connection) =>
    connection.run(`COPY (SELECT * FROM ${readParts(parts)}) TO ${literal(file)} ${FORMAT}`),
  );
}

/** Predicted and measured latencies of rows that have both, microseconds, by scenario, in the order of the rows. */
export async function measuredPairs(
  file: string,
): Promise<Map<string, { readonly predictedUs: number[]; readonly measuredUs: number[] }>> {
  return withDatabase(async (connection) => {
    const result = await connection.runAndReadAll(
      `SELECT scenario, list(latencyUs ORDER BY "row"), list(measuredUs ORDER BY "row") FROM ${readParts([file])}
       WHERE latencyUs IS NOT NULL AND measuredUs IS NOT NULL GROUP BY scenario ORDER BY scenario`,
    );
    return new Map(
      (result.getRowsJS() as [string, number[], number[]][]).map(([scenario, predictedUs, measuredUs]) => [
        scenario,
        { predictedUs, measuredUs },
      ]),
    );
  });
}

function readParts(parts: readonly string[]): string {
  return `read_parquet([${parts.map(literal).join(', ')}], hive_partitioning = false)`;
}
