/**
 * A live service in a process of its own that is treated badly: what is sent to it, what its answers must be, and what it
 * must have kept doing meanwhile. Knows the API's errors and the tables' names; not what the attacks are.
 */
import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { ERROR_CODES } from '../../src/errors';
import { createApplicationRole } from '../../src/migrate';
import { newSealingKey } from '../../src/sealing';
import { createCast } from './cast';
import type { ApiClient, ApiError } from './client';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from './postgres';
import { withDatabase } from './service';
import { ServiceProcess } from './service-process';

const GIB = 1024 ** 3;
const AT_A_TIME = 12;
const MEASUREMENTS = 40;
/** A body that has not arrived by then is given up. */
export const BODY_SECONDS = 2;

/** What people ask for all the time. */
export const NORMAL_QUERY = '{ viewer { role } datasets { edges { node { id name } } } }';

/** What must be in no answer: stacks, SQL, paths, names of our insides. */
export const INSIDES =
  /\n\s+at |node_modules|\.(ts|js):\d|SELECT |INSERT INTO|fusecast_app|violates|pg_|QueryFailedError|TypeError|ECONN/g;

export interface HostileRequest {
  readonly what: string;
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly path?: string;
}

export class HostileService {
  /** How many requests were sent to it. */
  sent = 0;
  #usualMs = 0;

  private constructor(
    private readonly service: ServiceProcess,
    private readonly database: TestDatabase,
    readonly directory: string,
    readonly cast: Awaited<ReturnType<typeof createCast>>,
  ) {}

  static async start(): Promise<HostileService> {
    const database = await createTestDatabase();
    const directory = await createTemporaryDirectory('hostile');
    await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
    const unlimited = ['KEY', 'PERSON', 'ADDRESS'].map((whose) => [`FUSECAST_RATE_LIMIT_${whose}`, '999999']);
    const service = await ServiceProcess.start({
      DATABASE_URL: database.url,
      FUSECAST_DATA: directory,
      FUSECAST_SECRET_KEY: newSealingKey(),
      FUSECAST_BODY_SECONDS: String(BODY_SECONDS),
      ...Object.fromEntries(unlimited),
    });
    const cast = await createCast({ anonymous: service.anonymous, database });
    const hostile = new HostileService(service, database, directory, cast);
    // The first ones also make what is made once.
    await hostile.#medianMs();
    hostile.#usualMs = await hostile.#medianMs();
    return hostile;
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.database.drop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A bare connection to it. What it does not read, it hangs up on. */
  connect(): Socket {
    const { hostname, port } = new URL(this.service.url);
    return connect(Number(port), hostname).on('error', () => {});
  }

  /** How long a normal query takes, in the middle. */
  async #medianMs(): Promise<number> {
    const durations: number[] = [];
    for (let i = 0; i < MEASUREMENTS; i++) {
      const begun = performance.now();
      await this.cast.keyOfEveryScope.query(NORMAL_QUERY);
      durations.push(performance.now() - begun);
    }
    return durations.sort((a, b) => a - b)[MEASUREMENTS / 2];
  }

  async expectUsualTime(): Promise<void> {
    const ms = await this.#medianMs();
    expect({ ms, isUsual: ms < 3 * this.#usualMs + 20 }).toMatchObject({ isUsual: true });
  }

  /** Rows of every table, but for the counters of requests and attempts. */
  rowCounts(): Promise<Record<string, number>> {
    return withDatabase(this.database.superuserUrl, async (client) => {
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

  async #send(client: ApiClient, request: HostileRequest): Promise<{ status: number; text: string }> {
    const { body, method = 'POST', path: at = '/graphql', headers = {} } = request;
    const response = await fetch(`${client.url}${at}`, {
      method,
      headers: { 'content-type': 'application/json', ...client.headers, ...headers },
      body: method === 'GET' || method === 'HEAD' ? undefined : body,
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Sends all of them, some at a time, expects each answer to be in order, and returns them. */
  async expectAnswers(client: ApiClient, requests: readonly HostileRequest[]): Promise<string[]> {
    const wrong: string[] = [];
    const texts: string[] = new Array(requests.length);
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < requests.length; i = next++) {
        try {
          const { status, text } = await this.#send(client, requests[i]);
          texts[i] = text;
          const problem = complaint(status, text, requests[i].body);
          if (problem) wrong.push(`${requests[i].what}: ${problem}: ${status} ${text.slice(0, 300)}`);
        } catch (error) {
          wrong.push(`${requests[i].what}: ${error}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    this.sent += requests.length;
    expect(wrong).toEqual([]);
    return texts;
  }

  /** After at least so many requests it holds little memory, answers in its usual time, and has logged no fault. */
  async expectUnharmed(minimumSent: number): Promise<void> {
    expect(this.sent).toBeGreaterThanOrEqual(minimumSent);
    await this.expectUsualTime();
    const { peakMemoryBytes, log } = this.service;
    expect(peakMemoryBytes).toBeLessThan(GIB);
    expect(log.split('\n').filter((line) => line.includes('"level":50'))).toEqual([]);
    const mebibytes = Math.round(peakMemoryBytes / 1024 ** 2);
    process.stderr.write(`${this.sent} requests, ${mebibytes} MiB at most, ${this.#usualMs.toFixed(1)} ms usually\n`);
  }
}

/** What is wrong with an answer, or undefined. */
export function complaint(status: number, text: string, body: string | Buffer = ''): string | undefined {
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
    if (!ERROR_CODES.includes(code) || code === 'INTERNAL' || code === 'UNAVAILABLE') return `its code is ${code}`;
    if (!message || !extensions.requestId) return 'it has no message or no id';
  }
  return undefined;
}
