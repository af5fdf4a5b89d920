/** The regular clean-up: what has ended goes a day later, and nothing else; bytes that never came are given back. */
import PgBoss from 'pg-boss';
import { CREATE_DATASET, put, REQUEST_UPLOAD, sha256, until } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';

const USAGE = '{ viewer { team { usage { resource used } } } }';
const PROFILE = 'network,scenario,latencyUs\nalexnet,tflite/pixel4/gpu/float,';

describe('the clean-up', () => {
  let service: TestService;
  let boss: PgBoss;
  beforeAll(async () => {
    service = await TestService.start();
    boss = new PgBoss({ connectionString: service.database.superuserUrl, supervise: false, schedule: false });
    await boss.start();
  });
  afterAll(async () => {
    await boss?.stop({ graceful: false });
    await service?.stop();
  });

  const sql = (text: string, values: unknown[] = []) =>
    withDatabase(service.database.superuserUrl, async (client) => (await client.query(text, values)).rows);

  /** Has the job run once more, and waits for its end. */
  async function cleanUp(): Promise<void> {
    const id = await boss.send('cleanUp', {});
    const state = async () => (await boss.getJobById('cleanUp', id!))?.state;
    expect(await until(state, (is) => is === 'completed' || is === 'failed')).toBe('completed');
  }

  const announce = async ({ client }: TestTeam, bytes: Buffer, claims: object = {}) => {
    const input = { kind: 'DATASET', fileName: 'p.csv', sizeBytes: bytes.byteLength, sha256: sha256(bytes), ...claims };
    return (await client.query(REQUEST_UPLOAD, { input })).requestUpload;
  };

  const usedBytes = async ({ client }: TestTeam): Promise<number> =>
    (await client.query(USAGE)).viewer.team.usage.find(({ resource }: { resource: string }) => resource === 'BYTES')
      .used;

  const age = (team: TestTeam) =>
    sql("UPDATE upload SET created_at = now() - interval '25 hours' WHERE team_id = $1", [team.rowId]);

  test('is asked for at the start of a worker, once an hour for all of them', async () => {
    const asked = () => sql("SELECT singleton_on FROM pgboss.job WHERE name = 'cleanUp' AND singleton_on IS NOT NULL");
    const before = await asked();
    expect(before.length).toBeGreaterThan(0);
    await service.pause();
    await service.run();
    const hours = (await asked()).map(({ singleton_on }) => String(singleton_on));
    // The hour may have ended in between.
    expect(hours.length).toBe(new Set(hours).size);
  });

  test('removes sessions and links a day after their end', async () => {
    const { person, rowId } = await service.createTeam();
    const [{ id: personId }] = await sql('SELECT id FROM person WHERE email = $1', [person.email]);
    const times = ['-25 hours', '-23 hours', '1 hour'];
    const digest = (text: string) => sha256(Buffer.from(text));
    for (const [i, expires] of times.entries()) {
      for (const [j, ended] of [null, ...times.slice(0, 2)].entries()) {
        const name = `${i}${j}@example.com`;
        await sql(
          `INSERT INTO person_session (id, person_id, token_sha256, expires_at, revoked_at)
           VALUES (gen_random_uuid(), $1, $2, now() + $3::interval, now() + $4::interval)`,
          [personId, digest(`session ${name}`), expires, ended],
        );
        await sql(
          `INSERT INTO email_request (id, purpose, email, token_sha256, expires_at, used_at)
           VALUES (gen_random_uuid(), 'PASSWORD_RESET', $1, $2, now() + $3::interval, now() + $4::interval)`,
          [name, digest(`request ${name}`), expires, ended],
        );
        await sql(
          `INSERT INTO invitation (id, team_id, email, role, invited_by, token_sha256, expires_at, accepted_at)
           VALUES (gen_random_uuid(), $1, $2, 'VIEWER', $3, $4, now() + $5::interval, now() + $6::interval)`,
          [rowId, name, personId, digest(`invitation ${name}`), expires, ended],
        );
      }
    }
    const left = async () => ({
      // Beside the session that the person works with.
      sessions: (await sql('SELECT FROM person_session WHERE person_id = $1', [personId])).length - 1,
      requests: (await sql("SELECT email FROM email_request WHERE email LIKE '%@example.com' ORDER BY 1")).map(
        ({ email }) => email.slice(0, 2),
      ),
      invitations: (await sql('SELECT email FROM invitation ORDER BY 1')).map(({ email }) => email.slice(0, 2)),
    });
    expect(await left()).toMatchObject({ sessions: 9, requests: { length: 9 }, invitations: { length: 9 } });
    await cleanUp();
    // Neither expired nor ended more than a day ago.
    const kept = ['10', '12', '20', '22'];
    expect(await left()).toEqual({ sessions: 4, requests: kept, invitations: kept });
    expect((await person.client.query('{ viewer { person { email } } }')).viewer.person.email).toBe(person.email);
  });

  test('removes uploads that never arrived, gives their bytes back, and says so in the audit log', async () => {
    const team = await service.createTeam();
    const neverSent = await announce(team, Buffer.alloc(1000, 'x'));
    const sent = Buffer.from(`${PROFILE}1.5\n`);
    const arrived = await announce(team, sent);
    await put(arrived.request, sent);
    const used = Buffer.from(`${PROFILE}2.5\n`);
    const dataset = await announce(team, used);
    await put(dataset.request, used);
    await team.client.query(CREATE_DATASET, { input: { uploadId: dataset.uploadId, name: 'used' } });
    await cleanUp();
    expect(await usedBytes(team)).toBe(1000 + sent.length + used.length);
    await age(team);
    await announce(team, Buffer.alloc(500, 'y'));
    await cleanUp();
    expect(await usedBytes(team)).toBe(500 + sent.length + used.length);
    const entries = await sql(
      "SELECT action, person_id, api_key_id, details FROM audit_entry WHERE team_id = $1 AND action = 'cleanUp'",
      [team.rowId],
    );
    const details = { fileName: 'p.csv', sizeBytes: 1000 };
    expect(entries).toEqual([{ action: 'cleanUp', person_id: null, api_key_id: null, details }]);
    const gone = await team.client.refusal(CREATE_DATASET, { input: { uploadId: neverSent.uploadId, name: 'x' } });
    expect(gone.extensions.code).toBe('NOT_FOUND');
    // What has arrived can still become something.
    await team.client.query(CREATE_DATASET, { input: { uploadId: arrived.uploadId, name: 'late' } });
  });

  test('gives back no more than was counted, whatever was announced of the same bytes', async () => {
    const team = await service.createTeam();
    const bytes = Buffer.from('never sent');
    await announce(team, bytes, { sizeBytes: 1 });
    await announce(team, bytes, { sizeBytes: 100_000_000 });
    await announce(team, bytes, { sizeBytes: 100_000_000 });
    expect(await usedBytes(team)).toBe(100_000_001);
    await age(team);
    const newer = await announce(team, bytes, { sizeBytes: 100_000_000 });
    expect(newer.request).not.toBeNull();
    await cleanUp();
    expect(await usedBytes(team)).toBe(100_000_000);
    await age(team);
    await cleanUp();
    expect(await usedBytes(team)).toBe(0);
  });

  test('is the only one that may remove: the application role alone sees and removes nothing of it', async () => {
    const team = await service.createTeam();
    await announce(team, Buffer.from('z'));
    await age(team);
    await withDatabase(service.database.url, async (client) => {
      await client.query('BEGIN');
      await client.query("SELECT set_config('role', 'fusecast_app', true), set_config('app.team_id', $1, true)", [
        team.rowId,
      ]);
      for (const table of ['upload', 'invitation', 'person_session', 'email_request']) {
        expect({ table, removed: (await client.query(`DELETE FROM ${table}`)).rowCount }).toEqual({
          table,
          removed: 0,
        });
      }
      await client.query("SELECT set_config('app.cleaning', 'on', true)");
      expect((await client.query('DELETE FROM upload')).rowCount).toBe(1);
      await client.query('ROLLBACK');
    });
  });
});
