/** Profile files: which format a file is in, by its name and its first bytes, and our own format's files written. */
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from './engine/errors';
import { isTrace, parseJson, tableFromJsonLines, tableFromRecords } from './engine/formats/profile-json';
import { type OnnxruntimeProfileOptions, profileFromTrace } from './engine/formats/profile-onnxruntime';
import { ownTableFromProfile } from './engine/formats/profile-own';
import { profileFromTable } from './engine/formats/profile-table';
import type { Profile } from './engine/profile';
import { readCsv, readParquet, writeTable } from './tables';

/** JSON is parsed in memory as one text, which JavaScript limits to some 500 MB. */
const MAXIMUM_JSON_BYTES = 256 * 1024 * 1024;

type FileFormat = 'csv' | 'json' | 'jsonl' | 'parquet';

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  '.csv': 'csv',
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parquet': 'parquet',
};

/**
 * Reads a profile in any format that is known: our own table (CSV, JSON, JSON lines, Parquet), the CSV files of
 * mobile-ml-benchmark, and onnxruntime's profile (JSON). The extension says how the bytes are read; without a known one
 * (an object store's keys have none) the first bytes do.
 * @param options for onnxruntime's profile, which needs network and scenario; the other formats say themselves
 * @throws EngineError as profileFromTable and profileFromTrace do; MALFORMED_FILE if the bytes are not what they should be
 */
export async function readProfile(file: string, options: OnnxruntimeProfileOptions = {}): Promise<Profile> {
  const format = EXTENSIONS[path.extname(file).toLowerCase()] ?? (await formatOfContent(file));
  switch (format) {
    case 'csv':
      return profileFromTable(await readCsv(file));
    case 'parquet':
      return profileFromTable(await readParquet(file));
    case 'jsonl':
      return profileFromTable(tableFromJsonLines(await readJsonBytes(file)));
    case 'json':
      return profileFromJson(await readJsonBytes(file), options);
  }
}

/**
 * Writes a profile in our own format, as CSV or Parquet by the extension of the name.
 * @throws EngineError UNSUPPORTED_FORMAT for another extension
 */
export async function writeProfileTable(profile: Profile, file: string): Promise<void> {
  await writeTable(ownTableFromProfile(profile), file);
}

function profileFromJson(bytes: Uint8Array, options: OnnxruntimeProfileOptions): Profile {
  const value = parseJson(bytes);
  return isTrace(value) ? profileFromTrace(value, options) : profileFromTable(tableFromRecords(value));
}

async function readJsonBytes(file: string): Promise<Uint8Array> {
  const { size } = await stat(file);
  if (size > MAXIMUM_JSON_BYTES) {
    throw new EngineError(
      'INVALID_PROFILE',
      `The file has ${size} bytes; JSON is read up to ${MAXIMUM_JSON_BYTES}.`,
      undefined,
      'Send large profiles as Parquet or CSV.',
    );
  }
  return readFile(file);
}

async function formatOfContent(file: string): Promise<FileFormat> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    const start = buffer.subarray(0, bytesRead).toString('latin1');
    if (start.startsWith('PAR1')) return 'parquet';
    const [first] = start.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
    return first === '[' ? 'json' : first === '{' ? 'jsonl' : 'csv';
  } finally {
    await handle.close();
  }
}
