/**
 * Makes a checkout ready to run: installs the packages that package-lock.json names if they are not there, and
 * compiles src and bench if they have changed; with the argument `web` it builds the dashboard, too, if that has
 * changed. Runs before `npm start`, `npm test` and the like, on plain Node without any package; what it does it says on
 * standard error, a line each, so that standard output stays the command's own.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MINIMUM_NODE = 20;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const found = Number(process.versions.node.split('.')[0]);
if (found < MINIMUM_NODE) {
  fail(
    `Fusecast needs Node ${MINIMUM_NODE} or later; this is Node ${process.versions.node}. Install one: https://nodejs.org`,
  );
}

const missing = findMissingPackage();
if (missing) run(`installing packages (${missing})`, 'ci', '--no-audit', '--no-fund');

build('compiling', 'build:service', 'dist', ['src', 'bench', '.swcrc', 'package-lock.json']);
// A command that shows no page does not wait for its build, which takes some ten times longer.
if (process.argv.includes('web')) {
  build('building the dashboard', 'web:build', 'dist/web', ['web', 'schema.graphql', 'package-lock.json']);
}

/** Runs npm's script if the directory it makes is older than what it is made from. */
function build(purpose, script, directory, sources) {
  const stamp = path.join(root, directory, '.built');
  const outdated = findOutdated(stamp, sources);
  if (!outdated) return;
  const startedAt = new Date();
  run(`${purpose} (${outdated})`, 'run', '--silent', script);
  // Its time is that of the start: a file that is saved while the compiler runs counts as newer.
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

/**
 * Why the packages have to be installed, or undefined. npm writes node_modules/.package-lock.json when it has finished,
 * so without it an installation was broken off. What it says is not relied on: npm also writes it without installing.
 */
function findMissingPackage() {
  const wanted = readJson('package-lock.json')?.packages;
  if (!wanted)
    fail(`${path.join(root, 'package-lock.json')} is missing or not readable: this checkout is not complete.`);
  if (!readJson('node_modules/.package-lock.json')) return 'there are none yet';
  for (const [name, { version, optional, os, link }] of Object.entries(wanted)) {
    if (name === '' || link) continue;
    const installed = readJson(path.join(name, 'package.json'));
    // Optional packages are those of other platforms, too.
    if (installed && os && !os.includes(process.platform)) return `${name} is for another operating system`;
    if (installed ? installed.version !== version : !optional) return `${name} ${version} is not there`;
  }
  return undefined;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Why it has to be made again, or undefined. */
function findOutdated(stamp, sources) {
  const builtAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined) return 'there is no build yet';
  // Directories count as well: a file that was deleted or renamed changes only them.
  for (const name of sources) {
    const newer = findNewer(path.join(root, name), builtAt);
    if (newer) return `${path.relative(root, newer)} has changed`;
  }
  return undefined;
}

function findNewer(file, timeMs) {
  const status = statSync(file, { throwIfNoEntry: false });
  if (!status) return undefined;
  if (status.mtimeMs >= timeMs) return file;
  if (!status.isDirectory()) return undefined;
  for (const name of readdirSync(file)) {
    // Made by the build itself.
    if (name === 'generated') continue;
    const newer = findNewer(path.join(file, name), timeMs);
    if (newer) return newer;
  }
  return undefined;
}

/** Runs npm in the checkout with its output on standard error; ends this process if it fails. */
function run(purpose, ...args) {
  process.stderr.write(`ready: ${purpose}\n`);
  const { status, error } = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    fail(`\`npm ${args.join(' ')}\` failed (${error?.message ?? `status ${status}`}); what it said is above.`);
}

function fail(message) {
  process.stderr.write(`ready: ${message}\n`);
  process.exit(1);
}
