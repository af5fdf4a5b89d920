/**
 * The manifest of a backup: what was backed up, and the SHA-256 of every file of it. Written last, so that a backup that
 * was broken off has none.
 */
import { z } from 'zod';
import { sha256Of } from '../storage/presigned-headers';
import { BackupError } from './backup-error';
import type { BackupFiles } from './files';

const MANIFEST_FILE = 'manifest.json';
const FORMAT = 'fusecast-backup-1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Nothing that leads out of the backup's directory. */
const name = z.string().regex(/^(?!.*\.\.)[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/);
const identifier = z.string().regex(/^[a-z_][a-z0-9_]*$/);
const file = z.strictObject({ name, sha256, sizeBytes: z.int().nonnegative() });

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** When the snapshot was taken. */
  createdAt: z.iso.datetime(),
  /** Migrations that the database had: SHA-256 by name. */
  migrations: z.record(z.string(), sha256),
  /** Version of the job queue's tables. */
  queueVersion: z.int(),
  tables: z.array(
    z.strictObject({
      schema: identifier,
      name: identifier,
      columns: z.array(identifier),
      rows: z.int().nonnegative(),
      /** Of all rows: a JSON object and a newline for each, in the order of the primary key. */
      sha256,
      /** Gzipped parts of that. */
      files: z.array(file),
    }),
  ),
  /** Objects of the store, by key; the file is `objects/<key>`. */
  objects: z.array(z.strictObject({ key: name, sha256, sizeBytes: z.int().nonnegative() })),
  /** Objects that rows name and that the store did not have whole. */
  leftOut: z.array(z.strictObject({ key: name, sha256, reason: z.enum(['NOT_FOUND', 'CHECKSUM_MISMATCH']) })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type BackedUpTable = Manifest['tables'][number];
export type LeftOut = Manifest['leftOut'][number];

export function newManifest(content: Omit<Manifest, 'format'>): Manifest {
  return { format: FORMAT, ...content };
}

/** The file of an object's bytes. */
export function objectFile({ key, sha256: digest, sizeBytes }: Manifest['objects'][number]) {
  return { name: `objects/${key}`, sha256: digest, sizeBytes };
}

/** Writes the manifest and returns its SHA-256, which vouches for the whole backup. */
export async function writeManifest(files: BackupFiles, manifest: Manifest): Promise<string> {
  const written = await files.write(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
  return written.sha256;
}

/**
 * @param expected the manifest's SHA-256, if whoever made the backup has kept it
 * @throws BackupError DAMAGED_BACKUP, OTHER_VERSION
 */
export async function readManifest(files: BackupFiles, expected?: string): Promise<Manifest> {
  const where = `${MANIFEST_FILE} in ${files.where}`;
  const bytes = await files.read(MANIFEST_FILE);
  if (expected !== undefined && sha256Of(bytes) !== expected) {
    throw new BackupError(
      'DAMAGED_BACKUP',
      `The manifest has the SHA-256 ${sha256Of(bytes)}, expected ${expected}.`,
      where,
      'Somebody has changed it, or it is another backup: nothing was restored.',
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new BackupError('DAMAGED_BACKUP', 'It is not JSON.', where, 'Use another backup.');
  }
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const isOther = path[0] === 'format';
  throw new BackupError(
    isOther ? 'OTHER_VERSION' : 'DAMAGED_BACKUP',
    `${path.join('.')}: ${message}.`,
    where,
    isOther ? 'Restore with the version of Fusecast that made it.' : 'Use another backup.',
  );
}
