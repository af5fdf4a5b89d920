/**
 * The jobs of a batch. One splits its file into chunks of rows; one for each chunk predicts them in all scenarios and
 * writes a Parquet file; the last joins those. Every file is written under its digest and named by a row that there is
 * once, so that a job which is broken off, or done twice, leaves nothing twice. No transaction is open while the engine or
 * the object store works. A batch that has ended, however, is left alone.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type EntityManager, In } from 'typeorm';
import type { BatchRow, NetworkRow, RowRefusal } from './batch-rows';
import { type BatchRecord, joinRecords, measuredPairs, writeRecords } from './batch-tables';
import type { BatchPrediction } from './batch-thread';
import { type Graph, kendallTau, spearmanRho } from './engine';
import { CodedError, type Failure } from './errors';
import { type JobServices, withLocalFile } from './ingest';
import { enqueue, type JobContext, type JobPayloads } from './jobs';
import { checkQuotas } from './quotas';
import { Batch, BatchFile, type RankCorrelation } from './schema/batch';
import { Network } from './schema/network';
import { newId, parseGlobalId, toGlobalId } from './schema/node';
import { PredictorVersion } from './schema/predictor-version';
import { Upload } from './schema/upload';
import type { Serving } from './serving';
import { batchKey, type JobSession, jobSession } from './tenancy';

type BatchServices = JobServices & { readonly serving: Serving };

/** Rows times scenarios of a batch. */
const MAXIMUM_PREDICTIONS = 2_000_000;
/** Rows whose networks are read together, within the limits of one. */
const READ_AT_ONCE = 50;

const PARQUET = 'application/vnd.apache.parquet';

/** Splits the file into chunks, and queues them. */
export async function startBatch(
  services: BatchServices,
  { teamId, batchId: id }: JobPayloads['startBatch'],
  { signal, lease }: JobContext,
): Promise<void> {
  const { tenancy, store, engine } = services;
  const session = jobSession(teamId, lease);
  const queued = { id, status: 'QUEUED' } as const;
  const asked = await tenancy.inTeam(session, async (manager) => {
    const batch = await manager.findOneBy(Batch, queued);
    return batch && { batch, upload: await manager.findOneByOrFail(Upload, { id: batch.uploadId }) };
  });
  if (!asked) return;
  const files = await withLocalFile(store, asked.upload, async (file) => {
    const chunks = await engine.splitBatch({ path: file, directory: path.dirname(file) });
    checkAmount(chunks.reduce((sum, { rows }) => sum + rows, 0) * asked.batch.scenarios.length);
    const written: Partial<BatchFile>[] = [];
    for (const [position, { path: chunk, rows }] of chunks.entries()) {
      signal.throwIfAborted();
      const bytes = await readFile(chunk);
      written.push(await putFile(services, session, id, { kind: 'ROWS', position, rowCount: rows }, bytes));
    }
    return written;
  });
  await tenancy.inTeam(session, async (manager) => {
    const rowCount = files.reduce((sum, file) => sum + file.rowCount!, 0);
    const started = { status: 'RUNNING', rowCount, chunkCount: files.length } as const;
    const { affected } = await manager.update(Batch, queued, started);
    if (!affected) return;
    await manager.insert(BatchFile, files);
    await checkQuotas(manager, 'BYTES');
    for (const { position } of files)
      await enqueue(manager, 'predictBatchChunk', { teamId, batchId: id, chunk: position! });
  });
}

/** Predicts the rows of one chunk in all scenarios; the last one to end queues the joining. */
export async function predictBatchChunk(
  services: BatchServices,
  { teamId, batchId: id, chunk: position }: JobPayloads['predictBatchChunk'],
  { signal, lease }: JobContext,
): Promise<void> {
  const { tenancy, store } = services;
  const session = jobSession(teamId, lease);
  const part = { batchId: id, kind: 'PART', position } as const;
  const asked = await tenancy.inTeam(session, async (manager) => {
    const batch = await manager.findOneBy(Batch, { id, status: 'RUNNING' });
    if (!batch || (await manager.existsBy(BatchFile, part))) return undefined;
    return {
      file: await manager.findOneByOrFail(BatchFile, { ...part, kind: 'ROWS' }),
      versions: await versionsOf(manager, batch),
      scenarios: batch.scenarios,
    };
  });
  if (!asked) return;
  const { file, versions, scenarios } = asked;
  const text = (await store.get(file.objectKey, { sha256: file.sha256 })).toString();
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line): BatchRow => JSON.parse(line));
  const graphs = await readGraphs(services, session, rows, signal);
  const answers = await predictGraphs(services, graphs, versions);
  signal.throwIfAborted();
  const records = rows.flatMap((row, i) =>
    versions.map((version, v) => toRecord(row, scenarios[v], version, answers[v][i])),
  );
  const refusedRows = rows.filter((_, i) => answers.some((ofVersion) => 'code' in ofVersion[i])).length;
  const bytes = await inDirectory(async (directory) => {
    const target = path.join(directory, 'part.parquet');
    await writeRecords(records, target);
    return readFile(target);
  });
  const written = await putFile(services, session, id, { kind: 'PART', position, rowCount: rows.length }, bytes);
  await tenancy.inTeam(session, async (manager) => {
    // Locked, so that of two chunks that end at once the second sees the first.
    const running = { where: { id, status: 'RUNNING' }, lock: { mode: 'pessimistic_write' } } as const;
    const batch = await manager.findOne(Batch, running);
    if (!batch || (await manager.existsBy(BatchFile, part))) return;
    await manager.insert(BatchFile, written);
    await checkQuotas(manager, 'BYTES');
    const finishedChunks = batch.finishedChunks + 1;
    const finishedRows = batch.finishedRows + rows.length;
    await manager.update(Batch, { id }, { finishedChunks, finishedRows, refusedRows: batch.refusedRows + refusedRows });
    if (finishedChunks === batch.chunkCount) await enqueue(manager, 'joinBatch', { teamId, batchId: id });
  });
}

