/** Teams: invitations, roles, comings and goings, and deletion with everything that is in them. */
import path from 'node:path';
import { DirectoryObjectStore } from '../../src/storage/directory';
import type { ObjectStore } from '../../src/storage/object-store';
import { S3ObjectStore } from '../../src/storage/s3';
import { type ApiClient, type Data, REQUEST_UPLOAD, until } from '../testkit/client';
import { type TestPerson, TestService, type TestTeam, withDatabase } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { describeWithS3, startS3Server } from '../testkit/versitygw';

const INVITE =
  'mutation ($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id email role } } }';
const ACCEPT =
  'mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { team { id name } role } }';
const WITHDRAW =
  'mutation ($input: WithdrawInvitationInput!) { withdrawInvitation(input: $input) { invitation { withdrawnAt } } }';
const MEMBERS = '{ members { edges { node { id role person { email } } } } }';
const CHANGE_ROLE = 'mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { member { role } } }';
const REMOVE = 'mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { memberId } }';
const TRANSFER =
  'mutation ($input: TransferOwnershipInput!) { transferOwnership(input: $input) { team { id } owner { role } } }';
const LEAVE = 'mutation { leaveTeam { teamId } }';
const DELETE = 'mutation { deleteTeam { team { deletionDueAt } } }';
const RESTORE = 'mutation { restoreTeam { team { deletionDueAt } } }';
const DATASETS = '{ datasets { edges { node { id } } } }';

