/**
 * Quotas: how much a team may have of what costs the installation something. What is used is counted by triggers (see
 * migrations/), in the transaction of each change; this file compares, in the same transaction, after the change.
 */
import type { EntityManager } from 'typeorm';
import { CodedError } from './errors';
import type { QuotaResource, Usage } from './schema/usage';

const GIB = 1024 ** 3;

/** What a team may have unless the operator has said otherwise in the table team_quota; and its name in messages. */
const QUOTAS: Readonly<Record<QuotaResource, { maximum: number; unit: string }>> = {
  BYTES: { maximum: 100 * GIB, unit: 'bytes of files' },
  NETWORKS: { maximum: 100_000, unit: 'networks' },
  DATASETS: { maximum: 1_000, unit: 'datasets' },
  VERSIONS: { maximum: 5_000, unit: 'predictor versions' },
  TRAINING_MINUTES: { maximum: 6_000, unit: 'minutes of training in a calendar month' },
};

const RESOURCES = Object.keys(QUOTAS) as QuotaResource[];

/** Everything that the team of this transaction has used, with what it may have. */
export async function readUsage(manager: EntityManager): Promise<Usage[]> {
  const rows: { resource: QuotaResource; used: string | null; maximum: string | null }[] = await manager.query(
    `SELECT resource, maximum,
       CASE WHEN resource <> 'TRAINING_MINUTES' THEN amount::float8 ELSE (
         SELECT sum(extract(epoch FROM coalesce(finished_at, now()) - started_at)) / 60 FROM predictor_version
         WHERE started_at >= date_trunc('month', now(), 'UTC')
       ) END AS used
     FROM unnest($1::text[]) AS resource
     LEFT JOIN team_usage USING (resource)
     LEFT JOIN team_quota USING (resource)`,
    [RESOURCES],
  );
  return rows.map(({ resource, used, maximum }) => ({
    resource,
    used: Number(used ?? 0),
    maximum: Number(maximum ?? QUOTAS[resource].maximum),
  }));
}

/**
 * Refuses a change that this transaction has just made, if it leaves the team with more than it may have.
 * @throws QUOTA_EXCEEDED; the caller's transaction is undone by it
 */
export async function checkQuotas(manager: EntityManager, ...resources: readonly QuotaResource[]): Promise<void> {
  const usage = await readUsage(manager);
  for (const { resource, used, maximum } of usage.filter((each) => resources.includes(each.resource))) {
    if (used <= maximum) continue;
    const { unit } = QUOTAS[resource];
    const message = `The team may have ${maximum} ${unit} and would have ${Math.round(used * 10) / 10}.`;
    throw new CodedError('QUOTA_EXCEEDED', message, resource, 'See `Team.usage`; the operator can raise the quota.');
  }
}
