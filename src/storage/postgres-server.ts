/**
 * One run of a PostgreSQL server as a child process: started on a loopback port, watched, stopped. Knows processes; must
 * not know where clusters are, who made them or what is in them.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { type Account, EmbeddedPostgresError, USE_OWN_SERVER } from './postgres-binaries';

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

/** PostgreSQL says so where trying again helps: another process took the port, or its own crashed one is still ending. */
const TRANSIENT = /could not create any TCP\/IP sockets|pre-existing shared memory block/;
const START_ATTEMPTS = 5;

export interface ServerPlan {
  /** With `bin/postgres` in it. */
  programs: string;
  cluster: string;
  account: Account;
  logFile: string;
  settings: Record<string, string>;
  /** Of the superuser. */
  password: string;
}

export interface RunningServer {
  port: number;
  /** A second call waits for the first. */
  stop: () => Promise<void>;
  /** Calls back if the server ends without having been stopped. */
  onCrash: (callback: () => void) => void;
}

/** Starts the server and waits until it answers. @throws EmbeddedPostgresError START_FAILED, ALREADY_RUNNING */
export async function startServer(plan: ServerPlan): Promise<RunningServer> {
  await rename(plan.logFile, `${plan.logFile}.previous`).catch(() => {});
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const server = spawnServer(plan, port);
    if (await becomesReady(server, `postgres://postgres:${plan.password}@127.0.0.1:${port}/postgres`)) {
      let stopping: Promise<void> | undefined;
      return {
        port,
        stop: () => {
          stopping ??= stopServer(server);
          return stopping;
        },
        onCrash: (callback) => void server.once('exit', () => stopping ?? callback()),
      };
    }
    await stopServer(server);
    const said = (await readFile(plan.logFile, 'utf8')).trim().split('\n').slice(-5).join('\n');
    if (attempt === START_ATTEMPTS || !TRANSIENT.test(said)) throw startFailed(plan, said);
    await delay(200);
  }
}

function startFailed(plan: ServerPlan, said: string): EmbeddedPostgresError {
  if (said.includes('lock file "postmaster.pid" already exists')) {
    return new EmbeddedPostgresError(
      'ALREADY_RUNNING',
      `Another process has just started PostgreSQL on ${plan.cluster}.`,
      plan.cluster,
      'Stop that process, or name another data directory; to run several on one database, set DATABASE_URL for all.',
    );
  }
  return new EmbeddedPostgresError(
    'START_FAILED',
    `PostgreSQL did not start. It said:\n${said || 'nothing'}`,
    plan.logFile,
    `Correct what it names. ${USE_OWN_SERVER}`,
  );
}

/** A loopback port that is free now. It may be taken before PostgreSQL binds it. */
async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

function spawnServer(plan: ServerPlan, port: number): ChildProcess {
  const settings = {
    ...DEFAULT_SETTINGS,
    ...plan.settings,
    port: String(port),
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

/** True as soon as the server takes a connection; false if it ends before, or takes too long. */
async function becomesReady(server: ChildProcess, url: string): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!hasEnded(server) && Date.now() < deadline) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch {
      await delay(20);
    } finally {
      await client.end().catch(() => {});
    }
  }
  return false;
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (hasEnded(server)) return;
  const exit = once(server, 'exit');
  server.ref();
  server.kill('SIGINT');
  // PostgreSQL's immediate shutdown: loses nothing that was committed, the next start replays its log.
  const impatience = setTimeout(() => server.kill('SIGQUIT'), STOP_TIMEOUT_MS);
  await exit;
  clearTimeout(impatience);
}

/** Also true of a program that could not be started at all. */
function hasEnded(server: ChildProcess): boolean {
  return server.pid === undefined || server.exitCode !== null || server.signalCode !== null;
}
