/** Dead letters: keeps a job that failed for the last time where its team sees it. Must not know what jobs do. */
import { FailedJob } from './schema/job';
import { newId } from './schema/node';
import { jobSession, type Tenancy } from './tenancy';
import type { DeadLetter } from './worker';

/** The field of a payload that names a row, and the type of that. */
const SUBJECTS: Partial<Record<string, string>> = {
  datasetId: 'Dataset',
  networkId: 'Network',
  versionId: 'PredictorVersion',
  evaluationSetId: 'EvaluationSet',
  batchId: 'Batch',
  invitationId: 'Invitation',
};

/** Adds the dead letter to the team's, once; those of jobs that serve no team are in the log only. */
export async function keepDeadLetter(
  tenancy: Tenancy,
  { name, jobId, payload, attempts, failure }: DeadLetter,
): Promise<void> {
  if (!('teamId' in payload)) return;
  const { teamId, origin, ...ids } = payload;
  const [field, subjectId] = Object.entries(ids).find(([key]) => key in SUBJECTS) ?? [];
  const subjectType = field && SUBJECTS[field];
  const row = {
    id: newId(),
    teamId,
    jobId,
    name,
    subjectType,
    subjectId: subjectId?.toString(),
    attempts,
    failure,
    requestId: origin?.requestId,
  };
  await tenancy.inTeam(jobSession(teamId), (manager) =>
    manager.createQueryBuilder().insert().into(FailedJob).values(row).orIgnore().execute(),
  );
}
