/**
 * The composition root: configuration to running service. Nothing else makes connections, pools or servers (what
 * the operator's commands need of it, too, is in infrastructure.ts).
 *
 *   node dist/src/main.js           runs the service
 *   node dist/src/main.js migrate   brings the database up to date and ends
 *   node dist/src/main.js schema    writes schema.graphql and ends
 */
import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import pino, { type Logger } from 'pino';
import { failBatch, joinBatch, predictBatchChunk, startBatch } from './batches';
import { cleanUp } from './clean-up';
import { type Config, ConfigError, projectDirectory, readConfig } from './config';
import { createDataSource } from './data-source';
import { updateDrift } from './drift';
import { EnginePool } from './engine-pool';
import { freezeEvaluationSet, rejectEvaluationSet } from './evaluation-sets';
import { keepDeadLetter } from './failed-jobs';
import { migrateDatabase, openDatabase, openObjectStore, readOrMakeSecret, Started } from './infrastructure';
import { ingestDataset, ingestNetwork, rejectDataset, rejectNetwork } from './ingest';
import type { JobHandlers } from './jobs';
import { type Mailer, printingMailer, smtpMailer } from './mail';
import { answerEmailRequest, type MailServices, sendAccountNotice, sendDriftNotice, sendInvitation } from './mail-jobs';
import * as metrics from './metrics';
import { Notifications } from './notifications';
import { observeStore } from './observation';
import { startOperations } from './operations';
import { quarantine } from './quarantine';
import { type PersistedQueries, parsePersistedQueries } from './query-limits';
import { RequestRates } from './rate-limits';
import { buildGraphQLSchema } from './resolvers';
import { newSealingKey, Sealing } from './sealing';
import { startServer } from './server';
import { Serving } from './serving';
import { SignInAttempts } from './sign-in-attempts';
import { deleteTeam } from './team-deletion';
import { Tenancy } from './tenancy';
import { startTracing } from './tracing';
import { failVersion, trainVersion } from './training';
import { Worker } from './worker';

const INGEST_CONCURRENCY = 2;
const MAIL_CONCURRENCY = 2;
/** While one chunk's networks are predicted in their thread, those of the next are read in another. */
const BATCH_CONCURRENCY = 2;

export interface Service {
  /** Where the API listens; for a worker, which has none, the public URL if there is one. */
  readonly url: string;
  /** Where metrics and health are served apart, if they are. */
  readonly operationsUrl?: string;
  /** Ends gracefully: open requests are answered, running jobs ended or handed back. */
  stop(): Promise<void>;
}

/** Parts that a caller in the same process (a test, the demo) brings itself. */
export interface ServiceOverrides {
  readonly log?: Logger;
  /** Path of the engine thread's program, where it is not the compiled one beside this file. */
  readonly engineThread?: string;
  /** Takes mails, as text, where there is no SMTP server; standard error if absent. */
  readonly printMail?: (text: string) => void;
}

/** @throws Error for a worker, which has no keys */
async function openSealing({ sealingKeys: from }: Config): Promise<Sealing> {
  if (!from) throw new Error('There are no sealing keys.');
  return new Sealing(from.kind === 'given' ? from.keys : [await readOrMakeSecret(from.file, newSealingKey)]);
}

function createMailer({ mail }: Config, log: Logger, { printMail }: ServiceOverrides): Mailer {
  if (mail) return smtpMailer(mail.url, mail.from);
  log.warn('SMTP_URL is not set: mails, and the secrets in them, are printed');
  return printingMailer(printMail ?? ((text) => void process.stderr.write(text)));
}

/** @throws ConfigError */
async function readPersistedQueries({ persistedQueries }: Config): Promise<PersistedQueries | undefined> {
  if (!persistedQueries) return undefined;
  try {
    const documents = parsePersistedQueries(await readFile(persistedQueries.file, 'utf8'));
    return { documents, only: persistedQueries.only };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ variable: 'FUSECAST_PERSISTED_QUERIES', message }]);
  }
}

