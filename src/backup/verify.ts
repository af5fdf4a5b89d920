/** Checks every object that a row names against the SHA-256 in the row, and puts back from a backup what is damaged. */
import type { ClientBase } from 'pg';
import { type ObjectStore, StorageError } from '../storage/object-store';
import { type BackupFiles, readChecked } from './files';
import { type LeftOut, type Manifest, objectFile } from './manifest';
import { type NamedObject, namedObjects } from './objects';
import { asOperator } from './tables';

export interface Verification {
  /** Objects that were read. */
  readonly checked: number;
  /** What is missing or damaged, and stays so. */
  readonly damaged: readonly LeftOut[];
  /** Keys of what was put back. */
  readonly repaired: readonly string[];
  /** Ids of versions that are no longer quarantined, because their file is whole. */
  readonly released: readonly string[];
}

/**
 * @param repair the backup to put objects back from, if any
 * @throws BackupError HIDDEN_ROWS, DAMAGED_BACKUP; StorageError UNAVAILABLE
 */
export async function verifyObjects(
  client: ClientBase,
  store: ObjectStore,
  repair?: { readonly files: BackupFiles; readonly manifest: Manifest },
): Promise<Verification> {
  const named = await asOperator(client, () => namedObjects(client));
  const damaged: LeftOut[] = [];
  const repaired: string[] = [];
  const whole: string[] = [];
  let checked = 0;
  for (const object of named) {
    const { key, sha256, required } = object;
    let reason = await damageOf(store, object);
    if (reason === 'NOT_FOUND' && !required) continue;
    checked += 1;
    if (reason && repair && (await putBack(store, object, repair))) {
      repaired.push(key);
      reason = undefined;
    }
    if (reason) damaged.push({ key, sha256, reason });
    else whole.push(key);
  }
  return { checked, damaged, repaired, released: await release(client, whole) };
}

async function damageOf(store: ObjectStore, { key, sha256 }: NamedObject): Promise<LeftOut['reason'] | undefined> {
  try {
    await store.get(key, { sha256, maximumBytes: Number.MAX_SAFE_INTEGER });
    return undefined;
  } catch (error) {
    if (error instanceof StorageError && (error.code === 'NOT_FOUND' || error.code === 'CHECKSUM_MISMATCH'))
      return error.code;
    throw error;
  }
}

/** False if the backup does not have the object with these bytes. */
async function putBack(
  store: ObjectStore,
  { key, sha256 }: NamedObject,
  { files, manifest }: { readonly files: BackupFiles; readonly manifest: Manifest },
): Promise<boolean> {
  const object = manifest.objects.find((each) => each.key === key && each.sha256 === sha256);
  if (!object) return false;
  const bytes = await readChecked(files, objectFile(object));
  await store.delete(key);
  await store.put(key, bytes, { sha256, contentType: 'application/octet-stream' });
  return true;
}

/** Ends the quarantine of versions whose files are whole. */
async function release(client: ClientBase, keys: readonly string[]): Promise<string[]> {
  return asOperator(client, async () => {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE predictor_version SET quarantined_at = NULL
       WHERE quarantined_at IS NOT NULL AND object_key = ANY ($1) RETURNING id`,
      [keys],
    );
    return rows.map(({ id }) => id);
  });
}
