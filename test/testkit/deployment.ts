/** What tests of deploy/ compare it with: the variables that the service knows, and programs that check files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(__dirname, '../..');

const CACHE = process.env.FUSECAST_CACHE ?? path.join(homedir(), '.cache/fusecast');

/** Names of the variables of src/config.ts. */
export function knownVariables(): ReadonlySet<string> {
  const source = readFileSync(path.join(ROOT, 'src/config.ts'), 'utf8');
  const [, variables] = /^const variables = z\.object\(\{\n(.*?)^\}\);/ms.exec(source)!;
  return new Set([...variables.matchAll(/^ {2}([A-Z][A-Z0-9_]*):/gm)].map(([, name]) => name));
}

/** Values for what a secret or a person gives. */
export const SECRETS: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://fusecast:secret@postgres:5432/fusecast',
  S3_ACCESS_KEY_ID: 'key',
  S3_SECRET_ACCESS_KEY: 'secret',
  FUSECAST_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
  SMTP_URL: 'smtps://mail.example.com',
  OIDC_CLIENT_SECRET: 'secret',
};

/** An image that says which one it is, to the patch or by digest. */
export const PINNED_IMAGE = /(:v?\d+\.\d+(\.\d+)?[\w.-]*|@sha256:[0-9a-f]{64})$/;

/** `test`, skipped where a program or Python module that it needs is missing; with CI=true that is a failure. */
export const testWithHelm = existsSync(path.join(CACHE, 'bin/helm')) || process.env.CI === 'true' ? test : test.skip;
export const testWithPython =
  existsSync(path.join(CACHE, 'python/bin/python')) || process.env.CI === 'true' ? test : test.skip;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function helm(...parameters: string[]): Ran {
  return spawnSync(path.join(CACHE, 'bin/helm'), parameters, { encoding: 'utf8' });
}

/** Runs a module of the Python that .ci/run installs. */
export function pythonModule(...parameters: string[]): Ran {
  return spawnSync(path.join(CACHE, 'python/bin/python'), ['-m', ...parameters], { encoding: 'utf8' });
}
