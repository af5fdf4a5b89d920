/**
 * The audit log: one entry for each change, written in the transaction of the change, so that neither is there without
 * the other. Must not know what the changes are.
 */
import type { EntityManager } from 'typeorm';
import { AuditEntry } from './schema/audit-entry';
import { newId } from './schema/node';
import type { Origin } from './tenancy';

/**
 * Who makes a change, in which team. A session that authorization has narrowed is one; where the change is in another
 * team than the session's (a team that is just being made), `{ ...session, teamId }`.
 */
export type Actor =
  | { readonly kind: 'person'; readonly personId: string; readonly teamId?: string; readonly origin?: Origin }
  | { readonly kind: 'apiKey'; readonly apiKeyId: string; readonly teamId: string; readonly origin?: Origin }
  | { readonly kind: 'job'; readonly teamId: string };

/** What was changed: the name of its type and its row id. */
interface Subject {
  readonly type: string;
  readonly id: string;
}

/**
 * Adds an entry to the team's log, or, for an actor without a team, to what is kept of the person's own account. Called
 * in the transaction of the change, which sees that team or person.
 * @param action the name of the mutation, or of the job
 * @param details names and settings that a reader of the log wants; never a secret, never a whole file
 */
export async function recordChange(
  manager: EntityManager,
  actor: Actor,
  action: string,
  subject?: Subject,
  details: Record<string, unknown> = {},
): Promise<void> {
  await manager.insert(AuditEntry, {
    id: newId(),
    teamId: actor.teamId,
    personId: actor.kind === 'person' ? actor.personId : undefined,
    apiKeyId: actor.kind === 'apiKey' ? actor.apiKeyId : undefined,
    action,
    subjectType: subject?.type,
    subjectId: subject?.id,
    // TypeORM's type for JSON columns asks for what a JSON value of unknown keys cannot promise.
    details: details as object,
    requestId: actor.kind === 'job' ? undefined : actor.origin?.requestId,
    address: actor.kind === 'job' ? undefined : actor.origin?.address,
  });
}
