/**
 * Who is at work on which job: the SQL of taking jobs, holding them and giving them up, on pg-boss's tables and our
 * job_lease. Must not know what a job does. All times are PostgreSQL's: processes disagree about theirs.
 *
 * Words: a *lease* is the claim of one attempt to one job; its *token* is the attempt's name; a lease is *lost* when
 * its worker has not renewed it in time, and any other worker removed it. Whoever has lost it is *fenced*: it can neither
 * settle the job nor open a transaction for it (tenancy.ts).
 */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type PgBoss from 'pg-boss';
import { LeaseLostError } from './errors';

/** A job that this process holds. */
export interface HeldJob {
  readonly queue: string;
  readonly id: string;
  /** Of this attempt. */
  readonly token: string;
  readonly data: object;
  /** Attempts before this one. */
  readonly retryCount: number;
  /** Attempts after the first one that there may be. */
  readonly retryLimit: number;
  /** How long it was due before it was taken. */
  readonly waitedSeconds: number;
  /** Since it was enqueued. */
  readonly ageSeconds: number;
}

/** The team of a job; that of jobs without one is the empty text. Indexed below. */
const TEAM = `coalesce(data->>'teamId', '')`;

/** Run after pg-boss has made its tables. The second finds a team's last turn, the third what runs. */
export const QUEUE_INDEXES = [
  `CREATE INDEX IF NOT EXISTS job_waiting ON pgboss.job (name, (${TEAM}), created_on, id) WHERE state < 'active'`,
  `CREATE INDEX IF NOT EXISTS job_turn ON pgboss.job (name, (${TEAM}), started_on)`,
  `CREATE INDEX IF NOT EXISTS job_running ON pgboss.job (name, (${TEAM})) WHERE state = 'active'`,
];

/**
 * Takes the oldest due job of the team whose turn it is: of the teams that wait, the one with the fewest running jobs of
 * this queue, and among those the one whose last job began longest ago. So a team with a thousand jobs waits like a team
 * with one. The teams are found by jumping from one to the next in the index, however many jobs each has; teams whose
 * jobs are all locked or not due yet are passed over.
 */
const TAKE = `
  WITH RECURSIVE waiting (team) AS (
    (SELECT ${TEAM} FROM pgboss.job WHERE name = $1 AND state < 'active' ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (
      SELECT ${TEAM} FROM pgboss.job WHERE name = $1 AND state < 'active' AND ${TEAM} > waiting.team ORDER BY 1 LIMIT 1
    ) FROM waiting WHERE waiting.team IS NOT NULL
  ), turn AS (
    SELECT team,
      (SELECT count(*) FROM pgboss.job WHERE name = $1 AND state = 'active' AND ${TEAM} = team) AS running,
      (SELECT max(started_on) FROM pgboss.job WHERE name = $1 AND ${TEAM} = team) AS served
    FROM waiting WHERE team IS NOT NULL
  ), next AS (
    SELECT candidate.id FROM (SELECT team FROM turn ORDER BY running, served NULLS FIRST) AS turns
    CROSS JOIN LATERAL (
      SELECT id FROM pgboss.job
      WHERE name = $1 AND state < 'active' AND ${TEAM} = turns.team AND start_after <= now()
      ORDER BY created_on, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) AS candidate LIMIT 1
  ), taken AS (
    UPDATE pgboss.job AS job SET state = 'active', started_on = now(),
      retry_count = CASE WHEN started_on IS NULL THEN retry_count ELSE retry_count + 1 END
    FROM next WHERE job.name = $1 AND job.id = next.id
    RETURNING job.id, data, retry_count, retry_limit, start_after, created_on
  ), lease AS (
    INSERT INTO job_lease (job_id, queue, token) SELECT id, $1, $2 FROM taken
    ON CONFLICT (job_id) DO UPDATE SET token = excluded.token, renewed_at = now()
  )
  SELECT id, data, retry_count AS "retryCount", retry_limit AS "retryLimit",
    extract(epoch FROM now() - start_after)::float8 AS "waitedSeconds",
    extract(epoch FROM now() - created_on)::float8 AS "ageSeconds"
  FROM taken`;

/**
 * Leases of dead workers end, and their jobs are anybody's: at once, for whoever takes them counts the attempt. After
 * PostgreSQL itself was away all leases look old, therefore workers have a whole period to renew them.
 */
