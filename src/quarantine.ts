/**
 * Quarantine: a version whose stored file does not have the SHA-256 of its row answers nothing until the file is whole
 * again. Marked in the row, and told once: to the team among its failed jobs, to the operator by the log and a metric.
 */
import { type EntityManager, IsNull, Not } from 'typeorm';
import { CodedError, toFailure } from './errors';
import { quarantinedVersions } from './metrics';
import { FailedJob } from './schema/job';
import { newId, toGlobalId } from './schema/node';
import { PredictorVersion } from './schema/predictor-version';
import { jobSession, type Tenancy } from './tenancy';

/** Why such a version answers nothing, and what to do. @param where the argument that named it */
export function quarantined({ id, number }: PredictorVersion, where?: string): CodedError {
  const globalId = toGlobalId('PredictorVersion', id);
  return new CodedError(
    'CHECKSUM_MISMATCH',
    `The stored file of version ${number} (${globalId}) is damaged: it does not have its SHA-256. The version is quarantined.`,
    where ?? globalId,
    'Train with the same datasets, learner and seed again, which gives the same file and ends the quarantine; or ask the operator to put it back from a backup (`fusecast admin verify --repair`). Until then another version answers by its id or a pin.',
  );
}

/** Returns the error for the damaged version, which is marked and told of if nobody has before. */
export async function quarantine(
  tenancy: Tenancy,
  version: PredictorVersion,
  report: (versionId: string) => void,
): Promise<CodedError> {
  const { id, teamId, sha256, objectKey } = version;
  const error = quarantined(version);
  const isFirst = await tenancy.inTeam(jobSession(teamId), async (manager) => {
    const sound = { id, sha256: sha256!, objectKey: objectKey!, quarantinedAt: IsNull(), fileDeletedAt: IsNull() };
    const { affected } = await manager.update(PredictorVersion, sound, { quarantinedAt: () => 'now()' });
    if (affected === 0) return false;
    await manager.insert(FailedJob, {
      id: newId(),
      teamId,
      jobId: newId(),
      name: 'loadVersion',
      subjectType: 'PredictorVersion',
      subjectId: id,
      attempts: 1,
      failure: toFailure(error),
    });
    return true;
  });
  if (isFirst) {
    quarantinedVersions.inc();
    report(id);
  }
  return error;
}

/** Ends the quarantine of the versions with this file, which is whole again. */
export async function endQuarantine(manager: EntityManager, objectKey: string): Promise<void> {
  await manager.update(PredictorVersion, { objectKey, quarantinedAt: Not(IsNull()) }, { quarantinedAt: null });
}
