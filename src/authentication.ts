/**
 * From a request's credential to its Session: API keys, bearer tokens of people, and the cookie of their browsers; and
 * the opening of sessions. What a session may do is decided in tenancy.ts.
 */
import { timingSafeEqual } from 'node:crypto';
import { type EntityManager, In } from 'typeorm';
import { isSessionToken, newSessionToken, parseApiKey, sha256 } from './credentials';
import { CodedError } from './errors';
import { ApiKey } from './schema/api-key';
import { Member } from './schema/member';
import { newId, toGlobalId } from './schema/node';
import { PersonSession } from './schema/person-session';
import { Team } from './schema/team';
import {
  type ApiKeyRow,
  type ApiKeySession,
  type Origin,
  restrict,
  type Session,
  type Tenancy,
  unauthenticated,
} from './tenancy';

const SESSION_DAYS = 30;
/** How often, at most, the use of a key or session is written down. */
const LAST_USE_PRECISION_MS = 60_000;
/** The token of a browser is replaced after this long. */
const RENEWAL_MS = 12 * 3600 * 1000;
/** Requests that were under way with the old token still pass for so long. */
const RENEWAL_OVERLAP_MS = 60_000;

/** What a request carries. */
export interface Credentials {
  /** The header, `Bearer fck_...` (API key) or `Bearer fcs_...` (person). Goes before the cookie. */
  readonly authorization?: string;
  /** The session token in a browser's cookie. */
  readonly cookie?: string;
  /** The header `fusecast-team`, a team's global id: for people of several teams. */
  readonly team?: string;
  /** Whether the answer can carry a new cookie. */
  readonly renews: boolean;
}

/** A token that the client gets, once. */
export interface OpenedSession {
  readonly token: string;
  readonly expiresAt: Date;
}

interface Authenticated {
  readonly session: Session;
  /** The token that replaces the one in the browser's cookie. */
  readonly renewed?: OpenedSession;
}

/**
 * The session of a request. Never throws for a bad credential: the refusal is in the session, and `authorize` throws
 * it, so that every such request is answered alike.
 */
