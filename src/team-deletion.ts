/**
 * The job that deletes a team once its delay is over: first the objects, then the rows, so that a job which is broken
 * off still finds what is left to do. By then nobody can have restored the team: that is refused from the due time on.
 */
import { Raw } from 'typeorm';
import type { JobPayloads } from './jobs';
import { Team } from './schema/team';
import type { ObjectStore } from './storage/object-store';
import { jobSession, type Tenancy, teamPrefix } from './tenancy';

/** Deletes the team, unless it was restored. All its rows go with its own, by the references between them. */
export async function deleteTeam(
  { tenancy, store }: { readonly tenancy: Tenancy; readonly store: ObjectStore },
  { teamId }: JobPayloads['deleteTeam'],
): Promise<void> {
  const session = jobSession(teamId);
  // By PostgreSQL's clock, which also says when this job begins. After a restoration the next deletion has its own job.
  const due = await tenancy.inTeam(session, (manager) =>
    manager.existsBy(Team, { id: teamId, deletionDueAt: Raw((column) => `${column} <= now()`) }),
  );
  if (!due) return;
  for await (const key of store.list(teamPrefix(session))) await store.delete(key);
  await tenancy.inTeam(session, (manager) => manager.delete(Team, { id: teamId }));
}
