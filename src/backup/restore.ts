/**
 * Restores a backup into a service that is empty: the whole backup is checked before anything is written, objects are
 * put before the rows that name them, and all rows come in one transaction, which ends only if they read back as the
 * backup has them. Broken off, it can be begun again.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type ClientBase, escapeIdentifier } from 'pg';
import type { ObjectStore } from '../storage/object-store';
import { BackupError } from './backup-error';
import { type BackupFiles, readChecked } from './files';
import { type BackedUpTable, type Manifest, objectFile, readManifest } from './manifest';
import { asOperator, digestRows, insertRows, listTables, quoted, schemaState, type Table } from './tables';

const unpack = promisify(gunzip);

/**
 * @param client of the owner of the tables or a superuser, not in a transaction; nothing else uses the database
 * @param manifestSha256 what `writeBackup` answered, if it was kept: without it a backup that was rewritten as a whole,
 *   manifest and all, is not noticed
 * @throws BackupError DAMAGED_BACKUP, OTHER_VERSION, NOT_EMPTY_SERVICE, HIDDEN_ROWS, OTHER_ROWS; StorageError
 */
export async function restoreBackup(
  client: ClientBase,
  store: ObjectStore,
  files: BackupFiles,
  manifestSha256?: string,
): Promise<Manifest> {
  const manifest = await readManifest(files, manifestSha256);
  for (const part of manifest.tables.flatMap((table) => table.files)) await readChecked(files, part);
  for (const object of manifest.objects) await readChecked(files, objectFile(object));
  await checkSchema(client, manifest);
  await asOperator(client, async () => checkEmpty(client, await listTables(client)));
  for (const object of manifest.objects) {
    const bytes = await readChecked(files, objectFile(object));
    await store.put(object.key, bytes, { sha256: object.sha256, contentType: 'application/octet-stream' });
  }
  await asOperator(client, () => restoreRows(client, files, manifest));
  return manifest;
}

/** The same migrations, and the same version of the queue's tables. @throws BackupError OTHER_VERSION */
async function checkSchema(client: ClientBase, manifest: Manifest): Promise<void> {
  const state = await schemaState(client);
  const all = new Set([...Object.keys(state.migrations), ...Object.keys(manifest.migrations)]);
  const differing = [...all].filter((name) => state.migrations[name] !== manifest.migrations[name]).sort();
  if (state.queueVersion !== manifest.queueVersion) differing.push(`pg-boss ${manifest.queueVersion}`);
  if (differing.length === 0) return;
  throw new BackupError(
    'OTHER_VERSION',
    `The database and the backup differ in ${differing.join(', ')}.`,
    'migrations',
    'Restore with the version of Fusecast that made the backup, and upgrade then.',
  );
}

/** @throws BackupError NOT_EMPTY_SERVICE naming the tables that have rows */
async function checkEmpty(client: ClientBase, tables: readonly Table[]): Promise<void> {
  const filled: string[] = [];
  // Jobs are no rows of anybody where nothing else is: a service that was started has its regular ones.
  for (const table of tables.filter(({ schema }) => schema === 'public')) {
    const { rows } = await client.query(`SELECT FROM ${quoted(table)} LIMIT 1`);
    if (rows.length > 0) filled.push(table.name);
  }
  if (filled.length === 0) return;
  throw new BackupError(
    'NOT_EMPTY_SERVICE',
    `There are rows in ${filled.join(', ')}.`,
    'DATABASE_URL',
    'Restore into a database of its own that was only ever migrated.',
  );
}

const REFERENCES = `
  SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint
  WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace AND NOT condeferrable`;

/** Inserts all rows in any order, without what triggers would add, and reads them back. */
async function restoreRows(client: ClientBase, files: BackupFiles, manifest: Manifest): Promise<void> {
  const tables = await listTables(client);
  for (const table of tables) await client.query(`LOCK TABLE ${quoted(table)} IN ACCESS EXCLUSIVE MODE`);
  await checkEmpty(client, tables);
  const references = (await client.query<{ name: string; table: string }>(REFERENCES)).rows;
  const alter = async (table: string, action: string) => void (await client.query(`ALTER TABLE ${table} ${action}`));
  for (const { name, table } of references) {
    await alter(table, `ALTER CONSTRAINT ${escapeIdentifier(name)} DEFERRABLE INITIALLY DEFERRED`);
  }
  for (const table of tables) {
    await alter(quoted(table), 'DISABLE TRIGGER USER');
    if (table.schema !== 'public') await client.query(`DELETE FROM ${quoted(table)}`);
  }
  for (const backedUp of manifest.tables) {
    const table = tables.find(({ schema, name }) => schema === backedUp.schema && name === backedUp.name);
    if (String(table?.columns) !== String(backedUp.columns)) throw otherRows(backedUp, 'has other columns');
    for (const part of backedUp.files) {
      const text = (await unpack(await readChecked(files, part))).toString('utf8');
      await insertRows(client, table!, text.split('\n').slice(0, -1));
    }
    const { rows, sha256 } = await digestRows(client, table!);
    if (rows !== backedUp.rows || sha256 !== backedUp.sha256) throw otherRows(backedUp, 'reads back otherwise');
  }
  // Every reference is checked here, and may wait no longer.
  await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  for (const { name, table } of references) {
    await alter(table, `ALTER CONSTRAINT ${escapeIdentifier(name)} NOT DEFERRABLE`);
  }
  for (const table of tables) await alter(quoted(table), 'ENABLE TRIGGER USER');
}

function otherRows({ schema, name }: BackedUpTable, what: string): BackupError {
  return new BackupError(
    'OTHER_ROWS',
    `The table ${schema}.${name} ${what}: nothing was restored.`,
    `${schema}.${name}`,
    'Restore with the version of Fusecast that made the backup, or use another backup.',
  );
}
