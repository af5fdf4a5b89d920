/** Limits: how often, how much, and what a query, a browser or a proxy may. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ApiClient, CREATE_NETWORK, type Data, REQUEST_UPLOAD, sha256 } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';

const VIEWER = '{ viewer { role } }';

async function post(client: ApiClient, body: object = { query: VIEWER }): Promise<Response> {
  return fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...client.headers },
    body: JSON.stringify(body),
  });
}

describe('rates', () => {
  const LIMIT = 20;
  let service: TestService;
  let replica: TestService;
  beforeAll(async () => {
    // The owner's session and nobody's set-up requests are not what is limited here.
    const config = { rateLimits: { perKey: LIMIT, perPerson: 1e6, perAddress: 1e6 } };
    service = await TestService.start({ config });
    replica = await TestService.start({ sharedWith: service, role: 'api', config });
  });
  afterAll(async () => {
    await replica?.pause();
    await service?.stop();
  });

  test('of a key are counted over all replicas; what is too much is answered with when to come back', async () => {
    const { key } = await service.createTeam();
    const clients = [service, replica].map((each) => each.anonymous.as(key));
    const responses = await Promise.all(Array.from({ length: 30 }, (_, i) => post(clients[i % 2])));
    const refused = responses.filter(({ status }) => status === 429);
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(LIMIT);
    expect(refused).toHaveLength(10);
    for (const response of refused) {
      const { extensions } = ((await response.json()) as Data).errors[0];
      const seconds = Number(response.headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(10);
      expect(extensions).toMatchObject({ code: 'RATE_LIMITED', remedy: `Try again in ${seconds} s.` });
      expect(extensions.requestId).toBe(response.headers.get('x-request-id'));
    }
    // Another key of another team goes on.
    expect((await post(service.anonymous.as((await service.createTeam()).key))).status).toBe(200);
  });

  test('are counted by each process alone while PostgreSQL cannot', async () => {
    const { key } = await service.createTeam();
    const rename = (from: string, to: string) =>
      withDatabase(service.database.superuserUrl, (client) => client.query(`ALTER TABLE ${from} RENAME TO ${to}`));
    await rename('request_rate', 'hidden');
    try {
      const statuses = await Promise.all(
        Array.from({ length: LIMIT + 5 }, async () => (await post(service.anonymous.as(key))).status),
      );
      expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    } finally {
      await rename('hidden', 'request_rate');
    }
  });

  test('of people, and of addresses without a good credential, have limits of their own', async () => {
    const config = { rateLimits: { perKey: 1e6, perPerson: 5, perAddress: 7 } };
    const { token } = await service.createPerson();
    const limited = await TestService.start({ sharedWith: service, role: 'api', config });
    try {
      const person = limited.anonymous.as(token);
      const byPerson = await Promise.all(Array.from({ length: 9 }, async () => (await post(person)).status));
      expect(byPerson.filter((status) => status === 200)).toHaveLength(5);
      // A credential that is no good counts as none.
      const strangers = [limited.anonymous, limited.anonymous.as('fcs_x')];
      const statuses = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => (await post(strangers[i % 2])).status),
      );
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(5);
    } finally {
      await limited.pause();
    }
  });
});

describe('quotas', () => {
  let service: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await TestService.start({ role: 'api' });
  });
  beforeEach(async () => {
    team = await service.createTeam();
  });
  afterAll(() => service?.stop());

  const allow = (resource: string, maximum: number) =>
    withDatabase(service.database.superuserUrl, (client) =>
      client.query('INSERT INTO team_quota (team_id, resource, maximum) VALUES ($1, $2, $3)', [
        team.rowId,
        resource,
        maximum,
      ]),
    );

  async function usage(): Promise<Record<string, { used: number; maximum: number }>> {
    const { viewer } = await team.owner.query('{ viewer { team { usage { resource used maximum } } } }');
    return Object.fromEntries(
      viewer.team.usage.map(({ resource, used, maximum }: Data) => [resource, { used, maximum }]),
    );
  }

  const upload = (name: string) => team.client.upload('NETWORK', 'x.onnx', Buffer.from(name));
  const create = (uploadId: string) => team.client.answer(CREATE_NETWORK, { input: { uploadId, name: 'x' } });

  test('the usage view shows everything that is counted, with its maximum', async () => {
    await upload('12345');
    await create(await upload('123456'));
    expect(await usage()).toEqual({
      BYTES: { used: 11, maximum: 100 * 1024 ** 3 },
      NETWORKS: { used: 1, maximum: 100_000 },
      DATASETS: { used: 0, maximum: 1_000 },
      VERSIONS: { used: 0, maximum: 5_000 },
      TRAINING_MINUTES: { used: 0, maximum: 6_000 },
    });
  });

  test('beyond one is refused, saying what and how much, and leaves nothing', async () => {
    await allow('NETWORKS', 1);
    const [first, second] = [await upload('first'), await upload('second')];
    expect((await create(first)).errors).toBeUndefined();
    const { errors } = await create(second);
    expect(errors).toMatchObject([
      {
        message: 'The team may have 1 networks and would have 2.',
        extensions: { code: 'QUOTA_EXCEEDED', where: 'NETWORKS', remedy: expect.stringContaining('Team.usage') },
      },
    ]);
    expect((await usage()).NETWORKS).toEqual({ used: 1, maximum: 1 });
    // An upload that has become something is still a conflict, not a matter of quotas.
    expect((await create(first)).errors?.[0].extensions.code).toBe('CONFLICT');
  });

  test('of many at once exactly as many as there is room for succeed', async () => {
    await allow('NETWORKS', 3);
    const uploads = await Promise.all(Array.from({ length: 10 }, (_, i) => upload(`network ${i}`)));
    const answers = await Promise.all(uploads.map(create));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(3);
    expect((await usage()).NETWORKS.used).toBe(3);
  });

  test('bytes count from the announcement, and the same bytes once', async () => {
    await allow('BYTES', 100);
    const request = (bytes: Buffer) => {
      const input = { kind: 'DATASET', fileName: 'x.csv', sizeBytes: bytes.byteLength, sha256: sha256(bytes) };
      return team.client.answer(REQUEST_UPLOAD, { input });
    };
    const sixty = Buffer.alloc(60, 'a');
    await Promise.all([request(sixty), request(sixty), request(sixty)]);
    expect((await usage()).BYTES.used).toBe(60);
    const { errors } = await request(Buffer.alloc(41, 'b'));
    expect(errors?.[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', where: 'BYTES' });
    expect((await request(Buffer.alloc(40, 'b'))).errors).toBeUndefined();
  });

  test('the application role cannot change what was counted, nor a quota', async () => {
    await upload('12345');
    await withDatabase(service.database.url, async (client) => {
      await client.query("SELECT set_config('role', 'fusecast_app', false), set_config('app.team_id', $1, false)", [
        team.rowId,
      ]);
      for (const table of ['team_usage', 'team_quota', 'request_rate']) {
        const change = client.query(`DELETE FROM ${table}`);
        await expect(change).rejects.toMatchObject({ code: '42501' });
      }
    });
  });
});

describe('what a query may', () => {
  const DOCUMENT = 'query Known { viewer { role } }';
  let service: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await TestService.start({ role: 'api', config: { introspection: false } });
    team = await service.createTeam();
  });
  afterAll(() => service?.stop());

  test('without introspection nothing tells of the schema, not even a suggestion', async () => {
    for (const query of ['{ __schema { types { name } } }', '{ __type(name: "Team") { name } }']) {
      const { data, errors } = await team.client.answer(query);
      expect(data).toBeUndefined();
      expect(errors![0].extensions.code).toBe('BAD_INPUT');
    }
    const { message } = await team.client.refusal('{ dataset { id } }');
    expect(message).not.toContain('datasets');
    const [{ errors }] = [
      (await service.anonymous.subscribe('subscription { __schema { types { name } } }').next()).value,
    ];
    expect(errors[0].extensions.code).toBe('BAD_INPUT');
    await team.client.query('{ __typename viewer { __typename } }');
  });

  test('known documents are run by their digest; where only they may, people and nobody send no other', async () => {
    const file = path.join(service.directory, 'documents.json');
    await writeFile(file, JSON.stringify({ [sha256(Buffer.from(DOCUMENT))]: DOCUMENT }));
    const config = { persistedQueries: { file, only: true } };
    const other = await TestService.start({ sharedWith: service, role: 'api', config });
    try {
      const owner = other.anonymous.as(team.person.token, team.id);
      const byDigest = (digest: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: digest } } });
      const known = await post(owner, byDigest(sha256(Buffer.from(DOCUMENT))));
      expect(await known.json()).toEqual({ data: { viewer: { role: 'OWNER' } } });
      const unknown = (await (await post(owner, byDigest('0'.repeat(64)))).json()) as Data;
      expect(unknown.errors[0]).toMatchObject({ message: 'PersistedQueryNotFound', extensions: { code: 'BAD_INPUT' } });
      expect((await owner.query(DOCUMENT)).viewer.role).toBe('OWNER');
      expect((await owner.refusal('{ viewer { role } }')).extensions.code).toBe('FORBIDDEN');
      await other.anonymous.as(team.key).query('{ viewer { apiKey { id } } }');
      // Sending a document with its digest does not make it known.
      const planted = { query: VIEWER, ...byDigest(sha256(Buffer.from(VIEWER))) };
      for (const body of [planted, byDigest(sha256(Buffer.from(VIEWER)))]) {
        expect(((await (await post(owner, body)).json()) as Data).errors).toHaveLength(1);
      }
    } finally {
      await other.pause();
    }
  });

  test.each([
    ['a file that is not there', undefined, 'ENOENT'],
    ['a document under another digest', JSON.stringify({ ['0'.repeat(64)]: DOCUMENT }), 'has another SHA-256'],
    ['something else', '[1]', 'expected record'],
  ])('known documents in %s stop the start', async (_what, content, message) => {
    const file = path.join(service.directory, 'wrong.json');
    if (content) await writeFile(file, content);
    const config = { persistedQueries: { file, only: false } };
    await expect(TestService.start({ sharedWith: service, role: 'api', config })).rejects.toThrow(message);
  });
});

test('browsers are told to run nothing foreign, not to be framed and to guess no types', async () => {
  const service = await TestService.start({ role: 'api' });
  try {
    for (const path of ['/graphql', '/health/live', '/nowhere']) {
      const { headers } = await fetch(`${service.anonymous.url}${path}`);
      const policy = headers.get('content-security-policy');
      for (const directive of [
        "default-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
      ]) {
        expect(policy).toContain(directive);
      }
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      // Only where clients reach the service by https: otherwise it would lock them out.
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  } finally {
    await service.stop();
  }
});
