/**
 * Everything hostile at a live service in a process of its own: it answers each request with a coded error or does what
 * was harmless, holds little memory, writes nothing, goes on answering others, and says nothing of its insides.
 */
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { buildSchema } from 'graphql';
import { withDatabase as withDuckDB } from '../../src/duckdb';
import { createRandom } from '../../src/engine/random';
import { ERROR_CODES } from '../../src/errors';
import { printedSchema } from '../../src/main';
import { createApplicationRole } from '../../src/migrate';
import { createCast } from '../testkit/cast';
import { type ApiClient, type ApiError, until } from '../testkit/client';
import { damagedFiles } from '../testkit/damaged-files';
import { exhaustingFiles } from '../testkit/exhausting-files';
import { HOSTILE_TEXTS, hostileBodies, hostileDocuments } from '../testkit/hostile-documents';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from '../testkit/postgres';
import { rootFields } from '../testkit/root-fields';
import { withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';

const GIB = 1024 ** 3;
const AT_A_TIME = 12;
const NORMAL = '{ viewer { role } datasets { edges { node { id name } } } }';

interface Request {
  readonly what: string;
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly path?: string;
}

/** What must be in no answer: stacks, SQL, paths, names of our insides. */
const INSIDES =
  /\n\s+at |node_modules|\.(ts|js):\d|SELECT |INSERT INTO|fusecast_app|violates|pg_|QueryFailedError|TypeError|ECONN/g;

describe('hostile input', () => {
  let database: TestDatabase;
  let directory: string;
  let service: ServiceProcess;
  let cast: Awaited<ReturnType<typeof createCast>>;
  let usualMs: number;
  let sent = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await createTemporaryDirectory('hostile');
    await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
    const unlimited = ['KEY', 'PERSON', 'ADDRESS'].map((whose) => [`FUSECAST_RATE_LIMIT_${whose}`, '999999']);
    service = await ServiceProcess.start({
      DATABASE_URL: database.url,
      FUSECAST_DATA: directory,
      ...Object.fromEntries(unlimited),
    });
    cast = await createCast({ anonymous: service.anonymous, database });
    await medianMs();
    usualMs = await medianMs();
  }, 60_000);

  afterAll(async () => {
    await service?.stop();
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  /** How long a normal query takes, in the middle of 40. */
  async function medianMs(): Promise<number> {
    const durations: number[] = [];
    for (let i = 0; i < 40; i++) {
      const begun = performance.now();
      await cast.keyOfEveryScope.query(NORMAL);
      durations.push(performance.now() - begun);
    }
    return durations.sort((a, b) => a - b)[20];
  }

  async function expectUsualTime(): Promise<void> {
    const ms = await medianMs();
    expect({ ms, isUsual: ms < 3 * usualMs + 20 }).toMatchObject({ isUsual: true });
  }

  /** Rows of every table, but for the counters of requests and attempts. */
  function rowCounts(): Promise<Record<string, number>> {
    return withDatabase(database.superuserUrl, async (client) => {
      const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
      const counts: Record<string, number> = {};
      for (const { tablename } of rows) {
        if (['request_rate', 'sign_in_attempt'].includes(tablename)) continue;
        const { rows: counted } = await client.query(`SELECT count(*)::int AS count FROM ${tablename}`);
        counts[tablename] = counted[0].count;
      }
      return counts;
    });
  }

  /** What is wrong with an answer, or undefined. */
  function complaint(status: number, text: string, body: string | Buffer = ''): string | undefined {
    const told = text.match(INSIDES)?.filter((each) => !body.includes(each)) ?? [];
    if (told.length > 0) return `it tells of our insides: ${told}`;
    let answer: { data?: object | null; errors?: ApiError[] };
    try {
      // What a subscription says first, or a whole answer.
      answer = JSON.parse(/^event: next\ndata: (.*)$/m.exec(text)?.[1] ?? text);
    } catch {
      return 'it is no JSON';
    }
    // The object store's refusals have a form of their own, as S3's have.
    const refusal = (answer as { error?: { code?: string; message?: string; remedy?: string } }).error;
    if (refusal) return refusal.code && refusal.message && refusal.remedy ? undefined : 'it has no code or remedy';
    if (!answer.errors) return status === 200 && answer.data ? undefined : 'it has neither data nor errors';
    for (const { message, extensions } of answer.errors) {
      const code = extensions?.code as (typeof ERROR_CODES)[number];
      if (!ERROR_CODES.includes(code)) return `its code is ${code}`;
      if (code === 'INTERNAL' || code === 'UNAVAILABLE') return `its code is ${code}`;
      if (!message || !extensions.requestId) return 'it has no message or no id';
    }
    return undefined;
  }

  async function send(client: ApiClient, request: Request): Promise<{ status: number; text: string }> {
    const { body, method = 'POST', path: at = '/graphql', headers = {} } = request;
    const response = await fetch(`${client.url}${at}`, {
      method,
      headers: { 'content-type': 'application/json', ...client.headers, ...headers },
      body: method === 'GET' || method === 'HEAD' ? undefined : body,
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Sends all of them, some at a time, and expects each answer to be in order. */
  async function expectAnswers(client: ApiClient, requests: readonly Request[]): Promise<string[]> {
    const wrong: string[] = [];
    const texts: string[] = new Array(requests.length);
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < requests.length; i = next++) {
        try {
          const { status, text } = await send(client, requests[i]);
          texts[i] = text;
          const problem = complaint(status, text, requests[i].body);
          if (problem) wrong.push(`${requests[i].what}: ${problem}: ${status} ${text.slice(0, 300)}`);
        } catch (error) {
          wrong.push(`${requests[i].what}: ${error}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    sent += requests.length;
    expect(wrong).toEqual([]);
    return texts;
  }

  const documentRequest = (what: string, query: string, at?: string): Request => ({
    what,
    body: JSON.stringify({ query }),
    path: at,
  });

  test('documents: deep, wide, aliased, in rings', async () => {
    const before = await rowCounts();
    const documents = hostileDocuments();
    await expectAnswers(
      cast.anonymous,
      documents.map(([what, query]) => documentRequest(what, query)),
    );
    await expectAnswers(
      cast.keyOfEveryScope,
      documents.map(([what, query]) => documentRequest(what, query)),
    );
    const streamed = documents.map(([what, query]) => ({
      ...documentRequest(what, query, '/graphql/stream'),
      headers: { accept: 'text/event-stream' },
    }));
    await expectAnswers(cast.keyOfEveryScope, streamed);
    expect(await rowCounts()).toEqual(before);
    await expectUsualTime();
  }, 60_000);

  test('bodies: no JSON, no UTF-8, prototype keys, deep, long, packed', async () => {
    const before = await rowCounts();
    const bodies = hostileBodies().map(([what, body]): Request => ({ what, body }));
    await expectAnswers(cast.anonymous, bodies);
    await expectAnswers(cast.keyOfEveryScope, bodies);
    const query = '{"query":"{ viewer { role } }"}';
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/xml',
      'x',
      '',
    ];
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
    await expectAnswers(cast.anonymous, [
      ...types.map((type): Request => ({ what: type, body: query, headers: { 'content-type': type } })),
      ...['gzip', 'deflate', 'br', 'x'].map(
        (encoding): Request => ({ what: encoding, body: bomb, headers: { 'content-encoding': encoding } }),
      ),
      ...['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET'].map((method): Request => ({ what: method, body: query, method })),
      ...[
        '/graphql/../x',
        '/graphql/%2e%2e',
        '/graphql%00',
        '/GRAPHQL',
        '//graphql',
        '/objects/..%2f..%2fetc',
        '/%ff',
        '/%',
      ].map((at): Request => ({ what: at, body: query, path: at })),
      { what: 'a mutation by GET', body: '', method: 'GET', path: '/graphql?query=mutation{signOut{signedOut}}' },
      { what: 'a team that is none', body: query, headers: { 'fusecast-team': 'x'.repeat(8000) } },
      { what: 'a key that is none', body: query, headers: { authorization: `Bearer fck_${'0'.repeat(7000)}` } },
      { what: 'a cookie that is none', body: query, headers: { cookie: `${'a='.repeat(3000)}; __proto__=x` } },
    ]);
    expect(await rowCounts()).toEqual(before);
    await expectUsualTime();
  }, 60_000);

  test('SQL, paths, control characters and long texts in every argument that takes a text', async () => {
    const before = await rowCounts();
    const fields = rootFields(buildSchema(await printedSchema())).filter(
      ({ operation }) => operation !== 'subscription',
    );
    const requests = fields.flatMap(({ name, query, leaves }) =>
      leaves.flatMap((leaf) =>
        // A password is hashed whatever it is, which takes its time.
        HOSTILE_TEXTS.filter((_, i) => !/password/i.test(leaf.path) || i % 12 === 0).map((value) => ({
          name,
          what: `${name} ${leaf.path} ${JSON.stringify(value.slice(0, 40))}`,
          body: JSON.stringify({ query, variables: leaf.with(value) }),
        })),
      ),
    );
    expect(requests.length).toBeGreaterThan(1000);
    // Passwords are hashed, and attempts slowed: who signs in or asks by mail is tested beside that (sign-up.test.ts).
    const texts = await expectAnswers(cast.owner, requests);
    const succeeded = texts.flatMap((text, i) => (JSON.parse(text).data?.[requests[i].name] ? [requests[i].name] : []));
    const count = (name: string) => succeeded.filter((each) => each === name).length;
    const after = await rowCounts();
    // What a team may be called is no business of ours: what was answered with success is there, and nothing else.
    const made: Record<string, number> = {
      team: count('createTeam'),
      member: count('createTeam'),
      api_key: count('createApiKey'),
      upload: count('requestUpload'),
      invitation: count('createInvitation'),
    };
    for (const [table, rows] of Object.entries(after)) {
      if (['audit_entry', 'team_usage', 'email_request', 'second_factor'].includes(table)) continue;
      expect({ table, rows }).toEqual({ table, rows: before[table] + (made[table] ?? 0) });
    }
    await expectUsualTime();
  }, 120_000);

  test('documents with random damage', async () => {
    const random = createRandom(6);
    const before = await rowCounts();
    const seeds = [
      NORMAL,
      'query Q($first: Int = 3) { predictions(first: $first, filter: { networkId: "x" }) { edges { node { id latencyUs } } } }',
      '{ node(id: "VGVhbTp4") { __typename ... on Network { name kernelPlan(runtime: "onnxruntime-cpu") { kernels { kind } } } } }',
      'fragment V on Viewer { role team { ...T } } fragment T on Team { id name } query { viewer { ...V } }',
    ];
    const pieces = [
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      '$',
      '@',
      '...',
      '!',
      ':',
      '"',
      '"""',
      '\\u',
      '#',
      '\n',
      '\u0000',
      'on',
      'null',
      '1e9',
      '\ud83d',
    ];
    const damage = (text: string): string => {
      const [at, length] = [random.below(text.length), random.below(8)];
      return text.slice(0, at) + pieces[random.below(pieces.length)] + text.slice(at + length);
    };
    const requests = Array.from({ length: 400 }, (_, i): Request => {
      let text = seeds[i % seeds.length];
      for (let n = random.below(5); n >= 0; n--) text = damage(text);
      // Half of them as documents, half with damage to the JSON around them.
      const whole = i % 2 === 0;
      return { what: text, body: whole ? JSON.stringify({ query: text }) : damage(JSON.stringify({ query: text })) };
    });
    await expectAnswers(cast.keyOfEveryScope, requests);
    expect(await rowCounts()).toEqual(before);
  }, 60_000);

  test('bodies of 100 MB, said and unsaid, while others are answered', async () => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    const statusOf = async (at: string, sized: boolean, method = 'POST'): Promise<string> => {
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (data) => {
        answer += data;
      });
      // The service hangs up on what it does not read.
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('error', () => {});
      await once(socket, 'connect');
      const length = sized ? `content-length: ${100 * chunk.length}` : 'transfer-encoding: chunked';
      socket.write(`${method} ${at} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`);
      for (let i = 0; i < 100 && !socket.destroyed && !answer; i++) {
        const frame = sized
          ? chunk
          : Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
        if (!socket.write(frame)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
      }
      await until(async () => answer.includes('"code"'), Boolean, 20_000);
      socket.destroy();
      const problem = complaint(
        Number(answer.slice(9, 12)),
        answer.slice(answer.indexOf('{"errors"')).replace(/\r\n0\r\n\r\n$/, ''),
      );
      expect({ at, problem, answer }).toMatchObject({ problem: undefined });
      return answer.slice(9, 12);
    };
    const [statuses] = await Promise.all([
      Promise.all([
        ...Array.from({ length: 6 }, () => statusOf('/graphql', true)),
        ...Array.from({ length: 6 }, () => statusOf('/graphql', false)),
        statusOf('/graphql/stream', true),
        statusOf('/graphql/stream', false),
      ]),
      expectUsualTime(),
    ]);
    sent += statuses.length;
    expect(new Set(statuses)).toEqual(new Set(['413']));
  }, 60_000);

  test('bodies that trickle in are given up, while others are answered', async () => {
    const { hostname, port } = new URL(service.url);
    const begun = performance.now();
    const slow = async (at: string): Promise<string> => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write(`POST ${at} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`);
      const trickle = setInterval(() => socket.write(' '), 100);
      let answer = '';
      for await (const data of socket) {
        answer += data;
        if (answer.includes('"code"')) break;
      }
      clearInterval(trickle);
      socket.destroy();
      return answer;
    };
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 30 }, (_, i) => slow(i % 2 ? '/graphql' : '/graphql/stream'))),
      expectUsualTime(),
    ]);
    sent += answers.length;
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"BAD_INPUT"/);
    expect(performance.now() - begun).toBeLessThan(20_000);
  }, 30_000);

  test('what is no HTTP at all', async () => {
    const { hostname, port } = new URL(service.url);
    const texts = [
      'GET / HTTP/9.9\r\n\r\n',
      'NONSENSE\r\n\r\n',
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: x\r\n${'x: y\r\n'.repeat(20_000)}\r\n`,
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      'POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      '\u0000\u0000\u0000\u0000\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    ];
    for (const text of texts) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write(text);
      let answer = '';
      for await (const data of socket) {
        answer += data;
        break;
      }
      socket.destroy();
      sent += 1;
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d [\s\S]*"code":"(BAD_INPUT|TOO_LARGE|LIMIT_EXCEEDED)"/);
      expect(answer).not.toMatch(INSIDES);
    }
  }, 30_000);

  describe('files', () => {
    const UPLOADED = ['upload', 'audit_entry', 'team_usage'];

    async function expectRejected(kind: 'DATASET' | 'NETWORK', name: string, bytes: Uint8Array): Promise<void> {
      const client = cast.keyOfEveryScope;
      const file =
        kind === 'DATASET' ? await client.createDataset(name, bytes) : await client.createNetwork(name, bytes);
      sent += 3;
      if (file.status === 'READY' && kind === 'NETWORK') return;
      expect({ name, status: file.status }).toEqual({ name, status: 'REJECTED' });
      expect(ERROR_CODES).toContain(file.failure.code);
      expect(['INTERNAL', 'UNAVAILABLE']).not.toContain(file.failure.code);
      expect(JSON.stringify(file.failure)).not.toMatch(INSIDES);
    }

    async function parquet(select: string): Promise<Buffer> {
      const file = path.join(directory, 'bomb.parquet');
      await withDuckDB((connection) =>
        connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`),
      );
      return readFile(file);
    }

    test('profiles that unpack to much more than they are', async () => {
      const before = await rowCounts();
      const row = "'net' AS network, 'tflite/a/gpu/float' AS scenario";
      const header = 'network,scenario,latencyUs\n';
      await expectRejected(
        'DATASET',
        'rows.parquet',
        await parquet(`SELECT ${row}, -1.0 AS latencyUs FROM range(650000)`),
      );
      await expectRejected(
        'DATASET',
        'many.parquet',
        await parquet(`SELECT ${row}, 1.0 AS latencyUs FROM range(12000000)`),
      );
      await expectRejected(
        'DATASET',
        'text.parquet',
        await parquet(
          `SELECT repeat('x', 1000000) AS network, 'tflite/a/gpu/float' AS scenario, -1.0 AS latencyUs FROM range(200)`,
        ),
      );
      const wide = Array.from({ length: 2000 }, (_, i) => `1 AS c${i}`).join(', ');
      await expectRejected('DATASET', 'wide.parquet', await parquet(`SELECT ${row}, ${wide}`));
      const packed = gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(200 * 1024 * 1024, 'a,b,1\n')]));
      for (const name of ['zip.csv', 'zip.csv.gz', 'zip.zip', 'zip.json', 'zip.parquet']) {
        await expectRejected('DATASET', name, packed);
      }
      await expectRejected(
        'DATASET',
        'quote.csv',
        Buffer.concat([Buffer.from(`${header}"`), Buffer.alloc(30 * 1024 * 1024, 'x')]),
      );
      await expectRejected('DATASET', 'deep.json', Buffer.from('['.repeat(2_000_000)));
      await expectRejected('DATASET', 'objects.json', Buffer.from('{"a":'.repeat(1_000_000)));
      const after = await rowCounts();
      for (const [table, rows] of Object.entries(after)) {
        if (![...UPLOADED, 'dataset'].includes(table)) expect({ table, rows }).toEqual({ table, rows: before[table] });
      }
    }, 120_000);

    test('networks with false sizes and endless work', async () => {
      const files = [
        ...exhaustingFiles().filter((_, i) => i % 16 === 0),
        ...damagedFiles('onnx', 8),
        ...damagedFiles('tflite', 8),
      ];
      for (const { what, bytes } of files)
        await expectRejected('NETWORK', what.replaceAll('/', ' ').slice(0, 100), bytes);
    }, 120_000);
  });

  test('more than 2,000 requests later it holds less than 1 GiB, answers in its usual time, and has logged no fault', async () => {
    expect(sent).toBeGreaterThanOrEqual(2000);
    await expectUsualTime();
    expect(service.peakMemoryBytes).toBeLessThan(GIB);
    expect(service.log.split('\n').filter((line) => line.includes('"level":50'))).toEqual([]);
    process.stderr.write(
      `hostile: ${sent} requests, ${Math.round(service.peakMemoryBytes / 1024 ** 2)} MiB at most, ${usualMs.toFixed(1)} ms usually\n`,
    );
  });
});
