/**
 * Backs up the whole service: every row as one snapshot shows them, and the objects that those rows name. The service
 * goes on meanwhile: objects are written once, so that those of the snapshot are what they were.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ClientBase } from 'pg';
import { type ObjectStore, StorageError } from '../storage/object-store';
import type { BackupFile, BackupFiles } from './files';
import { type BackedUpTable, type LeftOut, type Manifest, newManifest, objectFile, writeManifest } from './manifest';
import { type NamedObject, namedObjects } from './objects';
import { asOperator, listTables, readRows, schemaState, type Table } from './tables';

/** Text of rows in one file, before it is packed. */
const FILE_BYTES = 8 * 1024 * 1024;

const ONE_SNAPSHOT = 'ISOLATION LEVEL REPEATABLE READ READ ONLY';

const pack = promisify(gzip);

export interface Backup {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
}

/**
 * Writes a backup.
 * @param client of the owner of the tables or a superuser, not in a transaction
 * @throws BackupError NOT_EMPTY, HIDDEN_ROWS; StorageError
 */
export async function writeBackup(client: ClientBase, store: ObjectStore, files: BackupFiles): Promise<Backup> {
  await files.checkEmpty();
  const { named, ...rows } = await asOperator(client, () => writeRows(client, files), ONE_SNAPSHOT);
  const manifest = newManifest({ ...rows, ...(await copyObjects(store, named, files)) });
  return { manifest, manifestSha256: await writeManifest(files, manifest) };
}

async function writeRows(client: ClientBase, files: BackupFiles) {
  const state = await schemaState(client);
  const { rows: now } = await client.query<{ at: Date }>('SELECT now() AS at');
  const tables: BackedUpTable[] = [];
  for (const table of await listTables(client)) tables.push(await writeTable(client, table, files));
  return { createdAt: now[0].at.toISOString(), ...state, tables, named: await namedObjects(client) };
}

async function writeTable(client: ClientBase, table: Table, files: BackupFiles): Promise<BackedUpTable> {
  const { schema, name, columns } = table;
  const hash = createHash('sha256');
  const written: BackupFile[] = [];
  let rows = 0;
  let text = '';
  const flush = async () => {
    if (text === '') return;
    const number = String(written.length + 1).padStart(5, '0');
    written.push(await files.write(`rows/${schema}.${name}.${number}.jsonl.gz`, await pack(text)));
    text = '';
  };
  for await (const lines of readRows(client, table)) {
    for (const line of lines) {
      hash.update(`${line}\n`);
      text += `${line}\n`;
      if (text.length >= FILE_BYTES) await flush();
    }
    rows += lines.length;
  }
  await flush();
  return { schema, name, columns: [...columns], rows, sha256: hash.digest('hex'), files: written };
}

/** Copies what the store has whole, and says what it has not; an upload whose bytes never arrived is no loss. */
async function copyObjects(
  store: ObjectStore,
  named: readonly NamedObject[],
  files: BackupFiles,
): Promise<Pick<Manifest, 'objects' | 'leftOut'>> {
  const objects = new Map<string, Manifest['objects'][number]>();
  const leftOut: LeftOut[] = [];
  for (const { key, sha256, sizeBytes, required } of named) {
    // An announcement of other bytes for the same key, which it cannot have, comes after what has a row.
    if (objects.has(key)) continue;
    try {
      const bytes = await store.get(key, { sha256, maximumBytes: sizeBytes });
      const object = { key, sha256, sizeBytes: bytes.byteLength };
      await files.write(objectFile(object).name, bytes);
      objects.set(key, object);
    } catch (error) {
      const code = error instanceof StorageError ? error.code : undefined;
      if (code !== 'NOT_FOUND' && code !== 'CHECKSUM_MISMATCH' && code !== 'TOO_LARGE') throw error;
      const reason = code === 'NOT_FOUND' ? code : 'CHECKSUM_MISMATCH';
      if (required) leftOut.push({ key, sha256, reason });
    }
  }
  return { objects: [...objects.values()], leftOut };
}
