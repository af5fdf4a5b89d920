/**
 * Brings a database up to date: the raw SQL files of migrations/, in the order of their names, each in a transaction of
 * its own and recorded with its SHA-256, so that an edited landed migration is refused. Must not know what they make.
 * TypeORM's runner is not used: it takes classes, and keeps no digest.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientBase, escapeIdentifier } from 'pg';

/** Any number will do, if nothing else on the server takes advisory locks with it. */
const MIGRATION_LOCK = 4_173_250_931;

export interface Migration {
  /** File name without `.up.sql`. */
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** The migrations do not fit the database: an operator has to decide. */
class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Makes the role that the service works as and lets `connectingRole` become it. Only for servers whose administrator
 * this process is (the embedded one); elsewhere the first migration or an administrator does it.
 */
export async function createApplicationRole(administrator: ClientBase, connectingRole: string): Promise<void> {
  const { rowCount } = await administrator.query('SELECT FROM pg_roles WHERE rolname = $1', ['fusecast_app']);
  if (!rowCount) await administrator.query('CREATE ROLE fusecast_app NOLOGIN');
  await administrator.query(`GRANT fusecast_app TO ${escapeIdentifier(connectingRole)}`);
}

/** Reads the migrations of a directory in their order. @throws MigrationError for one that has no way down */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const files = new Set(await readdir(directory));
  const names = [...files]
    .filter((file) => file.endsWith('.up.sql'))
    .map((file) => file.slice(0, -'.up.sql'.length))
    .sort();
  return Promise.all(
    names.map(async (name) => {
      if (!/^\d{14}-[a-z0-9-]+$/.test(name))
        throw new MigrationError(`${name}.up.sql is not <timestamp>-<name>.up.sql.`);
      if (!files.has(`${name}.down.sql`)) throw new MigrationError(`${name}.up.sql has no ${name}.down.sql.`);
      const sql = await readFile(join(directory, `${name}.up.sql`), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Runs `work` while no other process migrates this database. */
async function alone<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  try {
    return await work();
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  }
}

/**
 * Runs what has not run yet and returns its names; then `finish`, still under the lock (for what a library keeps in the
 * database by itself). Safe to call from many processes at once.
 * @throws MigrationError if a landed migration was edited, or one is missing that this database has
 */
export async function migrate(
  client: ClientBase,
  directory: string,
  finish: () => Promise<void> = async () => {},
): Promise<string[]> {
  const migrations = await readMigrations(directory);
  return alone(client, async () => {
    await client.query(
      'CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const { rows } = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM migration');
    const landed = new Map(rows.map((row) => [row.name, row.sha256]));
    checkLanded(migrations, landed);
    const pending = migrations.filter(({ name }) => !landed.has(name));
    for (const migration of pending) await apply(client, migration);
    await finish();
    return pending.map(({ name }) => name);
  });
}

function checkLanded(migrations: readonly Migration[], landed: ReadonlyMap<string, string>): void {
  for (const { name, sha256 } of migrations) {
    const known = landed.get(name);
    if (known !== undefined && known !== sha256) {
      throw new MigrationError(
        `Migration ${name} was edited after it had landed in this database. Put the file back and write a new migration.`,
      );
    }
  }
  // A database that is ahead is in order: an older replica runs beside newer ones during a rolling upgrade.
  const newest = [...landed.keys()].sort().at(-1);
  const late = migrations.find(({ name }) => newest !== undefined && name < newest && !landed.has(name));
  if (late) {
    throw new MigrationError(
      `Migration ${late.name} comes before ${newest}, which this database has already. Give it a later timestamp.`,
    );
  }
}

async function apply(client: ClientBase, { name, sql, sha256 }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query('INSERT INTO migration (name, sha256) VALUES ($1, $2)', [name, sha256]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    const reason = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`Migration ${name} failed and was undone: ${reason}`, { cause: error });
  }
}
