/**
 * npm run bench:batch: a batch of 20,000 synthetic networks in 10 scenarios through the API, with workers in processes of
 * their own, one of which is killed a third of the way. A sample of the result is compared with what the API says one by
 * one. The results go to bench/results/batch.json. `-- short` takes 1,100 networks x 2 scenarios and writes no
 * file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { Client } from '../src/cli/client';
import { signUp } from '../src/cli/demo';
import { buildDemoNetworks } from '../src/cli/demo-networks';
import { createOutput } from '../src/cli/output';
import { train } from '../src/cli/train';
import { readConfig } from '../src/config';
import { literal, withDatabase } from '../src/duckdb';
import { describeNetwork, readNetwork, stripNetwork } from '../src/engine';
import { openDatabase, Started } from '../src/infrastructure';
import { startService } from '../src/main';
import { ROOT } from './peer';

const SHORT = process.argv[2] === 'short';
const ROWS = SHORT ? 1_100 : 20_000;
const SCENARIOS = SHORT ? 2 : 10;
/** Every so many rows are a file of their own; the others are changes of one of the bases. */
const FILE_EVERY = 4;
const BASES = 24;
/** Rows that are compared with the answers one by one. */
const SAMPLE = SHORT ? 10 : 40;
const SEED = 11;
/** Predictions are 32-bit floats of sums in another order. */
const TOLERANCE = 1e-5;
const LEASE_SECONDS = 5;
const POLL_MS = 200;

interface Row {
  readonly id: string;
  readonly networkId?: string;
  readonly changes?: readonly string[];
  readonly file?: string;
}

interface Progress {
  readonly status: string;
  readonly chunkCount: number | null;
  readonly finishedChunks: number;
  readonly refusedRows: number;
  readonly failure: { readonly message: string } | null;
  readonly result: { readonly url: string; readonly sizeBytes: number } | null;
}

const scenarioName = (i: number) => `onnxruntime/synthetic-${i}/1thread/float`;
const SCENARIO_NAMES = Array.from({ length: SCENARIOS }, (_, i) => scenarioName(i));

/** Bases in the service, and a version of each scenario: the latency of a law, different for each. */
async function prepare(client: Client): Promise<string[]> {
  const output = createOutput(true);
  const networks = [...buildDemoNetworks(BASES, SEED)].map(({ name, bytes }) => ({
    name,
    bytes: stripNetwork(bytes).bytes,
    description: describeNetwork(readNetwork(bytes, { name })),
  }));
  const rows = SCENARIO_NAMES.flatMap((scenario, i) =>
    networks.map(({ name, description: { multiplyAccumulates, ops } }) => {
      const latencyUs = 50 + (2 + i) * ops + multiplyAccumulates / (1000 * (1 + i));
      return { network: name, scenario, latencyUs, threads: 1, statistic: 'median' };
    }),
  );
  const dataset = await client.pushDataset(Buffer.from(JSON.stringify(rows)), 'law.json', { name: 'law' });
  const ids: string[] = [];
  for (const { name, bytes } of networks) ids.push((await client.pushNetwork(bytes, `${name}.onnx`, name)).id);
  for (const [i, scenario] of SCENARIO_NAMES.entries()) {
    const input = { name: `law-${i}`, scenario, datasetIds: [dataset.id], learner: 'lasso' as const, seed: SEED };
    const { status } = await train(client, input, output);
    if (status !== 'READY') throw new Error(`The version of ${scenario} became ${status}.`);
  }
  return ids;
}

/** Distinct networks: bases at other resolutions and batch sizes, and files of networks that the service has not. */
function* buildRows(bases: readonly string[]): Generator<Row> {
  const files = buildDemoNetworks(Math.ceil(ROWS / FILE_EVERY), SEED + 1);
  for (let i = 0; i < ROWS; i++) {
    if (i % FILE_EVERY === 0) {
      const { bytes } = files.next().value!;
      yield { id: `file-${i}`, file: Buffer.from(stripNetwork(bytes).bytes).toString('base64') };
      continue;
    }
    const turn = Math.floor(i / bases.length);
    const [resolution, batch] = [64 + 2 * (turn % 100), 1 + Math.floor(turn / 100)];
    const changes = [`input.resolution=${resolution}`, `input.batch=${batch}`];
    yield { id: `change-${i}`, networkId: bases[i % bases.length], changes };
  }
}

async function upload(client: Client, rows: readonly Row[]): Promise<string> {
  const bytes = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const contentType = 'application/octet-stream';
  const uploadId = await client.upload(bytes, { kind: 'BATCH', fileName: 'rows.jsonl', sha256, contentType });
  const { predictBatch } = await client.request<{ predictBatch: { batch: { id: string } } }>(
    'mutation ($input: PredictBatchInput!) { predictBatch(input: $input) { batch { id } } }',
    { input: { uploadId, scenarios: SCENARIO_NAMES } },
  );
  return predictBatch.batch.id;
}

async function until(client: Client, id: string, isSo: (progress: Progress) => boolean): Promise<Progress> {
  for (;;) {
    const { batch } = await client.request<{ batch: Progress }>(
      `query ($id: ID!) { batch(id: $id) {
        status chunkCount finishedChunks refusedRows failure { message } result { url sizeBytes } } }`,
      { id },
    );
    if (batch.failure) throw new Error(batch.failure.message);
    if (isSo(batch)) return batch;
    await delay(POLL_MS);
  }
}

