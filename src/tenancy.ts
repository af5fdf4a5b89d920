/**
 * All tenancy: who is asking (Session), what they may do (the actions, authorize), the transaction in which PostgreSQL
 * shows one team's rows only (inTeam and its narrower sisters), and the keys of a team's objects.
 *
 * Two locks, each enough by itself: every resolver begins with `authorize`, which denies what the table of actions does
 * not allow; and every statement runs as the role fusecast_app, under forced row-level security for the team of the
 * session. The settings a transaction carries are explained in the first file of migrations/.
 */
import { type Client, escapeLiteral } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { CodedError, LeaseLostError } from './errors';
import { observeTransaction } from './observation';
import { Role, Scope } from './schema/enums';

// ---------------------------------------------------------------------------------------------------------- sessions

/** Where a request came from: for the audit log, and for people to recognise their sessions. */
export interface Origin {
  readonly requestId: string;
  readonly address: string;
  readonly userAgent?: string;
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
  /** When the team will be gone, if it is being deleted. */
  readonly deletionDueAt?: Date;
  readonly origin?: Origin;
}

/** An API key: always of one team. */
export interface ApiKeySession {
  readonly kind: 'apiKey';
  readonly teamId: string;
  readonly apiKeyId: string;
  readonly scopes: readonly Scope[];
  /** Names of the only scenarios it reaches; absent for all. */
  readonly scenarios?: readonly string[];
  readonly origin?: Origin;
}

export type Session = AnonymousSession | PersonSessionContext | ApiKeySession;

/** A session that authorization found a team for; a job's is made from its payload. */
export type TeamSession = (PersonSessionContext & { readonly teamId: string }) | ApiKeySession | JobSession;

/** A person, in a team. */
export type PersonTeamSession = PersonSessionContext & { readonly teamId: string; readonly role: Role };

/** Work of the service itself for one team: no request, no role, no scope, only a team. */
export interface JobSession {
  readonly kind: 'job';
  readonly teamId: string;
  readonly lease?: Lease;
}

/** The claim of one attempt to one job: who has lost it can neither read nor write for it any more. */
export interface Lease {
  readonly jobId: string;
  readonly token: string;
}

/**
 * The session of a job, whose payload says the team that the transaction which enqueued it worked in.
 * @param lease absent where two attempts at a time do no harm
 */
export function jobSession(teamId: string, lease?: Lease): JobSession {
  return { kind: 'job', teamId, lease };
}

// ----------------------------------------------------------------------------------------------------------- actions

const EVERYBODY: readonly Role[] = [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER];
const WRITERS: readonly Role[] = [Role.OWNER, Role.ADMIN, Role.MEMBER];
const ADMINISTRATORS: readonly Role[] = [Role.OWNER, Role.ADMIN];
const OWNERS: readonly Role[] = [Role.OWNER];

/** What is done within a team: the roles that may, and the scope that lets an API key (none: no key may). */
const TEAM_ACTIONS = {
  TEAM_READ: { roles: EVERYBODY, scope: Scope.TEAM_READ },
  TEAM_WRITE: { roles: ADMINISTRATORS, scope: undefined },
  TEAM_DELETE: { roles: OWNERS, scope: undefined },
  TEAM_RESTORE: { roles: OWNERS, scope: undefined },
  TEAM_LEAVE: { roles: EVERYBODY, scope: undefined },
  OWNERSHIP_TRANSFER: { roles: OWNERS, scope: undefined },
  MEMBER_READ: { roles: EVERYBODY, scope: undefined },
  MEMBER_WRITE: { roles: ADMINISTRATORS, scope: undefined },
  INVITATION_READ: { roles: ADMINISTRATORS, scope: undefined },
  INVITATION_WRITE: { roles: ADMINISTRATORS, scope: undefined },
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
  /** Setting and removing gates, and promoting in spite of one. */
  PROMOTION_GATE_WRITE: { roles: ADMINISTRATORS, scope: undefined },
  PREDICTION_READ: { roles: EVERYBODY, scope: Scope.PREDICTION_READ },
  PREDICTION_WRITE: { roles: WRITERS, scope: Scope.PREDICTION_WRITE },
  JOB_READ: { roles: EVERYBODY, scope: Scope.PREDICTOR_READ },
  MEASUREMENT_READ: { roles: EVERYBODY, scope: Scope.MEASUREMENT_READ },
  MEASUREMENT_WRITE: { roles: WRITERS, scope: Scope.MEASUREMENT_WRITE },
} as const satisfies Record<Scope | string, { roles: readonly Role[]; scope: Scope | undefined }>;

