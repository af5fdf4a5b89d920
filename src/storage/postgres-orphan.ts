/**
 * What a crash leaves of an embedded PostgreSQL: a postmaster without its owner, or a lock file without a postmaster.
 * Knows `postmaster.pid` and the process table of Linux and macOS; must not know how a server is started.
 */

import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError } from './postgres-binaries';

const SHUTDOWN_TIMEOUT_MS = 20_000;

/**
 * Makes sure that no postmaster runs on the cluster: stops an orphan, removes a lock file that names a process which
 * is something else today. A lock file of a process that is gone is PostgreSQL's own business.
 * @throws EmbeddedPostgresError ALREADY_RUNNING if the postmaster's owner lives
 */
export async function releaseCluster(cluster: string, log: (line: string) => void): Promise<void> {
  const lockFile = path.join(cluster, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10);
  if (!(pid > 1)) return;
  const found = await describeProcess(pid);
  if (found === undefined) return;
  if (!found.command.includes(`-D ${cluster} `)) {
    // After a reboot, or in a new container, the number soon belongs to somebody else, and PostgreSQL would refuse to start.
    log(`Removed ${lockFile}: process ${pid} is not PostgreSQL`);
    await rm(lockFile, { force: true });
    return;
  }
  const owner = Number(/fusecast\.owner=(\d+)/.exec(found.command)?.[1]);
  // A process that lost its parent gets another one, so the recorded owner lives exactly if it is still the parent.
  if (found.parent === owner) {
    throw new EmbeddedPostgresError(
      'ALREADY_RUNNING',
      `Process ${owner} runs PostgreSQL on ${cluster}.`,
      cluster,
      `Stop process ${owner}, or name another data directory; to run several processes on one database, set DATABASE_URL for all of them.`,
    );
  }
  log(`Stopping PostgreSQL (process ${pid}) on ${cluster}: the process that started it is gone`);
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + SHUTDOWN_TIMEOUT_MS;
  while ((await describeProcess(pid))?.command.includes(`-D ${cluster} `)) {
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        'ALREADY_RUNNING',
        `An orphaned PostgreSQL (process ${pid}) on ${cluster} does not end.`,
        cluster,
        `End process ${pid}, then start again.`,
      );
    }
    await delay(20);
  }
}

/**
 * Parent and command line of a process; undefined if there is none of that number. One that has ended and that nobody
 * has waited for (in a container without an init) has no command line any more, and so counts as something else.
 */
async function describeProcess(pid: number): Promise<{ parent: number; command: string } | undefined> {
  if (process.platform !== 'linux') {
    const line = spawnSync('ps', ['-ww', '-o', 'ppid=,command=', '-p', String(pid)]).stdout?.toString() ?? '';
    const match = /^\s*(\d+)\s+(.*)$/m.exec(line);
    return match ? { parent: Number(match[1]), command: match[2]! } : undefined;
  }
  try {
    // The name in parentheses may hold anything, so the fields are counted from the last parenthesis: state, parent, ...
    const [status, command] = await Promise.all(
      ['stat', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    const [, parent] = status!.slice(status!.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(parent), command: command!.replaceAll('\0', ' ') };
  } catch {
    return undefined;
  }
}
