/**
 * All tenancy: who is asking (Session), what they may do (ACTIONS, authorize), the transaction in which PostgreSQL
 * shows one team's rows only (inTeam and its narrower sisters), and the keys of a team's objects.
 *
 * Two locks, each enough by itself: every resolver begins with `authorize`, which denies what the table of actions does
 * not allow; and every statement runs as the role fusecast_app, under forced row-level security for the team of the
 * session. The settings a transaction carries are explained in the first file of migrations/.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { CodedError } from './errors';
import { ApiKey } from './schema/api-key';
import { Role, Scope } from './schema/enums';
import { toGlobalId } from './schema/node';
import { PersonSession } from './schema/person';
import { Member } from './schema/team';

// ---------------------------------------------------------------------------------------------------------- sessions

/** Where a request came from, for the audit log. */
export interface Origin {
  readonly requestId: string;
  readonly address: string;
}

/** Nobody. `refusal` is why the credential that came along was not taken: it is never silently ignored. */
interface AnonymousSession {
  readonly kind: 'anonymous';
  readonly refusal?: CodedError;
  readonly origin?: Origin;
}

/** A person who is signed in, in at most one team. */
export interface PersonSessionContext {
  readonly kind: 'person';
  readonly personId: string;
  readonly personSessionId: string;
  readonly teamId?: string;
  readonly role?: Role;
  readonly origin?: Origin;
}

/** An API key: always of one team. */
interface ApiKeySession {
  readonly kind: 'apiKey';
  readonly teamId: string;
  readonly apiKeyId: string;
  readonly scopes: readonly Scope[];
  readonly origin?: Origin;
}

export type Session = AnonymousSession | PersonSessionContext | ApiKeySession;

/** A session that authorization found a team for; a job's is made from its payload. */
export type TeamSession = (PersonSessionContext & { readonly teamId: string }) | ApiKeySession | JobSession;

/** Work of the service itself for one team: no request, no role, no scope, only a team. */
export interface JobSession {
  readonly kind: 'job';
  readonly teamId: string;
}

/** The session of a job, whose payload says the team that the transaction which enqueued it worked in. */
export function jobSession(teamId: string): JobSession {
  return { kind: 'job', teamId };
}

// ----------------------------------------------------------------------------------------------------------- actions

const EVERYBODY: readonly Role[] = [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER];
const WRITERS: readonly Role[] = [Role.OWNER, Role.ADMIN, Role.MEMBER];
const ADMINISTRATORS: readonly Role[] = [Role.OWNER, Role.ADMIN];

/** What is done within a team: the roles that may, and the scope that lets an API key (none: no key may). */
const TEAM_ACTIONS = {
  TEAM_READ: { roles: EVERYBODY, scope: Scope.TEAM_READ },
  API_KEY_READ: { roles: ADMINISTRATORS, scope: undefined },
  API_KEY_WRITE: { roles: ADMINISTRATORS, scope: undefined },
  AUDIT_READ: { roles: ADMINISTRATORS, scope: undefined },
  DATASET_READ: { roles: EVERYBODY, scope: Scope.DATASET_READ },
  DATASET_WRITE: { roles: WRITERS, scope: Scope.DATASET_WRITE },
  NETWORK_READ: { roles: EVERYBODY, scope: Scope.NETWORK_READ },
  NETWORK_WRITE: { roles: WRITERS, scope: Scope.NETWORK_WRITE },
  SCENARIO_READ: { roles: EVERYBODY, scope: Scope.SCENARIO_READ },
  PREDICTOR_READ: { roles: EVERYBODY, scope: Scope.PREDICTOR_READ },
  PREDICTOR_WRITE: { roles: WRITERS, scope: Scope.PREDICTOR_WRITE },
  PREDICTION_READ: { roles: EVERYBODY, scope: Scope.PREDICTION_READ },
  PREDICTION_WRITE: { roles: WRITERS, scope: Scope.PREDICTION_WRITE },
} as const satisfies Record<Scope | string, { roles: readonly Role[]; scope: Scope | undefined }>;

/** What a person does before there is a team. No API key may. */
const PERSON_ACTIONS = ['TEAM_CREATE', 'TEAM_LIST', 'SIGN_OUT'] as const;

/** What anybody may, with a good credential or none. */
const PUBLIC_ACTIONS = ['SIGN_UP', 'SIGN_IN', 'VIEWER_READ'] as const;

export type TeamAction = keyof typeof TEAM_ACTIONS;
export type PersonAction = (typeof PERSON_ACTIONS)[number];
export type PublicAction = (typeof PUBLIC_ACTIONS)[number];

const SIGN_IN_REMEDY = 'Send `Authorization: Bearer <API key or session token>`.';

