/** People: signing up by mail, forgotten and changed passwords, sessions. Through a real SMTP server. */
import { type ApiClient, type Data, until } from '../testkit/client';
import { TestService, withDatabase } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';

const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }';
const VERIFY = 'mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { token person { email name } } }';
const SIGN_IN = 'mutation ($input: SignInInput!) { signIn(input: $input) { token person { email } } }';
const REQUEST_RESET =
  'mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { mailSent } }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { sessions } }';
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { sessions } }';
const WHO = '{ viewer { person { email } } }';
const SESSIONS = '{ sessions { edges { node { id address userAgent lastUsedAt } } } }';
const REVOKE = 'mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { sessionId } }';

const PASSWORD = 'correct horse battery';

describe('people', () => {
  let smtp: TestSmtp;
  let service: TestService;
  let nobody: ApiClient;
  let people = 0;
  beforeAll(async () => {
    smtp = await TestSmtp.start();
    service = await TestService.start({ config: { mail: { url: smtp.url, from: 'fusecast@example.org' } } });
    nobody = service.anonymous;
  });
  afterAll(async () => {
    await service?.stop();
    await smtp?.stop();
  });

  const newAddress = () => `ada-${++people}@example.net`;
  const sql = (text: string, values: unknown[] = []) =>
    withDatabase(service.database.superuserUrl, (client) => client.query(text, values));

  async function signUp(email = newAddress()): Promise<{ email: string; client: ApiClient }> {
    await nobody.query(SIGN_UP, { input: { email, name: 'Ada', password: PASSWORD } });
    const { verifyEmail } = await nobody.query(VERIFY, { input: { token: await smtp.tokenTo(email) } });
    return { email, client: nobody.as(verifyEmail.token) };
  }

  const signIn = async (email: string, password = PASSWORD) =>
    nobody.as((await nobody.query(SIGN_IN, { input: { email, password } })).signIn.token);

  describe('signing up', () => {
    test('makes nobody until the link in the mail is followed, which signs in, once', async () => {
      const email = newAddress();
      const input = { email: ` ${email.toUpperCase()}`.trim(), name: 'Ada', password: PASSWORD };
      expect(await nobody.query(SIGN_UP, { input })).toEqual({ signUp: { mailSent: true } });
      expect((await nobody.refusal(SIGN_IN, { input: { email, password: PASSWORD } })).extensions.code).toBe(
        'UNAUTHENTICATED',
      );
      const { text } = await smtp.mailTo(email);
      expect(text).toContain('From: fusecast@example.org');
      const token = await smtp.tokenTo(email);
      expect(text).toContain(`${nobody.url}/verify-email#${token}`);
      const { verifyEmail } = await nobody.query(VERIFY, { input: { token } });
      expect(verifyEmail.person).toEqual({ email, name: 'Ada' });
      expect(await nobody.as(verifyEmail.token).query(WHO)).toEqual({ viewer: { person: { email } } });
      expect((await nobody.refusal(VERIFY, { input: { token } })).extensions).toMatchObject({
        code: 'BAD_INPUT',
        where: 'input.token',
      });
      await signIn(email);
    });

    test('with an address that is taken is answered alike; its owner gets a mail without a link', async () => {
      const { email } = await signUp();
      const again = { email, name: 'Eve', password: 'another horse battery' };
      expect(await nobody.query(SIGN_UP, { input: again })).toEqual({ signUp: { mailSent: true } });
      const { subject, text } = await smtp.mailTo(email, 1);
      expect(subject).toBe('You have a Fusecast account already');
      expect(text).not.toMatch(/#[\w-]{43}/);
      await signIn(email);
    });

    test('twice before the link is followed makes one person, whose second link says so', async () => {
      const email = newAddress();
      const input = { email, name: 'Ada', password: PASSWORD };
      for (let i = 0; i < 2; i++) await nobody.query(SIGN_UP, { input });
      const tokens = [await smtp.tokenTo(email, 0), await smtp.tokenTo(email, 1)];
      await nobody.query(VERIFY, { input: { token: tokens[0] } });
      expect((await nobody.refusal(VERIFY, { input: { token: tokens[1] } })).extensions.code).toBe('CONFLICT');
    });

    test('with a link of a day ago is refused', async () => {
      const email = newAddress();
      await nobody.query(SIGN_UP, { input: { email, name: 'Ada', password: PASSWORD } });
      const token = await smtp.tokenTo(email);
      await sql('UPDATE email_request SET expires_at = now() WHERE email = $1', [email]);
      expect((await nobody.refusal(VERIFY, { input: { token } })).extensions.code).toBe('BAD_INPUT');
    });

    test('gets its mail although the SMTP server is busy at first', async () => {
      await sql("UPDATE pgboss.queue SET retry_delay = 1, retry_backoff = false WHERE name = 'answerEmailRequest'");
      smtp.refusals = 1;
      const { email } = await signUp();
      expect(smtp.refusals).toBe(0);
      await signIn(email);
    });

    test('leaves no secret in the database or the log', async () => {
      const { email } = await signUp();
      await nobody.query(REQUEST_RESET, { input: { email } });
      const secrets = [await smtp.tokenTo(email, 0), await smtp.tokenTo(email, 1), PASSWORD];
      const rows = await Promise.all(
        ['email_request', 'person', 'person_session', 'audit_entry', 'pgboss.job', 'pgboss.archive'].map((table) =>
          sql(`SELECT t::text AS row FROM ${table} t`).then((result) => result.rows.map(({ row }) => row).join('\n')),
        ),
      );
      expect(rows.join('\n')).toContain(email);
      for (const secret of secrets) {
        expect(rows.join('\n')).not.toContain(secret);
        expect(service.log.join('')).not.toContain(secret);
      }
    });
  });

  describe('a forgotten password', () => {
    test('is replaced by a link, once, which ends all sessions', async () => {
      const { email, client } = await signUp();
      const other = await signIn(email);
      expect(await nobody.query(REQUEST_RESET, { input: { email } })).toEqual({
        requestPasswordReset: { mailSent: true },
      });
      const token = await smtp.tokenTo(email, 1);
      const password = 'a new horse battery';
      expect(await nobody.query(RESET, { input: { token, password } })).toEqual({ resetPassword: { sessions: 2 } });
      expect((await smtp.mailTo(email, 2)).subject).toBe('Your Fusecast password has changed');
      for (const ended of [client, other]) {
        expect((await ended.refusal(WHO)).extensions.code).toBe('UNAUTHENTICATED');
      }
      expect((await nobody.refusal(SIGN_IN, { input: { email, password: PASSWORD } })).extensions.code).toBe(
        'UNAUTHENTICATED',
      );
      await signIn(email, password);
      expect((await nobody.refusal(RESET, { input: { token, password } })).extensions.code).toBe('BAD_INPUT');
    });

    test('of nobody is answered alike, and no mail goes out', async () => {
      const email = newAddress();
      expect(await nobody.query(REQUEST_RESET, { input: { email } })).toEqual({
        requestPasswordReset: { mailSent: true },
      });
      const done = "SELECT FROM pgboss.job WHERE name = 'answerEmailRequest' AND state < 'completed'";
      await until(
        () => sql(done),
        ({ rowCount }) => rowCount === 0,
      );
      expect(smtp.mails.filter(({ to }) => to === email)).toEqual([]);
    });

    test('is not replaced by a link for signing up, nor by one of an hour ago', async () => {
      const { email } = await signUp();
      await nobody.query(REQUEST_RESET, { input: { email } });
      const token = await smtp.tokenTo(email, 1);
      expect((await nobody.refusal(VERIFY, { input: { token } })).extensions.code).toBe('BAD_INPUT');
      await sql("UPDATE email_request SET expires_at = now() WHERE email = $1 AND purpose = 'PASSWORD_RESET'", [email]);
      const input = { token, password: 'a new horse battery' };
      expect((await nobody.refusal(RESET, { input })).extensions.code).toBe('BAD_INPUT');
    });
  });

  test('a password is changed with the one before, and the other sessions end', async () => {
    const { email, client } = await signUp();
    const other = await signIn(email);
    const newPassword = 'a new horse battery';
    const wrong = { currentPassword: 'not the password', newPassword };
    expect((await client.refusal(CHANGE, { input: wrong })).extensions).toMatchObject({
      code: 'FORBIDDEN',
      where: 'input.currentPassword',
    });
    const right = { currentPassword: PASSWORD, newPassword };
    expect(await client.query(CHANGE, { input: right })).toEqual({ changePassword: { sessions: 1 } });
    await client.query(WHO);
    expect((await other.refusal(WHO)).extensions.code).toBe('UNAUTHENTICATED');
    await signIn(email, newPassword);
    const { subject, text } = await smtp.mailTo(email, 1);
    expect(subject).toBe('Your Fusecast password has changed');
    expect(text).not.toContain(newPassword);
    // The attempt with a wrong one is no change.
    const notices =
      "SELECT FROM pgboss.job WHERE name = 'sendAccountNotice' AND data->>'personId' = (SELECT id::text FROM person WHERE email = $1)";
    expect((await sql(notices, [email])).rows).toHaveLength(1);
  });

  describe('sessions', () => {
    test('are listed and ended one by one, or all; those of others are not found', async () => {
      const { email, client } = await signUp();
      const other = await signIn(email);
      const { sessions } = await client.query(SESSIONS);
      expect(sessions.edges).toHaveLength(2);
      expect(sessions.edges[0].node).toMatchObject({
        address: '127.0.0.1',
        userAgent: expect.stringContaining('node'),
      });
      const stranger = (await signUp()).client;
      const input = { sessionId: sessions.edges[0].node.id };
      expect((await stranger.refusal(REVOKE, { input })).extensions.code).toBe('NOT_FOUND');
      await client.query(REVOKE, { input });
      expect((await other.refusal(WHO)).extensions.code).toBe('UNAUTHENTICATED');
      const third = await signIn(email);
      const { signOutEverywhere } = await third.query('mutation { signOutEverywhere { sessions } }');
      expect(signOutEverywhere.sessions).toBe(2);
      for (const ended of [client, third]) expect((await ended.refusal(WHO)).extensions.code).toBe('UNAUTHENTICATED');
    });

    /** As a browser: with a cookie, and without reading the token. */
    async function browse(
      query: string,
      variables: object = {},
      cookie?: string,
    ): Promise<{ cookie: string; data: Data }> {
      const headers = { 'content-type': 'application/json', ...(cookie && { cookie }) };
      const body = JSON.stringify({ query, variables });
      const response = await fetch(`${nobody.url}/graphql`, { method: 'POST', headers, body });
      const { data } = (await response.json()) as Data;
      return { cookie: response.headers.get('set-cookie') ?? '', data };
    }

    const SIGN_IN_BROWSER = 'mutation ($input: SignInInput!) { signIn(input: $input) { person { email } } }';
    const pairOf = (cookie: string) => cookie.split(';')[0];

    test("live in a browser's cookie that no script reads and no other site sends", async () => {
      const { email } = await signUp();
      const { cookie } = await browse(SIGN_IN_BROWSER, { input: { email, password: PASSWORD } });
      expect(cookie).toMatch(/^fusecast=fcs_[\w-]{43}; /);
      for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Expires=']) expect(cookie).toContain(attribute);
      expect(cookie).not.toContain('Secure');
      expect((await browse(WHO, {}, pairOf(cookie))).data.viewer.person.email).toBe(email);
      const out = await browse('mutation { signOut { signedOut } }', {}, pairOf(cookie));
      expect(out.cookie).toMatch(/^fusecast=; .*Expires=Thu, 01 Jan 1970/);
      // The browser that still sends it is nobody, and can sign in again.
      expect((await browse(WHO, {}, pairOf(cookie))).data.viewer).toBeNull();
      const again = await browse(SIGN_IN_BROWSER, { input: { email, password: PASSWORD } }, pairOf(cookie));
      expect(again.data.signIn.person.email).toBe(email);
    });

    test('are Secure under https', async () => {
      const http = { host: '127.0.0.1', port: 0, publicUrl: 'https://fusecast.example', bodySeconds: 10 };
      const secure = await TestService.start({ sharedWith: service, role: 'api', config: { http } });
      try {
        const { email } = await signUp();
        const response = await fetch(`${secure.anonymous.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: SIGN_IN_BROWSER, variables: { input: { email, password: PASSWORD } } }),
        });
        const cookie = response.headers.get('set-cookie');
        expect(cookie).toMatch(/^__Host-fusecast=fcs_/);
        for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Secure']) expect(cookie).toContain(attribute);
      } finally {
        await secure.pause();
      }
    });

    test('change their token after half a day; the old one passes a minute longer', async () => {
      const { email } = await signUp();
      const first = pairOf((await browse(SIGN_IN_BROWSER, { input: { email, password: PASSWORD } })).cookie);
      expect((await browse(WHO, {}, first)).cookie).toBe('');
      const mine = 'person_id = (SELECT id FROM person WHERE email = $1)';
      await sql(`UPDATE person_session SET created_at = now() - interval '13 hours' WHERE ${mine}`, [email]);
      // Requests that come at once get one new token between them.
      const answers = await Promise.all(Array.from({ length: 4 }, () => browse(WHO, {}, first)));
      expect(answers.map(({ data }) => data.viewer?.person.email)).toEqual(Array(4).fill(email));
      const renewed = answers.map(({ cookie }) => cookie).filter(Boolean);
      expect(renewed).toHaveLength(1);
      const second = pairOf(renewed[0]);
      expect(second).not.toBe(first);
      for (const cookie of [first, second]) {
        const answer = await browse(WHO, {}, cookie);
        expect([answer.data.viewer.person.email, answer.cookie]).toEqual([email, '']);
      }
      await sql(
        `UPDATE person_session SET renewed_at = now() - interval '61 seconds' WHERE renewed_at IS NOT NULL AND ${mine}`,
        [email],
      );
      expect((await browse(WHO, {}, first)).data.viewer).toBeNull();
      expect((await browse(WHO, {}, second)).data.viewer.person.email).toBe(email);
    });
  });
});

test('without an SMTP server mails are printed', async () => {
  const service = await TestService.start();
  try {
    const input = { email: 'first@example.net', name: 'First', password: PASSWORD };
    await service.anonymous.query(SIGN_UP, { input });
    const [mail] = await until(
      async () => service.mails,
      ({ length }) => length > 0,
    );
    expect(mail).toContain('mail to first@example.net');
    const token = /#([\w-]{43})/.exec(mail)![1];
    await service.anonymous.query(VERIFY, { input: { token } });
    expect(service.log.join('')).not.toContain(token);
  } finally {
    await service.stop();
  }
});