/** Joins the parts, and compares orders where latencies were measured. */
export async function joinBatch(
  services: BatchServices,
  { teamId, batchId: id }: JobPayloads['joinBatch'],
  { lease }: JobContext,
): Promise<void> {
  const { tenancy, store } = services;
  const session = jobSession(teamId, lease);
  const running = { id, status: 'RUNNING' } as const;
  const asked = await tenancy.inTeam(session, async (manager) => {
    const batch = await manager.findOneBy(Batch, running);
    const where = { batchId: id, kind: 'PART' } as const;
    return batch && { batch, parts: await manager.find(BatchFile, { where, order: { position: 'ASC' } }) };
  });
  if (!asked) return;
  const { bytes, rankCorrelations } = await inDirectory(async (directory) => {
    const files: string[] = [];
    for (const { position, objectKey, sha256 } of asked.parts) {
      const file = path.join(directory, `${position}.parquet`);
      await writeFile(file, await store.get(objectKey, { sha256 }));
      files.push(file);
    }
    const result = path.join(directory, 'result.parquet');
    await joinRecords(files, result);
    return { bytes: await readFile(result), rankCorrelations: correlate(await measuredPairs(result)) };
  });
  const rowCount = asked.batch.rowCount!;
  const result = await putFile(services, session, id, { kind: 'RESULT', position: 0, rowCount }, bytes);
  await tenancy.inTeam(session, async (manager) => {
    const ready = { status: 'READY', rankCorrelations, finishedAt: () => 'now()' } as const;
    const { affected } = await manager.update(Batch, running, ready);
    if (!affected) return;
    await manager.insert(BatchFile, result);
    await checkQuotas(manager, 'BYTES');
  });
}

/** Says in the batch's row why it cannot be done. */
export async function failBatch(
  { tenancy }: BatchServices,
  { teamId, batchId: id }: JobPayloads['startBatch'],
  failure: Failure,
  { lease }: JobContext,
): Promise<void> {
  const failed = { status: 'FAILED', failure, finishedAt: () => 'now()' } as const;
  await tenancy.inTeam(jobSession(teamId, lease), (manager) =>
    manager.update(Batch, { id, status: In(['QUEUED', 'RUNNING']) }, failed),
  );
}

function checkAmount(predictions: number): void {
  if (predictions <= MAXIMUM_PREDICTIONS) return;
  const message = `This asks for ${predictions} predictions (rows times scenarios), of at most ${MAXIMUM_PREDICTIONS}.`;
  throw new CodedError('LIMIT_EXCEEDED', message, undefined, 'Split the file, or name fewer scenarios at a time.');
}

/** Stores bytes under their digest, and gives the row that is to name them. */
async function putFile(
  { store }: BatchServices,
  session: JobSession,
  batchId: string,
  { kind, position, rowCount }: Pick<BatchFile, 'kind' | 'position' | 'rowCount'>,
  bytes: Buffer,
): Promise<Partial<BatchFile>> {
  const { teamId } = session;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const objectKey = batchKey(session, batchId, sha256);
  await store.put(objectKey, bytes, { sha256, contentType: kind === 'ROWS' ? 'application/json' : PARQUET });
  return { id: newId(), teamId, batchId, kind, position, rowCount, objectKey, sha256, sizeBytes: bytes.length };
}

/** The versions of the batch, in the order of its scenarios. @throws CONFLICT for one whose file is gone */
async function versionsOf(manager: EntityManager, { versionIds }: Batch): Promise<PredictorVersion[]> {
  const found = new Map((await manager.findBy(PredictorVersion, { id: In(versionIds) })).map((row) => [row.id, row]));
  return versionIds.map((id) => {
    const version = found.get(id)!;
    if (!version.fileDeletedAt) return version;
    const message = `The file of version ${version.number} was deleted by the retention of its predictor meanwhile.`;
    throw new CodedError('CONFLICT', message, undefined, 'Start the batch again.');
  });
}