const RECOVER = `
  WITH lost AS (
    DELETE FROM job_lease WHERE job_id IN (
      SELECT job_id FROM job_lease
      WHERE greatest(renewed_at, pg_postmaster_start_time()) < now() - $1 * interval '1 second'
      FOR UPDATE SKIP LOCKED
    ) RETURNING job_id, queue
  )
  UPDATE pgboss.job SET state = 'retry', start_after = now()
  FROM lost WHERE pgboss.job.name = lost.queue AND pgboss.job.id = lost.job_id AND state = 'active'
  RETURNING pgboss.job.id, pgboss.job.name AS queue, data`;

/** As if it had never been taken: being stopped is not an attempt that failed. */
const HAND_BACK = `UPDATE pgboss.job SET state = 'created', started_on = NULL WHERE name = $1 AND id = $2 AND state = 'active'`;

/** As above, but not at once: a tenth of its age later, 1 to 60 s. */
const POSTPONE = `
  UPDATE pgboss.job SET state = 'created', started_on = NULL,
    start_after = now() + least(60, greatest(1, extract(epoch FROM now() - created_on) / 10)) * interval '1 second'
  WHERE name = $1 AND id = $2 AND state = 'active'`;

/** How many jobs wait and run in each queue, and how long the oldest due one has been waiting, in seconds. */
const DEPTHS = `
  SELECT queue.name AS queue,
    count(job.id) FILTER (WHERE job.state < 'active' AND start_after <= now())::int AS waiting,
    count(job.id) FILTER (WHERE job.state = 'active')::int AS running,
    coalesce(extract(epoch FROM now() - min(start_after) FILTER (WHERE job.state < 'active' AND start_after <= now())), 0)::float8 AS "ageSeconds"
  FROM pgboss.queue LEFT JOIN pgboss.job ON job.name = queue.name AND job.state < 'completed'
  WHERE queue.name = ANY ($1) GROUP BY queue.name`;

export interface QueueDepth {
  readonly queue: string;
  readonly waiting: number;
  readonly running: number;
  /** Seconds since the oldest waiting job was due. */
  readonly ageSeconds: number;
}

export class JobLeases {
  /**
   * @param pool connects as the owner of the tables
   * @param leaseSeconds after which a lease that was not renewed is lost
   */
  constructor(
    private readonly pool: Pool,
    private readonly leaseSeconds: number,
  ) {}

  /** The next job of the queue, if there is one: of all workers that ask at a time, one gets it. */
  async take(queue: string): Promise<HeldJob | undefined> {
    const token = randomUUID();
    const { rows } = await this.pool.query(TAKE, [queue, token]);
    return rows[0] && { ...rows[0], queue, token };
  }

  /** Renews leases and returns the tokens of those that are still held. */
  async renew(tokens: readonly string[]): Promise<Set<string>> {
    const renewal = 'UPDATE job_lease SET renewed_at = now() WHERE token = ANY ($1) RETURNING token';
    const { rows } = await this.pool.query<{ token: string }>(renewal, [tokens]);
    return new Set(rows.map(({ token }) => token));
  }

  /** Frees the jobs of workers that do not renew their leases, and returns them. */
  async recover(): Promise<{ id: string; queue: string; data: object }[]> {
    return (await this.pool.query(RECOVER, [this.leaseSeconds])).rows;
  }

  /** @throws LeaseLostError */
  handBack(job: HeldJob): Promise<void> {
    return this.settle(job, (db) => db.executeSql(HAND_BACK, [job.queue, job.id]));
  }

  /** Hands back what cannot be done just now. @throws LeaseLostError */
  postpone(job: HeldJob): Promise<void> {
    return this.settle(job, (db) => db.executeSql(POSTPONE, [job.queue, job.id]));
  }

  /**
   * Ends the lease and, in the same transaction, does what becomes of the job.
   * @throws LeaseLostError if it is not held any more; nothing is done then
   */
  async settle(job: HeldJob, outcome: (db: PgBoss.Db) => Promise<unknown>): Promise<void> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // The pool listens to idle clients only; an error that nobody hears ends the process.
    const breaks = (error: Error) => {
      broken = error;
    };
    client.on('error', breaks);
    try {
      await client.query('BEGIN');
      const end = 'DELETE FROM job_lease WHERE job_id = $1 AND token = $2';
      const { rowCount } = await client.query(end, [job.id, job.token]);
      if (rowCount === 0) throw new LeaseLostError(job.id);
      await outcome({ executeSql: (text, values) => client.query(text, values) });
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(breaks);
      throw error;
    } finally {
      client.off('error', breaks);
      client.release(broken);
    }
  }

  async depths(queues: readonly string[]): Promise<QueueDepth[]> {
    return (await this.pool.query(DEPTHS, [queues])).rows;
  }
}
