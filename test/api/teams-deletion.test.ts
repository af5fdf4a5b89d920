/** Deleting a team: the 7 days in which it can be restored, and that nothing of it is left afterwards. */
import path from 'node:path';
import { DirectoryObjectStore } from '../../src/storage/directory';
import type { ObjectStore } from '../../src/storage/object-store';
import { S3ObjectStore } from '../../src/storage/s3';
import { type ApiClient, until } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { INVITE, join } from '../testkit/team-members';
import { describeWithS3, startS3Server } from '../testkit/versitygw';

const DELETE = 'mutation { deleteTeam { team { deletionDueAt } } }';
const RESTORE = 'mutation { restoreTeam { team { deletionDueAt } } }';
const LEAVE = 'mutation { leaveTeam { teamId } }';
const DATASETS = '{ datasets { edges { node { id } } } }';

describe('the deletion of a team', () => {
  let smtp: TestSmtp;
  let service: TestService;
  beforeAll(async () => {
    smtp = await TestSmtp.start();
    service = await TestService.start({ config: { mail: { url: smtp.url, from: 'fusecast@example.org' } } });
  });
  afterAll(async () => {
    await service?.stop();
    await smtp?.stop();
  });

  const codeOf = async (client: ApiClient, query: string, input?: object) =>
    (await client.refusal(query, input && { input })).extensions.code;

  const TEAMS = '{ teams { edges { node { name deletionDueAt } } } }';

  test('waits 7 days, in which owners read and restore, and nobody else gets in', async () => {
    const team = await service.createTeam('Doomed');
    const admin = await join(smtp, team, 'ADMIN');
    expect(await codeOf(admin.client, DELETE)).toBe('FORBIDDEN');
    const { deleteTeam } = await team.owner.query(DELETE);
    const days = (Date.parse(deleteTeam.team.deletionDueAt) - Date.now()) / (24 * 3600 * 1000);
    expect(days).toBeGreaterThan(6.99);
    expect(days).toBeLessThanOrEqual(7);

    await team.owner.query(DATASETS);
    expect((await team.person.client.query(TEAMS)).teams.edges).toHaveLength(1);
    for (const change of [DELETE, LEAVE, 'mutation { renameTeam(input: { name: "x" }) { team { id } } }']) {
      expect(await codeOf(team.owner, change)).toBe('CONFLICT');
    }
    expect(await codeOf(admin.client, DATASETS)).toBe('NOT_FOUND');
    expect((await admin.person.client.query(TEAMS)).teams.edges).toEqual([]);
    expect(await codeOf(team.client, DATASETS)).toBe('UNAUTHENTICATED');
    const late = await service.createPerson();
    expect(await codeOf(late.client, RESTORE)).toBe('BAD_INPUT');

    expect(await team.owner.query(RESTORE)).toEqual({ restoreTeam: { team: { deletionDueAt: null } } });
    await admin.client.query(DATASETS);
    await team.client.query(DATASETS);
    expect(await codeOf(team.owner, RESTORE)).toBe('CONFLICT');
  });

  test('of a restored team does not happen', async () => {
    const team = await service.createTeam();
    await team.owner.query(DELETE);
    await team.owner.query(RESTORE);
    await makeJobDue(service, team);
    await until(
      () => jobsOf(service, team),
      ({ rows }) => rows.every(({ state }) => state === 'completed'),
    );
    await team.client.query(DATASETS);
  });

  test('is refused by PostgreSQL itself before it is due', async () => {
    const team = await service.createTeam();
    await team.owner.query(DELETE);
    const deleted = await withDatabase(service.database.url, async (client) => {
      await client.query('BEGIN');
      await client.query("SELECT set_config('role', 'fusecast_app', true), set_config('app.team_id', $1, true)", [
        team.rowId,
      ]);
      return client.query('DELETE FROM team');
    });
    expect(deleted.rowCount).toBe(0);
  });

  describe('with objects in a directory', () => {
    let other: TestService;
    beforeAll(async () => {
      other = await TestService.start();
    });
    afterAll(() => other?.stop());

    test('takes every row and every object of the team, and none of another', async () => {
      const directory = path.join(other.directory, 'objects');
      const store = new DirectoryObjectStore({ directory, signingSecret: 'unused'.repeat(10), publicUrl: () => '' });
      await takesEverything(other, store);
    });
  });

  describeWithS3('with objects in S3', () => {
    let server: Awaited<ReturnType<typeof startS3Server>>;
    let other: TestService;
    beforeAll(async () => {
      server = await startS3Server();
      const { endpoint, accessKeyId, secretAccessKey } = server;
      const s3 = {
        kind: 's3',
        endpoint,
        bucket: 'teams',
        accessKeyId,
        secretAccessKey,
        region: 'us-east-1',
      } as const;
      other = await TestService.start({ objects: s3 });
    });
    afterAll(async () => {
      await other?.stop();
      await server?.stop();
    });

    test('takes every row and every object of the team, and none of another', async () => {
      const { endpoint, accessKeyId, secretAccessKey } = server;
      const credentials = { accessKeyId, secretAccessKey };
      const store = new S3ObjectStore({
        endpoint,
        bucket: 'teams',
        region: 'us-east-1',
        credentials,
        forcePathStyle: true,
      });
      await takesEverything(other, store);
      store.close();
    });
  });

  async function takesEverything(other: TestService, store: ObjectStore): Promise<void> {
    const [doomed, spared] = [await other.createTeam('Doomed'), await other.createTeam('Spared')];
    const bytes = Buffer.from('network,scenario,latencyUs\na,tflite/phone/gpu/float,100\n');
    for (const team of [doomed, spared]) {
      await team.client.createDataset('profile.csv', bytes);
      await team.client.upload('NETWORK', 'never-made.onnx', Buffer.from(`of ${team.id}`));
      await team.owner.query(INVITE, { input: { email: 'somebody@example.com', role: 'VIEWER' } });
    }
    const keys = { doomed: await objectKeysOf(other, doomed), spared: await objectKeysOf(other, spared) };
    const stored = async (of: readonly string[]) =>
      (await Promise.all(of.map((key) => store.head(key)))).filter(Boolean).length;
    expect([await stored(keys.doomed), await stored(keys.spared)]).toEqual([2, 2]);
    const before = await rowsOf(other, spared);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['api_key', 'audit_entry', 'dataset', 'invitation', 'member', 'scenario', 'upload']),
    );
    await doomed.owner.query(DELETE);
    await makeJobDue(other, doomed);
    await until(
      () => rowsOf(other, doomed),
      (rows) => Object.keys(rows).length === 0,
    );
    expect(await rowsOf(other, spared)).toEqual(before);
    expect([await stored(keys.doomed), await stored(keys.spared)]).toEqual([0, 2]);
    expect(await codeOf(doomed.owner, DATASETS)).toBe('NOT_FOUND');
    expect((await doomed.person.client.query(TEAMS)).teams.edges).toEqual([]);
    await spared.client.query(DATASETS);
  }

  /** Lets the team's 7 days be over. */
  async function makeJobDue(of: TestService, team: TestTeam): Promise<void> {
    await withDatabase(of.database.superuserUrl, async (client) => {
      const due =
        "UPDATE team SET deletion_due_at = now() - interval '1 second' WHERE id = $1 AND deletion_due_at IS NOT NULL";
      await client.query(due, [team.rowId]);
      const start =
        "UPDATE pgboss.job SET start_after = now() - interval '1 second' WHERE name = 'deleteTeam' AND data->>'teamId' = $1";
      expect((await client.query(start, [team.rowId])).rowCount).toBeGreaterThan(0);
    });
  }

  function jobsOf(of: TestService, team: TestTeam) {
    const query = "SELECT state FROM pgboss.job WHERE name = 'deleteTeam' AND data->>'teamId' = $1";
    return withDatabase(of.database.superuserUrl, (client) => client.query(query, [team.rowId]));
  }

  async function objectKeysOf(of: TestService, { rowId }: TestTeam): Promise<string[]> {
    return withDatabase(of.database.superuserUrl, async (client) => {
      const { rows } = await client.query('SELECT object_key FROM upload WHERE team_id = $1', [rowId]);
      return rows.map(({ object_key }) => object_key);
    });
  }

  /** How many rows each table has of the team; tables without any are left out. */
  async function rowsOf(of: TestService, { rowId }: TestTeam): Promise<Record<string, number>> {
    return withDatabase(of.database.superuserUrl, async (client) => {
      const tables = await client.query(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'team_id'",
      );
      const counts: Record<string, number> = {};
      for (const [table, column] of [['team', 'id'], ...tables.rows.map((row) => [row.table_name, 'team_id'])]) {
        const { rows } = await client.query(`SELECT count(*)::int AS rows FROM ${table} WHERE ${column} = $1`, [rowId]);
        if (rows[0].rows > 0) counts[table] = rows[0].rows;
      }
      return counts;
    });
  }
});
