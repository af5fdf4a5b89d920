/**
 * The job that removes, hour by hour, what is of no use any more: sessions and links that have ended, uploads that were
 * announced and whose bytes never arrived, which count towards the team's quota, parts of them that did, and files of versions that a predictor no
 * longer keeps (retention.ts). What has ended, and that nothing else goes, is said by row-level security (migrations/),
 * which gives each a day after its end.
 */
import { MoreThan, Raw } from 'typeorm';
import { recordChange } from './audit';
import { deleteUnkeptFiles } from './retention';
import { EmailRequest } from './schema/email-request';
import { Invitation } from './schema/invitation';
import { PersonSession } from './schema/person-session';
import { Team } from './schema/team';
import { Upload } from './schema/upload';
import type { ObjectStore } from './storage/object-store';
import { jobSession, type Tenancy, uploadPartKey } from './tenancy';

const BATCH = 500;
/** Sorts in front of every id. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

interface CleanUpServices {
  readonly tenancy: Tenancy;
  readonly store: ObjectStore;
}

/** Removes all of it. Broken off, it has removed a part, and the next one goes on. */
export async function cleanUp(services: CleanUpServices, signal: AbortSignal): Promise<void> {
  const teams = await services.tenancy.within({ 'app.cleaning': 'on' }, async (manager) => {
    for (const noun of [PersonSession, EmailRequest, Invitation]) {
      await manager.createQueryBuilder().delete().from(noun).execute();
    }
    return manager.find(Team, { select: { id: true } });
  });
  for (const { id } of teams) {
    await removeParts(services, id, signal);
    await removeUploads(services, id, signal);
    await deleteUnkeptFiles(services, id, signal);
  }
}

/** Removes the parts of files that were announced a day ago, unless they have been announced again since. */
async function removeParts({ tenancy, store }: CleanUpServices, teamId: string, signal: AbortSignal): Promise<void> {
  const session = jobSession(teamId);
  for (;;) {
    signal.throwIfAborted();
    const uploads = await tenancy.inTeam(session, (manager) =>
      manager
        .createQueryBuilder(Upload, 'upload')
        .where({ createdAt: Raw((column) => `${column} < now() - interval '1 day'`) })
        .andWhere('upload.part_sha256s IS NOT NULL')
        .andWhere(
          `NOT EXISTS (SELECT FROM upload AS newer WHERE newer.sha256 = upload.sha256
             AND newer.part_sha256s IS NOT NULL AND newer.created_at >= now() - interval '1 day')`,
        )
        .orderBy('upload.id')
        .limit(BATCH)
        .getMany(),
    );
    for (const { id, sha256, partSha256s } of uploads) {
      for (const part of partSha256s!.keys()) await store.delete(uploadPartKey(session, sha256, part));
      await tenancy.within({ 'app.team_id': teamId, 'app.cleaning': 'on' }, (manager) =>
        manager.update(Upload, { id }, { partSha256s: null }),
      );
    }
    if (uploads.length < BATCH) return;
  }
}

/** Removes a team's uploads that have become nothing and whose bytes are not there: no URL lets them come any more. */
async function removeUploads({ tenancy, store }: CleanUpServices, teamId: string, signal: AbortSignal): Promise<void> {
  let last = NO_ID;
  for (;;) {
    signal.throwIfAborted();
    const uploads = await tenancy.inTeam(jobSession(teamId), (manager) =>
      manager
        .createQueryBuilder(Upload, 'upload')
        .where({ id: MoreThan(last), createdAt: Raw((column) => `${column} < now() - interval '1 day'`) })
        .andWhere('NOT EXISTS (SELECT FROM dataset WHERE upload_id = upload.id)')
        .andWhere('NOT EXISTS (SELECT FROM network WHERE upload_id = upload.id)')
        .andWhere('NOT EXISTS (SELECT FROM batch WHERE upload_id = upload.id)')
        .orderBy('upload.id')
        .limit(BATCH)
        .getMany(),
    );
    for (const { id, objectKey, fileName, sizeBytes } of uploads) {
      last = id;
      if (await store.head(objectKey)) continue;
      await tenancy.within({ 'app.team_id': teamId, 'app.cleaning': 'on' }, async (manager) => {
        const { affected } = await manager.delete(Upload, { id });
        if (!affected) return;
        await recordChange(manager, jobSession(teamId), 'cleanUp', { type: 'Upload', id }, { fileName, sizeBytes });
      });
    }
    if (uploads.length < BATCH) return;
  }
}
