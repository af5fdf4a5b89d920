/**
 * Jobs: a queue in PostgreSQL (pg-boss), so that a job is enqueued in the transaction of the row it serves, and exists
 * exactly if that row does. What a job does is in ingest.ts and training.ts; this file must not know it.
 *
 * Words: a *job* is one call of a handler with a payload; a *queue* holds the jobs of one name; a job that fails is
 * tried again, later each time, until its *last attempt*; a job that this process cannot finish because it is stopping
 * is *handed back* and is at once anybody's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import type { Logger } from 'pino';
import type { EntityManager } from 'typeorm';
import { type Notifications, notify } from './notifications';

/**
 * Every job's name and its payload: ids, never a secret. The team is in it, and the handler works in that team only,
 * but for mails to people and for what is done regularly.
 */
export interface JobPayloads {
  ingestDataset: { teamId: string; datasetId: string };
  ingestNetwork: { teamId: string; networkId: string };
  trainPredictor: { teamId: string; versionId: string };
  answerEmailRequest: { emailRequestId: string };
  sendInvitation: { teamId: string; invitationId: string };
  sendAccountNotice: { personId: string; change: AccountChange; changedAt: string };
  deleteTeam: { teamId: string };
  cleanUp: Record<string, never>;
}

/** What the owner of an account is told of, whoever did it. */
export type AccountChange = 'PASSWORD_CHANGED' | 'SECOND_FACTOR_ON' | 'SECOND_FACTOR_OFF';

export type JobName = keyof JobPayloads;

const QUEUES: Record<JobName, { retryLimit: number; retryDelay: number; expireInSeconds: number }> = {
  ingestDataset: { retryLimit: 4, retryDelay: 2, expireInSeconds: 10 * 60 },
  ingestNetwork: { retryLimit: 4, retryDelay: 2, expireInSeconds: 5 * 60 },
  trainPredictor: { retryLimit: 4, retryDelay: 5, expireInSeconds: 4 * 3600 },
  answerEmailRequest: { retryLimit: 8, retryDelay: 5, expireInSeconds: 2 * 60 },
  sendInvitation: { retryLimit: 8, retryDelay: 5, expireInSeconds: 2 * 60 },
  sendAccountNotice: { retryLimit: 8, retryDelay: 5, expireInSeconds: 2 * 60 },
  deleteTeam: { retryLimit: 20, retryDelay: 60, expireInSeconds: 3600 },
  cleanUp: { retryLimit: 2, retryDelay: 60, expireInSeconds: 3600 },
};

/** What is done once an hour, by whichever worker is there; seldom-run ones catch up at their start. */
const HOURLY: JobName = 'cleanUp';
const HOUR_SECONDS = 3600;

const JOB_NAMES = Object.keys(QUEUES) as JobName[];

/** How often a worker looks by itself, in case a notification was lost. */
const POLL_MS = 2_000;

export interface JobContext {
  /** Raised when the process is stopping: the handler ends soon, and its job is handed back if it throws. */
  readonly signal: AbortSignal;
  /** After this attempt nobody tries again: the handler writes the failure into the row. */
  readonly lastAttempt: boolean;
}

export type JobHandlers = { [N in JobName]: (payload: JobPayloads[N], context: JobContext) => Promise<void> };

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
  await sender.send(name, payload, { db: { executeSql }, startAfter });
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
      await boss.createQueue(name, { name, retryBackoff: true, ...QUEUES[name] });
      await boss.updateQueue(name, { name, retryBackoff: true, ...QUEUES[name] });
    }
  } finally {
    await boss.stop({ graceful: false });
  }
  await execute('GRANT USAGE ON SCHEMA pgboss TO fusecast_app');
  await execute('GRANT SELECT ON pgboss.queue TO fusecast_app');
  await execute('GRANT INSERT, SELECT (id) ON pgboss.job TO fusecast_app');
}