function unauthenticated(message: string): CodedError {
  return new CodedError('UNAUTHENTICATED', message, 'authorization', SIGN_IN_REMEDY);
}

/**
 * The first line of every resolver: returns the session, narrowed to what the action guarantees, or throws.
 * What is in no table is denied.
 * @throws CodedError UNAUTHENTICATED, FORBIDDEN, BAD_INPUT (a person of several teams has picked none)
 */
export function authorize(session: Session, action: TeamAction): TeamSession;
export function authorize(session: Session, action: PersonAction): PersonSessionContext;
export function authorize(session: Session, action: PublicAction): Session;
export function authorize(session: Session, action: TeamAction | PersonAction | PublicAction): Session | TeamSession {
  if (session.kind === 'anonymous' && session.refusal) throw session.refusal;
  if (isOneOf(PUBLIC_ACTIONS, action)) return session;
  if (session.kind === 'anonymous') throw unauthenticated('This needs an API key or a signed-in person.');
  if (isOneOf(PERSON_ACTIONS, action)) {
    if (session.kind === 'person') return session;
    throw forbidden(action, 'an API key may not; sign in as a person');
  }
  return authorizeInTeam(session, action);
}

function authorizeInTeam(session: PersonSessionContext | ApiKeySession, action: TeamAction): TeamSession {
  const rule: { roles: readonly Role[]; scope: Scope | undefined } | undefined = TEAM_ACTIONS[action];
  if (!rule) throw forbidden(action, 'nobody may');
  if (session.kind === 'apiKey') {
    if (rule.scope && session.scopes.includes(rule.scope)) return session;
    throw forbidden(action, rule.scope ? `the API key lacks the scope ${rule.scope}` : 'no API key may');
  }
  const { teamId, role } = session;
  if (!teamId || !role) {
    throw new CodedError(
      'BAD_INPUT',
      'The request does not say which team it works in.',
      'fusecast-team',
      'Send the header `fusecast-team: <team id>`; `teams` lists yours, `createTeam` makes one.',
    );
  }
  if (rule.roles.includes(role)) return { ...session, teamId };
  throw forbidden(action, `the role ${role} may not`);
}

function isOneOf<T extends string>(actions: readonly T[], action: string): action is T {
  return (actions as readonly string[]).includes(action);
}

function forbidden(action: string, reason: string): CodedError {
  return new CodedError('FORBIDDEN', `${action} is not allowed: ${reason}.`, undefined, 'Ask an admin of the team.');
}

// ------------------------------------------------------------------------------------------------------- credentials

const API_KEY_FORM = /^fck_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;
const SESSION_TOKEN_FORM = /^fcs_[A-Za-z0-9_-]{43}$/;

/** SHA-256 is enough for secrets of 256 random bits: there is nothing to guess that a slow hash would slow down. */
function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** A new session token and what is kept of it. */
export function newSessionToken(): { token: string; tokenSha256: string } {
  const token = `fcs_${randomBytes(32).toString('base64url')}`;
  return { token, tokenSha256: sha256(token) };
}