/** What the API says of a row in a scenario, asked alone. */
async function askAlone(client: Client, { id, networkId, changes, file }: Row, scenario: string): Promise<number> {
  if (file === undefined) {
    const named = changes!.map((change) => {
      const [, property, value] = /^input\.(\w+)=(\d+)$/.exec(change)!;
      return { target: 'input', property: property.toUpperCase(), value: Number(value) };
    });
    const { whatIf } = await client.request<{ whatIf: { points: { prediction: { latencyUs: number } }[] } }>(
      'query ($input: WhatIfInput!) { whatIf(input: $input) { points { prediction { latencyUs } } } }',
      { input: { networkId, scenario, changes: named } },
    );
    return whatIf.points[0].prediction.latencyUs;
  }
  const network = await client.pushNetwork(Buffer.from(file, 'base64'), `${id}.onnx`, id);
  const { predict } = await client.request<{ predict: { predictions: { latencyUs: number }[] } }>(
    'mutation ($input: PredictInput!) { predict(input: $input) { predictions { latencyUs } } }',
    { input: { networkIds: [network.id], scenarios: [scenario] } },
  );
  return predict.predictions[0].latencyUs;
}

/** Checks that every row is there once in every scenario, and returns the largest relative difference of the sample. */
async function compare(client: Client, rows: readonly Row[], result: Buffer, folder: string): Promise<number> {
  const file = path.join(folder, 'result.parquet');
  await writeFile(file, result);
  const predicted = await withDatabase(async (connection) => {
    const read = await connection.runAndReadAll(`SELECT id, scenario, latencyUs FROM ${literal(file)}`);
    const records = read.getRowsJS() as [string, string, number | null][];
    if (records.length !== ROWS * SCENARIOS) throw new Error(`The result has ${records.length} records.`);
    return new Map(records.map(([id, scenario, latencyUs]) => [`${id} ${scenario}`, latencyUs]));
  });
  if (predicted.size !== ROWS * SCENARIOS) throw new Error(`The result has ${predicted.size} different records.`);
  let largest = 0;
  const step = Math.floor(ROWS / SAMPLE);
  // Of every kind of row.
  const sample = rows.filter((_, i) => i % step === Math.floor(i / step) % FILE_EVERY);
  if (sample.length !== SAMPLE) throw new Error(`The sample has ${sample.length} rows.`);
  for (const row of sample) {
    for (const scenario of SCENARIO_NAMES) {
      const alone = await askAlone(client, row, scenario);
      largest = Math.max(largest, Math.abs(predicted.get(`${row.id} ${scenario}`)! / alone - 1));
    }
  }
  return largest;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-bench-batch-'));
  const started = new Started();
  const log = pino({ level: 'error' }, pino.destination(2));
  try {
    const config = readConfig({ FUSECAST_DATA: folder, PORT: '0' });
    const url = await openDatabase(config, log, started);
    const mails = new EventEmitter();
    const options = { log, printMail: (text: string) => void mails.emit('mail', text) };
    const served = { ...config, database: { kind: 'server' as const, url }, jobLeaseSeconds: LEASE_SECONDS };
    let service = await startService(served, options);
    const { client: first, key } = await signUp(service.url, mails, createOutput(true));
    const bases = await prepare(first);
    await service.stop();
    service = await startService({ ...served, role: 'api' }, options);
    started.add(() => service.stop());
    const client = new Client(service.url, key);

    const startWorker = (): ChildProcess => {
      const worker = spawn(process.execPath, [path.join(ROOT, 'dist/src/main.js')], {
        env: {
          PATH: process.env.PATH,
          FUSECAST_ROLE: 'worker',
          DATABASE_URL: url,
          FUSECAST_DATA: folder,
          FUSECAST_URL: service.url,
          FUSECAST_JOB_LEASE_SECONDS: String(LEASE_SECONDS),
          LOG_LEVEL: 'error',
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      started.add(() => end(worker));
      return worker;
    };
    const rows = [...buildRows(bases)];
    const began = performance.now();
    const id = await upload(client, rows);
    const doomed = startWorker();
    const third = (chunks: number | null) => Math.floor((chunks ?? Number.POSITIVE_INFINITY) / 3);
    const killedAt = await until(client, id, ({ chunkCount, finishedChunks }) => finishedChunks >= third(chunkCount));
    await end(doomed);
    startWorker();
    const { refusedRows, result, chunkCount } = await until(client, id, ({ status }) => status === 'READY');
    const seconds = (performance.now() - began) / 1000;
    const bytes = await client.download(result!.url);
    const largestDifference = await compare(client, rows, bytes, folder);
    const figures = {
      rows: ROWS,
      scenarios: SCENARIOS,
      chunks: chunkCount,
      killedAfterChunks: killedAt.finishedChunks,
      refusedRows,
      seconds: Number(seconds.toFixed(1)),
      predictionsASecond: Math.round((ROWS * SCENARIOS) / seconds),
      resultBytes: bytes.length,
      comparedAlone: SAMPLE * SCENARIOS,
      largestDifference,
    };
    console.table(figures);
    if (!SHORT) {
      await writeFile(path.join(ROOT, 'bench/results/batch.json'), `${JSON.stringify(figures, null, 1)}\n`);
    }
    // Also where one of them is no number.
    if (!(largestDifference <= TOLERANCE)) throw new Error('The result differs from the answers one by one.');
    if (refusedRows > 0) throw new Error(`${refusedRows} rows were refused.`);
  } finally {
    await started.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function end(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
