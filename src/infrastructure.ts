/**
 * What the service stands on: the database and the object store that the configuration names, opened. For the roots alone
 * (main.ts and the operator's commands). Must not know what is done with them.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { letOwnerBeOperator } from './backup/tables';
import { type Config, projectDirectory } from './config';
import { prepareQueues } from './jobs';
import { createApplicationRole, migrate } from './migrate';
import { DirectoryObjectStore } from './storage/directory';
import { startEmbeddedPostgres } from './storage/embedded-postgres';
import type { ObjectStore } from './storage/object-store';
import { S3ObjectStore } from './storage/s3';

/** Things that were started, to be stopped in the opposite order. */
export class Started {
  readonly #stops: (() => unknown)[] = [];

  add(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Stops everything, even if something fails, and throws the first failure. */
  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** The URL of the database, which is running: the embedded one is started. */
export async function openDatabase(config: Config, log: Logger, started: Started): Promise<string> {
  if (config.database.kind === 'server') return config.database.url;
  const onLog = (line: string) => log.info(line);
  const server = await startEmbeddedPostgres({ directory: config.database.directory, onLog });
  started.add(() => server.stop());
  await withClient(server.superuserUrl, (client) => createApplicationRole(client, new URL(server.url).username));
  return server.url;
}

/** Brings the database up to date. @throws MigrationError */
export async function migrateDatabase(url: string, log: Logger): Promise<void> {
  await withClient(url, async (client) => {
    const directory = join(projectDirectory(), 'migrations');
    const applied = await migrate(client, directory, async () => {
      await prepareQueues(url, (sql) => client.query(sql));
      await letOwnerBeOperator(client);
    });
    for (const name of applied) log.info({ migration: name }, 'migrated');
  });
}

/** Runs `work` on a connection of its own. */
export async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The object store; a bucket is made if it is missing. @throws StorageError */
export async function openObjectStore(config: Config, publicUrl: () => string): Promise<ObjectStore> {
  if (config.objects.kind === 's3') {
    const { endpoint, publicEndpoint, bucket, region, accessKeyId, secretAccessKey } = config.objects;
    const credentials = { accessKeyId, secretAccessKey };
    const store = new S3ObjectStore({ endpoint, publicEndpoint, bucket, region, credentials, forcePathStyle: true });
    await store.ensureBucket();
    return store;
  }
  const { directory, secretFile } = config.objects;
  const signingSecret = await readOrMakeSecret(secretFile, () => randomBytes(32).toString('hex'));
  const store = new DirectoryObjectStore({ directory, signingSecret, publicUrl });
  await store.removeLeftovers();
  return store;
}

/** The secret in the file; of two processes that make it at once, one wins and both use its. */
export async function readOrMakeSecret(file: string, make: () => string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(file, make(), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(file, 'utf8');
}
