/** The command predict-batch against a service. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { literal, withDatabase as withDuckDb } from '../../src/duckdb';
import { jsonLines } from '../testkit/batches';
import { runCommand } from '../testkit/command';
import { createTemporaryDirectory } from '../testkit/postgres';
import { TestService, type TestTeam } from '../testkit/service';
import { type TrainedTeam, trainOnSynthetic } from '../testkit/trained-team';

describe('fusecast predict-batch', () => {
  let service: TestService;
  let team: TestTeam;
  let trained: TrainedTeam;
  let folder: string;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    trained = await trainOnSynthetic(team.client);
    folder = await createTemporaryDirectory('batch-commands');
    const rows = trained.networks.map(({ id, latencyUs }, i) => ({
      id: `network ${i}`,
      networkId: id,
      measuredUs: { [trained.scenario]: latencyUs },
    }));
    await writeFile(path.join(folder, 'rows.jsonl'), jsonLines([...rows, { id: 'bad' }]));
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  const run = (...parameters: string[]) =>
    runCommand(folder, ['predict-batch', ...parameters], {
      FUSECAST_URL: service.anonymous.url,
      FUSECAST_API_KEY: team.key,
    });

  test('uploads, waits and writes the predictions; shows how orders agree', async () => {
    const { status, stdout, stderr } = await run(
      'rows.jsonl',
      '--scenario',
      trained.scenario,
      '--output',
      'out.parquet',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/^batch \S+$/m) });
    expect(stdout).toContain('25 networks in 1 scenarios; 1 refused');
    expect(stdout).toMatch(/Kendall tau/);
    const records = await withDuckDb(async (connection) =>
      (await connection.runAndReadAll(`SELECT * FROM ${literal(path.join(folder, 'out.parquet'))}`)).getRowObjectsJS(),
    );
    expect(records).toHaveLength(25);
    expect(records[0]).toMatchObject({ id: 'network 0', scenario: trained.scenario, code: null });
    expect(records[24]).toMatchObject({ id: 'bad', code: 'BAD_INPUT', latencyUs: null });
  }, 60_000);

  test('says what is wrong with the file or the request', async () => {
    await writeFile(path.join(folder, 'rows.csv'), 'id\n1\n');
    const csv = await run('rows.csv', '--scenario', trained.scenario);
    expect(csv).toMatchObject({ status: 2, stderr: expect.stringContaining('UNSUPPORTED_FORMAT') });
    const missing = await run('rows.jsonl', '--scenario', 'tflite/nowhere/cpu/float');
    expect(missing).toMatchObject({ status: 2, stderr: expect.stringContaining('NOT_FOUND') });
    expect(await run('rows.jsonl')).toMatchObject({ status: 2, stderr: expect.stringContaining('--scenario') });
  }, 60_000);
});