describe('teams', () => {
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

  const sql = (text: string, values: unknown[] = []) =>
    withDatabase(service.database.superuserUrl, (client) => client.query(text, values));

  const codeOf = async (client: ApiClient, query: string, input?: object) =>
    (await client.refusal(query, input && { input })).extensions.code;

  /** A new person who has joined the team with the role; their client works in it. */
  async function join(
    team: TestTeam,
    role: string,
  ): Promise<{ person: TestPerson; client: ApiClient; memberId: string }> {
    const person = await service.createPerson();
    await team.owner.query(INVITE, { input: { email: person.email, role } });
    await person.client.query(ACCEPT, { input: { token: await smtp.tokenTo(person.email) } });
    return { person, client: service.anonymous.as(person.token, team.id), memberId: await memberId(team, person) };
  }

  async function memberId(team: TestTeam, { email }: TestPerson): Promise<string> {
    const { members } = await team.owner.query(MEMBERS);
    return members.edges.find(({ node }: Data) => node.person.email === email).node.id;
  }

  describe('invitations', () => {
    test('bring the owner of the address in, with their role, once', async () => {
      const team = await service.createTeam('Mobile');
      const person = await service.createPerson();
      const input = { email: person.email.toUpperCase(), role: 'VIEWER' };
      const { createInvitation } = await team.owner.query(INVITE, { input });
      expect(createInvitation.invitation).toMatchObject({ email: person.email, role: 'VIEWER' });
      const { subject, text } = await smtp.mailTo(person.email);
      expect(subject).toBe('Join the team Mobile on Fusecast');
      expect(text).toContain('Person');
      const token = await smtp.tokenTo(person.email);
      const stranger = await service.createPerson();
      expect(await codeOf(stranger.client, ACCEPT, { token })).toBe('FORBIDDEN');
      const { acceptInvitation } = await person.client.query(ACCEPT, { input: { token } });
      expect(acceptInvitation).toEqual({ team: { id: team.id, name: 'Mobile' }, role: 'VIEWER' });
      await person.client.query(DATASETS);
      expect(
        await codeOf(person.client, REQUEST_UPLOAD, {
          kind: 'DATASET',
          fileName: 'x',
          sizeBytes: 1,
          sha256: 'a'.repeat(64),
        }),
      ).toBe('FORBIDDEN');
      expect(await codeOf(person.client, ACCEPT, { token })).toBe('BAD_INPUT');
      expect(await codeOf(team.owner, INVITE, { email: person.email, role: 'ADMIN' })).toBe('CONFLICT');
      expect(await codeOf(team.owner, WITHDRAW, { invitationId: createInvitation.invitation.id })).toBe('CONFLICT');
    });

    test('are good for nothing once withdrawn, replaced or a week old', async () => {
      const team = await service.createTeam();
      const person = await service.createPerson();
      const invite = async () =>
        (await team.owner.query(INVITE, { input: { email: person.email, role: 'MEMBER' } })).createInvitation.invitation
          .id;
      const first = await invite();
      const tokens = [await smtp.tokenTo(person.email, 0)];
      const { withdrawInvitation } = await team.owner.query(WITHDRAW, { input: { invitationId: first } });
      expect(withdrawInvitation.invitation.withdrawnAt).not.toBeNull();
      await invite();
      tokens.push(await smtp.tokenTo(person.email, 1));
      await invite();
      tokens.push(await smtp.tokenTo(person.email, 2));
      await sql('UPDATE invitation SET expires_at = now() WHERE email = $1 AND withdrawn_at IS NULL', [person.email]);
      for (const token of [...tokens, 'x'.repeat(43)]) {
        expect(await codeOf(person.client, ACCEPT, { token })).toBe('BAD_INPUT');
      }
      const { invitations } = await team.owner.query('{ invitations { edges { node { withdrawnAt acceptedAt } } } }');
      expect(invitations.edges.map(({ node }: Data) => node.withdrawnAt !== null)).toEqual([false, true, true]);
      expect((await person.client.query('{ teams { edges { cursor } } }')).teams.edges).toEqual([]);
    });

    test('do not flood anybody, from however many teams', async () => {
      const email = 'popular@example.com';
      const teams = [await service.createTeam(), await service.createTeam()];
      for (let i = 0; i < 10; i++) await teams[i % 2].owner.query(INVITE, { input: { email, role: 'VIEWER' } });
      expect(await codeOf(teams[0].owner, INVITE, { email, role: 'VIEWER' })).toBe('RATE_LIMITED');
      await teams[0].owner.query(INVITE, { input: { email: 'other@example.com', role: 'VIEWER' } });
    });

    test('are for admins and owners to make; only owners invite owners', async () => {
      const team = await service.createTeam();
      const email = 'somebody@example.com';
      for (const [role, expected] of [
        ['VIEWER', ['FORBIDDEN', 'FORBIDDEN']],
        ['MEMBER', ['FORBIDDEN', 'FORBIDDEN']],
        ['ADMIN', [undefined, 'FORBIDDEN']],
        ['OWNER', [undefined, undefined]],
      ] as const) {
        const { client } = await join(team, role);
        const codes = [];
        for (const invited of ['VIEWER', 'OWNER']) {
          const { errors } = await client.answer(INVITE, { input: { email, role: invited } });
          codes.push(errors?.[0].extensions.code);
        }
        expect({ role, codes }).toEqual({ role, codes: expected });
      }
      expect(await codeOf(team.client, INVITE, { email, role: 'VIEWER' })).toBe('FORBIDDEN');
    });
  });

  describe('members', () => {
    test('see each other, and no secret of each other', async () => {
      const team = await service.createTeam();
      const { person, client } = await join(team, 'VIEWER');
      const { members } = await client.query(MEMBERS);
      expect(members.edges.map(({ node }: Data) => [node.role, node.person.email])).toEqual([
        ['VIEWER', person.email],
        ['OWNER', team.person.email],
      ]);
    });

    test('lose what they may at once when they are demoted, removed or leave', async () => {
      const team = await service.createTeam();
      const { client, memberId: id } = await join(team, 'ADMIN');
      await client.query('{ apiKeys { edges { cursor } } }');
      await team.owner.query(CHANGE_ROLE, { input: { memberId: id, role: 'MEMBER' } });
      expect(await codeOf(client, '{ apiKeys { edges { cursor } } }')).toBe('FORBIDDEN');
      await team.owner.query(REMOVE, { input: { memberId: id } });
      expect(await codeOf(client, DATASETS)).toBe('NOT_FOUND');
      const other = await join(team, 'MEMBER');
      await other.client.query(LEAVE);
      expect(await codeOf(other.client, DATASETS)).toBe('NOT_FOUND');
    });

    test('of other teams are not found', async () => {
      const [team, other] = [await service.createTeam(), await service.createTeam()];
      const foreign = await memberId(other, other.person);
      expect(await codeOf(team.owner, CHANGE_ROLE, { memberId: foreign, role: 'VIEWER' })).toBe('NOT_FOUND');
      expect(await codeOf(team.owner, REMOVE, { memberId: foreign })).toBe('NOT_FOUND');
      expect(await codeOf(team.owner, TRANSFER, { memberId: foreign })).toBe('NOT_FOUND');
    });

    test('admins do not touch owners, nor make themselves one', async () => {
      const team = await service.createTeam();
      const owner = await memberId(team, team.person);
      const { client, memberId: own } = await join(team, 'ADMIN');
      expect(await codeOf(client, CHANGE_ROLE, { memberId: owner, role: 'VIEWER' })).toBe('FORBIDDEN');
      expect(await codeOf(client, CHANGE_ROLE, { memberId: own, role: 'OWNER' })).toBe('FORBIDDEN');
      expect(await codeOf(client, REMOVE, { memberId: owner })).toBe('FORBIDDEN');
      expect(await codeOf(client, TRANSFER, { memberId: own })).toBe('FORBIDDEN');
    });

    test('the last owner stays: not demoted, not removed, not gone; of two who leave at once one stays', async () => {
      const team = await service.createTeam();
      const own = await memberId(team, team.person);
      expect(await codeOf(team.owner, CHANGE_ROLE, { memberId: own, role: 'ADMIN' })).toBe('CONFLICT');
      expect(await codeOf(team.owner, REMOVE, { memberId: own })).toBe('CONFLICT');
      expect(await codeOf(team.owner, LEAVE)).toBe('CONFLICT');
      const { client } = await join(team, 'OWNER');
      const answers = await Promise.all([client.answer(LEAVE), team.owner.answer(LEAVE)]);
      const codes = answers.map(({ errors }) => errors?.[0].extensions.code);
      expect(codes.sort()).toEqual(['CONFLICT', undefined]);
      const owners = await sql("SELECT FROM member WHERE team_id = $1 AND role = 'OWNER'", [team.rowId]);
      expect(owners.rowCount).toBe(1);
    });

    test('ownership is transferred', async () => {
      const team = await service.createTeam();
      const { client, memberId: id } = await join(team, 'MEMBER');
      const { transferOwnership } = await team.owner.query(TRANSFER, { input: { memberId: id } });
      expect(transferOwnership).toEqual({ team: { id: team.id }, owner: { role: 'OWNER' } });
      expect((await team.owner.query('{ viewer { role } }')).viewer.role).toBe('ADMIN');
      expect(await codeOf(team.owner, DELETE)).toBe('FORBIDDEN');
      await client.query(DELETE);
    });
  });

  test('a team is renamed', async () => {
    const team = await service.createTeam('Old');
    const query = 'mutation ($input: RenameTeamInput!) { renameTeam(input: $input) { team { name } } }';
    expect(await team.owner.query(query, { input: { name: 'New' } })).toEqual({
      renameTeam: { team: { name: 'New' } },
    });
    expect((await team.owner.query('{ viewer { team { name } } }')).viewer.team.name).toBe('New');
    const { client } = await join(team, 'MEMBER');
    expect(await codeOf(client, query, { name: 'Newer' })).toBe('FORBIDDEN');
  });

  describe('deletion', () => {
    const TEAMS = '{ teams { edges { node { name deletionDueAt } } } }';

    test('waits 7 days, in which owners read and restore, and nobody else gets in', async () => {
      const team = await service.createTeam('Doomed');
      const admin = await join(team, 'ADMIN');
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
  });

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
