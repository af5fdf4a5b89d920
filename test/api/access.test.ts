/**
 * Who gets in: people, sessions, API keys with their scopes, expiry and revocation, teams.
 */
import {
  buildClientSchema,
  type GraphQLInputType,
  type GraphQLObjectType,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { type ApiClient, until } from '../testkit/client';
import { ALL_SCOPES, createApiKey, TestService, type TestTeam, withDatabase } from '../testkit/service';

const DATASETS = '{ datasets { edges { cursor } } }';
const SIGN_IN = 'mutation ($input: SignInInput!) { signIn(input: $input) { token person { email } } }';
const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }';
const REVOKE = 'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id revokedAt } } }';

describe('access', () => {
  let service: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await TestService.start({ role: 'all' });
    team = await service.createTeam();
  });
  afterAll(() => service?.stop());

  describe('people', () => {
    test('sign in with their password, and the session ends when they sign out', async () => {
      const { email, password } = await service.createPerson();
      const { signIn } = await service.anonymous.query(SIGN_IN, { input: { email: email.toUpperCase(), password } });
      expect(signIn.token).toMatch(/^fcs_/);
      const client = service.anonymous.as(signIn.token);
      expect((await client.query('{ viewer { person { email } apiKey { id } team { id } } }')).viewer).toEqual({
        person: { email },
        apiKey: null,
        team: null,
      });
      await client.query('mutation { signOut { signedOut } }');
      expect((await client.refusal('{ viewer { person { email } } }')).extensions.code).toBe('UNAUTHENTICATED');
    });

    test('a wrong password and an unknown address are answered alike', async () => {
      const { email } = await service.createPerson();
      const [wrong, unknown] = await Promise.all(
        [email, 'nobody@example.com'].map((address) =>
          service.anonymous.refusal(SIGN_IN, { input: { email: address, password: 'not the password' } }),
        ),
      );
      expect(wrong.extensions.code).toBe('UNAUTHENTICATED');
      expect({ ...wrong, extensions: { ...wrong.extensions, requestId: '' } }).toEqual({
        ...unknown,
        extensions: { ...unknown.extensions, requestId: '' },
      });
    });

    test('every wrong field is named', async () => {
      const input = { email: 'no address', name: '', password: 'short' };
      const { extensions, message } = await service.anonymous.refusal(SIGN_UP, { input });
      expect(extensions).toMatchObject({ code: 'BAD_INPUT' });
      for (const field of ['email', 'name', 'password']) expect(extensions.where).toContain(field);
      expect(message).toContain('password must be longer than or equal to 12 characters');
    });

    test('in several teams say which; in one need not; in none make one', async () => {
      const person = await service.createPerson();
      const none = await person.client.refusal(DATASETS);
      expect(none.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'fusecast-team' });
      const first = await person.createTeam('First');
      await person.client.query(DATASETS);
      const second = await person.createTeam('Second');
      expect((await person.client.refusal(DATASETS)).extensions.where).toBe('fusecast-team');
      const { viewer, teams } = await second.owner.query(
        '{ viewer { team { id name } role } teams { edges { node { id } } } }',
      );
      expect(viewer).toEqual({ team: { id: second.id, name: 'Second' }, role: 'OWNER' });
      expect(teams.edges).toEqual([{ node: { id: second.id } }, { node: { id: first.id } }]);
    });
  });

  describe('API keys', () => {
    test.each<[string, string]>([
      ['DATASET_READ', DATASETS],
      ['NETWORK_READ', '{ networks { edges { cursor } } }'],
      ['SCENARIO_READ', '{ devices { edges { cursor } } scenarios { edges { cursor } } }'],
      ['PREDICTOR_READ', '{ predictors { edges { cursor } } predictorVersions { edges { cursor } } }'],
      ['PREDICTION_READ', '{ predictions { edges { cursor } } }'],
    ])('with %s alone may do that and nothing else', async (scope, query) => {
      const { key } = await createApiKey(team.owner, { scopes: [scope] });
      const client = service.anonymous.as(key);
      await client.query(query);
      const others = await service.anonymous
        .as((await createApiKey(team.owner, { scopes: ALL_SCOPES.filter((other) => other !== scope) })).key)
        .answer(query);
      expect(others.errors?.map(({ extensions }) => extensions.code)).toEqual(others.errors?.map(() => 'FORBIDDEN'));
      expect(others.errors?.length).toBeGreaterThan(0);
    });

    test('may not make, list or revoke keys, nor teams, whatever their scopes', async () => {
      for (const query of [
        '{ apiKeys { edges { cursor } } }',
        '{ teams { edges { cursor } } }',
        'mutation { createTeam(input: { name: "x" }) { team { id } } }',
        'mutation { createApiKey(input: { name: "x", scopes: [DATASET_READ] }) { key } }',
        'mutation { signOut { signedOut } }',
      ]) {
        expect((await team.client.refusal(query)).extensions.code).toBe('FORBIDDEN');
      }
    });

    test('end when they expire', async () => {
      const expiresAt = new Date(Date.now() + 1500).toISOString();
      const { key } = await createApiKey(team.owner, { scopes: ['DATASET_READ'], expiresAt });
      const client = service.anonymous.as(key);
      await client.query(DATASETS);
      const answer = await until(
        () => client.answer(DATASETS),
        ({ errors }) => errors !== undefined,
      );
      expect(answer.errors?.[0]).toMatchObject({
        message: 'The API key has expired.',
        extensions: { code: 'UNAUTHENTICATED' },
      });
      const past = { name: 'x', scopes: ['DATASET_READ'], expiresAt: new Date(0).toISOString() };
      const query = 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }';
      expect((await team.owner.refusal(query, { input: past })).extensions.where).toBe('input.expiresAt');
    });

    test('end when they are revoked, at once and on every replica', async () => {
      const replica = await TestService.start({ sharedWith: service, role: 'api' });
      try {
        const { key, id } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
        const clients = [service.anonymous.as(key), replica.anonymous.as(key)];
        for (const client of clients) await client.query(DATASETS);
        const { revokeApiKey } = await team.owner.query(REVOKE, { input: { apiKeyId: id } });
        expect(revokeApiKey.apiKey.revokedAt).not.toBeNull();
        for (const client of clients) expect((await client.refusal(DATASETS)).message).toBe('The API key is revoked.');
        const again = await team.owner.query(REVOKE, { input: { apiKeyId: id } });
        expect(again.revokeApiKey).toEqual(revokeApiKey);
      } finally {
        await replica.pause();
      }
    });

    test('are refused with another secret, another form, or for another team', async () => {
      const { key } = await createApiKey(team.owner, { scopes: ['DATASET_READ'] });
      const last = key.at(-1) === 'A' ? 'B' : 'A';
      for (const wrong of [`${key.slice(0, -10)}${last.repeat(10)}`, key.slice(0, -1), 'fck_x_y', 'fcs_x', '-']) {
        expect((await service.anonymous.as(wrong).refusal(DATASETS)).extensions.code).toBe('UNAUTHENTICATED');
      }
      const { id } = await service.createTeam();
      expect((await service.anonymous.as(key, id).refusal(DATASETS)).extensions.code).toBe('NOT_FOUND');
      await service.anonymous.as(key, team.id).query(DATASETS);
    });

    test('and tokens and passwords are nowhere but with their owner', async () => {
      const person = await service.createPerson();
      const { key } = await person.createTeam();
      const secrets = [key.split('_')[2], person.token.slice(4), person.password];
      const rows = await withDatabase(service.database.superuserUrl, async (client) => {
        const tables = await client.query("SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'pgboss')");
        const texts: string[] = [];
        for (const { tablename } of tables.rows) {
          const schema = tablename.startsWith('j') || !/^[a-z_]+$/.test(tablename) ? 'pgboss' : 'public';
          const found = await client.query(`SELECT to_regclass('${schema}.${tablename}') AS oid`);
          if (!found.rows[0].oid) continue;
          const { rows: content } = await client.query(`SELECT t::text AS row FROM ${schema}.${tablename} t`);
          texts.push(...content.map(({ row }) => row));
        }
        return texts.join('\n');
      });
      expect(rows).toContain(person.email);
      for (const secret of secrets) {
        expect(rows).not.toContain(secret);
        expect(service.log.join('')).not.toContain(secret);
      }
    });
  });

  /** A value of the type that the schema accepts: the deny-by-default test needs arguments, not sense. */
  function anyValue(type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return anyValue(type.ofType);
    if (isListType(type)) return [anyValue(type.ofType)];
    if (isEnumType(type)) return type.getValues()[0].name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
      return Object.fromEntries(fields.map((field) => [field.name, anyFieldValue(field.name, field.type)]));
    }
    if (type.name === 'Int' || type.name === 'Float') return 1;
    if (type.name === 'Boolean') return false;
    return type.name.startsWith('Date') ? '2100-01-01T00:00:00Z' : 'x';
  }

  function anyFieldValue(name: string, type: GraphQLInputType): unknown {
    if (name === 'sha256') return 'a'.repeat(64);
    if (name === 'contentType') return 'text/csv';
    if (name === 'code') return '123456';
    if (name === 'password' || name === 'newPassword') return 'correct horse battery';
    if (name === 'email') return 'x@example.com';
    return anyValue(type);
  }

  /** One operation for each root field of the schema, with arguments that it accepts. */
  async function everyRootField(client: ApiClient): Promise<{ name: string; query: string; variables: object }[]> {
    const schema = buildClientSchema(await client.query(getIntrospectionQuery()));
    const operations: [string, GraphQLObjectType | null | undefined][] = [
      ['query', schema.getQueryType()],
      ['mutation', schema.getMutationType()],
    ];
    return operations.flatMap(([operation, type]) =>
      Object.values(type!.getFields()).map((field) => {
        const required = field.args.filter(
          (argument) => isNonNullType(argument.type) && argument.defaultValue === undefined,
        );
        const declared = required.map(({ name, type: of }) => `$${name}: ${of}`).join(', ');
        const passed = required.map(({ name }) => `${name}: $${name}`).join(', ');
        const head = declared ? `${operation} (${declared})` : operation;
        return {
          name: field.name,
          query: `${head} { ${field.name}${passed ? `(${passed})` : ''} { __typename } }`,
          variables: Object.fromEntries(required.map(({ name, type: of }) => [name, anyValue(of)])),
        };
      }),
    );
  }

  test('nobody gets anything but signing up, a new password and being told that they are nobody', async () => {
    const open: string[] = [];
    for (const { name, query, variables } of await everyRootField(service.anonymous)) {
      const { errors } = await service.anonymous.answer(query, variables);
      const codes = errors?.map(({ extensions }) => extensions.code) ?? [];
      if (codes.join() !== 'UNAUTHENTICATED') open.push(name);
    }
    expect(open.sort()).toEqual(['requestPasswordReset', 'resetPassword', 'signUp', 'verifyEmail', 'viewer']);
  });
});
