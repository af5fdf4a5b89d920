/**
 * A real PostgreSQL for tests: one embedded cluster for a test file, started at the first use, and a fresh database
 * for each call. Knows the embedded PostgreSQL; must not know Fusecast's tables.
 *
 * The cluster's files are thrown away, so it does not wait for the disk; PostgreSQL itself is the same.
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/storage/embedded-postgres';

export interface TestDatabase {
  /** Of the role `fusecast`, which owns the database and is subject to row-level security, as in production. */
  url: string;
  /** Of the superuser, in the same database: to look behind row-level security. */
  superuserUrl: string;
  /** Ends what is still connected and drops the database. */
  drop(): Promise<void>;
}

let cluster: Promise<{ server: EmbeddedPostgres; directory: string }> | undefined;
let databases = 0;

afterAll(async () => {
  if (!cluster) return;
  const { server, directory } = await cluster;
  cluster = undefined;
  await server.stop();
  await rm(directory, { recursive: true });
});

/**
 * An empty database of its own in this test file's cluster (about 1.5 s for the first, 50 ms for each after it).
 * @param options.template the database to copy, `fusecast` role's too: migrate one, then copy it for each test;
 *   nobody may be connected to it
 */
export async function createTestDatabase(options: { template?: TestDatabase } = {}): Promise<TestDatabase> {
  cluster ??= startCluster();
  const { server } = await cluster;
  databases += 1;
  const name = `test_${databases}`;
  const template = options.template ? ` template ${nameOf(options.template)}` : '';
  await execute(server, `create database ${name} owner fusecast${template}`);
  return {
    url: withDatabase(server.url, name),
    superuserUrl: withDatabase(server.superuserUrl, name),
    drop: () => execute(server, `drop database if exists ${name} with (force)`),
  };
}

/** A temporary directory that PostgreSQL's account can enter: those of mkdtemp are closed to all others. */
export async function createTemporaryDirectory(purpose: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), `fusecast-test-${purpose}-`));
  await chmod(directory, 0o711);
  return directory;
}

async function startCluster() {
  const directory = await createTemporaryDirectory('postgres');
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  return { server: await startEmbeddedPostgres({ directory, settings }), directory };
}

async function execute(server: EmbeddedPostgres, statement: string): Promise<void> {
  const client = new Client({ connectionString: server.superuserUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

function nameOf(database: TestDatabase): string {
  return new URL(database.url).pathname.slice(1);
}
