/** The second factor: one-time codes as an authenticator app makes them, recovery codes, turning it on and off. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { URI } from 'otpauth';
import { Sealing } from '../../src/sealing';
import { type ApiClient, until } from '../testkit/client';
import { type TestPerson, TestService, withDatabase } from '../testkit/service';

const SIGN_IN = 'mutation ($input: SignInInput!) { signIn(input: $input) { token } }';
const ENROL = 'mutation ($input: EnrolSecondFactorInput!) { enrolSecondFactor(input: $input) { uri secret } }';
const CONFIRM = 'mutation ($input: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $input) { recoveryCodes } }';
const DISABLE = 'mutation ($input: DisableSecondFactorInput!) { disableSecondFactor(input: $input) { disabled } }';
const WHETHER = '{ viewer { hasSecondFactor } }';
const PERIOD_MS = 30_000;

describe('the second factor', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service?.stop());

  const signIn = (person: TestPerson, code?: string) =>
    service.anonymous.answer(SIGN_IN, { input: { email: person.email, password: person.password, code } });
  const codeOf = async (answer: ReturnType<ApiClient['answer']>) => (await answer).errors?.[0].extensions.code;

  /** The app's code, of now or of another step. */
  function appCode(uri: string, steps = 0): string {
    return URI.parse(uri).generate({ timestamp: Date.now() + steps * PERIOD_MS });
  }

  async function enrolled(): Promise<{ person: TestPerson; uri: string; recoveryCodes: string[] }> {
    const person = await service.createPerson();
    const { enrolSecondFactor } = await person.client.query(ENROL, { input: { password: person.password } });
    const { uri } = enrolSecondFactor;
    // The step before, so that the codes of this one and the next are unused.
    const { confirmSecondFactor } = await person.client.query(CONFIRM, { input: { code: appCode(uri, -1) } });
    return { person, uri, recoveryCodes: confirmSecondFactor.recoveryCodes };
  }

  test('counts once its owner has shown a code, and only with their password', async () => {
    const person = await service.createPerson();
    const wrong = await person.client.refusal(ENROL, { input: { password: 'not the password' } });
    expect(wrong.extensions).toMatchObject({ code: 'FORBIDDEN', where: 'input.password' });
    const none = await person.client.refusal(CONFIRM, { input: { code: '123456' } });
    expect(none.extensions.code).toBe('CONFLICT');
    const { enrolSecondFactor } = await person.client.query(ENROL, { input: { password: person.password } });
    const { uri, secret } = enrolSecondFactor;
    expect(uri).toContain(`otpauth://totp/Fusecast:${encodeURIComponent(person.email)}`);
    expect(uri).toContain(`secret=${secret}`);
    expect(await codeOf(signIn(person))).toBeUndefined();
    expect((await person.client.query(WHETHER)).viewer.hasSecondFactor).toBe(false);
    const bad = await person.client.refusal(CONFIRM, { input: { code: appCode(uri, 10) } });
    expect(bad.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.code' });
    await person.client.query(CONFIRM, { input: { code: appCode(uri) } });
    expect((await person.client.query(WHETHER)).viewer.hasSecondFactor).toBe(true);
    expect(await codeOf(signIn(person))).toBe('UNAUTHENTICATED');
    expect((await person.client.refusal(ENROL, { input: { password: person.password } })).extensions.code).toBe(
      'CONFLICT',
    );
  });

  test('takes each code once, and none of another time', async () => {
    const { person, uri } = await enrolled();
    const missing = await signIn(person);
    expect(missing.errors?.[0].extensions).toMatchObject({ code: 'UNAUTHENTICATED', where: 'input.code' });
    const code = appCode(uri, 1);
    expect(await codeOf(signIn(person, code))).toBeUndefined();
    for (const refused of [code, appCode(uri, 0), appCode(uri, 20), '000000', 'abc', '']) {
      expect(await codeOf(signIn(person, refused))).toBe('UNAUTHENTICATED');
    }
  });

  test('is kept sealed for its owner, and anew after each use', async () => {
    const { person, uri } = await enrolled();
    const read = () =>
      withDatabase(service.database.superuserUrl, async (client) => {
        const { rows } = await client.query(
          `SELECT sealed_secret, t::text AS row, person_id FROM second_factor t
             JOIN person ON person.id = person_id WHERE email = $1`,
          [person.email],
        );
        return rows[0];
      });
    const before = await read();
    const { secret } = URI.parse(uri);
    for (const form of [secret.base32, secret.hex, Buffer.from(secret.buffer).toString('base64')]) {
      expect(before.row).not.toContain(form);
    }
    const key = await readFile(path.join(service.directory, 'secret-key'), 'utf8');
    expect((await stat(path.join(service.directory, 'secret-key'))).mode & 0o777).toBe(0o600);
    const sealing = new Sealing([key]);
    expect(sealing.open(before.sealed_secret, before.person_id)).toBe(secret.base32);
    expect(await codeOf(signIn(person, appCode(uri, 1)))).toBeUndefined();
    const after = await read();
    expect(after.sealed_secret).not.toBe(before.sealed_secret);
    expect(sealing.open(after.sealed_secret, after.person_id)).toBe(secret.base32);
  });

  test('tells its owner by mail when it is turned on and off', async () => {
    const { person } = await enrolled();
    const notice = (subject: string) =>
      until(
        async () => service.mails.find((mail) => mail.startsWith(`--- mail to ${person.email}: ${subject}`)),
        Boolean,
      );
    expect(await notice('Your Fusecast account has a second factor')).toContain('If it was you');
    expect(service.mails.filter((mail) => mail.includes(person.email))).toHaveLength(1);
    await person.client.query(DISABLE, { input: { password: person.password } });
    await notice('Your Fusecast account has no second factor');
    // There is none any more, so nothing changes.
    await person.client.query(DISABLE, { input: { password: person.password } });
    await withDatabase(service.database.superuserUrl, async (client) => {
      const { rows } = await client.query(
        "SELECT FROM pgboss.job WHERE name = 'sendAccountNotice' AND data->>'personId' = (SELECT id::text FROM person WHERE email = $1)",
        [person.email],
      );
      expect(rows).toHaveLength(2);
    });
  });

  test('of two sign-ins at once with one code, one succeeds', async () => {
    const { person, uri } = await enrolled();
    const code = appCode(uri, 1);
    const codes = await Promise.all([codeOf(signIn(person, code)), codeOf(signIn(person, code))]);
    expect(codes.sort()).toEqual(['UNAUTHENTICATED', undefined]);
  });

  test('wrong codes are slowed like wrong passwords', async () => {
    const { person, uri } = await enrolled();
    for (let i = 0; i < 10; i++) await signIn(person, '000000');
    expect(await codeOf(signIn(person, appCode(uri, 1)))).toBe('RATE_LIMITED');
  });

  test('has ten recovery codes, each good once, however it is typed, and kept as digests', async () => {
    const { person, recoveryCodes } = await enrolled();
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(recoveryCodes[0]).toMatch(/^[0-9a-f]{4}(-[0-9a-f]{4}){4}$/);
    expect(await codeOf(signIn(person, recoveryCodes[0]))).toBeUndefined();
    expect(await codeOf(signIn(person, recoveryCodes[0]))).toBe('UNAUTHENTICATED');
    expect(await codeOf(signIn(person, recoveryCodes[1].toUpperCase().replaceAll('-', ' ')))).toBeUndefined();
    const stored = await withDatabase(service.database.superuserUrl, (client) =>
      client.query('SELECT t::text AS row FROM recovery_code t'),
    );
    const text = stored.rows.map(({ row }) => row).join('\n');
    for (const code of recoveryCodes) expect(text).not.toContain(code.replaceAll('-', ''));
  });

  test('is turned off with the password, not with a session alone', async () => {
    const { person } = await enrolled();
    const refusal = await person.client.refusal(DISABLE, { input: { password: 'not the password' } });
    expect(refusal.extensions.code).toBe('FORBIDDEN');
    expect(await person.client.query(DISABLE, { input: { password: person.password } })).toEqual({
      disableSecondFactor: { disabled: true },
    });
    expect(await codeOf(signIn(person))).toBeUndefined();
  });
});