/**
 * Starts the service in this process, in the role that the configuration says.
 * @throws ConfigError, MigrationError, EmbeddedPostgresError, StorageError; nothing is left running then
 */
export async function startService(config: Config, overrides: ServiceOverrides = {}): Promise<Service> {
  const log = overrides.log ?? pino({ level: config.logLevel });
  const started = new Started();
  try {
    const urls = await compose(config, log, started, overrides);
    return { ...urls, stop: () => started.stop() };
  } catch (error) {
    await started.stop().catch((failure) => log.error({ err: failure }, 'stopping after a failed start'));
    throw error;
  }
}

async function compose(
  config: Config,
  log: Logger,
  started: Started,
  overrides: ServiceOverrides,
): Promise<Pick<Service, 'url' | 'operationsUrl'>> {
  if (config.tracing) started.add(await startTracing(config.tracing.endpoint, config.role));
  const connectionString = await openDatabase(config, log, started);
  await migrateDatabase(connectionString, log);
  const database = await createDataSource(connectionString, config.jobLeaseSeconds).initialize();
  started.add(() => database.destroy());
  let publicUrl = config.http.publicUrl ?? '';
  const store = observeStore(await openObjectStore(config, () => publicUrl));
  const notifications = new Notifications(connectionString, log);
  await notifications.start();
  started.add(() => notifications.stop());
  const tenancy = new Tenancy(database);

  const serving = new Serving(store, (version) =>
    quarantine(tenancy, version, (versionId) => log.error({ versionId }, 'the stored file of a version is damaged')),
  );
  started.add(() => serving.stop());

  let worker: Worker | undefined;
  if (config.role !== 'api') {
    const program = overrides.engineThread ?? join(__dirname, 'engine-thread.js');
    const engine = new EnginePool(program, config.trainingThreads);
    started.add(() => engine.stop());
    const services = { tenancy, store, engine, notifications, serving };
    const concurrency = {
      ingestDataset: INGEST_CONCURRENCY,
      ingestNetwork: INGEST_CONCURRENCY,
      trainPredictor: config.trainingThreads,
      createEvaluationSet: INGEST_CONCURRENCY,
      startBatch: 1,
      predictBatchChunk: BATCH_CONCURRENCY,
      joinBatch: 1,
      updateDrift: 1,
      sendDriftNotice: MAIL_CONCURRENCY,
      answerEmailRequest: MAIL_CONCURRENCY,
      sendInvitation: MAIL_CONCURRENCY,
      sendAccountNotice: MAIL_CONCURRENCY,
      deleteTeam: 1,
      cleanUp: 1,
    };
    const mailServices = { tenancy, mailer: createMailer(config, log, overrides), publicUrl: () => publicUrl };
    worker = new Worker({
      connectionString,
      notifications,
      log,
      concurrency,
      leaseSeconds: config.jobLeaseSeconds,
      onDeadLetter: (letter) => keepDeadLetter(tenancy, letter),
    });
    started.add(() => worker!.stop());
    await worker.start(jobHandlers(services, mailServices));
  }
  const checkReadiness = async () => {
    await Promise.all([tenancy.check(), store.head('readiness')]);
  };
  let operationsUrl: string | undefined;
  if (config.operations) {
    const beforeScrape = async () => metrics.setQueueDepths((await worker?.depths()) ?? []);
    const operations = await startOperations({ ...config.operations, log, checkReadiness, beforeScrape });
    started.add(() => operations.stop());
    operationsUrl = operations.url;
  }
  if (config.role === 'worker') return { url: publicUrl, operationsUrl };

  const rates = new RequestRates(database, config.rateLimits);
  started.add(() => rates.stop());
  const server = await startServer({
    rates,
    introspection: config.introspection,
    persistedQueries: await readPersistedQueries(config),
    dashboardDirectory: join(projectDirectory(), 'dist', 'web'),
    connectSources: storeOrigins(config),
    trustProxy: config.http.trustProxy,
    tenancy,
    store,
    serving,
    notifications,
    attempts: new SignInAttempts(database),
    sealing: await openSealing(config),
    bodySeconds: config.http.bodySeconds,
    secureCookies: publicUrl.startsWith('https:'),
    singleSignOn: config.openId && { ...config.openId, publicUrl },
    log,
    schema: await buildGraphQLSchema(),
    host: config.http.host,
    port: config.http.port,
    checkReadiness,
  });
  started.add(() => server.stop());
  publicUrl ||= server.url;
  return { url: server.url, operationsUrl };
}

