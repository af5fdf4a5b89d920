/**
 * Files that commands are given: networks by their paths or folders, and the bytes behind them.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type DimensionBindings, EngineError, type Graph, readNetwork } from '../engine';

export interface NetworkFile {
  readonly path: string;
  /** The file's name without its extension. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Extensions of network files. */
const EXTENSIONS = ['.onnx', '.tflite'];

/** Files as they are given; every network file of a folder, in order of name. */
export async function networkPaths(given: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const each of given) {
    if (!(await stat(each)).isDirectory()) {
      paths.push(each);
      continue;
    }
    const names = (await readdir(each)).filter((name) => EXTENSIONS.includes(path.extname(name).toLowerCase())).sort();
    if (names.length === 0) {
      throw new EngineError(
        'INSUFFICIENT_DATA',
        `folder ${each} has no network file`,
        each,
        `Network files end in ${EXTENSIONS.join(', ')}.`,
      );
    }
    paths.push(...names.map((name) => path.join(each, name)));
  }
  return paths;
}

/** A file's bytes are held in one array, and protobuf knows no larger messages either. */
const MAXIMUM_BYTES = 2 ** 31 - 1;

/** @throws EngineError LIMIT_EXCEEDED; a system's error, which names the file, where it cannot be read */
export async function openNetwork(file: string): Promise<NetworkFile> {
  const { size } = await stat(file);
  if (size > MAXIMUM_BYTES) {
    throw new EngineError(
      'LIMIT_EXCEEDED',
      `the file has ${size} bytes; at most ${MAXIMUM_BYTES} are read`,
      file,
      'Export the network with its weights in files of their own (external data): they are not needed.',
    );
  }
  try {
    return { path: file, name: path.basename(file, path.extname(file)), bytes: await readFile(file) };
  } catch (error) {
    // Reading, unlike opening, does not say which file it was.
    throw Object.assign(error as Error, { path: file });
  }
}

/** Does something with the bytes of a file; an error names the file. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.code, error.message, error.where ? `${file}, ${error.where}` : file, error.remedy);
  }
}

/** Reads a network; an error names the file. */
export function parseNetwork({ path: file, name, bytes }: NetworkFile, bindings?: DimensionBindings): Graph {
  try {
    return inFile(file, () => readNetwork(bytes, { name, bindings }));
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'UNBOUND_DIMENSION')) throw error;
    throw new EngineError(error.code, error.message, error.where, `${error.remedy} The option is --bind name=size.`);
  }
}

/** Graphs of a folder by network name; files that nobody names are not even opened. */
export async function readGraphs(folder: string, named: ReadonlySet<string>): Promise<Map<string, Graph>> {
  const graphs = new Map<string, Graph>();
  for (const file of await networkPaths([folder])) {
    const network = await openNetwork(file);
    if (named.has(network.name)) graphs.set(network.name, parseNetwork(network));
  }
  return graphs;
}

/** Reads `name=size` of a --bind option, which may be repeated. */
export function collectBinding(text: string, previous: DimensionBindings): DimensionBindings {
  const [, name, size] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
  if (!name)
    throw new EngineError(
      'UNBOUND_DIMENSION',
      `--bind ${text} is not of the form name=size`,
      '--bind',
      'For example --bind batch=1.',
    );
  return { ...previous, [name]: Number(size) };
}
