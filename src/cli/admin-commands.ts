/**
 * `fusecast admin`: what the operator of the service does, with its configuration (DATABASE_URL, S3_* or FUSECAST_DATA)
 * and not through its API: back up, restore, verify.
 */
import type { Command } from 'commander';
import type { Client } from 'pg';
import pino from 'pino';
import { writeBackup } from '../backup/backup';
import { BackupError } from '../backup/backup-error';
import { type BackupFiles, BucketFiles, DirectoryFiles } from '../backup/files';
import { type LeftOut, type Manifest, readManifest } from '../backup/manifest';
import { restoreBackup } from '../backup/restore';
import { verifyObjects } from '../backup/verify';
import { type Config, readConfig } from '../config';
import type { ObjectStore } from '../storage/object-store';
import type { Output } from './output';

interface Opened {
  readonly client: Client;
  readonly store: ObjectStore;
  /** Where a backup lies that an argument names. */
  readonly files: (location: string) => Promise<BackupFiles>;
}

const WHERE = 'directory, or s3://BUCKET/PREFIX on the S3 server of the service';

export function addAdminCommands(program: Command, output: () => Output): void {
  const admin = program.command('admin').description('for the operator: works on database and object store directly');
  admin
    .command('backup')
    .description('writes all rows and objects, of one moment, while the service runs')
    .requiredOption('--output <where>', WHERE)
    .action(async ({ output: where }: { output: string }) => backup(where, output()));
  admin
    .command('restore')
    .description('restores a backup into a service that is empty, migrating it first')
    .argument('<where>', WHERE)
    .option('--manifest-sha256 <digest>', 'what `admin backup` printed: refuses any other backup')
    .action(async (where: string, options: { manifestSha256?: string }) =>
      restore(where, options.manifestSha256, output()),
    );
  admin
    .command('verify')
    .description('reads every stored object and compares it with the SHA-256 in its row')
    .option('--repair <where>', `puts damaged objects back from a backup: ${WHERE}`)
    .action(async ({ repair }: { repair?: string }) => verify(repair, output()));
}

async function backup(where: string, output: Output): Promise<void> {
  await opened(false, async ({ client, store, files }) => {
    const { manifest, manifestSha256 } = await writeBackup(client, store, await files(where));
    output.result({ ...summaryOf(manifest), manifestSha256, leftOut: manifest.leftOut }, () =>
      [show(manifest), `manifest SHA-256 ${manifestSha256}: keep it apart from the backup`].join('\n'),
    );
    if (manifest.leftOut.length > 0) throw damaged(manifest.leftOut, 'Everything else is backed up.');
  });
}

async function restore(where: string, manifestSha256: string | undefined, output: Output): Promise<void> {
  await opened(true, async ({ client, store, files }) => {
    const manifest = await restoreBackup(client, store, await files(where), manifestSha256);
    const { damaged: found } = await verifyObjects(client, store);
    output.result({ ...summaryOf(manifest), damaged: found }, () => show(manifest));
    if (found.length > 0) throw damaged(found, 'All rows and every object that the backup has are restored.');
  });
}

async function verify(repair: string | undefined, output: Output): Promise<void> {
  await opened(false, async ({ client, store, files }) => {
    const from = repair === undefined ? undefined : await files(repair);
    const result = await verifyObjects(client, store, from && { files: from, manifest: await readManifest(from) });
    output.result(result, () =>
      [
        `${result.checked} objects read: ${result.damaged.length} damaged or missing, ${result.repaired.length} put back`,
        ...result.released.map((id) => `version ${id} is no longer quarantined`),
      ].join('\n'),
    );
    if (result.damaged.length > 0) throw damaged(result.damaged, 'Put them back from a backup: --repair.');
  });
}

/** Opens what the configuration names, and closes it in the end. */
async function opened(migrates: boolean, work: (opened: Opened) => Promise<void>): Promise<void> {
  // Loaded here and not above: it is much, and the other commands do without.
  const { migrateDatabase, openDatabase, openObjectStore, Started, withClient } =
    require('../infrastructure') as typeof import('../infrastructure');
  const config = readConfig();
  const log = pino({ level: 'warn' }, pino.destination(2));
  const started = new Started();
  try {
    const url = await openDatabase(config, log, started);
    if (migrates) await migrateDatabase(url, log);
    const noUrl = () => '';
    const store = await openObjectStore(config, noUrl);
    const files = async (location: string) => {
      const bucket = bucketOf(location, config);
      if (!bucket) return new DirectoryFiles(location);
      const objects = { ...bucket.objects, bucket: bucket.name };
      return new BucketFiles(await openObjectStore({ ...config, objects }, noUrl), bucket.prefix, location);
    };
    await withClient(url, (client) => work({ client, store, files }));
  } finally {
    await started.stop();
  }
}

/** The bucket that a location names, or undefined for a directory. @throws BackupError BAD_INPUT */
function bucketOf(location: string, { objects }: Config) {
  if (!location.startsWith('s3:')) return undefined;
  const [, name, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/.exec(location) ?? [];
  if (name && objects.kind === 's3') {
    // Beside the service's own objects a backup would go with them.
    if (name !== objects.bucket) return { objects, name, prefix: prefix && `${prefix}/` };
    throw new BackupError('BAD_INPUT', 'This is the bucket that is backed up.', location, 'Name another bucket.');
  }
  throw new BackupError(
    'BAD_INPUT',
    name ? 'The service has no S3 server: S3_ENDPOINT is not set.' : 'It is not of the form s3://BUCKET/PREFIX.',
    location,
    'Name a directory, or a bucket of the S3 server that S3_ENDPOINT names.',
  );
}

function summaryOf({ createdAt, tables, objects }: Manifest) {
  const files = [...objects, ...tables.flatMap((table) => table.files)];
  return {
    createdAt,
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    objects: objects.length,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function show(manifest: Manifest): string {
  const { createdAt, tables, rows, objects, sizeBytes } = summaryOf(manifest);
  return `${rows} rows of ${tables} tables and ${objects} objects of ${createdAt}, ${sizeBytes} bytes`;
}

function damaged(found: readonly LeftOut[], what: string): BackupError {
  return new BackupError(
    'DAMAGED_OBJECTS',
    `${found.length} objects that rows name are missing or damaged. ${what}`,
    found.map(({ key, reason }) => `${key} (${reason})`).join(', '),
    '`admin verify --repair` puts objects back from an older backup; a version is trained anew with the same settings.',
  );
}
