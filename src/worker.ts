/**
 * The worker: takes jobs, runs their handlers, and sees to it that a job whose worker died is taken over. Must not know
 * what a job does.
 *
 * Words: a job that this process cannot finish because it is stopping is *handed back*, as if it had never been taken; a
 * *dead letter* is a job that failed for the last time. Leases, tokens and fences are in job-leases.ts.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import PgBoss from 'pg-boss';
import type { Logger } from 'pino';
import { CodedError, type Failure, isStoreAway, isTransient, LeaseLostError, toFailure } from './errors';
import { type HeldJob, JobLeases, type QueueDepth } from './job-leases';
import {
  JOB_NAMES,
  type JobContext,
  type JobHandler,
  type JobHandlers,
  type JobName,
  QUEUES,
  type QueuedPayload,
} from './jobs';
import * as metrics from './metrics';
import type { Notifications } from './notifications';
import { continuedTrace, inRequest, inSpan } from './tracing';

/** What is done once an hour, by whichever worker is there; seldom-run ones catch up at their start. */
const HOURLY: JobName = 'cleanUp';
const HOUR_SECONDS = 3600;

/** How often a worker looks by itself, in case a notification was lost. */
const POLL_MS = 2_000;

/** A lease is renewed so many times in its life, and as often lost ones are looked for. */
const RENEWALS = 4;

const CONNECTIONS = 4;

/** For so long after it was enqueued a job waits for an object store that is away, without counting attempts. */
const PATIENCE_SECONDS = 24 * 3600;

export interface DeadLetter {
  readonly name: JobName;
  readonly jobId: string;
  readonly payload: QueuedPayload;
  readonly attempts: number;
  readonly failure: Failure;
}

export interface WorkerOptions {
  readonly connectionString: string;
  readonly notifications: Notifications;
  readonly log: Logger;
  /** Jobs of each name that run at a time in this process. */
  readonly concurrency: Readonly<Record<JobName, number>>;
  /** After so many seconds without a sign of life a worker's jobs are anybody's. */
  readonly leaseSeconds: number;
  /** Keeps a dead letter where its team sees it. May be called twice for one. */
  readonly onDeadLetter: (letter: DeadLetter) => Promise<void>;
}

/** A job at work here. */
interface Running {
  readonly job: HeldJob;
  readonly lost: AbortController;
}