export interface WorkerOptions {
  connectionString: string;
  notifications: Notifications;
  log: Logger;
  /** Jobs of each name that run at a time in this process. */
  concurrency: Record<JobName, number>;
}

/**
 * Runs jobs until stopped. The loop is our own, not pg-boss's `work`: that one does not wait for the outcome of a job
 * to be written, and looks for jobs only by polling.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #boss: PgBoss;
  readonly #stopping = new AbortController();
  #loops: Promise<void>[] = [];
  #hourly: NodeJS.Timeout | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#boss = new PgBoss({
      connectionString: options.connectionString,
      max: 4,
      migrate: false,
      schedule: false,
      maintenanceIntervalSeconds: 30,
    });
    this.#boss.on('error', (error) => options.log.error({ err: error }, 'the job queue had an error'));
  }

  async start(handlers: JobHandlers): Promise<void> {
    await this.#boss.start();
    await this.#enqueueHourly();
    this.#hourly = setInterval(() => void this.#enqueueHourly(), HOUR_SECONDS * 1000).unref();
    for (const name of JOB_NAMES) {
      for (let i = 0; i < this.#options.concurrency[name]; i++) this.#loops.push(this.#loop(name, handlers));
    }
  }

  /** Starts no job any more, tells the running ones, and waits until they have ended or were handed back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#hourly);
    await Promise.all(this.#loops);
    await this.#boss.stop({ graceful: false });
  }

  /** Of all workers that ask within an hour, one gets its job. */
  async #enqueueHourly(): Promise<void> {
    try {
      await this.#boss.send(HOURLY, {}, { singletonSeconds: HOUR_SECONDS });
    } catch (error) {
      this.#options.log.error({ err: error, job: HOURLY }, 'a regular job could not be enqueued');
    }
  }

  async #loop<N extends JobName>(name: N, handlers: JobHandlers): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const wake = this.#wakeUp(name);
      try {
        const [job] = await this.#boss.fetch<JobPayloads[N]>(name, { includeMetadata: true, batchSize: 1 });
        if (job) await this.#run(name, job, handlers[name]);
        else await wake.promise;
      } catch (error) {
        // The database went away. The job is fetched again by whoever comes first once its time has run out.
        this.#options.log.error({ err: error, job: name }, 'a job could not be taken or given back');
        await delay(POLL_MS, undefined, { signal }).catch(() => {});
      } finally {
        wake.cancel();
      }
    }
  }

  /** Resolves at news of a job of this name, after the polling interval, or when stopping. */
  #wakeUp(name: JobName): { promise: Promise<void>; cancel: () => void } {
    const done = new AbortController();
    const cancel = () => done.abort();
    const unlisten = this.#options.notifications.listen('job', name, cancel);
    const signal = AbortSignal.any([done.signal, this.#stopping.signal]);
    const promise = delay(POLL_MS, undefined, { signal })
      .catch(() => {})
      .finally(unlisten);
    return { promise, cancel };
  }

  async #run<N extends JobName>(
    name: N,
    job: PgBoss.JobWithMetadata<JobPayloads[N]>,
    handler: JobHandlers[N],
  ): Promise<void> {
    const log = this.#options.log.child({ job: name, jobId: job.id, ...job.data });
    const { signal } = this.#stopping;
    const started = performance.now();
    try {
      await handler(job.data, { signal, lastAttempt: job.retryCount >= job.retryLimit });
      await this.#boss.complete(name, job.id);
      log.info({ durationMs: Math.round(performance.now() - started) }, 'job done');
    } catch (error) {
      if (signal.aborted) {
        log.info('job handed back: this process is stopping');
        await this.#boss.cancel(name, job.id);
        await this.#boss.resume(name, job.id);
      } else {
        log.error({ err: error, attempt: job.retryCount + 1, attempts: job.retryLimit + 1 }, 'job failed');
        await this.#boss.fail(name, job.id, { message: error instanceof Error ? error.message : String(error) });
      }
    }
  }
}