export async function authenticate(
  tenancy: Tenancy,
  { authorization, cookie, team, renews }: Credentials,
): Promise<Authenticated> {
  if (authorization !== undefined) {
    const [, credential = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    const apiKey = parseApiKey(credential);
    if (apiKey) return { session: await authenticateApiKey(tenancy, apiKey.apiKeyId, apiKey.secret, team) };
    if (isSessionToken(credential)) return authenticatePerson(tenancy, sha256(credential), team, false);
    return refused(unauthenticated('The header authorization holds no key or token of ours.'));
  }
  if (cookie !== undefined && isSessionToken(cookie)) {
    const authenticated = await authenticatePerson(tenancy, sha256(cookie), team, renews);
    // A browser sends its cookie whether it is still good or not, and has to be able to sign in again.
    const ended = authenticated.session.kind === 'anonymous' && authenticated.session.refusal?.code;
    return ended === 'UNAUTHENTICATED' ? { session: { kind: 'anonymous' } } : authenticated;
  }
  return { session: { kind: 'anonymous' } };
}

function refused(refusal: CodedError): Authenticated {
  return { session: { kind: 'anonymous', refusal } };
}

async function authenticateApiKey(
  tenancy: Tenancy,
  id: string,
  secret: string,
  team: string | undefined,
): Promise<Session> {
  const key = await tenancy.apiKey(id);
  const refuse = (message: string): Session => ({ kind: 'anonymous', refusal: unauthenticated(message) });
  const now = new Date();
  if (!key || !isSecretOf(key, secret, now)) return refuse('The API key is unknown.');
  if (key.revokedAt) return refuse('The API key is revoked.');
  if (key.expiresAt && key.expiresAt <= now) return refuse('The API key has expired.');
  if (key.teamDeletionDueAt) return refuse('The team of this API key is being deleted.');
  const { teamId, scopes, scenarios } = key;
  const session: ApiKeySession = { kind: 'apiKey', teamId, apiKeyId: id, scopes, scenarios: scenarios ?? undefined };
  if (team !== undefined && team !== toGlobalId('Team', key.teamId)) {
    return { kind: 'anonymous', refusal: notYourTeam('The API key is of another team than the header says.') };
  }
  if (isStale(key.lastUsedAt, now)) {
    await tenancy.inTeam(session, (manager) => manager.update(ApiKey, { id }, { lastUsedAt: now }));
  }
  return session;
}

/** The key's secret, or the one before it while a rotation lets both count. */
function isSecretOf(key: ApiKeyRow, secret: string, now: Date): boolean {
  const given = Buffer.from(sha256(secret));
  if (timingSafeEqual(Buffer.from(key.secretSha256), given)) return true;
  const { previousSecretSha256: previous, previousSecretExpiresAt: expiresAt } = key;
  return Boolean(previous && expiresAt && expiresAt > now && timingSafeEqual(Buffer.from(previous), given));
}

function isStale(lastUsedAt: Date | null | undefined, now: Date): boolean {
  return !lastUsedAt || now.getTime() - lastUsedAt.getTime() > LAST_USE_PRECISION_MS;
}

async function authenticatePerson(
  tenancy: Tenancy,
  tokenSha256: string,
  team: string | undefined,
  renews: boolean,
): Promise<Authenticated> {
  const now = new Date();
  const found = await tenancy.within({ 'app.session_sha256': tokenSha256 }, async (manager) => {
    const session = await manager.findOneBy(PersonSession, [{ tokenSha256 }, { previousTokenSha256: tokenSha256 }]);
    if (!session || !isGood(session, tokenSha256, now)) return undefined;
    await restrict(manager, { 'app.person_id': session.personId });
    const renewed = renews ? await renew(manager, session, tokenSha256, now) : undefined;
    if (isStale(session.lastUsedAt, now)) {
      await manager.update(PersonSession, { id: session.id }, { lastUsedAt: now });
    }
    return { session, renewed, teams: await openTeams(manager, session.personId) };
  });
  if (!found) return refused(unauthenticated('The session is unknown, signed out or has expired.'));
  const { session, renewed, teams } = found;
  const [only, second] = teams;
  const picked =
    team === undefined ? (second ? undefined : only) : teams.find(({ teamId }) => toGlobalId('Team', teamId) === team);
  if (team !== undefined && !picked) return refused(notYourTeam('The header fusecast-team names no team of yours.'));
  const { personId, id: personSessionId } = session;
  return { session: { kind: 'person', personId, personSessionId, ...picked }, renewed };
}

function isGood(session: PersonSession, tokenSha256: string, now: Date): boolean {
  if (session.revokedAt || session.expiresAt <= now) return false;
  if (session.tokenSha256 === tokenSha256) return true;
  return Boolean(session.renewedAt && now.getTime() - session.renewedAt.getTime() < RENEWAL_OVERLAP_MS);
}

/** Replaces a token that has been in use for long; of requests that come at once, one does. */
async function renew(
  manager: EntityManager,
  { id, createdAt, renewedAt, expiresAt }: PersonSession,
  tokenSha256: string,
  now: Date,
): Promise<OpenedSession | undefined> {
  if (now.getTime() - (renewedAt ?? createdAt).getTime() < RENEWAL_MS) return undefined;
  const renewed = newSessionToken();
  const { affected } = await manager.update(
    PersonSession,
    { id, tokenSha256 },
    { tokenSha256: renewed.tokenSha256, previousTokenSha256: tokenSha256, renewedAt: now },
  );
  return affected ? { token: renewed.token, expiresAt } : undefined;
}

/** The teams of a person; one that is being deleted is seen by its owners alone (row-level security). */
async function openTeams(manager: EntityManager, personId: string) {
  const members = await manager.findBy(Member, { personId });
  const teams = await manager.findBy(Team, { id: In(members.map(({ teamId }) => teamId)) });
  return teams.map(({ id, deletionDueAt }) => ({
    teamId: id,
    role: members.find(({ teamId }) => teamId === id)!.role,
    deletionDueAt: deletionDueAt ?? undefined,
  }));
}

function notYourTeam(message: string): CodedError {
  return new CodedError('NOT_FOUND', message, 'fusecast-team', '`teams` without this header lists yours.');
}

/** Signs the person in: a new session, in a transaction that sees the person. */
export async function openSession(
  manager: EntityManager,
  personId: string,
  origin: Origin | undefined,
): Promise<OpenedSession> {
  const { token, tokenSha256 } = newSessionToken();
  const expiresAt = new Date(Date.now() + SESSION_DAYS * 24 * 3600 * 1000);
  const { address, userAgent } = origin ?? {};
  await manager.insert(PersonSession, { id: newId(), personId, tokenSha256, expiresAt, address, userAgent });
  return { token, expiresAt };
}
