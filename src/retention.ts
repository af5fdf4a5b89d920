/**
 * Retention: the stored files of versions that a predictor no longer keeps. It has two steps, so that no transaction is
 * open while the object store works: a file is given up in a transaction that knows nobody needs it, and says so in the
 * row; then the object goes, unless another version has the same bytes. Broken off in between, the next run goes on.
 */
import { type EntityManager, In, IsNull, Not } from 'typeorm';
import { recordChange } from './audit';
import { Predictor } from './schema/predictor';
import { PredictorVersion } from './schema/predictor-version';
import type { ObjectStore } from './storage/object-store';
import { type JobSession, jobSession, type Tenancy } from './tenancy';

interface RetentionServices {
  readonly tenancy: Tenancy;
  readonly store: ObjectStore;
}

/** Deletes the files of a team's versions that no predictor keeps. */
export async function deleteUnkeptFiles(
  services: RetentionServices,
  teamId: string,
  signal: AbortSignal,
): Promise<void> {
  const session = jobSession(teamId);
  const predictors = await services.tenancy.inTeam(session, (manager) =>
    manager.findBy(Predictor, { keepVersions: Not(IsNull()) }),
  );
  for (const { id } of predictors) {
    signal.throwIfAborted();
    await cleaning(services, teamId, (manager) => giveUpFiles(manager, session, id));
  }
  const pending = await services.tenancy.inTeam(session, (manager) =>
    manager.findBy(PredictorVersion, { fileDeletedAt: Not(IsNull()), objectKey: Not(IsNull()) }),
  );
  for (const version of pending) {
    signal.throwIfAborted();
    await deleteObject(services, session, version);
  }
}

function cleaning<T>({ tenancy }: RetentionServices, teamId: string, work: (manager: EntityManager) => Promise<T>) {
  return tenancy.within({ 'app.team_id': teamId, 'app.cleaning': 'on' }, work);
}

/**
 * Gives up the files that the predictor does not keep. Locks it, as every change of a stage does, and then the versions,
 * as everything does that comes to refer to one (a pin, a calibration): what is asked for meanwhile sees the outcome.
 */
async function giveUpFiles(manager: EntityManager, session: JobSession, predictorId: string): Promise<void> {
  const lock = { mode: 'pessimistic_write' } as const;
  const predictor = await manager.findOne(Predictor, { where: { id: predictorId }, lock });
  if (!predictor?.keepVersions) return;
  const stored = { predictorId, status: 'READY', fileDeletedAt: IsNull() } as const;
  const spare = await manager.find(PredictorVersion, {
    select: { id: true },
    where: { ...stored, stage: In(['DRAFT', 'RETIRED']) },
    lock,
  });
  const newest = await manager.find(PredictorVersion, {
    select: { id: true },
    where: { predictorId, status: 'READY' },
    order: { number: 'DESC' },
    take: predictor.keepVersions,
  });
  // A roll back goes to the latest of the earlier ones.
  const kept = new Set([...newest.map(({ id }) => id), ...predictor.earlierVersionIds.slice(-1)]);
  // A statement of its own, which sees what was committed while this waited for the locks.
  const given: { id: string; number: number; sha256: string; size_bytes: string }[] = (
    await manager
      .createQueryBuilder()
      .update(PredictorVersion)
      .set({ fileDeletedAt: () => 'now()' })
      .where({ id: In(spare.map(({ id }) => id).filter((id) => !kept.has(id))) })
      .andWhere('NOT EXISTS (SELECT FROM pin WHERE predictor_version_id = predictor_version.id)')
      .andWhere('NOT EXISTS (SELECT FROM calibration WHERE predictor_version_id = predictor_version.id)')
      .returning(['id', 'number', 'sha256', 'sizeBytes'])
      .execute()
  ).raw;
  for (const { id, number, sha256, size_bytes } of given) {
    const details = { number, sha256, sizeBytes: Number(size_bytes) };
    await recordChange(manager, session, 'cleanUp', { type: 'PredictorVersion', id }, details);
  }
}

/** Deletes a given-up object, unless it is also another version's or may just be becoming one's. */
async function deleteObject(
  services: RetentionServices,
  session: JobSession,
  { id, objectKey, scenarioId, seed }: PredictorVersion,
): Promise<void> {
  const { teamId } = session;
  const { isShared, mayBeMade } = await services.tenancy.inTeam(session, async (manager) => ({
    isShared: await manager.existsBy(PredictorVersion, { objectKey: objectKey!, fileDeletedAt: IsNull() }),
    // The same bytes come from the same scenario and seed only. Such a training may have found the object there already.
    mayBeMade: await manager.existsBy(PredictorVersion, { scenarioId, seed, status: In(['QUEUED', 'TRAINING']) }),
  }));
  if (mayBeMade && !isShared) return;
  if (!isShared) await services.store.delete(objectKey!);
  await cleaning(services, teamId, (manager) => manager.update(PredictorVersion, { id }, { objectKey: null }));
}
