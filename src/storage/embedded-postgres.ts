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

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, rename, stat, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import {
  type Account,
  EmbeddedPostgresError,
  findPostgresPrograms,
  isReachable,
  USE_OWN_SERVER,
  unprivilegedAccount,
} from './postgres-binaries';
import { type ClusterPasswords, createCluster, readClusterPasswords } from './postgres-cluster';
import { releaseCluster } from './postgres-orphan';

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

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;

const DEFAULT_SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
};

/**
 * Starts PostgreSQL on the directory, creating the cluster if there is none (about 1 s; a later start 0.1 s).
 * @throws EmbeddedPostgresError ALREADY_RUNNING if a living process uses the directory, and the other codes
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.onLog ?? (() => {});
  const fallbackDirectory = options.fallbackDirectory ?? '/var/lib/fusecast';
  const newcomer = unprivilegedAccount();
  const programs = await findPostgresPrograms(newcomer, fallbackDirectory);
  const cluster = await placeCluster(path.resolve(options.directory), newcomer, fallbackDirectory, log);
  if (await createCluster({ programs, cluster, account: newcomer })) log(`Created a PostgreSQL cluster in ${cluster}`);
  const account = newcomer && (await ownerOf(cluster));
  const passwords = await readClusterPasswords(cluster);
  await releaseCluster(cluster, log);

  const logFile = path.join(path.resolve(options.directory), 'postgres.log');
  await rename(logFile, `${logFile}.previous`).catch(() => {});
  const port = await freePort();
  const server = spawnServer({ programs, cluster, account, port, logFile, settings: options.settings ?? {} });
  const url = (role: keyof ClusterPasswords, database: string) =>
    `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
  try {
    await waitUntilReady(server, url('postgres', 'postgres'), logFile);
    await createServiceDatabase(url('postgres', 'postgres'), passwords.fusecast);
  } catch (error) {
    await stopServer(server);
    throw error;
  }
  let stopping: Promise<void> | undefined;
  server.once('exit', () => {
    if (!stopping) log(`PostgreSQL ended unexpectedly; its log is ${logFile}`);
  });
  const stop = () => {
    stopping ??= stopServer(server);
    return stopping;
  };
  return {
    url: url('fusecast', 'fusecast'),
    superuserUrl: url('postgres', 'postgres'),
    clusterDirectory: cluster,
    stop,
  };
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

async function ownerOf(cluster: string): Promise<Account> {
  const { uid, gid } = await stat(cluster);
  if (uid !== 0) return { uid, gid };
  throw new EmbeddedPostgresError(
    'BAD_DATA_DIRECTORY',
    `The cluster in ${cluster} belongs to root, as which PostgreSQL does not run.`,
    cluster,
    'Give it back to the account that made it: chown -R postgres (or nobody) on that directory.',
  );
}

/** A loopback port that is free now. It may be taken before PostgreSQL binds it; then the start fails and says so. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

interface ServerPlan {
  programs: string;
  cluster: string;
  account: Account;
  port: number;
  logFile: string;
  settings: Record<string, string>;
}

function spawnServer(plan: ServerPlan): ChildProcess {
  const settings = {
    ...DEFAULT_SETTINGS,
    ...plan.settings,
    port: String(plan.port),
    'fusecast.owner': String(process.pid),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logDescriptor = openSync(plan.logFile, 'a', 0o600);
  // A session of its own: Ctrl-C goes to this process alone, which then stops PostgreSQL after its own work has ended.
  const server = spawn(path.join(plan.programs, 'bin', 'postgres'), ['-D', plan.cluster, ...args], {
    ...plan.account,
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', logDescriptor, logDescriptor],
  });
  closeSync(logDescriptor);
  server.once('error', () => {});
  server.unref();
  if (server.pid !== undefined) spawnWatchdog(server, plan.account);
  return server;
}

/** A shell that waits for a line: without one (this process died) it asks the postmaster for a fast shutdown. */
function spawnWatchdog(server: ChildProcess, account: Account): void {
  const script = 'read -r line || kill -INT "$1"';
  const watchdog = spawn('/bin/sh', ['-c', script, 'fusecast-postgres-watchdog', String(server.pid)], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => {});
  watchdog.stdin.on('error', () => {});
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  server.once('exit', () => watchdog.stdin.end('ended\n'));
}

async function waitUntilReady(server: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let reason: unknown = 'no answer';
  while (server.pid !== undefined && server.exitCode === null && server.signalCode === null && Date.now() < deadline) {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      reason = error;
      await client.end().catch(() => {});
      await delay(20);
    }
  }
  const said = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-5).join('\n') || String(reason);
  throw new EmbeddedPostgresError(
    'START_FAILED',
    `PostgreSQL did not start. It said:\n${said}`,
    logFile,
    `Read that log. ${USE_OWN_SERVER}`,
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

async function stopServer(server: ChildProcess): Promise<void> {
  const ended = () => server.pid === undefined || server.exitCode !== null || server.signalCode !== null;
  if (ended()) return;
  const exit = once(server, 'exit');
  server.ref();
  server.kill('SIGINT');
  // PostgreSQL's immediate shutdown: loses nothing that was committed, the next start replays its log.
  const impatience = setTimeout(() => server.kill('SIGQUIT'), STOP_TIMEOUT_MS);
  if (!ended()) await exit;
  clearTimeout(impatience);
}
