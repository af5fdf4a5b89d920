/** Batches through the API: the same answers as one by one, whatever becomes of workers and rows. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { literal, withDatabase as withDuckDb } from '../../src/duckdb';
import { stripNetwork } from '../../src/engine';
import { endedBatch, jsonLines, predictBatch, readBatch, recordsOf, startBatch } from '../testkit/batches';
import { createCast } from '../testkit/cast';
import { type ApiClient, type Data, until } from '../testkit/client';
import { TestService } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  network { id } latencyUs interval { lowerUs upperUs level } coverage version { id } } } }`;
const WHAT_IF = `query ($input: WhatIfInput!) { whatIf(input: $input) { points { prediction {
  latencyUs interval { lowerUs upperUs level } } } } }`;
const CANCEL = 'mutation ($input: CancelBatchInput!) { cancelBatch(input: $input) { batch { status } } }';
const LEASE_SECONDS = 3;

const START = 'mutation ($input: PredictBatchInput!) { predictBatch(input: $input) { batch { id } } }';

describe('batches', () => {
  let service: TestService;
  let client: ApiClient;
  let team: TrainedTeam;
  beforeAll(async () => {
    service = await TestService.start({ config: { jobLeaseSeconds: LEASE_SECONDS } });
    client = (await service.createTeam()).client;
    team = await trainOnSynthetic(client);
  }, 120_000);
  afterAll(() => service?.stop());

  /** What predict says of every network, by its id. */
  async function oneByOne(): Promise<Map<string, Data>> {
    const answers = new Map<string, Data>();
    for (const { id } of team.networks) {
      const input = { networkIds: [id], scenarios: [team.scenario] };
      answers.set(id, (await client.query(PREDICT, { input })).predict.predictions[0]);
    }
    return answers;
  }

  test('say of networks, files and changes what is said of them one by one, and how orders agree', async () => {
    const files = [...buildDemoNetworks(4, 1)].map(({ bytes }) =>
      Buffer.from(stripNetwork(bytes).bytes).toString('base64'),
    );
    const change = { target: 'input', property: 'RESOLUTION', value: 96 };
    const measuredUs = (latencyUs: number) => ({ [team.scenario]: latencyUs, 'tflite/other/cpu/float': 1 });
    const rows = [
      ...team.networks.map(({ id, latencyUs }) => ({
        id: `network ${id}`,
        networkId: id,
        measuredUs: measuredUs(latencyUs),
      })),
      ...files.map((file, i) => ({ id: `file ${team.networks[i].id}`, file })),
      { id: 'text', networkId: team.networks[0].id, changes: ['input.resolution=96'] },
      { id: 'object', networkId: team.networks[0].id, changes: [change] },
    ];
    const batch = await endedBatch(client, await predictBatch(client, jsonLines(rows), [team.scenario]));
    expect(batch).toMatchObject({
      status: 'READY',
      fileName: 'rows.jsonl',
      failure: null,
      rowCount: rows.length,
      chunkCount: 1,
      finishedRows: rows.length,
      refusedRows: 0,
      versions: [{ id: team.versionId }],
      parts: [{ position: 0, rowCount: rows.length }],
    });
    const records = await recordsOf(batch.result);
    expect(records.map(({ row, id }) => [row, id])).toEqual(rows.map(({ id }, i) => [i + 1, id]));
    expect(await recordsOf(batch.parts[0])).toEqual(records);
    const expected = await oneByOne();
    for (const { id, latencyUs, lowerUs, upperUs, level, coverage, scenario, versionId } of records.slice(0, -2)) {
      const one = expected.get(id.split(' ')[1])!;
      expect({ id, scenario, versionId, coverage: expect.closeTo(coverage, 6) }).toEqual({
        id,
        scenario: team.scenario,
        versionId: one.version.id,
        coverage: expect.closeTo(one.coverage, 6),
      });
      expect(latencyUs / one.latencyUs).toBeCloseTo(1, 6);
      expect(lowerUs / one.interval.lowerUs).toBeCloseTo(1, 6);
      expect(upperUs / one.interval.upperUs).toBeCloseTo(1, 6);
      expect(level).toBe(one.interval.level);
    }
    const input = { networkId: team.networks[0].id, scenario: team.scenario, changes: [change] };
    const [{ prediction }] = (await client.query(WHAT_IF, { input })).whatIf.points;
    for (const { latencyUs } of records.slice(-2)) expect(latencyUs / prediction.latencyUs).toBeCloseTo(1, 6);
    // The law is learnt, so the orders are almost one.
    const [correlation] = batch.rankCorrelations;
    expect(batch.rankCorrelations).toHaveLength(1);
    expect(correlation).toMatchObject({ scenario: team.scenario, networks: team.networks.length });
    expect(correlation.kendallTau).toBeGreaterThan(0.8);
    expect(correlation.spearmanRho).toBeGreaterThan(correlation.kendallTau);
  }, 120_000);

  test('a row that is wrong is in the result with its code, and harms no other', async () => {
    const networkId = team.networks[0].id;
    const bad: [object | string, string, RegExp][] = [
      ['{ no JSON', 'BAD_INPUT', /./],
      [{ networkId }, 'BAD_INPUT', /id/],
      [{ id: 'neither' }, 'BAD_INPUT', /exactly one of networkId and file/],
      [{ id: 'both', networkId, file: 'AAAA' }, 'BAD_INPUT', /exactly one/],
      [{ id: 'more', networkId, more: 1 }, 'BAD_INPUT', /more/],
      [{ id: 'measured', networkId, measuredUs: { x: -1 } }, 'BAD_INPUT', /measuredUs/],
      [{ id: 'not base64', file: '!' }, 'BAD_INPUT', /file/],
      [{ id: 'no network', file: Buffer.from('no network').toString('base64') }, 'MALFORMED_FILE', /./],
      [{ id: 'change', networkId, changes: ['nothing.channels=3'] }, 'INVALID_CHANGE', /nothing/],
      [
        {
          id: 'missing',
          networkId: Buffer.from(`Network:${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}`).toString('base64url'),
        },
        'NOT_FOUND',
        /no Network/,
      ],
      [{ id: 'no id', networkId: 'x' }, 'NOT_FOUND', /no Network x/],
      [{ id: 'good', networkId }, 'BAD_INPUT', /row 1 has this id/],
    ];
    const rows = [{ id: 'good', networkId }, ...bad.map(([row]) => row), { id: 'last', networkId }];
    const batch = await endedBatch(client, await predictBatch(client, jsonLines(rows), [team.scenario]));
    expect(batch).toMatchObject({ status: 'READY', rowCount: rows.length, refusedRows: bad.length });
    expect(batch.rankCorrelations).toEqual([]);
    const records = await recordsOf(batch.result);
    expect(records).toHaveLength(rows.length);
    for (const [i, [row, code, message]] of bad.entries()) {
      expect({ row, record: records[i + 1] }).toMatchObject({
        row,
        record: { row: i + 2, code, message: expect.stringMatching(message), latencyUs: null },
      });
    }
    expect(records[0].latencyUs).toBeGreaterThan(0);
    expect(records.at(-1)).toMatchObject({ id: 'last', latencyUs: records[0].latencyUs, code: null });
  }, 60_000);

  test('Parquet rows say the same as JSON lines', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'fusecast-test-batch-'));
    try {
      const file = path.join(directory, 'rows.parquet');
      const [{ bytes }] = buildDemoNetworks(1, 1);
      const hex = Buffer.from(stripNetwork(bytes).bytes).toString('hex');
      await withDuckDb((connection) =>
        connection.run(`COPY (
          SELECT 1 AS id, ${literal(team.networks[0].id)} AS "networkId", NULL::BLOB AS file,
            ['input.resolution=96'] AS changes, MAP {${literal(team.scenario)}: 5.0} AS "measuredUs"
          UNION ALL SELECT 2, NULL, from_hex('${hex}'), NULL, NULL) TO ${literal(file)} (FORMAT parquet)`),
      );
      const id = await predictBatch(client, await readFile(file), [team.scenario], 'rows.parquet');
      const batch = await endedBatch(client, id);
      expect(batch).toMatchObject({ status: 'READY', rowCount: 2, refusedRows: 0 });
      const records = await recordsOf(batch.result);
      expect(records).toMatchObject([
        { row: 1, id: '1', measuredUs: 5, code: null },
        { row: 2, id: '2', measuredUs: null, code: null },
      ]);
      const whole = (await oneByOne()).get(team.networks[0].id)!;
      expect(records[1].latencyUs / whole.latencyUs).toBeCloseTo(1, 6);
      expect(records[0].latencyUs).not.toBeCloseTo(whole.latencyUs, 1);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 60_000);

  test.each([
    ['rows.csv', Buffer.from('id\n1\n'), 'UNSUPPORTED_FORMAT'],
    ['rows.parquet', Buffer.from('no Parquet'), 'MALFORMED_FILE'],
    ['rows.jsonl', Buffer.from('\n\n'), 'MALFORMED_FILE'],
    ['rows.jsonl', Buffer.from('{}\n'.repeat(100_001)), 'LIMIT_EXCEEDED'],
  ])(
    '%s that is no batch FAILS, and says why (%#)',
    async (fileName, bytes, code) => {
      const batch = await endedBatch(client, await predictBatch(client, bytes, [team.scenario], fileName));
      expect(batch).toMatchObject({ status: 'FAILED', failure: { code }, result: null, parts: [] });
    },
    60_000,
  );

  test('an upload becomes one batch, and needs the right kind', async () => {
    const uploadId = await client.upload('BATCH', 'x.jsonl', jsonLines([{ id: 'x', networkId: team.networks[0].id }]));
    const input = { uploadId, scenarios: [team.scenario] };
    const { batch } = (await client.query(START, { input })).predictBatch;
    expect((await client.refusal(START, { input })).extensions).toMatchObject({
      code: 'CONFLICT',
      where: 'input.uploadId',
    });
    const other = await client.upload('DATASET', 'x.jsonl', Buffer.from('x'));
    const wrong = await client.refusal(START, { input: { ...input, uploadId: other } });
    expect(wrong.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.uploadId' });
    await endedBatch(client, batch.id);
  }, 60_000);

  test('a viewer and a key without the scope start none, and another team finds none', async () => {
    const { viewer, keyWithoutScope } = await createCast(service);
    for (const nobody of [viewer, keyWithoutScope]) {
      const input = { kind: 'BATCH', fileName: 'x.jsonl', sizeBytes: 1, sha256: 'a'.repeat(64) };
      const upload = 'mutation ($input: RequestUploadInput!) { requestUpload(input: $input) { uploadId } }';
      expect((await nobody.refusal(upload, { input })).extensions.code).toBe('FORBIDDEN');
      const refusal = await nobody.refusal(START, { input: { uploadId: 'x', scenarios: [team.scenario] } });
      expect(refusal.extensions.code).toBe('FORBIDDEN');
    }
    const id = await startBatch(client, team.networks[0].id, team.scenario);
    const other = (await service.createTeam('Other')).client;
    const refusal = await other.refusal('query ($id: ID!) { batch(id: $id) { id } }', { id });
    expect(refusal.extensions).toMatchObject({ code: 'NOT_FOUND', where: 'Batch' });
    expect((await other.refusal(CANCEL, { input: { batchId: id } })).extensions.code).toBe('NOT_FOUND');
    expect((await other.query('{ batches { edges { node { id } } } }')).batches.edges).toEqual([]);
    const { batches } = await client.query('{ batches(first: 1) { edges { node { id } } } }');
    expect(batches.edges).toEqual([{ node: { id } }]);
    await endedBatch(client, id);
  }, 60_000);

  test('a worker killed in the midst of a batch, and a cancelled batch', async () => {
    await service.pause();
    await service.run('api');
    client = service.anonymous.as(client.headers.authorization.replace('Bearer ', ''));
    const startWorker = () =>
      ServiceProcess.start({
        FUSECAST_ROLE: 'worker',
        DATABASE_URL: service.database.url,
        FUSECAST_DATA: service.directory,
        FUSECAST_URL: 'http://127.0.0.1',
        FUSECAST_JOB_LEASE_SECONDS: String(LEASE_SECONDS),
      });
    const networkIds = team.networks.map(({ id }) => id);
    const rows = Array.from({ length: 2600 }, (_, i) => ({
      id: `row ${i}`,
      networkId: networkIds[i % networkIds.length],
    }));
    const id = await predictBatch(client, jsonLines(rows), [team.scenario]);
    const cancelled = await predictBatch(client, jsonLines(rows.slice(0, 600)), [team.scenario]);
    expect((await client.query(CANCEL, { input: { batchId: cancelled } })).cancelBatch.batch.status).toBe('CANCELLED');
    const others: string[] = [];
    for (let i = 0; i < 9; i++) others.push(await startBatch(client, networkIds[i], team.scenario));
    await expect(startBatch(client, networkIds[9], team.scenario)).rejects.toThrow('10 batches that have not ended');
    for (const batchId of others) await client.query(CANCEL, { input: { batchId } });
    const first = await startWorker();
    try {
      const begun = await until(
        () => readBatch(client, id),
        ({ finishedChunks, status }) => finishedChunks > 0 || status === 'FAILED',
        60_000,
      );
      await first.kill();
      expect(begun).toMatchObject({ status: 'RUNNING', chunkCount: 6 });
      expect((await recordsOf(begun.parts[0])).length).toBeGreaterThan(0);
    } finally {
      await first.kill();
    }
    const second = await startWorker();
    try {
      const batch = await endedBatch(client, id);
      expect(batch).toMatchObject({ status: 'READY', finishedChunks: 6, finishedRows: 2600, refusedRows: 0 });
      expect(batch.parts).toHaveLength(6);
      const records = await recordsOf(batch.result);
      expect(records.map((record) => record.id)).toEqual(rows.map((row) => row.id));
      const expected = await oneByOne();
      for (const [i, { latencyUs }] of records.entries()) {
        expect(latencyUs / expected.get(rows[i].networkId)!.latencyUs).toBeCloseTo(1, 6);
      }
      expect(await readBatch(client, cancelled)).toMatchObject({ status: 'CANCELLED', result: null, parts: [] });
      const refusal = await client.refusal(CANCEL, { input: { batchId: id } });
      expect(refusal.extensions.code).toBe('CONFLICT');
    } finally {
      await second.kill();
    }
  }, 240_000);
});
