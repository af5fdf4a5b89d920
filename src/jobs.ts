/**
 * Jobs: their names, payloads and queues, and how they are enqueued: in PostgreSQL (pg-boss), so that a job is enqueued
 * in the transaction of the row it serves, and exists exactly if that row does. What a job does is in ingest.ts,
 * training.ts and others, who does it in worker.ts; this file must know neither.
 *
 * Words: a *job* is one call of a handler with a payload; a *queue* holds the jobs of one name; a job that fails is
 * tried again, later each time, until its *last attempt*.
 */
import PgBoss from 'pg-boss';
import type { EntityManager } from 'typeorm';
import type { Failure } from './errors';
import { QUEUE_INDEXES } from './job-leases';
import { notify } from './notifications';
import { currentOrigin, type JobOrigin } from './tracing';

/**
 * Every job's name and its payload: ids, never a secret. The team is in it, and the handler works in that team only,
 * but for mails to people and for what is done regularly.
 */
export interface JobPayloads {
  ingestDataset: { teamId: string; datasetId: string };
  ingestNetwork: { teamId: string; networkId: string };
  trainPredictor: { teamId: string; versionId: string };
  createEvaluationSet: { teamId: string; evaluationSetId: string };
  startBatch: { teamId: string; batchId: string };
  predictBatchChunk: { teamId: string; batchId: string; chunk: number };
  joinBatch: { teamId: string; batchId: string };
  updateDrift: { teamId: string; scenarioId: string; versionId: string };
  sendDriftNotice: { teamId: string; driftAlertId: string; personId: string };
  answerEmailRequest: { emailRequestId: string };
  sendInvitation: { teamId: string; invitationId: string };
  sendAccountNotice: { personId: string; change: AccountChange; changedAt: string };
  deleteTeam: { teamId: string };
  cleanUp: Record<string, never>;
}

/** What the owner of an account is told of, whoever did it. */
export type AccountChange = 'PASSWORD_CHANGED' | 'SECOND_FACTOR_ON' | 'SECOND_FACTOR_OFF';

export type JobName = keyof JobPayloads;

/**
 * How often a job is tried again, how long after its first failure, and how long one attempt may take. The attempt of a
 * worker that is gone does not take that long: its lease ends (job-leases.ts).
 */
export const QUEUES: Readonly<Record<JobName, { retryLimit: number; retryDelay: number; timeoutSeconds: number }>> = {
  ingestDataset: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 10 * 60 },
  ingestNetwork: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 5 * 60 },
  trainPredictor: { retryLimit: 4, retryDelay: 5, timeoutSeconds: 4 * 3600 },
  createEvaluationSet: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 10 * 60 },
  startBatch: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 10 * 60 },
  predictBatchChunk: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 30 * 60 },
  joinBatch: { retryLimit: 4, retryDelay: 2, timeoutSeconds: 10 * 60 },
  updateDrift: { retryLimit: 4, retryDelay: 5, timeoutSeconds: 10 * 60 },
  sendDriftNotice: { retryLimit: 8, retryDelay: 5, timeoutSeconds: 2 * 60 },
  answerEmailRequest: { retryLimit: 8, retryDelay: 5, timeoutSeconds: 2 * 60 },
  sendInvitation: { retryLimit: 8, retryDelay: 5, timeoutSeconds: 2 * 60 },
  sendAccountNotice: { retryLimit: 8, retryDelay: 5, timeoutSeconds: 2 * 60 },
  deleteTeam: { retryLimit: 20, retryDelay: 60, timeoutSeconds: 3600 },
  cleanUp: { retryLimit: 2, retryDelay: 60, timeoutSeconds: 3600 },
};

export const JOB_NAMES = Object.keys(QUEUES) as JobName[];

export interface JobContext {
  /** Raised when the process is stopping, the job is lost to another worker or its time is over: the handler ends soon. */
  readonly signal: AbortSignal;
  /** For the session of the job: its transactions are refused once the job is another worker's. */
  readonly lease: { readonly jobId: string; readonly token: string };
}

/** What is done about the jobs of one name. */
export interface JobHandler<P> {
  /**
   * Does the job, whatever became of earlier attempts: it may have been done already, in part or whole. If what it throws
   * may be over by the next attempt, there will be one.
   */
  run(payload: P, context: JobContext): Promise<void>;
  /** Writes into the job's row, if it has one that waits for that, that it cannot be done. */
  giveUp?(payload: P, failure: Failure, context: JobContext): Promise<void>;
}

export type JobHandlers = { readonly [N in JobName]: JobHandler<JobPayloads[N]> };

/** How a job is in the queue. */
export type QueuedPayload<N extends JobName = JobName> = JobPayloads[N] & { origin?: JobOrigin };

/** pg-boss's own time limit, by which it would take a job away without a word to its row: ours comes first. */
const EXPIRES_AFTER_TIMEOUT_SECONDS = 3600;

const NEVER_CONNECTED: PgBoss.Db = {
  executeSql: () => Promise.reject(new Error('Jobs are enqueued through a transaction only.')),
};

const sender = new PgBoss({ db: NEVER_CONNECTED });

/** Enqueues a job in the caller's transaction. @param startAfter absent: at once */
export async function enqueue<N extends JobName>(
  manager: EntityManager,
  name: N,
  payload: JobPayloads[N],
  startAfter?: Date,
): Promise<void> {
  const executeSql = async (text: string, values: unknown[]) => ({ rows: await manager.query(text, values) });
  const queued: QueuedPayload<N> = { ...payload, origin: currentOrigin() };
  await sender.send(name, queued, { db: { executeSql }, startAfter });
  await notify(manager, 'job', name);
}

/** Makes pg-boss's tables and the queues, and lets the application role enqueue (not read) jobs. Part of migrating. */
export async function prepareQueues(
  connectionString: string,
  execute: (sql: string) => Promise<unknown>,
): Promise<void> {
  const boss = new PgBoss({ connectionString, max: 1, supervise: false, schedule: false });
  boss.on('error', () => {}); // Every call below rejects by itself.
  await boss.start();
  try {
    for (const name of JOB_NAMES) {
      const { retryLimit, retryDelay, timeoutSeconds } = QUEUES[name];
      const expireInSeconds = timeoutSeconds + EXPIRES_AFTER_TIMEOUT_SECONDS;
      const queue = { name, retryBackoff: true, retryLimit, retryDelay, expireInSeconds };
      await boss.createQueue(name, queue);
      await boss.updateQueue(name, queue);
    }
  } finally {
    await boss.stop({ graceful: false });
  }
  for (const index of QUEUE_INDEXES) await execute(index);
  await execute('GRANT USAGE ON SCHEMA pgboss TO fusecast_app');
  await execute('GRANT SELECT ON pgboss.queue TO fusecast_app');
  await execute('GRANT INSERT, SELECT (id) ON pgboss.job TO fusecast_app');
}
