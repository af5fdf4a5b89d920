/** The objects that rows name: read from any table that has their key, digest and size. Must not know what they are. */
import { type ClientBase, escapeIdentifier } from 'pg';

export interface NamedObject {
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** False where the row only announces it: an upload whose bytes may never arrive. */
  readonly required: boolean;
}

const TABLES = `
  SELECT table_name AS name, bool_or(column_name = 'file_deleted_at') AS "mayBeDeleted"
  FROM information_schema.columns
  WHERE table_schema = 'public' AND column_name IN ('object_key', 'sha256', 'size_bytes', 'file_deleted_at')
  GROUP BY table_name HAVING bool_or(column_name = 'object_key') ORDER BY 1`;

/** Announces objects; what they become has rows of its own. */
const ANNOUNCING = 'upload';

/** All objects that rows name, each once, by key. Within a transaction of the operator. */
export async function namedObjects(client: ClientBase): Promise<NamedObject[]> {
  const tables = await client.query<{ name: string; mayBeDeleted: boolean }>(TABLES);
  const parts = tables.rows.map(
    ({ name, mayBeDeleted }) =>
      `SELECT object_key, sha256, size_bytes, ${name !== ANNOUNCING} AS required FROM ${escapeIdentifier(name)}
       WHERE object_key IS NOT NULL${mayBeDeleted ? ' AND file_deleted_at IS NULL' : ''}`,
  );
  const { rows } = await client.query<{ key: string; sha256: string; size: string; required: boolean }>(
    `SELECT object_key AS key, sha256, size_bytes AS size, bool_or(required) AS required
     FROM (${parts.join(' UNION ALL ')}) AS named GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC`,
  );
  return rows.map(({ key, sha256, size, required }) => ({ key, sha256, sizeBytes: Number(size), required }));
}
