/**
 * A real S3 server for tests: versitygw 1.8 on a free loopback port over temporary directories. It checks signatures,
 * checksums and If-None-Match, which S3 imitations for tests do not. Knows the program; must not know Fusecast.
 *
 * The program is looked for in `$FUSECAST_CACHE/bin` (by default `~/.cache/fusecast/bin`) and on the PATH; `.ci/run`
 * puts it there. Where it is missing the tests that need it are skipped by name; with CI=true that is a failure.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

export interface S3Server {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Ends the server without a warning; what it stored stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same address. */
  revive(): Promise<void>;
  /** Ends the server and removes what it stored. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 15_000;

const program = findProgram();

/** `describe` for suites that need the server: skipped, with the reason in its name, where the program is missing. */
export function describeWithS3(name: string, suite: () => void): void {
  if (program) {
    describe(name, suite);
  } else if (process.env.CI === 'true') {
    test(name, () => {
      throw new Error('versitygw is missing: .ci/run installs it; by hand see test/testkit/versitygw.ts');
    });
  } else {
    describe.skip(
      `${name} (needs versitygw: GOBIN=~/.cache/fusecast/bin go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)`,
      suite,
    );
  }
}

/**
 * Starts a server with no buckets (about 0.2 s).
 * @param data the directory for what it stores, where that is to be on a file system of its own
 */
export async function startS3Server(data?: string): Promise<S3Server> {
  if (!program) throw new Error('versitygw is missing');
  const directory = await mkdtemp(path.join(tmpdir(), 'fusecast-test-s3-'));
  for (const name of ['data', 'versions', 'home']) await mkdir(path.join(directory, name));
  const credentials = { accessKeyId: 'fusecast-test', secretAccessKey: 'fusecast-test-secret' };
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const options = ['posix', '--versioning-dir', path.join(directory, 'versions'), data ?? path.join(directory, 'data')];
  const env = {
    PATH: process.env.PATH,
    HOME: path.join(directory, 'home'),
    ROOT_ACCESS_KEY: credentials.accessKeyId,
    ROOT_SECRET_KEY: credentials.secretAccessKey,
  };
  const spawnServer = () =>
    spawn(program!, ['--port', `127.0.0.1:${port}`, ...options], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let server: ReturnType<typeof spawnServer>;
  const endWithParent = () => server.kill('SIGKILL');
  process.once('exit', endWithParent);
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, 'exit');
    server.kill(signal);
    await exit;
  };
  const stop = async () => {
    process.off('exit', endWithParent);
    await end('SIGTERM');
    await rm(directory, { recursive: true });
  };
  const revive = async () => {
    server = spawnServer();
    let said = '';
    server.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(endpoint))) {
      if (server.exitCode !== null || Date.now() > deadline) {
        await stop();
        throw new Error(`versitygw did not start: ${said}`);
      }
    }
  };
  await revive();
  return { endpoint, ...credentials, kill: () => end('SIGKILL'), revive, stop };
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint, { signal: AbortSignal.timeout(1000) }).then(
    () => true,
    // The refusal of a port that is not open yet comes at once: leave the processor to the server for a moment.
    () => new Promise((resolve) => setTimeout(resolve, 20, false)),
  );
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

function findProgram(): string | undefined {
  const cache = process.env.FUSECAST_CACHE ?? path.join(homedir(), '.cache', 'fusecast');
  const directories = [path.join(cache, 'bin'), ...(process.env.PATH ?? '').split(path.delimiter)];
  return directories
    .map((directory) => path.join(directory, 'versitygw'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
