/**
 * The networks of a check: files found by glob, read and stripped on this machine, and uploaded without their weights.
 */
import path from 'node:path';
import { glob } from 'tinyglobby';
import { EngineError, readNetwork, stripNetwork } from '../../engine';
import type { Client } from '../client';
import { inFile, openNetwork } from '../files';
import { type Configuration, configurationError, type NetworkEntry } from './configuration';

/** A file that is checked. */
export interface Model {
  readonly name: string;
  /** From the folder that the command runs in, with `/`. */
  readonly file: string;
  readonly entry: NetworkEntry;
}

/** A model that the service has. */
export interface UploadedModel extends Model {
  readonly networkId: string;
}

const NEVER = ['**/node_modules/**', '**/.git/**'];
/** Networks that are uploaded at the same time. */
const UPLOADS_AT_ONCE = 4;
/** What stands in a file's place where Git LFS has not fetched it. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** The files of all entries, by name; of a file that several find, the last entry counts. @throws ServiceError BAD_INPUT */
export async function findModels({ file: configuration, networks }: Configuration): Promise<Model[]> {
  const cwd = path.posix.dirname(configuration);
  const models = new Map<string, Model>();
  for (const entry of networks) {
    const files = await glob(entry.files, { cwd, ignore: NEVER, expandDirectories: false });
    const patterns = entry.files.join(', ');
    if (files.length === 0)
      throw configurationError(configuration, entry, `no file matches ${patterns}`, 'Check the pattern.');
    if (entry.name && files.length > 1) {
      const message = `${files.length} files match ${patterns}, and all would be called ${entry.name}`;
      throw configurationError(configuration, entry, message, 'Leave `name` out, or name one file.');
    }
    for (const found of files) {
      const file = path.posix.join(cwd, found);
      models.set(file, { name: entry.name ?? nameOf(found, entry.names), file, entry });
    }
  }
  const found = [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [i, model] of found.entries()) {
    if (i === 0 || found[i - 1].name !== model.name) continue;
    const message = `${found[i - 1].file} and ${model.file} are both called ${model.name}`;
    throw configurationError(
      configuration,
      model.entry,
      message,
      'Give one a `name`, or call them by path: `names: path`.',
    );
  }
  return found;
}

function nameOf(file: string, by: 'file' | 'path'): string {
  const extension = path.posix.extname(file);
  return by === 'path' ? file.slice(0, file.length - extension.length) : path.posix.basename(file, extension);
}

/** Uploads what the service does not have yet. A bad file never leaves the machine, and weights never do. */
export async function uploadModels(
  client: Client,
  configuration: Configuration,
  models: readonly Model[],
  onUploaded: (done: number) => void,
): Promise<UploadedModel[]> {
  const uploaded: UploadedModel[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < models.length) {
      const position = next++;
      const model = models[position];
      const { bindings } = model.entry;
      const bytes = await readStripped(configuration, model);
      const { id } = await client.pushNetwork(bytes, path.posix.basename(model.file), model.name, bindings);
      uploaded[position] = { ...model, networkId: id };
      onUploaded(++done);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, work));
  return uploaded;
}

/** @throws EngineError that names the file */
async function readStripped({ file: configuration }: Configuration, { name, file, entry }: Model): Promise<Uint8Array> {
  const { bytes } = await openNetwork(file);
  if (Buffer.from(bytes.subarray(0, LFS_POINTER.length)).toString('latin1') === LFS_POINTER) {
    const remedy = 'Run `git lfs pull`; in GitHub Actions give actions/checkout `lfs: true`.';
    throw new EngineError('MALFORMED_FILE', 'this is a pointer of Git LFS, not the file itself', file, remedy);
  }
  try {
    return inFile(file, () => {
      readNetwork(bytes, { name, bindings: entry.bindings });
      return stripNetwork(bytes).bytes;
    });
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'UNBOUND_DIMENSION')) throw error;
    const remedy = `${error.remedy} In ${configuration} that is \`bindings\` beside \`files\`.`;
    throw new EngineError(error.code, error.message, error.where, remedy);
  }
}
