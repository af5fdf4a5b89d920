/** Guessing passwords and addresses: slowed, and answered alike whether there is such an account. */
import type { ApiClient } from '../testkit/client';
import { TestService } from '../testkit/service';
import { TestSmtp } from '../testkit/smtp';

const SIGN_UP = 'mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }';
const VERIFY = 'mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { token person { email name } } }';
const SIGN_IN = 'mutation ($input: SignInInput!) { signIn(input: $input) { token person { email } } }';
const REQUEST_RESET =
  'mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { mailSent } }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { sessions } }';
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { sessions } }';

const PASSWORD = 'correct horse battery';

describe('guessing', () => {
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

  async function signUp(email = newAddress()): Promise<{ email: string; client: ApiClient }> {
    await nobody.query(SIGN_UP, { input: { email, name: 'Ada', password: PASSWORD } });
    const { verifyEmail } = await nobody.query(VERIFY, { input: { token: await smtp.tokenTo(email) } });
    return { email, client: nobody.as(verifyEmail.token) };
  }

  const signIn = async (email: string, password = PASSWORD) =>
    nobody.as((await nobody.query(SIGN_IN, { input: { email, password } })).signIn.token);

  describe('is slowed', () => {
    test.each([
      ['of an account', true],
      ['of no account', false],
    ])('after ten failures %s, also with the right password; others go on', async (_which, exists) => {
      const email = exists ? (await signUp()).email : newAddress();
      const wrong = { input: { email, password: 'not the password' } };
      const codes: string[] = [];
      for (let i = 0; i < 11; i++) codes.push((await nobody.refusal(SIGN_IN, wrong)).extensions.code);
      expect(codes).toEqual([...Array(10).fill('UNAUTHENTICATED'), 'RATE_LIMITED']);
      const refusal = await nobody.refusal(SIGN_IN, { input: { email, password: PASSWORD } });
      expect(refusal.extensions).toMatchObject({
        code: 'RATE_LIMITED',
        remedy: expect.stringMatching(/again in \d+ s/),
      });
      const other = await signUp();
      await signIn(other.email);
      // Who can read the account's mails is not locked out.
      if (!exists) return;
      await nobody.query(REQUEST_RESET, { input: { email } });
      const password = 'a new horse battery';
      await nobody.query(RESET, { input: { token: await smtp.tokenTo(email, 1), password } });
      await signIn(email, password);
    });

    test('and success is not counted', async () => {
      const { email } = await signUp();
      for (let i = 0; i < 12; i++) await signIn(email);
    });

    test('of a password by whoever has a session', async () => {
      const { client } = await signUp();
      const input = { currentPassword: 'not the password', newPassword: 'a new horse battery' };
      const codes: string[] = [];
      for (let i = 0; i < 11; i++) codes.push((await client.refusal(CHANGE, { input })).extensions.code);
      expect(codes.at(-1)).toBe('RATE_LIMITED');
    });

    test('and nobody is flooded with mails', async () => {
      const email = newAddress();
      for (let i = 0; i < 5; i++) await nobody.query(REQUEST_RESET, { input: { email } });
      expect((await nobody.refusal(REQUEST_RESET, { input: { email } })).extensions.code).toBe('RATE_LIMITED');
    });
  });

  test('an account and no account are answered in times of one class', async () => {
    const { email } = await signUp();
    const timeOf = async (query: string, input: object) => {
      const started = performance.now();
      await nobody.answer(query, { input });
      return performance.now() - started;
    };
    const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    const times: Record<string, number[]> = { known: [], unknown: [] };
    for (let i = 0; i < 9; i++) {
      times.known.push(await timeOf(SIGN_IN, { email, password: 'not the password' }));
      times.unknown.push(await timeOf(SIGN_IN, { email: 'nobody@example.net', password: 'not the password' }));
    }
    // The hash is what takes long: without it the unknown would take a tenth.
    expect(median(times.unknown)).toBeGreaterThan(median(times.known) / 3);
    expect(median(times.known)).toBeGreaterThan(median(times.unknown) / 3);
  });
});
