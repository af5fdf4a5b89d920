/** scripts/ready.mjs on a small checkout of its own, with the real npm and a package that needs no registry. */

import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

let checkout: string;

beforeAll(async () => {
  checkout = await mkdtemp(path.join(tmpdir(), 'fusecast-test-ready-'));
  await cp(path.resolve(__dirname, '../../scripts/ready.mjs'), path.join(checkout, 'scripts/ready.mjs'));
  for (const directory of ['src', 'bench', 'dependency']) await mkdir(path.join(checkout, directory));
  await writeFile(path.join(checkout, 'src/main.ts'), '');
  await writeFile(path.join(checkout, '.gitignore'), 'node_modules');
  await depend('1.0.0');
});
afterAll(() => rm(checkout, { recursive: true }));

/** Makes the package's lock file want this version of a package, without installing it. */
async function depend(version: string): Promise<void> {
  await writeFile(path.join(checkout, 'dependency/package.json'), JSON.stringify({ name: 'dependency', version }));
  execFileSync('npm', ['pack', './dependency', '--silent'], { cwd: checkout, stdio: 'pipe' });
  await writeFile(
    path.join(checkout, 'package.json'),
    JSON.stringify({
      name: 'checkout',
      version: '1.0.0',
      scripts: {
        'build:service': 'node -e "fs.mkdirSync(\'dist\', { recursive: true })"',
        'web:build': 'node -e "fs.mkdirSync(\'dist/web\', { recursive: true })"',
      },
      dependencies: { dependency: `file:dependency-${version}.tgz` },
    }),
  );
  execFileSync('npm', ['install', '--package-lock-only', '--offline', '--silent'], { cwd: checkout, stdio: 'pipe' });
}

function ready(...args: string[]) {
  const program = path.join(checkout, 'scripts/ready.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    env: { ...process.env, npm_config_offline: 'true' },
    encoding: 'utf8',
  });
  const said = stderr.split('\n').filter((line) => line.startsWith('ready: '));
  return { status, stdout, said };
}

test('the first run installs and compiles, the second finds nothing to do', () => {
  expect(ready()).toEqual({
    status: 0,
    stdout: '',
    said: ['ready: installing packages (there are none yet)', 'ready: compiling (there is no build yet)'],
  });
  expect(ready()).toEqual({ status: 0, stdout: '', said: [] });
});

test('a source that changed or went away is compiled', async () => {
  await writeFile(path.join(checkout, 'src/extra.ts'), '');
  expect(ready().said).toEqual([expect.stringMatching(/^ready: compiling \(src.* has changed\)$/)]);
  await rm(path.join(checkout, 'src/extra.ts'));
  expect(ready().said).toEqual(['ready: compiling (src has changed)']);
  expect(ready().said).toEqual([]);
});

test('the dashboard is built for commands that show it, and again when it changed', async () => {
  expect(ready('web').said).toEqual(['ready: building the dashboard (there is no build yet)']);
  await mkdir(path.join(checkout, 'web'));
  expect(ready().said).toEqual([]);
  expect(ready('web').said).toEqual(['ready: building the dashboard (web has changed)']);
  expect(ready('web').said).toEqual([]);
});

test('packages that do not fit the lock file are installed', async () => {
  await depend('1.1.0');
  expect(ready().said[0]).toBe('ready: installing packages (node_modules/dependency 1.1.0 is not there)');
  expect(ready().said).toEqual([]);
});

test('what npm cannot do ends the run with its reason', async () => {
  await rm(path.join(checkout, 'node_modules'), { recursive: true });
  await writeFile(path.join(checkout, 'package-lock.json'), '{ half');
  expect(ready()).toMatchObject({
    status: 1,
    said: [expect.stringContaining('package-lock.json is missing or not readable')],
  });
});
