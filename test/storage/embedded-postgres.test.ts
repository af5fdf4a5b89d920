/**
 * The embedded PostgreSQL through starts, crashes and rivals. Processes that have to die run as children, from the
 * sources compiled into a temporary directory.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, lstat, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/storage/embedded-postgres';
import { isReachable, preparePrograms, unprivilegedAccount } from '../../src/storage/postgres-binaries';
import { createCluster } from '../../src/storage/postgres-cluster';
import { createTemporaryDirectory } from '../testkit/postgres';

const checkout = path.resolve(__dirname, '../..');
const isRoot = process.getuid?.() === 0;
const testAsRoot = isRoot ? test : test.skip;

let temporary: string;
let compiled: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  temporary = await createTemporaryDirectory('embedded');
  compiled = path.join(temporary, 'compiled');
  const swc = path.join(checkout, 'node_modules/.bin/swc');
  execFileSync(swc, ['src/storage', '-d', compiled, '--quiet'], { cwd: checkout });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  // A server whose process was just killed may still be writing its last files.
  await rm(temporary, { recursive: true, maxRetries: 10 });
});

async function query(url: string, ...statements: string[]) {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** A process that starts PostgreSQL on the directory and stays: its URL, or the error it got. */
async function startChild(directory: string, account: { uid?: number; gid?: number } = {}) {
  const script = `
    const { startEmbeddedPostgres } = require(process.argv[1]);
    startEmbeddedPostgres({ directory: process.argv[2] }).then(
      ({ url }) => console.log(JSON.stringify({ url })),
      ({ code, message, remedy }) => console.log(JSON.stringify({ code, message, remedy })),
    );
    setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ['-e', script, path.join(compiled, 'src/storage/embedded-postgres.js'), directory],
    {
      ...account,
      cwd: '/',
      env: { PATH: process.env.PATH, NODE_PATH: path.join(checkout, 'node_modules') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ...(JSON.parse(line) as { url?: string; code?: string; message?: string }) };
}

async function postmasterOf(directory: string): Promise<number> {
  return Number.parseInt(await readFile(path.join(directory, 'cluster', 'postmaster.pid'), 'utf8'), 10);
}

/** Resolves when the server takes no connections any more: its process may linger until somebody waits for it. */
async function ended(url: string): Promise<void> {
  while (
    await query(url, 'select 1').then(
      () => true,
      (error) => error.code !== 'ECONNREFUSED',
    )
  );
}

describe('on one directory', () => {
  let directory: string;
  const log: string[] = [];
  const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ directory, onLog: (line) => log.push(line) });

  beforeAll(async () => {
    directory = path.join(temporary, 'data/postgres');
    const first = await start();
    await query(first.url, 'create table marks (n int)', 'insert into marks values (1)');
    await first.stop();
  });
  beforeEach(() => log.splice(0));

  test('the second start finds the data and the passwords of the first', async () => {
    const second = await start();
    expect(await query(second.url, 'select n from marks')).toEqual([{ n: 1 }]);
    await Promise.all([second.stop(), second.stop()]);
    await expect(query(second.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    expect(log).toEqual([]);
  });

  test('it listens on loopback only, wants the password, waits for the disk and gives no superuser', async () => {
    const server = await start();
    const settings = await query(
      server.url,
      `select current_setting('listen_addresses') addresses, current_setting('fsync') fsync,
              current_setting('server_encoding') encoding, current_setting('password_encryption') passwords,
              current_setting('max_connections') connections, current_setting('shared_buffers') buffers`,
    );
    expect(settings).toEqual([
      {
        addresses: '127.0.0.1',
        fsync: 'on',
        encoding: 'UTF8',
        passwords: 'scram-sha-256',
        connections: '60',
        buffers: '64MB',
      },
    ]);
    const [role] = await query(
      server.url,
      'select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user',
    );
    expect(role).toEqual({ rolname: 'fusecast', rolsuper: false, rolbypassrls: false });
    await expect(query(server.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'authentication failed',
    );
    const mode = async (name: string) => (await stat(path.join(directory, name))).mode & 0o777;
    expect([await mode('cluster'), await mode('cluster/fusecast-passwords.json'), await mode('postgres.log')]).toEqual([
      0o700, 0o600, 0o600,
    ]);
    await server.stop();
  });

  test('a directory in use is refused with the number of the process, which is not disturbed', async () => {
    const { child, url } = await startChild(directory);
    await expect(start()).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringContaining(`Process ${child.pid} runs PostgreSQL`),
      remedy: expect.stringContaining('DATABASE_URL'),
    });
    expect(await query(url!, 'select n from marks')).toEqual([{ n: 1 }]);
    child.kill('SIGTERM');
    await ended(url!);
  });

  test('of two first starts at once one gets the directory', async () => {
    const fresh = path.join(temporary, 'rivals');
    const outcomes = await Promise.all([startChild(fresh), startChild(fresh)]);
    expect(outcomes.map(({ url, code }) => (url ? 'started' : code)).sort()).toEqual(['ALREADY_RUNNING', 'started']);
    const winner = outcomes.find(({ url }) => url)!;
    expect(await query(winner.url!, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect((await readdir(fresh)).filter((name) => name.includes('partial'))).toEqual([]);
    for (const { child } of outcomes) child.kill('SIGTERM');
    await ended(winner.url!);
  });

  test('when its process is killed PostgreSQL ends too, and what was committed stays', async () => {
    const { child, url } = await startChild(directory);
    await query(url!, 'insert into marks values (2)');
    child.kill('SIGKILL');
    await ended(url!);
    const next = await start();
    expect(await query(next.url, 'select n from marks order by n')).toEqual([{ n: 1 }, { n: 2 }]);
    await query(next.url, 'delete from marks where n = 2');
    await next.stop();
  });

  test('an orphan, whose process and watchdog were killed, is stopped by the next start', async () => {
    const { child } = await startChild(directory);
    const postmaster = await postmasterOf(directory);
    const processes = execFileSync('ps', ['-eo', 'pid=,args=']).toString().split('\n');
    const watchdog = processes.find((line) => line.endsWith(`fusecast-postgres-watchdog ${postmaster}`))!;
    process.kill(Number.parseInt(watchdog, 10), 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    process.kill(postmaster, 0);

    const next = await start();
    expect(log).toEqual([expect.stringContaining(`Stopping PostgreSQL (process ${postmaster})`)]);
    expect(await postmasterOf(directory)).not.toBe(postmaster);
    expect(await query(next.url, 'select n from marks')).toEqual([{ n: 1 }]);
    await next.stop();
  });

  test('a PostgreSQL that crashed is reported, and recovers at the next start', async () => {
    const server = await start();
    await query(server.url, 'insert into marks values (3)');
    process.kill(await postmasterOf(directory), 'SIGKILL');
    while (log.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([expect.stringContaining('PostgreSQL ended unexpectedly')]);
    await server.stop();
    const next = await start();
    expect(await query(next.url, 'select n from marks order by n')).toEqual([{ n: 1 }, { n: 3 }]);
    await query(next.url, 'delete from marks where n = 3');
    await next.stop();
  });

  test('a lock file with the number of a process that is something else does not hinder', async () => {
    const bystander = spawn('sleep', ['600'], unprivilegedAccount());
    children.push(bystander);
    const lockFile = path.join(directory, 'cluster', 'postmaster.pid');
    await writeFile(lockFile, `${bystander.pid}\n${path.join(directory, 'cluster')}\n1700000000\n5432\n\n127.0.0.1\n`);
    const owner = await stat(path.join(directory, 'cluster'));
    await chown(lockFile, owner.uid, owner.gid);
    const server = await start();
    expect(log).toEqual([`Removed ${lockFile}: process ${bystander.pid} is not PostgreSQL`]);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    await server.stop();
  });

  test('a setting that PostgreSQL refuses is reported in its words', async () => {
    await expect(startEmbeddedPostgres({ directory, settings: { shared_buffers: 'much' } })).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('invalid value for parameter "shared_buffers": "much"'),
    });
  });
});

test('a directory with something else in it is refused and left alone', async () => {
  const directory = path.join(temporary, 'foreign');
  await mkdir(path.join(directory, 'cluster'), { recursive: true });
  await writeFile(path.join(directory, 'cluster', 'precious'), 'data');
  const account = unprivilegedAccount();
  if (account) await chown(path.join(directory, 'cluster'), account.uid, account.gid);
  await expect(startEmbeddedPostgres({ directory })).rejects.toMatchObject({ code: 'BAD_DATA_DIRECTORY' });
  expect(await readdir(path.join(directory, 'cluster'))).toEqual(['precious']);
});

test('a cluster that cannot be made leaves nothing, and half ones of dead processes are removed', async () => {
  const directory = path.join(temporary, 'broken');
  await mkdir(path.join(directory, 'cluster.partial-99999999-abc'), { recursive: true });
  const plan = {
    programs: path.join(temporary, 'absent'),
    cluster: path.join(directory, 'cluster'),
    account: undefined,
  };
  await expect(createCluster(plan)).rejects.toMatchObject({
    code: 'INITIALISATION_FAILED',
    message: expect.stringContaining('ENOENT'),
  });
  expect(await readdir(directory)).toEqual([]);
});

testAsRoot('as root, a directory that PostgreSQL cannot enter becomes a link to one that it can', async () => {
  const closed = path.join(temporary, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const directory = path.join(closed, 'data');
  const fallbackDirectory = path.join(temporary, 'fallback');
  const log: string[] = [];
  const options = { directory, fallbackDirectory, onLog: (line: string) => log.push(line) };
  const first = await startEmbeddedPostgres(options);
  await query(first.url, 'create table marks (n int)');
  await first.stop();
  expect(first.clusterDirectory.startsWith(path.join(fallbackDirectory, 'clusters/'))).toBe(true);
  expect(await readlink(path.join(directory, 'cluster'))).toBe(first.clusterDirectory);
  expect(log[0]).toContain(`the database is kept in ${first.clusterDirectory}`);
  expect((await stat(closed)).mode & 0o777).toBe(0o700);

  const second = await startEmbeddedPostgres(options);
  expect(await query(second.url, 'select * from marks')).toEqual([]);
  await second.stop();
});

testAsRoot(
  'as root, programs that PostgreSQL cannot reach are copied, with the links that npm leaves out',
  async () => {
    const account = unprivilegedAccount()!;
    const installed = path.resolve(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`), '../..');
    const closed = path.join(temporary, 'closed-package');
    await cp(installed, closed, { recursive: true, filter: async (file) => !(await lstat(file)).isSymbolicLink() });
    await chmod(closed, 0o700);
    const copy = path.join(temporary, 'programs');
    const programs = await preparePrograms(closed, account, copy);
    expect(programs).toBe(path.join(copy, 'native'));
    const version = execFileSync(path.join(programs, 'bin/postgres'), ['--version'], { ...account, cwd: '/', env: {} });
    expect(version.toString()).toMatch(/^postgres \(PostgreSQL\) 18\./);
    expect(await preparePrograms(closed, account, copy)).toBe(programs);
  },
);

const reachable = isRoot && isReachable(path.join(checkout, 'node_modules'), unprivilegedAccount());
(reachable ? test : test.skip)(
  'an ordinary user runs it as himself (needs root and a checkout others can read)',
  async () => {
    const account = unprivilegedAccount()!;
    const directory = path.join(temporary, 'ordinary');
    await mkdir(directory);
    await chown(directory, account.uid, account.gid);
    const { child, url } = await startChild(directory, account);
    expect(await query(url!, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect((await stat(path.join(directory, 'cluster'))).uid).toBe(account.uid);
    child.kill('SIGTERM');
  },
);