/** What a person does with their own account, and before there is a team. No API key may. */
const PERSON_ACTIONS = [
  'TEAM_CREATE',
  'TEAM_LIST',
  'INVITATION_ACCEPT',
  'SIGN_OUT',
  'SESSION_LIST',
  'SESSION_REVOKE',
  'PASSWORD_CHANGE',
  'SECOND_FACTOR_WRITE',
] as const;

/** What anybody may, with a good credential or none. */
const PUBLIC_ACTIONS = ['SIGN_UP', 'EMAIL_VERIFY', 'SIGN_IN', 'PASSWORD_RESET', 'VIEWER_READ'] as const;

export type TeamAction = keyof typeof TEAM_ACTIONS;
/** Those that no API key may. */
type PersonTeamAction = {
  [A in TeamAction]: (typeof TEAM_ACTIONS)[A]['scope'] extends undefined ? A : never;
}[TeamAction];
export type PersonAction = (typeof PERSON_ACTIONS)[number];
export type PublicAction = (typeof PUBLIC_ACTIONS)[number];

const SIGN_IN_REMEDY = 'Send `Authorization: Bearer <API key or session token>`.';

export function unauthenticated(message: string): CodedError {
  return new CodedError('UNAUTHENTICATED', message, 'authorization', SIGN_IN_REMEDY);
}

/**
 * The first line of every resolver: returns the session, narrowed to what the action guarantees, or throws.
 * What is in no table is denied.
 * @throws CodedError UNAUTHENTICATED, FORBIDDEN, BAD_INPUT (a person of several teams has picked none)
 */
export function authorize(session: Session, action: PersonTeamAction): PersonTeamSession;
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
  if (!rule.roles.includes(role)) throw forbidden(action, `the role ${role} may not`);
  if (session.deletionDueAt && !isAllowedWhileDeleting(action)) {
    const message = `The team is being deleted and can only be read until ${session.deletionDueAt.toISOString()}.`;
    throw new CodedError('CONFLICT', message, 'fusecast-team', 'restoreTeam brings it back until then.');
  }
  return { ...session, teamId, role };
}

function isAllowedWhileDeleting(action: TeamAction): boolean {
  return action.endsWith('_READ') || action === 'TEAM_RESTORE';
}

function isOneOf<T extends string>(actions: readonly T[], action: string): action is T {
  return (actions as readonly string[]).includes(action);
}

function forbidden(action: string, reason: string): CodedError {
  return new CodedError('FORBIDDEN', `${action} is not allowed: ${reason}.`, undefined, 'Ask an admin of the team.');
}

// ------------------------------------------------------------------------------------------------------ transactions

/** What a transaction may see, by the setting that says so. */
export interface Visibility {
  readonly 'app.team_id'?: string;
  readonly 'app.person_id'?: string;
  readonly 'app.email'?: string;
  readonly 'app.session_sha256'?: string;
  readonly 'app.api_key_id'?: string;
  readonly 'app.scenario_names'?: string;
  readonly 'app.email_request_id'?: string;
  readonly 'app.link_sha256'?: string;
  readonly 'app.identity'?: string;
  readonly 'app.cleaning'?: 'on';
}

/** Lets the rest of a transaction see more. Only for work that has just proved it may: signing in, following a link. */
export async function restrict(manager: EntityManager, visibility: Visibility): Promise<void> {
  await manager.query(settingStatement(visibility));
}

function settingStatement(visibility: Visibility): string {
  const settings = Object.entries({ role: 'fusecast_app', ...visibility });
  return `SELECT ${settings.map((setting) => `set_config(${setting.map(escapeLiteral).join(', ')}, true)`).join(', ')}`;
}

/** Fences a transaction of a job: until it ends nobody else gets the job. @throws LeaseLostError if somebody has it */
async function holdLease(manager: EntityManager, { jobId, token }: Lease): Promise<void> {
  const [{ held }] = await manager.query('SELECT holds_job($1, $2) AS held', [jobId, token]);
  if (!held) throw new LeaseLostError(jobId);
}

/** An API key and what its team says of it. */
export interface ApiKeyRow {
  readonly teamId: string;
  readonly secretSha256: string;
  readonly previousSecretSha256: string | null;
  readonly previousSecretExpiresAt: Date | null;
  readonly scopes: readonly Scope[];
  readonly scenarios: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  readonly teamDeletionDueAt: Date | null;
}

