/** Signing in by a real OpenID Connect provider: service and provider in processes of their own, a browser's cookies here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createApplicationRole } from '../../src/migrate';
import { newSealingKey } from '../../src/sealing';
import type { Data } from '../testkit/client';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from '../testkit/postgres';
import { withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';

/** What a browser does with cookies, as far as these tests need it: it keeps them by origin and path. */
class Browser {
  readonly #cookies = new Map<string, { value: string; origin: string; path: string }>();

  async request(url: string, form?: Record<string, string>): Promise<Response> {
    const { origin, pathname } = new URL(url);
    const cookies = [...this.#cookies]
      .filter(([, each]) => each.origin === origin && pathname.startsWith(each.path))
      .map(([name, { value }]) => `${name}=${value}`);
    const response = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      headers: { cookie: cookies.join('; ') },
      body: form && new URLSearchParams(form),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split('=');
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, { value, origin, path: /path=([^;]+)/i.exec(line)?.[1] ?? '/' });
    }
    return response;
  }

  /** Follows redirections until `stops` says so of the next address, or there is none. */
  async follow(
    from: Response,
    at: string,
    stops: (url: string) => boolean,
  ): Promise<{ response: Response; url: string }> {
    let [response, url] = [from, at];
    for (let location = response.headers.get('location'); location; location = response.headers.get('location')) {
      url = new URL(location, url).href;
      if (stops(url)) break;
      response = await this.request(url);
    }
    return { response, url };
  }

  get hasSession(): boolean {
    return this.#cookies.has('fusecast');
  }

  /** The same browser without what the service has put there. */
  forget(name: string): void {
    this.#cookies.delete(name);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

describe('single sign-on', () => {
  let database: TestDatabase;
  let directory: string;
  let provider: ChildProcess;
  let service: ServiceProcess;
  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await createTemporaryDirectory('single-sign-on');
    await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
    const [port, providerPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const program = path.join(__dirname, '..', 'testkit', 'openid-provider.mjs');
    const options = { stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'] };
    provider = spawn(process.execPath, [program, String(providerPort), `${url}/sign-in/openid/callback`], options);
    await once(provider.stdout!, 'data');
    service = await ServiceProcess.start({
      DATABASE_URL: database.url,
      FUSECAST_SECRET_KEY: newSealingKey(),
      FUSECAST_DATA: directory,
      FUSECAST_URL: url,
      PORT: String(port),
      OIDC_ISSUER: `http://127.0.0.1:${providerPort}`,
      OIDC_CLIENT_ID: 'fusecast',
      OIDC_CLIENT_SECRET: 'provider-secret-of-32-characters',
    });
  });
  afterAll(async () => {
    await service?.stop();
    provider?.kill();
    await database?.drop();
    if (directory) await rm(directory, { recursive: true });
  });

  /** Signs in at the provider and agrees, up to the redirection that leads back. */
  async function atProvider(browser: Browser, login: string): Promise<string> {
    const begun = `${service.url}/sign-in/openid`;
    const isBack = (url: string) => url.startsWith(`${service.url}/sign-in/openid/callback`);
    let page = await browser.follow(await browser.request(begun), begun, isBack);
    const forms: Record<string, string>[] = [{ prompt: 'login', login, password: 'any' }, { prompt: 'consent' }];
    for (const form of forms) {
      expect(page.response.status).toBe(200);
      page = await browser.follow(await browser.request(page.url, form), page.url, isBack);
    }
    return page.url;
  }

  test('makes a person, signs them in by cookie, and knows them again', async () => {
    for (let i = 0; i < 2; i++) {
      const browser = new Browser();
      const back = await browser.request(await atProvider(browser, 'ada'));
      expect([back.status, back.headers.get('location')]).toEqual([303, '/']);
      expect(back.headers.getSetCookie().join()).toMatch(/fusecast=fcs_[\w-]{43};.*HttpOnly.*SameSite=Lax/);
      expect(browser.hasSession).toBe(true);
    }
    await withDatabase(database.superuserUrl, async (client) => {
      const people = await client.query('SELECT email, name, password_hash FROM person');
      expect(people.rows).toEqual([{ email: 'ada@example.net', name: 'Person ada', password_hash: null }]);
      expect((await client.query('SELECT FROM person_session')).rowCount).toBe(2);
      expect((await client.query('SELECT subject FROM identity')).rows).toEqual([{ subject: 'ada' }]);
    });
  });

  test('knows a person by their verified address', async () => {
    await withDatabase(database.superuserUrl, (client) =>
      client.query("INSERT INTO person (id, email, name) VALUES (gen_random_uuid(), 'grace@example.net', 'Grace')"),
    );
    const browser = new Browser();
    await browser.request(await atProvider(browser, 'grace'));
    expect(browser.hasSession).toBe(true);
    await withDatabase(database.superuserUrl, async (client) => {
      const { rows } = await client.query("SELECT name FROM person WHERE email = 'grace@example.net'");
      expect(rows).toEqual([{ name: 'Grace' }]);
    });
  });

  test.each<[string, string, (browser: Browser, url: URL) => void, string]>([
    ['an address that is not verified', 'unverified-eve', () => {}, 'FORBIDDEN'],
    ['another state', 'eve', (_browser, url) => url.searchParams.set('state', 'x'.repeat(43)), 'UNAUTHENTICATED'],
    ['another code', 'eve', (_browser, url) => url.searchParams.set('code', 'x'.repeat(43)), 'UNAUTHENTICATED'],
    ['the browser of somebody else', 'eve', (browser) => browser.forget('fusecast-openid'), 'UNAUTHENTICATED'],
  ])('is refused with %s', async (_what, login, spoil, code) => {
    const browser = new Browser();
    const url = new URL(await atProvider(browser, login));
    spoil(browser, url);
    const refused = await browser.request(url.href);
    const { errors } = (await refused.json()) as Data;
    expect(errors[0].extensions.code).toBe(code);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(browser.hasSession).toBe(false);
  });

  test('takes an answer of the provider once', async () => {
    const browser = new Browser();
    const url = await atProvider(browser, 'ada');
    await browser.request(url);
    const again = await browser.request(url);
    expect(((await again.json()) as Data).errors[0].extensions.code).toBe('UNAUTHENTICATED');
  });
});
