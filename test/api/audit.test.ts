/** The audit log: every mutation leaves an entry with its change or not at all, admins read it, and nobody edits it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { printedSchema } from '../../src/main';
import { type Data, REQUEST_UPLOAD, sha256 } from '../testkit/client';
import { createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';

const ENTRIES = `query ($filter: AuditEntryFilter! = {}) { auditEntries(filter: $filter, first: 100) {
  edges { node { action personId apiKeyId subjectType subjectId details requestId address createdAt } } } }`;

describe('the audit log', () => {
  let service: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
  });
  afterAll(() => service?.stop());

  const entries = async (filter: object = {}): Promise<Data[]> =>
    (await team.owner.query(ENTRIES, { filter })).auditEntries.edges.map(({ node }: Data) => node);

  test('says who made a change, of what, from where', async () => {
    const { id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'], name: 'for CI' });
    const { person } = (await team.owner.query('{ viewer { person { id } } }')).viewer;
    const [entry] = await entries({ subjectId: id });
    expect(entry).toEqual({
      action: 'createApiKey',
      personId: person.id,
      apiKeyId: null,
      subjectType: 'ApiKey',
      subjectId: id,
      details: { name: 'for CI', scopes: ['DATASET_READ'] },
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      address: '127.0.0.1',
      createdAt: expect.any(String),
    });
    const line = service.log.find((each) => each.includes(entry.requestId));
    expect(line).toContain('"path":"/graphql"');
  });

  test('knows a key from a person, and lists by action', async () => {
    await team.client.upload('DATASET', 'a.csv', Buffer.from('a,b\n'));
    const [entry] = await entries({ action: 'requestUpload' });
    expect(entry).toMatchObject({ personId: null, subjectType: 'Upload', details: { fileName: 'a.csv' } });
    const key = Buffer.from(entry.apiKeyId, 'base64url').toString().replaceAll('-', '');
    expect(team.key).toContain(key.slice('ApiKey:'.length));
  });

  test('has no entry of a change that was refused', async () => {
    const before = await entries();
    const input = { kind: 'DATASET', fileName: 'x', sizeBytes: 1e12, sha256: sha256(Buffer.from('x')) };
    await team.client.refusal(REQUEST_UPLOAD, { input });
    const missing = Buffer.from('ApiKey:01890000-0000-7000-8000-000000000000').toString('base64url');
    await team.owner.refusal(
      'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }',
      { input: { apiKeyId: missing } },
    );
    expect(await entries()).toHaveLength(before.length);
  });

  test('is not for keys', async () => {
    expect((await team.client.refusal(ENTRIES)).extensions.code).toBe('FORBIDDEN');
  });

  test.each([
    ['UPDATE', "UPDATE audit_entry SET action = 'nothing'"],
    ['DELETE', 'DELETE FROM audit_entry'],
    ['TRUNCATE', 'TRUNCATE audit_entry'],
  ])('cannot be changed by %s, whoever tries', async (_what, statement) => {
    for (const url of [service.database.url, service.database.superuserUrl]) {
      await withDatabase(url, async (client) => {
        await client.query("SELECT set_config('app.team_id', $1, false)", [team.rowId]);
        await expect(client.query(statement)).rejects.toMatchObject({ code: '55000' });
        await client.query('SET ROLE fusecast_app');
        await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
      });
    }
  });

  test('goes with its whole team, and no other way', async () => {
    const other = await service.createTeam();
    await withDatabase(service.database.superuserUrl, async (client) => {
      const count = () => client.query('SELECT FROM audit_entry WHERE team_id = $1', [other.rowId]);
      expect((await count()).rowCount).toBeGreaterThan(0);
      await client.query('DELETE FROM team WHERE id = $1', [other.rowId]);
      expect((await count()).rowCount).toBe(0);
    });
  });

  test('is written by every mutation of the schema', async () => {
    const mutations = Object.keys(
      buildSchema(await printedSchema())
        .getMutationType()!
        .getFields(),
    );
    const directory = path.join(__dirname, '..', '..', 'src', 'resolvers');
    const sources = readdirSync(directory).map((file) => readFileSync(path.join(directory, file), 'utf8'));
    const calls = sources.flatMap((source) => source.match(/recordChange\([^;]*;/g) ?? []).join('\n');
    const silent = mutations.filter((mutation) => !calls.includes(`'${mutation}'`));
    // These only ask: what changes something is the link that goes out.
    expect(silent.sort()).toEqual(['requestPasswordReset', 'signUp']);
  });
});
