/** A team with somebody of every kind who might ask it for something, made in the database in one go. */
import { newApiKeySecret, newSessionToken } from '../../src/credentials';
import { newId, toGlobalId } from '../../src/schema/node';
import type { ApiClient } from './client';
import { ALL_SCOPES, type TestService, withDatabase } from './service';

/** In this order the letters of a verdict stand. */
export const SUBJECTS = [
  'anonymous',
  'viewer',
  'member',
  'admin',
  'keyOfEveryScope',
  'keyWithoutScope',
  'keyOfAnotherTeam',
  'expiredKey',
  'revokedKey',
  // Last, because an owner may end everything.
  'owner',
] as const;
type Subject = (typeof SUBJECTS)[number];

/** A client for each subject, all of them asking for things of one new team. */
export async function createCast(
  service: Pick<TestService, 'anonymous' | 'database'>,
): Promise<Record<Subject, ApiClient>> {
  const [teamId, otherTeamId] = [newId(), newId()];
  const team = toGlobalId('Team', teamId);
  const { anonymous } = service;
  return withDatabase(service.database.superuserUrl, async (client) => {
    const insert = (table: string, row: Record<string, unknown>) => {
      const columns = Object.keys(row);
      const places = columns.map((_, i) => `$${i + 1}`).join(', ');
      return client.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`, Object.values(row));
    };
    await insert('team', { id: teamId, name: 'Cast' });
    await insert('team', { id: otherTeamId, name: 'Another' });

    const person = async (role: string): Promise<ApiClient> => {
      const [id, { token, tokenSha256 }] = [newId(), newSessionToken()];
      await insert('person', { id, email: `${id}@example.com`, name: role });
      await insert('member', { id: newId(), team_id: teamId, person_id: id, role });
      const expires_at = new Date(Date.now() + 3_600_000);
      await insert('person_session', { id: newId(), person_id: id, token_sha256: tokenSha256, expires_at });
      return anonymous.as(token, team);
    };
    const key = async (change: Record<string, unknown> = {}): Promise<ApiClient> => {
      const id = newId();
      const { key: secret, secretSha256 } = newApiKeySecret(id);
      const row = { id, team_id: teamId, name: 'key', secret_sha256: secretSha256, scopes: ALL_SCOPES };
      await insert('api_key', { ...row, ...change });
      return anonymous.as(secret, team);
    };
    return {
      anonymous,
      viewer: await person('VIEWER'),
      member: await person('MEMBER'),
      admin: await person('ADMIN'),
      owner: await person('OWNER'),
      keyOfEveryScope: await key(),
      // One that no root field asks for.
      keyWithoutScope: await key({ scopes: ['TEAM_READ'] }),
      keyOfAnotherTeam: await key({ team_id: otherTeamId }),
      expiredKey: await key({ expires_at: new Date(0) }),
      revokedKey: await key({ revoked_at: new Date(0) }),
    };
  });
}