/** The graph of each row, or why it has none. */
async function readGraphs(
  services: BatchServices,
  session: JobSession,
  rows: readonly BatchRow[],
  signal: AbortSignal,
): Promise<(Graph | RowRefusal)[]> {
  const bases = await readBases(services, session, rows);
  const graphs: (Graph | RowRefusal)[] = rows.map((row) => {
    if ('refusal' in row) return row.refusal;
    const base = row.networkId === undefined ? undefined : bases.get(row.networkId);
    return base && 'code' in base ? base : NOT_READ;
  });
  const readable = rows.flatMap((row, i) => (graphs[i] === NOT_READ ? [{ row: row as NetworkRow, i }] : []));
  const graphsOfBases = new Map([...bases].filter((each): each is [string, Graph] => !('code' in each[1])));
  for (let start = 0; start < readable.length; start += READ_AT_ONCE) {
    signal.throwIfAborted();
    const slice = readable.slice(start, start + READ_AT_ONCE);
    const named = new Set(slice.map(({ row }) => row.networkId));
    const ofSlice = new Map([...graphsOfBases].filter(([id]) => named.has(id)));
    const read = await services.engine.readRows({ rows: slice.map(({ row }) => row), bases: ofSlice });
    for (const [at, graph] of read.entries()) graphs[slice[at].i] = graph;
  }
  return graphs;
}

/** Stands for a graph until it is read. */
const NOT_READ: RowRefusal = { code: 'INTERNAL', message: 'The row was not read.' };

/** The networks of the service that rows name, by the ids they give, or why there is none. */
async function readBases(
  { tenancy, serving }: BatchServices,
  session: JobSession,
  rows: readonly BatchRow[],
): Promise<Map<string, Graph | RowRefusal>> {
  const named = new Set(
    rows.flatMap((row) => ('refusal' in row || row.networkId === undefined ? [] : [row.networkId])),
  );
  const ids = new Map([...named].map((globalId) => [globalId, parseGlobalId(globalId)]));
  const rowIds = [...ids.values()].flatMap((each) => (each?.type === 'Network' ? [each.id] : []));
  const networks = await tenancy.inTeam(session, (manager) => manager.findBy(Network, { id: In(rowIds) }));
  const byId = new Map(networks.map((network) => [network.id, network]));
  const bases = new Map<string, Graph | RowRefusal>();
  for (const [globalId, parsed] of ids) {
    const network = parsed?.type === 'Network' ? byId.get(parsed.id) : undefined;
    if (!network) bases.set(globalId, { code: 'NOT_FOUND', message: `There is no Network ${globalId} in this team.` });
    else if (network.status === 'READY') bases.set(globalId, await serving.graph(network));
    else {
      const message = `The network ${network.name} is ${network.status}, not READY.`;
      bases.set(globalId, { code: 'CONFLICT', message });
    }
  }
  return bases;
}

/** What each version says of each row, refusals in their places. */
async function predictGraphs(
  { engine, serving }: BatchServices,
  graphs: readonly (Graph | RowRefusal)[],
  versions: readonly PredictorVersion[],
): Promise<(BatchPrediction | RowRefusal)[][]> {
  const read = graphs.filter((graph): graph is Graph => !('code' in graph));
  const files: Uint8Array[] = [];
  for (const version of versions) files.push(await serving.readFile(version));
  const answers = await engine.predictGraphs({ graphs: read, versions: files });
  return answers.map((ofVersion) => {
    let next = 0;
    return graphs.map((graph) => ('code' in graph ? graph : ofVersion[next++]));
  });
}

function toRecord(
  row: BatchRow,
  scenario: string,
  version: PredictorVersion,
  answer: BatchPrediction | RowRefusal,
): BatchRecord {
  const measuredUs = 'refusal' in row ? null : (row.measuredUs[scenario] ?? null);
  const common = {
    row: row.row,
    id: row.id,
    scenario,
    versionId: toGlobalId('PredictorVersion', version.id),
    measuredUs,
  };
  if (!('code' in answer)) return { ...common, ...answer, code: null, message: null };
  const none = { latencyUs: null, lowerUs: null, upperUs: null, level: null, coverage: null };
  return { ...common, ...none, code: answer.code, message: answer.message };
}

function correlate(pairs: Awaited<ReturnType<typeof measuredPairs>>): RankCorrelation[] {
  return [...pairs].map(([scenario, { predictedUs, measuredUs }]) => ({
    scenario,
    networks: predictedUs.length,
    kendallTau: kendallTau(measuredUs, predictedUs),
    spearmanRho: spearmanRho(measuredUs, predictedUs),
  }));
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'fusecast-batch-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
