/**
 * Where benches find the data beside the checkout, and how they run their Python peers: one thread, in the same run.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export const ROOT = path.resolve(__dirname, '../..');
export const SHARED = path.resolve(ROOT, '../shared');
/** The benchmark's graphs. */
export const NETWORKS = path.join(SHARED, 'networks/onnx');
/** The benchmark's measurements. */
export const MEASUREMENTS = path.join(SHARED, 'data/mobile-ml-benchmark');
const CACHE = process.env.FUSECAST_CACHE ?? path.join(os.homedir(), '.cache/fusecast');
const VENV = path.join(CACHE, 'python/bin/python');
/** The Python that has the peers' packages, if .ci/run has made it; else the machine's. */
export const PYTHON = existsSync(VENV) ? VENV : 'python3';
const run = promisify(execFile);

/** Throws unless the data is there. */
export function requireShared(): void {
  if (!existsSync(SHARED))
    throw new Error(`${SHARED} is absent: the bench needs the benchmark's data beside the checkout.`);
}

/** Standard output of a Python program. */
export async function python(...parameters: string[]): Promise<string> {
  const { stdout } = await run(PYTHON, parameters, {
    env: { ...process.env, OMP_NUM_THREADS: '1' },
    maxBuffer: 2 ** 26,
  });
  return stdout;
}
