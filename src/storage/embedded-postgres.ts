/**
 * A real PostgreSQL for an installation without one: creates a cluster in a directory on the first start, runs it as
 * a child process on a loopback port, and stops it again. Knows processes and files; must not know Fusecast's tables.
 *
 * Words: the *directory* is what the caller names; `<directory>/cluster` is PostgreSQL's data directory, created whole
 * or not at all; the *postmaster* is PostgreSQL's main process.
 *
 * Where the cluster is: normally in the directory. If this process is root and the account PostgreSQL runs under cannot
 * enter the directory (a checkout below /root), `<directory>/cluster` becomes a symbolic link to
 * `/var/lib/fusecast/clusters/<hash of the directory>`, and `onLog` says so.
 *
 * How it ends: `stop()` shuts it down; if this process dies in any other way, even by SIGKILL, a watchdog shell sees
 * its pipe close and shuts it down; should the watchdog be killed as well, the next start finds and stops the orphan.
 */

import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import {
  type Account,
  EmbeddedPostgresError,
  findPostgresPrograms,
  isReachable,
  unprivilegedAccount,
} from './postgres-binaries';
import { createCluster, readClusterPasswords } from './postgres-cluster';
import { releaseCluster } from './postgres-orphan';
import { startServer } from './postgres-server';

export interface EmbeddedPostgresOptions {
  /** Created if missing; its second start finds the same data. */
  directory: string;
  /** Server settings over the defaults, for example `{ fsync: 'off' }` for tests that throw the data away. */
  settings?: Record<string, string>;
  /** For a process of root: where programs and clusters go that PostgreSQL's account cannot reach otherwise. */
  fallbackDirectory?: string;
  /** Gets one line for each thing an operator should know. */
  onLog?: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** Of the role `fusecast`, which owns the database `fusecast` and is subject to row-level security. */
  url: string;
  /** Of the superuser, to whom row-level security does not apply: for making databases and roles, never for the service. */
  superuserUrl: string;
  /** PostgreSQL's data directory after following links. */
  clusterDirectory: string;
  /** Ends sessions, writes everything out and ends the server. A second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on the directory, creating the cluster if there is none (about 1 s; a later start 0.1 s).
 * @throws EmbeddedPostgresError ALREADY_RUNNING if a living process uses the directory, and the other codes
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.onLog ?? (() => {});
  const directory = path.resolve(options.directory);
  const fallbackDirectory = options.fallbackDirectory ?? '/var/lib/fusecast';
  const newcomer = unprivilegedAccount();
  const cluster = await placeCluster(directory, newcomer, fallbackDirectory, log);
  const account = newcomer && ((await ownerOf(cluster)) ?? newcomer);
  const programs = await findPostgresPrograms(account, fallbackDirectory);
  if (await createCluster({ programs, cluster, account })) log(`Created a PostgreSQL cluster in ${cluster}`);
  const passwords = await readClusterPasswords(cluster);
  await releaseCluster(cluster, log);

  const logFile = path.join(directory, 'postgres.log');
  const settings = options.settings ?? {};
  const password = passwords.postgres;
  const server = await startServer({ programs, cluster, account, logFile, settings, password });
  const url = (role: keyof typeof passwords, database: string) =>
    `postgres://${role}:${passwords[role]}@127.0.0.1:${server.port}/${database}`;
  const superuserUrl = url('postgres', 'postgres');
  try {
    await createServiceDatabase(superuserUrl, passwords.fusecast);
  } catch (error) {
    await server.stop();
    throw error;
  }
  server.onCrash(() => log(`PostgreSQL ended unexpectedly; its log is ${logFile}`));
  return { url: url('fusecast', 'fusecast'), superuserUrl, clusterDirectory: cluster, stop: server.stop };
}

/** Makes the directory and decides where its cluster is; returns the path without symbolic links. */
async function placeCluster(
  directory: string,
  account: Account,
  fallback: string,
  log: (line: string) => void,
): Promise<string> {
  const firstCreated = await mkdir(directory, { recursive: true });
  const link = path.join(directory, 'cluster');
  const existing = await realpath(link).catch(() => undefined);
  if (existing !== undefined) return existing;
  if (account && firstCreated) {
    // Only directories that were made here are opened, and only for passing through: a strict umask closes them.
    for (let made = directory; made.startsWith(firstCreated); made = path.dirname(made)) await chmod(made, 0o711);
  }
  if (isReachable(directory, account)) return path.join(await realpath(directory), 'cluster');
  const elsewhere = path.join(fallback, 'clusters', createHash('sha256').update(directory).digest('hex').slice(0, 16));
  await mkdir(path.dirname(elsewhere), { recursive: true, mode: 0o755 });
  await symlink(elsewhere, link).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  log(`PostgreSQL's account cannot enter ${directory}: the database is kept in ${elsewhere}, linked from ${link}`);
  return elsewhere;
}

/** The account an existing cluster belongs to; undefined if there is no cluster yet. */
async function ownerOf(cluster: string): Promise<Account> {
  const status = await stat(cluster).catch(() => undefined);
  if (status?.uid !== 0) return status && { uid: status.uid, gid: status.gid };
  throw new EmbeddedPostgresError(
    'BAD_DATA_DIRECTORY',
    `The cluster in ${cluster} belongs to root, as which PostgreSQL does not run.`,
    cluster,
    'Give it back to the account that made it: chown -R postgres (or nobody) on that directory.',
  );
}

/** Makes the role and the database of the service if a first start has not come that far. */
async function createServiceDatabase(superuserUrl: string, password: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const missing = async (query: string) => (await client.query(query)).rowCount === 0;
    if (await missing(`select from pg_roles where rolname = 'fusecast'`)) {
      await client.query(`create role fusecast login password ${client.escapeLiteral(password)}`);
    }
    if (await missing(`select from pg_database where datname = 'fusecast'`)) {
      await client.query('create database fusecast owner fusecast');
    }
  } finally {
    await client.end();
  }
}
