/** GraphQL documents and bodies that are made to take much, or to confuse: each is answered with a coded error, or does what was harmless. */
import { gzipSync } from 'node:zlib';
import { createRandom } from '../../src/engine/random';
import { hostileBodies, hostileDocuments } from '../testkit/hostile-documents';
import { type HostileRequest, HostileService, NORMAL_QUERY } from '../testkit/hostile-service';

describe('hostile documents', () => {
  let service: HostileService;
  beforeAll(async () => {
    service = await HostileService.start();
  }, 60_000);
  afterAll(() => service?.stop());

  /** Whatever is sent meanwhile, no row comes or goes. */
  async function expectNothingWritten(work: () => Promise<unknown>): Promise<void> {
    const before = await service.rowCounts();
    await work();
    expect(await service.rowCounts()).toEqual(before);
    await service.expectUsualTime();
  }

  test('deep, wide, aliased, in rings', async () => {
    const requests = hostileDocuments().map(([what, query]) => ({ what, body: JSON.stringify({ query }) }));
    const streamed = requests.map((request) => ({
      ...request,
      path: '/graphql/stream',
      headers: { accept: 'text/event-stream' },
    }));
    await expectNothingWritten(async () => {
      await service.expectAnswers(service.cast.anonymous, requests);
      await service.expectAnswers(service.cast.keyOfEveryScope, requests);
      await service.expectAnswers(service.cast.keyOfEveryScope, streamed);
    });
  }, 60_000);

  test('bodies: no JSON, no UTF-8, prototype keys, deep, long', async () => {
    const bodies = hostileBodies().map(([what, body]) => ({ what, body }));
    await expectNothingWritten(async () => {
      await service.expectAnswers(service.cast.anonymous, bodies);
      await service.expectAnswers(service.cast.keyOfEveryScope, bodies);
    });
  }, 60_000);

  test('bodies of other types and packed ones; other methods, paths and headers', async () => {
    const body = '{"query":"{ viewer { role } }"}';
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/xml',
      'x',
      '',
    ];
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
    const paths = [
      '/graphql/../x',
      '/graphql/%2e%2e',
      '/graphql%00',
      '/GRAPHQL',
      '//graphql',
      '/objects/..%2f..%2fetc',
      '/%ff',
      '/%',
    ];
    const requests: HostileRequest[] = [
      ...types.map((type) => ({ what: type, body, headers: { 'content-type': type } })),
      ...['gzip', 'deflate', 'br', 'x'].map((encoding) => ({
        what: encoding,
        body: bomb,
        headers: { 'content-encoding': encoding },
      })),
      ...['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET'].map((method) => ({ what: method, body, method })),
      ...paths.map((path) => ({ what: path, body, path })),
      { what: 'a mutation by GET', body: '', method: 'GET', path: '/graphql?query=mutation{signOut{signedOut}}' },
      { what: 'a team that is none', body, headers: { 'fusecast-team': 'x'.repeat(8000) } },
      { what: 'a key that is none', body, headers: { authorization: `Bearer fck_${'0'.repeat(7000)}` } },
      { what: 'a cookie that is none', body, headers: { cookie: `${'a='.repeat(3000)}; __proto__=x` } },
    ];
    await expectNothingWritten(() => service.expectAnswers(service.cast.anonymous, requests));
  }, 60_000);

  test('documents with random damage', async () => {
    const random = createRandom(6);
    const seeds = [
      NORMAL_QUERY,
      'query Q($first: Int = 3) { predictions(first: $first, filter: { networkId: "x" }) { edges { node { id latencyUs } } } }',
      '{ node(id: "VGVhbTp4") { __typename ... on Network { name kernelPlan(runtime: "onnxruntime-cpu") { kernels { kind } } } } }',
      'fragment V on Viewer { role team { ...T } } fragment T on Team { id name } query { viewer { ...V } }',
    ];
    const pieces = ['\\u', '#', '\n', '\u0000', 'on', 'null', '1e9', '\ud83d', '...', '"""', ...'{}()[]$@!:"'];
    const damage = (text: string): string => {
      const [at, length] = [random.below(text.length), random.below(8)];
      return text.slice(0, at) + pieces[random.below(pieces.length)] + text.slice(at + length);
    };
    const requests = Array.from({ length: 400 }, (_, i): HostileRequest => {
      let text = seeds[i % seeds.length];
      for (let n = random.below(5); n >= 0; n--) text = damage(text);
      // Half of them as documents, half with damage to the JSON around them.
      const whole = i % 2 === 0;
      return { what: text, body: whole ? JSON.stringify({ query: text }) : damage(JSON.stringify({ query: text })) };
    });
    await expectNothingWritten(() => service.expectAnswers(service.cast.keyOfEveryScope, requests));
  }, 60_000);

  // With those of hostile-arguments.test.ts these are more than 2,000.
  test('leave it unharmed', () => service.expectUnharmed(1000));
});
