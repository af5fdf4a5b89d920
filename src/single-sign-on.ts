/**
 * Signing in by an OpenID Connect provider: discovery, authorization code with PKCE, state and nonce. Two routes:
 *   GET /sign-in/openid            sends the browser to the provider
 *   GET /sign-in/openid/callback   takes it back, signs the person in by cookie, and shows the dashboard
 * What one attempt has to remember is in a cookie of its own, so that any replica can end what another began.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordChange } from './audit';
import { type OpenedSession, openSession } from './authentication';
import { CodedError, sqlState, UNIQUE_VIOLATION } from './errors';
import { Identity } from './schema/identity';
import { newId } from './schema/node';
import { Person } from './schema/person';
import { setSessionCookie } from './session-cookie';
import type { SignInAttempts } from './sign-in-attempts';
import { type Origin, restrict, type Tenancy } from './tenancy';

export const SIGN_IN_PATH = '/sign-in/openid';
const CALLBACK_PATH = `${SIGN_IN_PATH}/callback`;
const COOKIE = 'fusecast-openid';
/** How long somebody may take to sign in at the provider. */
const ATTEMPT_SECONDS = 600;

export interface SingleSignOnOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where browsers reach this service. */
  readonly publicUrl: string;
  readonly secureCookies: boolean;
  readonly tenancy: Tenancy;
  readonly attempts: SignInAttempts;
}

/** What is remembered of an attempt: it belongs to the browser that holds it, and is worth nothing elsewhere. */
const attemptForm = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string() });
type Attempt = z.infer<typeof attemptForm>;

/** What the provider says of a person. */
const claimsForm = z.object({
  iss: z.string(),
  sub: z.string().max(255),
  email: z.email().max(254),
  email_verified: z.literal(true),
  name: z.string().min(1).max(200).optional().catch(undefined),
});
type Claims = z.infer<typeof claimsForm>;

/** The routes, as a Fastify plugin. */
export async function singleSignOnRoutes(app: FastifyInstance, options: SingleSignOnOptions): Promise<void> {
  const { publicUrl, secureCookies, tenancy, attempts } = options;
  const provider = new Provider(options);
  const cookie = { httpOnly: true, sameSite: 'lax', secure: secureCookies, path: SIGN_IN_PATH } as const;

  app.get(SIGN_IN_PATH, async (request: FastifyRequest, reply: FastifyReply) => {
    await attempts.countAddress(request.ip);
    const { url, attempt } = await provider.begin(publicUrl + CALLBACK_PATH);
    const value = Buffer.from(JSON.stringify(attempt)).toString('base64url');
    reply.setCookie(COOKIE, value, { ...cookie, maxAge: ATTEMPT_SECONDS });
    return reply.header('cache-control', 'no-store').redirect(url.href, 303);
  });

  app.get(CALLBACK_PATH, async (request: FastifyRequest, reply: FastifyReply) => {
    await attempts.countAddress(request.ip);
    const attempt = readAttempt(request.cookies[COOKIE]);
    reply.clearCookie(COOKIE, cookie).header('cache-control', 'no-store');
    const claims = await provider.end(new URL(request.url, publicUrl), attempt);
    const origin = {
      requestId: request.id,
      address: request.ip,
      userAgent: request.headers['user-agent']?.slice(0, 300),
    };
    setSessionCookie(reply, secureCookies, await signIn(tenancy, claims, origin));
    return reply.redirect('/', 303);
  });
}

function readAttempt(cookie: string | undefined): Attempt {
  try {
    return attemptForm.parse(JSON.parse(Buffer.from(cookie ?? '', 'base64url').toString()));
  } catch {
    throw failed('This browser has not begun to sign in here, or has taken too long.');
  }
}

function failed(message: string, cause?: unknown): CodedError {
  return new CodedError('UNAUTHENTICATED', message, SIGN_IN_PATH, `Begin again at ${SIGN_IN_PATH}.`, cause);
}

/** The provider. It is asked about itself at the first use, so that the service starts without it. */
class Provider {
  #discovered: ReturnType<typeof discover> | undefined;

  constructor(private readonly options: SingleSignOnOptions) {}

  async begin(callback: string): Promise<{ url: URL; attempt: Attempt }> {
    const { library, configuration } = await this.#discover();
    const attempt = {
      state: library.randomState(),
      nonce: library.randomNonce(),
      codeVerifier: library.randomPKCECodeVerifier(),
    };
    const url = library.buildAuthorizationUrl(configuration, {
      redirect_uri: callback,
      scope: 'openid email profile',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(attempt.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, attempt };
  }

  /** @throws UNAUTHENTICATED if the answer is not one to this attempt, FORBIDDEN without a verified address */
  async end(answer: URL, { state, nonce, codeVerifier }: Attempt): Promise<Claims> {
    const { library, configuration } = await this.#discover();
    try {
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      };
      const tokens = await library.authorizationCodeGrant(configuration, answer, checks);
      const identity = tokens.claims()!;
      // Providers may keep the address out of the ID token.
      const more =
        'email' in identity ? {} : await library.fetchUserInfo(configuration, tokens.access_token, identity.sub);
      return readClaims({ ...more, ...identity });
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw failed('The provider has not confirmed who you are.', error);
    }
  }

  async #discover(): ReturnType<typeof discover> {
    this.#discovered ??= discover(this.options);
    try {
      return await this.#discovered;
    } catch (error) {
      this.#discovered = undefined;
      const message = 'The OpenID Connect provider does not answer.';
      throw new CodedError('UNAVAILABLE', message, SIGN_IN_PATH, 'Try again in a moment.', error);
    }
  }
}

async function discover({ issuer, clientId, clientSecret }: SingleSignOnOptions) {
  // An ES module, which CommonJS takes this way only.
  const library = await import('openid-client');
  // The configuration takes http only on this very machine.
  const execute = issuer.startsWith('http:') ? [library.allowInsecureRequests] : [];
  const configuration = await library.discovery(new URL(issuer), clientId, clientSecret, undefined, { execute });
  return { library, configuration };
}

function readClaims(claims: unknown): Claims {
  const read = claimsForm.safeParse(claims);
  if (read.success) return read.data;
  const remedy = 'Verify your address there, or sign up here with a password.';
  throw new CodedError(
    'FORBIDDEN',
    'The provider does not vouch for an e-mail address of yours.',
    SIGN_IN_PATH,
    remedy,
  );
}

/** The person whom the provider knows, or whose verified address it names; a new one if there is none. */
async function signIn(
  tenancy: Tenancy,
  { iss: issuer, sub: subject, ...claims }: Claims,
  origin: Origin,
): Promise<OpenedSession> {
  const email = claims.email.toLowerCase();
  try {
    return await tenancy.within({ 'app.identity': `${issuer} ${subject}`, 'app.email': email }, async (manager) => {
      const identity = await manager.findOneBy(Identity, { issuer, subject });
      const person = identity ? undefined : await manager.findOneBy(Person, { email });
      const personId = identity?.personId ?? person?.id ?? newId();
      await restrict(manager, { 'app.person_id': personId });
      if (!identity && !person) await manager.insert(Person, { id: personId, email, name: claims.name ?? email });
      if (!identity) await manager.insert(Identity, { id: newId(), personId, issuer, subject });
      await recordChange(manager, { kind: 'person', personId, origin }, 'signInByOpenId', undefined, { issuer });
      return openSession(manager, personId, origin);
    });
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    throw failed('Somebody is signing up with this address at this very moment.');
  }
}
