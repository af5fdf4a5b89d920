/** The HTTP side: the form of errors, limits, forgery, health, graceful stop. */
import { type ApiClient, REQUEST_UPLOAD } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';

describe('the server', () => {
  let service: TestService;
  let team: TestTeam;
  let client: ApiClient;
  beforeAll(async () => {
    service = await TestService.start();
    team = await service.createTeam();
    client = team.client;
  });
  afterAll(() => service?.stop());

  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${client.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  test.each([
    ['a field that is not there', '{ nope }', 'BAD_INPUT'],
    ['no GraphQL', '{', 'BAD_INPUT'],
    [
      'a variable of another type',
      'query ($first: Int!) { datasets(first: $first) { edges { cursor } } }',
      'BAD_INPUT',
    ],
    ['too large a page', '{ datasets(first: 101) { edges { cursor } } }', 'BAD_INPUT'],
    ['a cursor that is not ours', '{ datasets(after: "x") { edges { cursor } } }', 'BAD_INPUT'],
    [
      'too many aliases',
      `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: viewer { role }`).join(' ')} }`,
      'LIMIT_EXCEEDED',
    ],
    ['too long a query', `{ ${'viewer { role } '.repeat(1500)} }`, 'LIMIT_EXCEEDED'],
  ])('%s is answered with a code and the id of the request', async (_what, query, code) => {
    const refusal = await client.refusal(query);
    expect(refusal.extensions).toMatchObject({ code, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(Object.keys(refusal.extensions).sort()).toEqual(
      Object.keys(refusal.extensions)
        .filter((key) => ['code', 'where', 'remedy', 'requestId'].includes(key))
        .sort(),
    );
  });

  test('too deep a query is refused', async () => {
    const { errors } = await client.answer(`{ ${'node(id: "x") { '.repeat(20)} id ${'} '.repeat(20)} }`);
    expect(errors?.map(({ extensions }) => extensions.code)).toContain('LIMIT_EXCEEDED');
  });

  test('the id of the request is in the answer, its header and the log', async () => {
    const response = await post(JSON.stringify({ query: '{ datasets { edges { cursor } } }' }));
    const id = response.headers.get('x-request-id');
    const { errors } = (await response.json()) as { errors: { extensions: { requestId: string } }[] };
    expect(errors[0].extensions.requestId).toBe(id);
    expect(service.log.some((line) => line.includes(`"requestId":"${id}"`))).toBe(true);
  });

  test('an unexpected error says nothing of our insides, and the log has it under its id', async () => {
    await withDatabase(service.database.superuserUrl, (database) =>
      database.query('ALTER TABLE dataset RENAME TO hidden'),
    );
    try {
      const { message, extensions } = await client.refusal('{ datasets { edges { cursor } } }');
      expect(message).toBe('Something went wrong on our side.');
      expect(Object.keys(extensions).sort()).toEqual(['code', 'remedy', 'requestId']);
      expect(extensions.code).toBe('INTERNAL');
      const line = service.log.find(
        (each) => each.includes(extensions.requestId!) && each.includes('a request failed'),
      );
      expect(line).toContain('relation \\"dataset\\" does not exist');
    } finally {
      await withDatabase(service.database.superuserUrl, (database) =>
        database.query('ALTER TABLE hidden RENAME TO dataset'),
      );
    }
  });

  test('many operations in one request are refused', async () => {
    const response = await post(JSON.stringify([{ query: '{ viewer { role } }' }, { query: '{ viewer { role } }' }]));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_INPUT' } }] });
  });

  test('a request that a browser would send for another site is refused', async () => {
    const forged = await post('{"query":"{ viewer { role } }"}', { 'content-type': 'text/plain' });
    expect(forged.status).toBeGreaterThanOrEqual(400);
    const simple = await fetch(`${client.url}/graphql?query=${encodeURIComponent('{ viewer { role } }')}`);
    expect(simple.status).toBe(400);
  });

  test('a body over the limit, one that is no JSON, and a path that is not there have coded errors', async () => {
    const large = await post(JSON.stringify({ query: `{ viewer { role } } ${'#'.repeat(2 * 1024 * 1024)}` }));
    expect([large.status, await large.json()]).toMatchObject([
      413,
      { errors: [{ extensions: { code: 'TOO_LARGE' } }] },
    ]);
    const broken = await post('{"query": ');
    expect([broken.status, await broken.json()]).toMatchObject([
      400,
      { errors: [{ extensions: { code: 'BAD_INPUT' } }] },
    ]);
    const nowhere = await fetch(`${client.url}/nowhere?secret=1`);
    expect([nowhere.status, await nowhere.json()]).toMatchObject([
      404,
      { errors: [{ extensions: { code: 'NOT_FOUND' } }] },
    ]);
  });

  test('only subscriptions are streamed, within the same limits', async () => {
    const query = await client.subscribe('{ viewer { role } }').next();
    expect(query.value.errors[0].extensions.code).toBe('BAD_INPUT');
    const anonymous = service.anonymous.subscribe('subscription { trainingProgress(versionId: "x") { status } }');
    expect((await anonymous.next()).value.errors[0].extensions).toMatchObject({
      code: 'UNAUTHENTICATED',
      requestId: expect.any(String),
    });
    const aliases = Array.from({ length: 40 }, (_, i) => `a${i}: status`).join(' ');
    const costly = client.subscribe(`subscription { trainingProgress(versionId: "x") { ${aliases} } }`);
    expect((await costly.next()).value.errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
    const wrong = client.subscribe('subscription { nope }');
    expect((await wrong.next()).value.errors[0].extensions.code).toBe('BAD_INPUT');
    const unparsable = client.subscribe('subscription {');
    expect((await unparsable.next()).value.errors[0].extensions.code).toBe('BAD_INPUT');
  });

  test('it is live and ready; signatures of URLs are not logged', async () => {
    for (const path of ['live', 'ready']) expect((await fetch(`${client.url}/health/${path}`)).status).toBe(200);
    const input = { kind: 'DATASET', fileName: 'x', sizeBytes: 3, sha256: 'b'.repeat(64) };
    const { requestUpload } = await client.query(REQUEST_UPLOAD, { input });
    const url = new URL(requestUpload.request.url);
    expect((await fetch(url, { method: 'PUT', body: 'abc' })).status).toBe(403);
    expect(service.log.join('')).toContain(url.pathname);
    expect(service.log.join('')).not.toContain(url.searchParams.get('signature'));
  });

  test('stopping ends open subscriptions and leaves nothing running', async () => {
    const other = await TestService.start({ sharedWith: service, role: 'api' });
    const { createDataset } = await client.query(
      'mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { dataset { id } } }',
      { input: { uploadId: await client.upload('DATASET', 'x.csv', Buffer.from('a,b\n')), name: 'x' } },
    );
    expect(createDataset.dataset.id).not.toBe('');
    const { url } = other.anonymous;
    await other.pause();
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
  });
});
