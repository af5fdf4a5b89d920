/**
 * Where a backup lies: named files in a directory or under a prefix of a bucket, each written once. Must not know what
 * is in them.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, StorageError } from '../storage/object-store';
import { sha256Of } from '../storage/presigned-headers';
import { BackupError } from './backup-error';

/** A file, as the manifest names it. */
export interface BackupFile {
  /** Segments of letters, digits, `.`, `_` and `-`, joined by `/`. */
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface BackupFiles {
  /** For messages. */
  readonly where: string;
  /** @throws BackupError NOT_EMPTY if there is a file already */
  checkEmpty(): Promise<void>;
  write(name: string, bytes: Uint8Array): Promise<BackupFile>;
  /** @throws BackupError DAMAGED_BACKUP if it is missing */
  read(name: string): Promise<Buffer>;
}

/** Reads a file and compares it with what the manifest says. @throws BackupError DAMAGED_BACKUP */
export async function readChecked(files: BackupFiles, { name, sha256, sizeBytes }: BackupFile): Promise<Buffer> {
  const bytes = await files.read(name);
  if (bytes.byteLength === sizeBytes && sha256Of(bytes) === sha256) return bytes;
  throw new BackupError(
    'DAMAGED_BACKUP',
    `The file has ${bytes.byteLength} bytes and the SHA-256 ${sha256Of(bytes)}; the manifest says ${sizeBytes} and ${sha256}.`,
    `${name} in ${files.where}`,
    'Somebody or something has changed it: nothing was restored. Use another backup.',
  );
}

function notEmpty(where: string): BackupError {
  return new BackupError('NOT_EMPTY', 'There is something already.', where, 'Name a directory or prefix of its own.');
}

function missing(name: string, where: string): BackupError {
  return new BackupError(
    'DAMAGED_BACKUP',
    'There is no such file.',
    `${name} in ${where}`,
    'Check the path; a backup without its manifest was broken off, and one without another file is damaged.',
  );
}

/** A backup in a directory, which is made if it is missing. */
export class DirectoryFiles implements BackupFiles {
  readonly where: string;

  constructor(directory: string) {
    this.where = path.resolve(directory);
  }

  async checkEmpty(): Promise<void> {
    await mkdir(this.where, { recursive: true, mode: 0o700 });
    if ((await readdir(this.where)).length > 0) throw notEmpty(this.where);
  }

  async write(name: string, bytes: Uint8Array): Promise<BackupFile> {
    const file = path.join(this.where, name);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, bytes, { flag: 'wx', mode: 0o600, flush: true });
    return { name, sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
  }

  async read(name: string): Promise<Buffer> {
    try {
      return await readFile(path.join(this.where, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missing(name, this.where);
      throw error;
    }
  }
}

/** A backup in a bucket. */
export class BucketFiles implements BackupFiles {
  /**
   * @param prefix ends with `/`
   * @param where the URL, for messages
   */
  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
    readonly where: string,
  ) {}

  async checkEmpty(): Promise<void> {
    for await (const _ of this.store.list(this.prefix)) throw notEmpty(this.where);
  }

  async write(name: string, bytes: Uint8Array): Promise<BackupFile> {
    const sha256 = sha256Of(bytes);
    await this.store.put(`${this.prefix}${name}`, bytes, { sha256, contentType: 'application/octet-stream' });
    return { name, sha256, sizeBytes: bytes.byteLength };
  }

  async read(name: string): Promise<Buffer> {
    try {
      return await this.store.get(`${this.prefix}${name}`, { maximumBytes: Number.MAX_SAFE_INTEGER });
    } catch (error) {
      if (error instanceof StorageError && error.code === 'NOT_FOUND') throw missing(name, this.where);
      throw error;
    }
  }
}