/** Where browsers send and get bytes, apart from the service itself. */
function storeOrigins({ objects }: Config): string[] {
  return objects.kind === 's3' ? [new URL(objects.publicEndpoint ?? objects.endpoint).origin] : [];
}

function jobHandlers(
  services: Parameters<typeof trainVersion>[0] & { readonly serving: Serving },
  mailServices: MailServices,
): JobHandlers {
  return {
    ingestDataset: {
      run: (payload, context) => ingestDataset(services, payload, context),
      giveUp: (...refusal) => rejectDataset(services, ...refusal),
    },
    ingestNetwork: {
      run: (payload, context) => ingestNetwork(services, payload, context),
      giveUp: (...refusal) => rejectNetwork(services, ...refusal),
    },
    trainPredictor: {
      run: (payload, context) => trainVersion(services, payload, context),
      giveUp: (...refusal) => failVersion(services, ...refusal),
    },
    createEvaluationSet: {
      run: (payload, context) => freezeEvaluationSet(services, payload, context),
      giveUp: (...refusal) => rejectEvaluationSet(services, ...refusal),
    },
    startBatch: {
      run: (payload, context) => startBatch(services, payload, context),
      giveUp: (...refusal) => failBatch(services, ...refusal),
    },
    predictBatchChunk: {
      run: (payload, context) => predictBatchChunk(services, payload, context),
      giveUp: (...refusal) => failBatch(services, ...refusal),
    },
    joinBatch: {
      run: (payload, context) => joinBatch(services, payload, context),
      giveUp: (...refusal) => failBatch(services, ...refusal),
    },
    updateDrift: { run: (payload, context) => updateDrift(services, payload, context) },
    sendDriftNotice: { run: (payload) => sendDriftNotice(mailServices, payload) },
    answerEmailRequest: { run: (payload) => answerEmailRequest(mailServices, payload) },
    sendInvitation: { run: (payload) => sendInvitation(mailServices, payload) },
    sendAccountNotice: { run: (payload) => sendAccountNotice(mailServices, payload) },
    deleteTeam: { run: (payload) => deleteTeam(services, payload) },
    cleanUp: { run: (_payload, { signal }) => cleanUp(services, signal) },
  };
}

/** The schema as schema.graphql has it. */
export async function printedSchema(): Promise<string> {
  return `${printSchema(lexicographicSortSchema(await buildGraphQLSchema()))}\n`;
}

async function runMigrations(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel });
  const started = new Started();
  try {
    await migrateDatabase(await openDatabase(config, log, started), log);
  } finally {
    await started.stop();
  }
}

async function runService(config: Config): Promise<void> {
  const service = await startService(config);
  process.stderr.write(`Fusecast ${config.role}: ${service.url}/graphql\n`);
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  process.stderr.write(`${signal}: stopping\n`);
  await service.stop();
}

async function run(command: string | undefined): Promise<void> {
  if (command === 'schema') {
    await writeFile(join(projectDirectory(), 'schema.graphql'), await printedSchema());
  } else if (command === 'migrate') {
    await runMigrations(readConfig());
  } else if (command === undefined) {
    await runService(readConfig());
  } else {
    throw new ConfigError([{ variable: command, message: 'is no command; expected none, migrate or schema' }]);
  }
}

/** The command; ends the process with 2 if the configuration is wrong, 1 if anything else fails. */
export async function main(command: string | undefined): Promise<void> {
  try {
    await run(command);
  } catch (error) {
    const wrongConfiguration = error instanceof ConfigError;
    const text = error instanceof Error ? (wrongConfiguration ? error.message : error.stack) : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = wrongConfiguration ? 2 : 1;
  }
}

if (require.main === module) void main(process.argv[2]);
