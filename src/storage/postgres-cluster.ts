/**
 * Makes a PostgreSQL cluster on disk, with its passwords inside. Knows initdb and files; must not know running servers.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type Account, EmbeddedPostgresError, USE_OWN_SERVER } from './postgres-binaries';

/** Password of each role: `postgres` is the superuser, `fusecast` the service's. Hexadecimal, so it needs no escaping in a URL. */
export interface ClusterPasswords {
  postgres: string;
  fusecast: string;
}

const PASSWORDS_FILE = 'fusecast-passwords.json';

/**
 * Creates the cluster unless it exists; true if it did. The cluster is made under another name and renamed when it is
 * complete, so a crash leaves no half of one, and of two processes at once the first to finish wins.
 * @throws EmbeddedPostgresError INITIALISATION_FAILED, BAD_DATA_DIRECTORY
 */
export async function createCluster(plan: { programs: string; cluster: string; account: Account }): Promise<boolean> {
  if (await exists(plan.cluster)) return false;
  await removeLeftovers(plan.cluster);
  const partial = await mkdtemp(`${plan.cluster}.partial-${process.pid}-`);
  const passwordFile = `${partial}.password`;
  try {
    if (plan.account) await chown(partial, plan.account.uid, plan.account.gid);
    const passwords = { postgres: randomBytes(24).toString('hex'), fusecast: randomBytes(24).toString('hex') };
    await writePrivately(passwordFile, passwords.postgres, plan.account);
    await runInitdb(plan.programs, partial, plan.account, passwordFile);
    await writePrivately(path.join(partial, PASSWORDS_FILE), JSON.stringify(passwords), plan.account);
    await rename(partial, plan.cluster);
    return true;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (await exists(plan.cluster)) return false;
    throw error;
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function writePrivately(file: string, content: string, account: Account): Promise<void> {
  await writeFile(file, content, { mode: 0o600, flush: true });
  if (account) await chown(file, account.uid, account.gid);
}

/** Removes what processes that died within {@link createCluster} left: their number is in the name. */
async function removeLeftovers(cluster: string): Promise<void> {
  const prefix = `${path.basename(cluster)}.partial-`;
  for (const name of await readdir(path.dirname(cluster))) {
    if (name.startsWith(prefix) && !isAlive(Number.parseInt(name.slice(prefix.length), 10))) {
      await rm(path.join(path.dirname(cluster), name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The passwords that {@link createCluster} left in the cluster. @throws EmbeddedPostgresError BAD_DATA_DIRECTORY */
export async function readClusterPasswords(cluster: string): Promise<ClusterPasswords> {
  try {
    const passwords: Partial<ClusterPasswords> = JSON.parse(await readFile(path.join(cluster, PASSWORDS_FILE), 'utf8'));
    if (typeof passwords.postgres !== 'string' || typeof passwords.fusecast !== 'string') throw new Error('incomplete');
    return { postgres: passwords.postgres, fusecast: passwords.fusecast };
  } catch {
    throw new EmbeddedPostgresError(
      'BAD_DATA_DIRECTORY',
      `${cluster} is not a cluster made by Fusecast: its ${PASSWORDS_FILE} is missing or not readable.`,
      cluster,
      `Name another directory, or restore this one from a backup. ${USE_OWN_SERVER}`,
    );
  }
}

async function runInitdb(programs: string, directory: string, account: Account, passwordFile: string): Promise<void> {
  const args = [
    `--pgdata=${directory}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--no-locale',
    '--locale-provider=builtin',
    // The same order of text on every machine, whatever locales it has.
    '--builtin-locale=C.UTF-8',
  ];
  const initdb = spawn(path.join(programs, 'bin', 'initdb'), args, {
    ...account,
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, outcome] = await Promise.all([
    text(initdb.stderr),
    once(initdb, 'close').then(
      ([code]) => code as number | null,
      (error: Error) => error.message,
    ),
  ]);
  if (outcome === 0) return;
  throw new EmbeddedPostgresError(
    'INITIALISATION_FAILED',
    `initdb could not create a cluster (${outcome}). It said:\n${said.trim()}`,
    directory,
    `Correct what it names. ${USE_OWN_SERVER}`,
  );
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
