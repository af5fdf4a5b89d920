/**
 * The rows of a database as text and back: which tables there are, their rows in the order of the primary key, one JSON
 * object each. Must not know what the tables are for, nor where the text goes.
 *
 * Row-level security is forced, for the owner too. The policy `operator` on every table shows the owner all rows where a
 * transaction says so by a setting, as the other policies do (first file of migrations/); the role that the service
 * works as is not the owner, so that the setting shows it nothing.
 */
import { createHash } from 'node:crypto';
import { type ClientBase, escapeIdentifier } from 'pg';
import { BackupError } from './backup-error';

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly primaryKey: readonly string[];
}

/** Rows that are read at a time. */
const FETCHED = 1000;

/**
 * Tables with rows of their own: all of the service's, and the jobs of pg-boss, whose other tables each version of the
 * service fills by itself. Not those that a crash empties, nor the list of migrations, which is compared instead.
 */
const TABLES = `
  SELECT nspname AS schema, relname AS name,
    ARRAY(SELECT attname::text FROM pg_attribute
      WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum) AS columns,
    ARRAY(SELECT attname::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indrelid = pg_class.oid AND indisprimary ORDER BY array_position(indkey::int[], attnum::int)) AS "primaryKey"
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p'
    AND (nspname, relname) <> ('public', 'migration')
    AND (nspname = 'public' OR (nspname, relname) = ('pgboss', 'job'))
  ORDER BY 1, 2`;

const WITHOUT_POLICY = `
  SELECT relname AS name FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity
    AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'operator')
  ORDER BY 1`;

/** Adds the policy `operator` to the tables that lack it. Part of migrating; as the owner. */
export async function letOwnerBeOperator(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(WITHOUT_POLICY);
  for (const { name } of rows) {
    await client.query(
      `CREATE POLICY operator ON ${escapeIdentifier(name)} TO CURRENT_USER USING (current_setting('app.operator', true) = 'on')`,
    );
  }
}

/**
 * Runs `work` in a transaction that sees and may write all rows.
 * @param mode how it begins
 * @throws BackupError HIDDEN_ROWS if some would stay hidden
 */
export async function asOperator<T>(client: ClientBase, work: () => Promise<T>, mode = ''): Promise<T> {
  await client.query(`BEGIN ${mode}`);
  try {
    await becomeOperator(client);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Shows the rest of the transaction all rows, and gives times one form. */
async function becomeOperator(client: ClientBase): Promise<void> {
  await client.query(
    "SELECT set_config('app.operator', 'on', true), set_config('TimeZone', 'UTC', true), set_config('app.scenario_names', '', true)",
  );
  const { rows } = await client.query<{ name: string }>(`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND row_security_active(pg_class.oid)
      AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'operator'
        AND pg_has_role(current_user, polroles[1], 'USAGE'))
    ORDER BY 1`);
  if (rows.length === 0) return;
  throw new BackupError(
    'HIDDEN_ROWS',
    `Row-level security hides the rows of ${rows.map(({ name }) => name).join(', ')} from the connecting role.`,
    'DATABASE_URL',
    'Connect as the owner of the tables, after `migrate`, or as a superuser.',
  );
}

export async function listTables(client: ClientBase): Promise<Table[]> {
  return (await client.query<Table>(TABLES)).rows;
}

export function quoted({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

/** The rows of a table, some at a time, each a line of JSON without its newline. Within a transaction. */
export async function* readRows(client: ClientBase, table: Table): AsyncGenerator<string[]> {
  const order = table.primaryKey.map(escapeIdentifier).join(', ');
  const columns = table.columns.map(escapeIdentifier).join(', ');
  await client.query(
    `DECLARE backed_up NO SCROLL CURSOR FOR
     SELECT row_to_json(one)::text AS line FROM (SELECT ${columns} FROM ${quoted(table)}${order && ` ORDER BY ${order}`}) AS one`,
  );
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`FETCH ${FETCHED} FROM backed_up`);
    if (rows.length === 0) break;
    yield rows.map(({ line }) => line);
  }
  await client.query('CLOSE backed_up');
}

/** Inserts rows as `readRows` gave them. */
export async function insertRows(client: ClientBase, table: Table, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const columns = table.columns.map(escapeIdentifier).join(', ');
  await client.query(
    `INSERT INTO ${quoted(table)} (${columns}) OVERRIDING SYSTEM VALUE
     SELECT ${columns} FROM json_populate_recordset(NULL::${quoted(table)}, $1::json)`,
    [`[${lines.join(',')}]`],
  );
}

/** How many rows a table has, and the SHA-256 of their text as `readRows` gives it. */
export async function digestRows(client: ClientBase, table: Table): Promise<{ rows: number; sha256: string }> {
  const hash = createHash('sha256');
  let rows = 0;
  for await (const lines of readRows(client, table)) {
    rows += lines.length;
    for (const line of lines) hash.update(`${line}\n`);
  }
  return { rows, sha256: hash.digest('hex') };
}

/** The state of the schema: migrations with their SHA-256, and the version of the queue's tables. */
export async function schemaState(
  client: ClientBase,
): Promise<{ migrations: Record<string, string>; queueVersion: number }> {
  const migrations = await client.query<{ name: string; sha256: string }>(
    'SELECT name, sha256 FROM migration ORDER BY name',
  );
  const queue = await client.query<{ version: number }>('SELECT version FROM pgboss.version');
  return {
    migrations: Object.fromEntries(migrations.rows.map(({ name, sha256 }) => [name, sha256])),
    queueVersion: queue.rows[0].version,
  };
}