export class Tenancy {
  constructor(private readonly database: DataSource) {}

  /** Rejects if the database does not answer, or does not let the service become the application role. */
  async check(): Promise<void> {
    await this.within({}, (manager) => manager.query('SELECT'));
  }

  /** Runs `work` in a transaction that sees the rows of the session's team and nothing else. */
  inTeam<T>(session: TeamSession, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const scenarios = session.kind === 'apiKey' ? session.scenarios : undefined;
    const lease = session.kind === 'job' ? session.lease : undefined;
    return this.within(
      { 'app.team_id': session.teamId, ...(scenarios && { 'app.scenario_names': JSON.stringify(scenarios) }) },
      lease ? (manager) => holdLease(manager, lease).then(() => work(manager)) : work,
    );
  }

  /** Sees the person, their sessions, their memberships and the teams of those. */
  asPerson<T>(personId: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.within({ 'app.person_id': personId }, work);
  }

  /** A team that is being made: sees the person and the new team, which is empty. */
  inNewTeam<T>(
    session: PersonSessionContext,
    teamId: string,
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T> {
    return this.within({ 'app.person_id': session.personId, 'app.team_id': teamId }, work);
  }

  /** What an API key is, or undefined: sees the key and its team. One round trip, because every request of a key makes it. */
  async apiKey(id: string): Promise<ApiKeyRow | undefined> {
    const [row] = await observeTransaction(() => this.database.query('SELECT * FROM read_api_key($1)', [id]));
    if (!row) return undefined;
    return {
      teamId: row.team_id,
      secretSha256: row.secret_sha256,
      previousSecretSha256: row.previous_secret_sha256,
      previousSecretExpiresAt: row.previous_secret_expires_at,
      scopes: row.scopes,
      scenarios: row.scenarios,
      expiresAt: row.expires_at,
      lastUsedAt: row.last_used_at,
      revokedAt: row.revoked_at,
      teamDeletionDueAt: row.team_deletion_due_at,
    };
  }

  /** Sees what the settings say: for requests that have no session yet, and the secrets that they carry. */
  within<T>(visibility: Visibility, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return observeTransaction(() => this.transact(visibility, work));
  }

  /**
   * TypeORM's own transaction would wait for PostgreSQL to begin before it sends anything else. Here the beginning and the
   * settings are one message, which the first statements of `work` follow without waiting. The connection keeps their
   * order; and were this message refused, the settings would be missing, without which no row of a team is seen.
   */
  private async transact<T>(visibility: Visibility, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const runner = this.database.createQueryRunner();
    const state: { isTransactionActive: boolean } = runner;
    try {
      const connection: Client = await runner.connect();
      const begun = connection.query(`START TRANSACTION; ${settingStatement(visibility)}`);
      // TypeORM locks rows only in what it takes for a transaction.
      state.isTransactionActive = true;
      try {
        const [, result] = await Promise.all([begun, work(runner.manager)]);
        await connection.query('COMMIT');
        return result;
      } catch (error) {
        // The first error is what the caller has to know.
        await connection.query('ROLLBACK').catch(() => {});
        throw error;
      } finally {
        state.isTransactionActive = false;
      }
    } finally {
      await runner.release();
    }
  }
}

// ------------------------------------------------------------------------------------------------------- object keys

/** What every key of the team begins with. */
export function teamPrefix(session: TeamSession): string {
  return `teams/${session.teamId}/`;
}

/** Where the bytes of an upload go: by team and digest, so that the same bytes are stored once and never overwritten. */
export function uploadKey(session: TeamSession, digest: string): string {
  return `${teamPrefix(session)}uploads/${digest}`;
}

/** Where a part of an upload waits for the others: by the digest of the whole, and its place in it. */
export function uploadPartKey(session: TeamSession, digest: string, part: number): string {
  return `${teamPrefix(session)}upload-parts/${digest}/${part}`;
}

/** Where a file of a batch goes: the rows of a chunk, their predictions, or all of them. */
export function batchKey(session: TeamSession, batchId: string, digest: string): string {
  return `${teamPrefix(session)}batches/${batchId}/${digest}`;
}

/** Where a predictor version's ONNX file goes. */
export function predictorKey(session: TeamSession, digest: string): string {
  return `${teamPrefix(session)}predictors/${digest}.onnx`;
}
