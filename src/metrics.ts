/**
 * Everything that Prometheus can read of a process: names, units and labels in one place. Counted where it happens, by
 * whoever imports it; must not know anything of the service itself. Labels come from closed lists (root fields of the
 * schema, names of jobs, error codes): never an id, a name of a team's or a text of a client's.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from 'prom-client';

/** Upper ends of durations: what answers a request, and what trains. */
const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const SLOW = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600];

export const requests = new Counter({
  name: 'fusecast_requests_total',
  help: 'GraphQL requests by root field (`several` for more than one, `invalid` for none) and outcome (`ok` or the code of the first error).',
  labelNames: ['operation', 'outcome'],
});

export const requestSeconds = new Histogram({
  name: 'fusecast_request_seconds',
  help: 'Time to answer a GraphQL request, by root field.',
  labelNames: ['operation'],
  buckets: QUICK,
});

export const predictionSeconds = new Histogram({
  name: 'fusecast_prediction_seconds',
  help: 'Time to predict the networks of one request with one version: features and onnxruntime, loading included.',
  buckets: QUICK,
});

export const predictions = new Counter({
  name: 'fusecast_predictions_total',
  help: 'Networks that were predicted, each with one version.',
});

export const cacheLookups = new Counter({
  name: 'fusecast_cache_lookups_total',
  help: 'Look-ups in the caches of loaded predictors and parsed networks (`hit` or `miss`).',
  labelNames: ['cache', 'result'],
});

const queueWaiting = new Gauge({
  name: 'fusecast_queue_waiting',
  help: 'Jobs that are due and that no worker has taken. Every worker reports the same: take the maximum.',
  labelNames: ['job'],
});

const queueRunning = new Gauge({
  name: 'fusecast_queue_running',
  help: 'Jobs that workers are at. Every worker reports the same: take the maximum.',
  labelNames: ['job'],
});

const queueAgeSeconds = new Gauge({
  name: 'fusecast_queue_age_seconds',
  help: 'How long the oldest waiting job has been due. Every worker reports the same: take the maximum.',
  labelNames: ['job'],
});

export const jobs = new Counter({
  name: 'fusecast_jobs_total',
  help: 'Attempts of jobs by outcome: `done`, `retried`, `dead` (failed for the last time), `postponed` (the object store is away), `handed_back` (the process stopped) or `lost` (to another worker).',
  labelNames: ['job', 'outcome'],
});

export const jobsRecovered = new Counter({
  name: 'fusecast_jobs_recovered_total',
  help: 'Jobs that this worker freed because theirs did not renew its lease.',
  labelNames: ['job'],
});

export const jobSeconds = new Histogram({
  name: 'fusecast_job_seconds',
  help: 'Duration of one attempt.',
  labelNames: ['job'],
  buckets: SLOW,
});

export const jobWaitSeconds = new Histogram({
  name: 'fusecast_job_wait_seconds',
  help: 'How long a job was due before a worker took it.',
  labelNames: ['job'],
  buckets: SLOW,
});

export const trainingSeconds = new Histogram({
  name: 'fusecast_training_seconds',
  help: 'Time in the engine to train one version, by learner.',
  labelNames: ['learner'],
  buckets: SLOW,
});

export const storeSeconds = new Histogram({
  name: 'fusecast_store_seconds',
  help: 'Time of one operation of the object store.',
  labelNames: ['operation'],
  buckets: QUICK,
});

export const storeErrors = new Counter({
  name: 'fusecast_store_errors_total',
  help: 'Operations of the object store that failed, by the code of the failure.',
  labelNames: ['operation', 'code'],
});

export const quarantinedVersions = new Counter({
  name: 'fusecast_versions_quarantined_total',
  help: 'Predictor versions that this process found damaged in the object store and quarantined.',
});

export const transactionSeconds = new Histogram({
  name: 'fusecast_transaction_seconds',
  help: 'Time of one database transaction, waiting for a connection included.',
  buckets: QUICK,
});

export const databaseErrors = new Counter({
  name: 'fusecast_database_errors_total',
  help: 'Transactions that PostgreSQL failed, by class of SQLSTATE, `connection` where it did not answer.',
  labelNames: ['class'],
});

/** How long the queues are at this moment. */
export function setQueueDepths(
  depths: readonly { queue: string; waiting: number; running: number; ageSeconds: number }[],
): void {
  for (const { queue: job, waiting, running, ageSeconds } of depths) {
    queueWaiting.set({ job }, waiting);
    queueRunning.set({ job }, running);
    queueAgeSeconds.set({ job }, ageSeconds);
  }
}

let collectsProcess = false;

/** All metrics of this process as text, and the content type of that. */
export async function scrape(): Promise<{ contentType: string; text: string }> {
  if (!collectsProcess) collectDefaultMetrics();
  collectsProcess = true;
  return { contentType: register.contentType, text: await register.metrics() };
}
