/** Teams: invitations, roles, comings and goings. */
import { type ApiClient, type Data, REQUEST_UPLOAD } from '../testkit/client';
import { TestService, withDatabase } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';
import { ACCEPT, INVITE, join, MEMBERS, memberIdOf } from '../testkit/team-members';

const WITHDRAW =
  'mutation ($input: WithdrawInvitationInput!) { withdrawInvitation(input: $input) { invitation { withdrawnAt } } }';
const CHANGE_ROLE = 'mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { member { role } } }';
const REMOVE = 'mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { memberId } }';
const TRANSFER =
  'mutation ($input: TransferOwnershipInput!) { transferOwnership(input: $input) { team { id } owner { role } } }';
const LEAVE = 'mutation { leaveTeam { teamId } }';
const DELETE = 'mutation { deleteTeam { team { deletionDueAt } } }';
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
        const { client } = await join(smtp, team, role);
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
      const { person, client } = await join(smtp, team, 'VIEWER');
      const { members } = await client.query(MEMBERS);
      expect(members.edges.map(({ node }: Data) => [node.role, node.person.email])).toEqual([
        ['VIEWER', person.email],
        ['OWNER', team.person.email],
      ]);
    });

    test('lose what they may at once when they are demoted, removed or leave', async () => {
      const team = await service.createTeam();
      const { client, memberId: id } = await join(smtp, team, 'ADMIN');
      await client.query('{ apiKeys { edges { cursor } } }');
      await team.owner.query(CHANGE_ROLE, { input: { memberId: id, role: 'MEMBER' } });
      expect(await codeOf(client, '{ apiKeys { edges { cursor } } }')).toBe('FORBIDDEN');
      await team.owner.query(REMOVE, { input: { memberId: id } });
      expect(await codeOf(client, DATASETS)).toBe('NOT_FOUND');
      const other = await join(smtp, team, 'MEMBER');
      await other.client.query(LEAVE);
      expect(await codeOf(other.client, DATASETS)).toBe('NOT_FOUND');
    });

    test('of other teams are not found', async () => {
      const [team, other] = [await service.createTeam(), await service.createTeam()];
      const foreign = await memberIdOf(other, other.person);
      expect(await codeOf(team.owner, CHANGE_ROLE, { memberId: foreign, role: 'VIEWER' })).toBe('NOT_FOUND');
      expect(await codeOf(team.owner, REMOVE, { memberId: foreign })).toBe('NOT_FOUND');
      expect(await codeOf(team.owner, TRANSFER, { memberId: foreign })).toBe('NOT_FOUND');
    });

    test('admins do not touch owners, nor make themselves one', async () => {
      const team = await service.createTeam();
      const owner = await memberIdOf(team, team.person);
      const { client, memberId: own } = await join(smtp, team, 'ADMIN');
      expect(await codeOf(client, CHANGE_ROLE, { memberId: owner, role: 'VIEWER' })).toBe('FORBIDDEN');
      expect(await codeOf(client, CHANGE_ROLE, { memberId: own, role: 'OWNER' })).toBe('FORBIDDEN');
      expect(await codeOf(client, REMOVE, { memberId: owner })).toBe('FORBIDDEN');
      expect(await codeOf(client, TRANSFER, { memberId: own })).toBe('FORBIDDEN');
    });

    test('the last owner stays: not demoted, not removed, not gone; of two who leave at once one stays', async () => {
      const team = await service.createTeam();
      const own = await memberIdOf(team, team.person);
      expect(await codeOf(team.owner, CHANGE_ROLE, { memberId: own, role: 'ADMIN' })).toBe('CONFLICT');
      expect(await codeOf(team.owner, REMOVE, { memberId: own })).toBe('CONFLICT');
      expect(await codeOf(team.owner, LEAVE)).toBe('CONFLICT');
      const { client } = await join(smtp, team, 'OWNER');
      const answers = await Promise.all([client.answer(LEAVE), team.owner.answer(LEAVE)]);
      const codes = answers.map(({ errors }) => errors?.[0].extensions.code);
      expect(codes.sort()).toEqual(['CONFLICT', undefined]);
      const owners = await sql("SELECT FROM member WHERE team_id = $1 AND role = 'OWNER'", [team.rowId]);
      expect(owners.rowCount).toBe(1);
    });

    test('ownership is transferred', async () => {
      const team = await service.createTeam();
      const { client, memberId: id } = await join(smtp, team, 'MEMBER');
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
    const { client } = await join(smtp, team, 'MEMBER');
    expect(await codeOf(client, query, { name: 'Newer' })).toBe('FORBIDDEN');
  });
});
