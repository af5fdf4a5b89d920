/**
 * Backup and restore by the operator's commands: a service that is restored elsewhere is the same to the last row and
 * byte, what was tampered with is refused before anything is written, and damaged objects come back from a backup.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { digestRows, listTables } from '../../src/backup/tables';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import type { Config } from '../../src/config';
import { type Data, sha256 } from '../testkit/client';
import { runCommand } from '../testkit/command';
import { type FilledTeam, fillTeam } from '../testkit/filled-team';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from '../testkit/postgres';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { describeWithS3, type S3Server, startS3Server } from '../testkit/versitygw';

const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  latencyUs fixedUs interval { lowerUs upperUs level } coverage kernels { kind latencyUs } } } }`;
const KEPT = `{ predictions(first: 100) { edges { node { id latencyUs interval { lowerUs upperUs level } createdAt kernels { kind latencyUs } } } }
  predictorVersions { edges { node { id sha256 sizeBytes finishedAt stage } } } }`;

describe('a backup', () => {
  let service: TestService;
  let team: TestTeam;
  let filled: FilledTeam;
  let scratch: string;
  const directory = (name: string) => path.join(scratch, name);
  const input = () => ({ networkIds: [filled.ids.Network], versionIds: [filled.ids.PredictorVersion] });

  beforeAll(async () => {
    scratch = await createTemporaryDirectory('backup');
    service = await TestService.start();
    team = await service.createTeam();
    filled = await fillTeam(team);
  }, 180_000);
  afterAll(async () => {
    await service?.stop();
    rmSync(scratch, { recursive: true });
  });

  /** `fusecast admin` for the service on this database, with its objects in this directory or bucket. */
  async function admin(database: TestDatabase, objects: string | Record<string, string>, ...parameters: string[]) {
    const { status, stdout, stderr } = await runCommand(scratch, ['admin', ...parameters, '--json'], {
      DATABASE_URL: database.url,
      FUSECAST_SECRET_KEY: randomBytes(32).toString('base64'),
      ...(typeof objects === 'string' ? { FUSECAST_DATA: objects } : objects),
    });
    return { status, answer: stdout ? JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) : undefined, stderr };
  }
  const backUp = async (name: string) => {
    const made = await admin(service.database, service.directory, 'backup', '--output', directory(name));
    expect(made).toMatchObject({ status: 0 });
    return made.answer;
  };

  /** Rows and their digest by table, as the superuser sees them. */
  const rowsOf = (database: TestDatabase) =>
    withDatabase(database.superuserUrl, async (client) => {
      const digests: Record<string, { rows: number; sha256: string }> = {};
      await client.query("SET TimeZone = 'UTC'");
      for (const table of await listTables(client)) {
        await client.query('BEGIN');
        digests[table.name] = await digestRows(client, table);
        await client.query('COMMIT');
      }
      return digests;
    });

  /** What a restored service answers with the keys of the one that was backed up. */
  async function answersOf(database: TestDatabase, objects: Config['objects']): Promise<Data[]> {
    const restored = await TestService.start({ database, objects });
    try {
      const client = restored.anonymous.as(team.key);
      return [await client.query(KEPT), await client.query(PREDICT, { input: input() })];
    } finally {
      await restored.pause();
    }
  }
  const inDirectory = (name: string): Config['objects'] => ({
    kind: 'directory',
    directory: path.join(directory(name), 'objects'),
    secretFile: directory('secret'),
  });

  test('restores into an empty service with another database and store: the same rows, the same predictions', async () => {
    const predicted = await team.client.query(PREDICT, { input: input() });
    const kept = await team.client.query(KEPT);
    await service.pause();
    const made = await backUp('whole');
    const rows = await rowsOf(service.database);
    // Row-level security hides none from the owner.
    const counted = Object.values(rows).reduce((sum, each) => sum + each.rows, 0);
    expect(made).toMatchObject({ rows: counted, leftOut: [] });
    for (const table of ['person', 'team', 'prediction', 'audit_entry', 'predictor_version', 'stage_change', 'job'])
      expect(rows[table].rows).toBeGreaterThan(0);
    await service.run();

    const database = await createTestDatabase();
    const restored = await admin(database, directory('other'), 'restore', directory('whole'));
    expect(restored).toMatchObject({ status: 0, answer: { rows: counted, damaged: [] } });
    expect(await rowsOf(database)).toEqual(rows);
    expect(await answersOf(database, inDirectory('other'))).toEqual([kept, predicted]);

    // Triggers and references are what they were.
    const state = (url: string) =>
      withDatabase(url, async (client) => [
        (await client.query("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'"))
          .rows,
        (
          await client.query(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND condeferrable AND connamespace = 'public'::regnamespace",
          )
        ).rows,
        (await client.query("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")).rows,
      ]);
    expect(await state(database.superuserUrl)).toEqual([[], [], []]);
    const again = await admin(database, directory('other'), 'restore', directory('whole'));
    expect(again).toMatchObject({ status: 2, answer: { error: { code: 'NOT_EMPTY_SERVICE' } } });
    await database.drop();
  }, 120_000);

  test('is of one moment, while the service goes on', async () => {
    const client = team.client;
    let created = 0;
    let ended = false;
    const [{ bytes }] = buildDemoNetworks(1, 3);
    const loading = (async () => {
      for (; !ended; created++) await client.createNetwork(`during-${created}`, bytes);
    })();
    const made = await backUp('running');
    ended = true;
    await loading;
    expect(made.leftOut).toEqual([]);
    const database = await createTestDatabase();
    const restored = await admin(database, directory('running-restored'), 'restore', directory('running'));
    expect(restored).toMatchObject({ status: 0, answer: { rows: made.rows, damaged: [] } });
    await database.drop();
  }, 120_000);

  test('knows every column that names an object', async () => {
    const { rows } = await withDatabase(service.database.superuserUrl, (client) =>
      client.query(
        `SELECT table_name, array_agg(column_name::text ORDER BY 1) AS columns FROM information_schema.columns
         WHERE table_schema = 'public'
           AND (column_name LIKE '%object_key' OR column_name IN ('sha256', 'size_bytes'))
         GROUP BY 1 HAVING bool_or(column_name LIKE '%object_key')`,
      ),
    );
    expect(rows.length).toBeGreaterThanOrEqual(4);
    // What src/backup/objects.ts looks for.
    for (const { columns } of rows) expect(columns.sort()).toEqual(['object_key', 'sha256', 'size_bytes']);
  });

  test('that was tampered with is refused, and nothing is written', async () => {
    const made = await backUp('sound');
    const database = await createTestDatabase();
    const files = readdirSync(directory('sound'), { recursive: true, encoding: 'utf8' });
    const object = files.find((file) => /objects\/.*\.onnx$/.test(file))!;
    const rows = files.find((file) => file.includes('public.prediction.'))!;
    const flip = (file: string) => {
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(file, bytes);
    };
    const tamperings: Record<string, (folder: string) => void> = {
      'a bit of an object': (folder) => flip(path.join(folder, object)),
      'a bit of the rows': (folder) => flip(path.join(folder, rows)),
      'a missing object': (folder) => rmSync(path.join(folder, object)),
      'a missing manifest': (folder) => rmSync(path.join(folder, 'manifest.json')),
      'a path that leads out of it': (folder) => {
        const file = path.join(folder, 'manifest.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace(rows, '../../etc/passwd'));
      },
      'other rows, with a manifest that fits': (folder) => {
        const file = path.join(folder, rows);
        const changed = gzipSync(
          gunzipSync(readFileSync(file))
            .toString()
            .replace(/"latency_us":(\d)/, (_, digit) => `"latency_us":${digit === '9' ? 8 : 9}`),
        );
        const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'));
        const table = manifest.tables.find(({ name }: { name: string }) => name === 'prediction');
        table.files = [{ name: rows, sha256: sha256(changed), sizeBytes: changed.byteLength }];
        writeFileSync(file, changed);
        writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
      },
    };
    for (const [what, tamper] of Object.entries(tamperings)) {
      rmSync(directory('tampered'), { recursive: true, force: true });
      cpSync(directory('sound'), directory('tampered'), { recursive: true });
      tamper(directory('tampered'));
      const vouched = ['--manifest-sha256', made.manifestSha256];
      const refused = await admin(database, directory('refused'), 'restore', directory('tampered'), ...vouched);
      expect({ what, ...refused }).toMatchObject({ what, status: 2, answer: { error: { code: 'DAMAGED_BACKUP' } } });
    }
    // Without the manifest's digest the last of them is found by what PostgreSQL reads back.
    const refused = await admin(database, directory('refused'), 'restore', directory('tampered'));
    expect(refused).toMatchObject({ status: 2, answer: { error: { code: 'OTHER_ROWS' } } });
    const left = Object.values(await rowsOf(database)).filter((each) => each.rows > 0);
    expect(left).toEqual([]);
    await database.drop();
  }, 240_000);

  test('is written into an empty directory only, and restored by the same migrations only', async () => {
    mkdirSync(directory('full'));
    writeFileSync(path.join(directory('full'), 'letter.txt'), 'mine');
    const refused = await admin(service.database, service.directory, 'backup', '--output', directory('full'));
    expect(refused).toMatchObject({ status: 2, answer: { error: { code: 'NOT_EMPTY' } } });
    const database = await createTestDatabase();
    await backUp('older');
    const manifest = JSON.parse(readFileSync(path.join(directory('older'), 'manifest.json'), 'utf8'));
    delete manifest.migrations[Object.keys(manifest.migrations).at(-1)!];
    writeFileSync(path.join(directory('older'), 'manifest.json'), JSON.stringify(manifest));
    const older = await admin(database, directory('refused'), 'restore', directory('older'));
    expect(older).toMatchObject({ status: 2, answer: { error: { code: 'OTHER_VERSION' } } });
    await database.drop();
  }, 60_000);

  describeWithS3('on S3', () => {
    let server: S3Server;
    beforeAll(async () => {
      server = await startS3Server();
    });
    afterAll(() => server?.stop());

    test('goes from a directory into a bucket, from there into another, and back', async () => {
      await service.pause();
      await backUp('for-s3');
      const variables = (bucket: string) => ({
        S3_ENDPOINT: server.endpoint,
        S3_BUCKET: bucket,
        S3_ACCESS_KEY_ID: server.accessKeyId,
        S3_SECRET_ACCESS_KEY: server.secretAccessKey,
        S3_REGION: 'us-east-1',
      });
      const rows = await rowsOf(service.database);
      const [onS3, back] = [await createTestDatabase(), await createTestDatabase()];
      expect(await admin(onS3, variables('first'), 'restore', directory('for-s3'))).toMatchObject({ status: 0 });
      const own = await admin(onS3, variables('first'), 'backup', '--output', 's3://first/x');
      expect(own).toMatchObject({ status: 2, answer: { error: { code: 'BAD_INPUT' } } });
      const made = await admin(onS3, variables('first'), 'backup', '--output', 's3://backups/nightly/1');
      expect(made).toMatchObject({ status: 0, answer: { leftOut: [] } });
      const restored = await admin(back, variables('second'), 'restore', 's3://backups/nightly/1');
      expect(restored).toMatchObject({ status: 0, answer: { rows: made.answer.rows, damaged: [] } });
      expect(await rowsOf(back)).toEqual(rows);
      await service.run();
      const expected = await team.client.query(PREDICT, { input: input() });
      const [, answered] = await answersOf(back, {
        kind: 's3',
        endpoint: server.endpoint,
        bucket: 'second',
        accessKeyId: server.accessKeyId,
        secretAccessKey: server.secretAccessKey,
        region: 'us-east-1',
      });
      expect(answered).toEqual(expected);
      await onS3.drop();
      await back.drop();
    }, 120_000);
  });
});