/** The key of a new API key's row id and what is kept of its secret. */
export function newApiKeySecret(apiKeyId: string): { key: string; secretSha256: string } {
  const secret = randomBytes(32).toString('base64url');
  return { key: `fck_${apiKeyId.replaceAll('-', '')}_${secret}`, secretSha256: sha256(secret) };
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

// ------------------------------------------------------------------------------------------------------ transactions

/** What a transaction may see, by the setting that says so. */
interface Visibility {
  readonly 'app.team_id'?: string;
  readonly 'app.person_id'?: string;
  readonly 'app.email'?: string;
  readonly 'app.session_sha256'?: string;
  readonly 'app.api_key_id'?: string;
}

async function restrict(manager: EntityManager, visibility: Visibility): Promise<void> {
  const settings = Object.entries({ role: 'fusecast_app', ...visibility });
  const calls = settings.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, true)`);
  await manager.query(`SELECT ${calls.join(', ')}`, settings.flat());
}

/** How often, at most, the use of a key is written down. */
const LAST_USE_PRECISION_MS = 60_000;

export class Tenancy {
  constructor(private readonly database: DataSource) {}

  /** Rejects if the database does not answer, or does not let the service become the application role. */
  async check(): Promise<void> {
    await this.restricted({}, (manager) => manager.query('SELECT'));
  }

  /** Runs `work` in a transaction that sees the rows of the session's team and nothing else. */
  inTeam<T>(session: TeamSession, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.restricted({ 'app.team_id': session.teamId }, work);
  }

  /** Sees the person, their sessions, their memberships and the teams of those. */
  asPerson<T>(personId: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.restricted({ 'app.person_id': personId }, work);
  }

  /** A team that is being made: sees the person and the new team, which is empty. */
  inNewTeam<T>(
    session: PersonSessionContext,
    teamId: string,
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T> {
    return this.restricted({ 'app.person_id': session.personId, 'app.team_id': teamId }, work);
  }

  /** Sees the person with this address: for signing in. */
  withEmail<T>(email: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.restricted({ 'app.email': email }, work);
  }

  private restricted<T>(visibility: Visibility, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.transaction(async (manager) => {
      await restrict(manager, visibility);
      return work(manager);
    });
  }

  /**
   * The session of a request. Never throws for a bad credential: the refusal is in the session, and `authorize` throws
   * it, so that every such request is answered alike.
   * @param authorization the header, `Bearer fck_...` (API key) or `Bearer fcs_...` (person)
   * @param team the header `fusecast-team`, a team's global id: for people of several teams
   */
  async authenticate(authorization: string | undefined, team: string | undefined): Promise<Session> {
    if (authorization === undefined) return { kind: 'anonymous' };
    const [, credential = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    const apiKey = API_KEY_FORM.exec(credential);
    if (apiKey) return this.authenticateApiKey(toUuid(apiKey[1]), apiKey[2], team);
    if (SESSION_TOKEN_FORM.test(credential)) return this.authenticatePerson(sha256(credential), team);
    return { kind: 'anonymous', refusal: unauthenticated('The header authorization holds no key or token of ours.') };
  }

  private async authenticateApiKey(id: string, secret: string, team: string | undefined): Promise<Session> {
    const key = await this.restricted({ 'app.api_key_id': id }, (manager) => manager.findOneBy(ApiKey, { id }));
    const refuse = (message: string): Session => ({ kind: 'anonymous', refusal: unauthenticated(message) });
    if (!key || !timingSafeEqual(Buffer.from(key.secretSha256), Buffer.from(sha256(secret)))) {
      return refuse('The API key is unknown.');
    }
    if (key.revokedAt) return refuse('The API key is revoked.');
    const now = new Date();
    if (key.expiresAt && key.expiresAt <= now) return refuse('The API key has expired.');
    const session: ApiKeySession = { kind: 'apiKey', teamId: key.teamId, apiKeyId: id, scopes: key.scopes };
    if (team !== undefined && team !== toGlobalId('Team', key.teamId)) {
      return { kind: 'anonymous', refusal: notYourTeam('The API key is of another team than the header says.') };
    }
    if (!key.lastUsedAt || now.getTime() - key.lastUsedAt.getTime() > LAST_USE_PRECISION_MS) {
      await this.inTeam(session, (manager) => manager.update(ApiKey, { id }, { lastUsedAt: now }));
    }
    return session;
  }

  private async authenticatePerson(tokenSha256: string, team: string | undefined): Promise<Session> {
    const found = await this.restricted({ 'app.session_sha256': tokenSha256 }, async (manager) => {
      const session = await manager.findOneBy(PersonSession, { tokenSha256 });
      if (!session || session.revokedAt || session.expiresAt <= new Date()) return undefined;
      await restrict(manager, { 'app.person_id': session.personId });
      return { session, members: await manager.findBy(Member, { personId: session.personId }) };
    });
    if (!found) {
      return { kind: 'anonymous', refusal: unauthenticated('The session is unknown, signed out or has expired.') };
    }
    const { session, members } = found;
    const person = { kind: 'person', personId: session.personId, personSessionId: session.id } as const;
    const [only, second] = members;
    const member = team === undefined ? (second ? undefined : only) : members.find((m) => isTeam(m, team));
    if (team !== undefined && !member) {
      return { kind: 'anonymous', refusal: notYourTeam('The header fusecast-team names no team of yours.') };
    }
    return { ...person, teamId: member?.teamId, role: member?.role };
  }
}

function isTeam(member: Member, globalId: string): boolean {
  return toGlobalId('Team', member.teamId) === globalId;
}

function notYourTeam(message: string): CodedError {
  return new CodedError('NOT_FOUND', message, 'fusecast-team', '`teams` without this header lists yours.');
}

// ------------------------------------------------------------------------------------------------------- object keys

/** Where the bytes of an upload go: by team and digest, so that the same bytes are stored once and never overwritten. */
export function uploadKey(session: TeamSession, digest: string): string {
  return `teams/${session.teamId}/uploads/${digest}`;
}

/** Where a predictor version's ONNX file goes. */
export function predictorKey(session: TeamSession, digest: string): string {
  return `teams/${session.teamId}/predictors/${digest}.onnx`;
}
