/** Batches through the API: started, followed to their end, and their files read. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { literal, withDatabase } from '../../src/duckdb';
import { type ApiClient, type Data, until } from './client';

const PREDICT = 'mutation ($input: PredictBatchInput!) { predictBatch(input: $input) { batch { id status } } }';
const FILE = 'position rowCount sizeBytes sha256 url';
const BATCH = `query ($id: ID!) { batch(id: $id) {
  id fileName scenarios status rowCount chunkCount finishedChunks finishedRows refusedRows
  rankCorrelations { scenario networks kendallTau spearmanRho } failure { code message } versions { id }
  parts { ${FILE} } result { ${FILE} } } }`;

/** A file of these rows. */
export function jsonLines(rows: readonly (object | string)[]): Buffer {
  return Buffer.from(rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
}

/** Uploads a file and starts its batch. */
export async function predictBatch(
  client: ApiClient,
  bytes: Buffer,
  scenarios: readonly string[],
  fileName = 'rows.jsonl',
): Promise<string> {
  const uploadId = await client.upload('BATCH', fileName, bytes);
  return (await client.query(PREDICT, { input: { uploadId, scenarios } })).predictBatch.batch.id;
}

/** Starts a batch of one row. */
export function startBatch(client: ApiClient, networkId: string, scenario: string): Promise<string> {
  return predictBatch(client, jsonLines([{ id: 'one', networkId }]), [scenario]);
}

export async function readBatch(client: ApiClient, id: string): Promise<Data> {
  return (await client.query(BATCH, { id })).batch;
}

/** The batch once it has ended. */
export function endedBatch(client: ApiClient, id: string): Promise<Data> {
  const read = () => readBatch(client, id);
  return until(read, ({ status }) => status !== 'QUEUED' && status !== 'RUNNING', 120_000);
}

/** The records of a Parquet file of a batch. */
export async function recordsOf({ url }: { url: string }): Promise<Data[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: ${response.status}`);
  const directory = await mkdtemp(path.join(tmpdir(), 'fusecast-test-batch-'));
  try {
    const file = path.join(directory, 'result.parquet');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    return await withDatabase(async (connection) =>
      (await connection.runAndReadAll(`SELECT * FROM ${literal(file)}`)).getRowObjectsJS(),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