/**
 * Runs jobs until stopped. The loop is our own, not pg-boss's `work`: that one knows no leases and no turns of teams,
 * does not wait for the outcome of a job to be written, and looks for jobs only by polling.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #pool: Pool;
  readonly #boss: PgBoss;
  readonly #leases: JobLeases;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Running>();
  #loops: Promise<void>[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(options: WorkerOptions) {
    const { connectionString, log } = options;
    this.#options = options;
    // Every loop listens.
    setMaxListeners(0, this.#stopping.signal);
    this.#pool = new Pool({
      connectionString,
      max: CONNECTIONS,
      application_name: 'fusecast worker',
      keepAlive: true,
      idle_in_transaction_session_timeout: options.leaseSeconds * 1000,
    });
    this.#pool.on('error', (error) => log.warn({ err: error }, "a connection of the worker's broke"));
    this.#leases = new JobLeases(this.#pool, options.leaseSeconds);
    this.#boss = new PgBoss({
      db: { executeSql: (text, values) => this.#pool.query(text, values) },
      migrate: false,
      schedule: false,
      maintenanceIntervalSeconds: 30,
    });
    this.#boss.on('error', (error) => log.error({ err: error }, 'the job queue had an error'));
  }

  async start(handlers: JobHandlers): Promise<void> {
    await this.#boss.start();
    await this.#enqueueHourly();
    const beatMs = (this.#options.leaseSeconds * 1000) / RENEWALS;
    this.#timers = [
      setInterval(() => void this.#enqueueHourly(), HOUR_SECONDS * 1000).unref(),
      setInterval(() => void this.#beat(), beatMs).unref(),
    ];
    for (const name of JOB_NAMES) {
      // Alerts on these see the first one only if they were there before it.
      metrics.jobs.inc({ job: name, outcome: 'dead' }, 0);
      metrics.jobsRecovered.inc({ job: name }, 0);
      for (let i = 0; i < this.#options.concurrency[name]; i++) this.#loops.push(this.#loop(name, handlers));
    }
  }

  /** Starts no job any more, tells the running ones, and waits until they have ended or were handed back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#boss.stop({ graceful: false });
    await this.#pool.end();
  }

  /** How long the queues are. */
  depths(): Promise<QueueDepth[]> {
    return this.#leases.depths(JOB_NAMES);
  }

  /** Of all workers that ask within an hour, one gets its job. */
  async #enqueueHourly(): Promise<void> {
    try {
      await this.#boss.send(HOURLY, {}, { singletonSeconds: HOUR_SECONDS });
    } catch (error) {
      this.#options.log.error({ err: error, job: HOURLY }, 'a regular job could not be enqueued');
    }
  }

  /** Renews the leases of what runs here, lets go of what was lost, and frees what others have lost. */
  async #beat(): Promise<void> {
    const { log } = this.#options;
    try {
      const held = [...this.#running.values()];
      const renewed = held.length > 0 ? await this.#leases.renew(held.map(({ job }) => job.token)) : new Set();
      for (const { job, lost } of held) if (!renewed.has(job.token)) lost.abort();
      for (const { id, queue, data } of await this.#leases.recover()) {
        metrics.jobsRecovered.inc({ job: queue });
        log.warn({ job: queue, jobId: id, ...data }, 'the worker of a job does not answer: anybody may take it');
      }
    } catch (error) {
      log.warn({ err: error }, 'leases could not be renewed');
    }
  }

  async #loop<N extends JobName>(name: N, handlers: JobHandlers): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const wake = this.#wakeUp(name);
      try {
        const job = await this.#leases.take(name);
        if (job) await this.#run(name, job, handlers[name]);
        else await wake.promise;
      } catch (error) {
        // The database went away. The job is taken again by whoever comes first once its lease is lost.
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

  /** One attempt: within the request and the trace that the job came from, under its lease. */
  async #run<N extends JobName>(name: N, job: HeldJob, handler: JobHandler<QueuedPayload<N>>): Promise<void> {
    const { origin, ...ids } = job.data as QueuedPayload;
    const attempt = job.retryCount + 1;
    const log = this.#options.log.child({ job: name, jobId: job.id, attempt, requestId: origin?.requestId, ...ids });
    const running: Running = { job, lost: new AbortController() };
    this.#running.set(job.token, running);
    const seconds = metrics.jobSeconds.startTimer({ job: name });
    metrics.jobWaitSeconds.observe({ job: name }, Math.max(0, job.waitedSeconds));
    const traced = { kind: 'CONSUMER', parent: continuedTrace(origin ?? {}) } as const;
    try {
      const attributes = { 'fusecast.job.id': job.id, 'fusecast.job.attempt': attempt };
      const outcome = await inRequest(origin?.requestId, () =>
        inSpan(`job ${name}`, attributes, () => this.#attempt(name, running, handler, log), traced),
      );
      metrics.jobs.inc({ job: name, outcome });
    } finally {
      seconds();
      this.#running.delete(job.token);
    }
  }

  async #attempt<N extends JobName>(
    name: N,
    { job, lost }: Running,
    handler: JobHandler<QueuedPayload<N>>,
    log: Logger,
  ): Promise<'done' | 'retried' | 'dead' | 'postponed' | 'handed_back' | 'lost'> {
    const started = performance.now();
    const payload = job.data as QueuedPayload<N>;
    const timeout = AbortSignal.timeout(QUEUES[name].timeoutSeconds * 1000);
    // A handler that does not heed its signal keeps its thread, but not its job.
    timeout.addEventListener('abort', () => this.#running.delete(job.token));
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal, timeout]);
    const context: JobContext = { signal, lease: { jobId: job.id, token: job.token } };
    try {
      // Beyond its last attempt is a job whose workers died of it, or with it.
      if (job.retryCount > job.retryLimit) throw workersDied(job.retryCount);
      await handler.run(payload, context);
      await this.#leases.settle(job, (db) => this.#boss.complete(name, job.id, {}, { db }));
      log.info({ durationMs: Math.round(performance.now() - started) }, 'job done');
      return 'done';
    } catch (error) {
      if (lost.signal.aborted || error instanceof LeaseLostError) {
        log.warn('job lost: another worker has it');
        return 'lost';
      }
      if (this.#stopping.signal.aborted) {
        log.info('job handed back: this process is stopping');
        await this.#leases.handBack(job);
        return 'handed_back';
      }
      return await this.#fail(name, job, timeout.aborted ? tookTooLong(name) : error, handler, context, log);
    }
  }

  /**
   * What becomes of a job that failed: it waits for an object store that is away; it is tried again; or its row says why it cannot be done, which is the answer to a
   * file that is wrong; or, if it was our fault to the last, it is a dead letter as well. The row and the team are told
   * before the queue forgets the job: if this is broken off in between, it is done once more.
   */
  async #fail<N extends JobName>(
    name: N,
    job: HeldJob,
    reason: unknown,
    handler: JobHandler<QueuedPayload<N>>,
    context: JobContext,
    log: Logger,
  ): Promise<'done' | 'retried' | 'dead' | 'postponed'> {
    const payload = job.data as QueuedPayload<N>;
    if (isStoreAway(reason) && job.ageSeconds < PATIENCE_SECONDS) {
      log.warn({ err: reason }, 'job postponed: the object store is away');
      await this.#leases.postpone(job);
      return 'postponed';
    }
    const failure = toFailure(reason);
    const transient = isTransient(reason);
    const last = job.retryCount >= job.retryLimit;
    if (transient) log.error({ err: reason, attempts: job.retryLimit + 1 }, 'job failed');
    else log.info({ code: failure.code }, 'job done: it was refused');
    if (!transient || last) await handler.giveUp?.(payload, failure, context);
    if (!transient) {
      await this.#leases.settle(job, (db) => this.#boss.complete(name, job.id, {}, { db }));
      return 'done';
    }
    if (last) {
      const attempts = Math.min(job.retryCount, job.retryLimit) + 1;
      await this.#options.onDeadLetter({ name, jobId: job.id, payload, attempts, failure });
    }
    const message = { message: reason instanceof Error ? reason.message : String(reason) };
    await this.#leases.settle(job, (db) => this.#boss.fail(name, job.id, message, { db }));
    return last ? 'dead' : 'retried';
  }
}

function workersDied(times: number): CodedError {
  return new CodedError(
    'INTERNAL',
    `The process that was at it ended before it was done, ${times} times in a row.`,
    undefined,
    'It may need more memory than a worker has: try again with less data, or tell the operator the id of the job.',
  );
}

function tookTooLong(name: JobName): CodedError {
  const message = `It was not done within ${QUEUES[name].timeoutSeconds} s.`;
  return new CodedError('LIMIT_EXCEEDED', message, undefined, 'Try again with less data or fewer searched settings.');
}
