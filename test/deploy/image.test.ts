/**
 * The image and the compose file, as far as that can be known without a container engine: what they name is there, pinned
 * and known to the service. FUSECAST_DEPLOY=long also runs the Dockerfile's steps in a clean directory (two minutes) and
 * starts what comes out.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { readConfig } from '../../src/config';
import { createApplicationRole } from '../../src/migrate';
import { knownVariables, PINNED_IMAGE, pythonModule, ROOT, SECRETS, testWithPython } from '../testkit/deployment';
import { buildStages, environmentOf, readDockerfile, textsOf } from '../testkit/dockerfile';
import { createTemporaryDirectory, createTestDatabase } from '../testkit/postgres';
import { withDatabase } from '../testkit/service';

const testLong = process.env.FUSECAST_DEPLOY === 'long' ? test : test.skip;
const DEPLOY = path.join(ROOT, 'deploy');

describe('the Dockerfile', () => {
  const stages = readDockerfile(path.join(DEPLOY, 'Dockerfile'));
  const service = stages.at(-1)!;
  const ignored = readFileSync(path.join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8').split('\n');

  test('has one slim base, to the patch, of a Node that the service takes', () => {
    expect(stages.map(({ name }) => name)).toEqual(['packages', 'build', 'service']);
    expect(new Set(stages.map(({ image }) => image)).size).toBe(1);
    const [, major] = /^node:(\d+)\.\d+\.\d+-\w+-slim$/.exec(service.image)!;
    const { engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    expect(Number(major)).toBeGreaterThanOrEqual(Number(/>=(\d+)/.exec(engines.node)![1]));
  });

  test('copies what is there and what is let through, and installs what the lock file says', () => {
    for (const stage of stages) {
      for (const text of textsOf(stage, 'COPY').filter((each) => !each.startsWith('--from='))) {
        for (const source of text.split(/ +/).slice(0, -1)) {
          expect({ source, there: existsSync(path.join(ROOT, source)) }).toEqual({ source, there: true });
          expect(ignored).toContain(`!${source}`);
        }
      }
      expect(textsOf(stage, 'ADD')).toEqual([]);
      for (const text of textsOf(stage, 'RUN')) expect(text).not.toMatch(/npm install|curl|wget|apt-get|\/app/);
    }
    expect(textsOf(stages[0], 'RUN')[0]).toBe('npm ci --omit=dev --no-audit --no-fund');
    expect(textsOf(service, 'RUN')).toEqual([]);
    expect(ignored.filter((line) => !/^[#!]/.test(line))[0]).toBe('*');
  });

  test('runs as nobody, with settings that the service knows, and asks for its health where it is served', () => {
    expect(textsOf(service, 'USER')).toEqual(['10001:10001']);
    const environment = environmentOf(service);
    const { NODE_ENV: _, ...settings } = environment;
    expect(Object.keys(settings).filter((name) => !knownVariables().has(name))).toEqual([]);
    const config = readConfig({
      ...settings,
      ...SECRETS,
      S3_ACCESS_KEY_ID: '',
      S3_SECRET_ACCESS_KEY: '',
      SMTP_URL: '',
      OIDC_CLIENT_SECRET: '',
    });
    expect(config).toMatchObject({ role: 'api', operations: { host: '0.0.0.0' }, http: { host: '0.0.0.0' } });
    const ports = [config.http.port, config.operations!.port].join(' ');
    expect(textsOf(service, 'EXPOSE')).toEqual([ports]);
    expect(textsOf(service, 'HEALTHCHECK')[0]).toContain('/health/live');
    // The embedded PostgreSQL is not in it: without a database it says so at once.
    expect(() => readConfig(settings)).toThrow(/DATABASE_URL/);
  });

  testLong(
    'gives, step by step in a clean directory, a service that runs',
    async () => {
      const scratch = await createTemporaryDirectory('image');
      const database = await createTestDatabase();
      let child: ChildProcess | undefined;
      try {
        await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
        const context = path.join(scratch, 'context');
        mkdirSync(context);
        execFileSync('sh', ['-c', `git -C ${ROOT} archive HEAD | tar -x -C ${context}`]);
        buildStages(stages, context, scratch);
        const app = path.join(scratch, 'service/app');
        const files = readdirSync(app, { recursive: true, encoding: 'utf8', withFileTypes: true });
        const sizeBytes = files
          .filter((each) => each.isFile())
          .reduce((sum, each) => sum + statSync(path.join(each.parentPath, each.name)).size, 0);
        process.stderr.write(`the image's own layers: ${files.length} files, ${Math.round(sizeBytes / 1e6)} MB\n`);
        expect(existsSync(path.join(app, 'node_modules/typescript'))).toBe(false);
        for (const file of ['dist/src/main.js', 'dist/web/index.html', 'package.json', 'node_modules/pg/package.json'])
          expect(statSync(path.join(app, file)).mtimeMs).toBe(0);

        child = spawn(process.execPath, JSON.parse(textsOf(service, 'CMD')[0]), {
          cwd: app,
          env: {
            ...environmentOf(service),
            HOST: '127.0.0.1',
            PORT: '0',
            FUSECAST_METRICS_PORT: '19464',
            DATABASE_URL: database.url,
            FUSECAST_SECRET_KEY: SECRETS.FUSECAST_SECRET_KEY,
            FUSECAST_DATA: path.join(scratch, 'data'),
            FUSECAST_ROLE: 'all',
          },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let url = '';
        for await (const line of createInterface({ input: child.stderr! })) {
          url = /http\S+(?=\/graphql)/.exec(line)?.[0] ?? '';
          if (url) break;
        }
        expect((await fetch(`${url}/health/ready`)).status).toBe(200);
        const page = await fetch(url, { headers: { accept: 'text/html' } });
        expect(await page.text()).toContain('<div id="root">');
        const [, command] = /CMD (\[.*\])$/.exec(textsOf(service, 'HEALTHCHECK')[0])!;
        const check = (port: string) =>
          spawnSync(process.execPath, JSON.parse(command).slice(1), { env: { FUSECAST_METRICS_PORT: port } }).status;
        expect([check('19464'), check('1')]).toEqual([0, 1]);
        child.kill('SIGTERM');
        expect(await once(child, 'exit')).toEqual([0, null]);
      } finally {
        child?.kill('SIGKILL');
        await database.drop();
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    900_000,
  );
});

describe('the compose file', () => {
  const file = path.join(DEPLOY, 'compose.yaml');
  const { services } = parse(readFileSync(file, 'utf8'), { merge: true });
  const own = ['migrate', 'api', 'worker'];

  /** The environment of a service as compose gives it, where nothing is set that has a default. */
  const environment = (name: string) =>
    Object.fromEntries(
      Object.entries<string>(services[name].environment).map(([variable, value]) => [
        variable,
        value.replace(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_all, asked, otherwise) =>
          value.includes(':?') ? (SECRETS[variable] ?? 'secret') : asked && (otherwise ?? ''),
        ),
      ]),
    );

  testWithPython('is one by the schema of compose', () => {
    const { stdout, stderr } = pythonModule('check_jsonschema', '--builtin-schema', 'vendor.compose-spec', file);
    expect(stdout + stderr).toMatch(/ok/);
  });

  test('gives every process settings that it knows and takes, and its health a path that is served', () => {
    const known = knownVariables();
    for (const name of own) {
      const given = environment(name);
      expect(Object.keys(given).filter((variable) => !known.has(variable))).toEqual([]);
      expect(readConfig({ ...given, DATABASE_URL: SECRETS.DATABASE_URL })).toMatchObject({
        database: { kind: 'server' },
        objects: { kind: 's3', publicEndpoint: 'http://127.0.0.1:7070' },
        role: { migrate: 'all', api: 'api', worker: 'worker' }[name],
      });
    }
  });

  test('runs two of each after the migrations, closed up; images say which they are, secrets have no default', () => {
    for (const name of ['api', 'worker']) {
      expect(services[name]).toMatchObject({
        deploy: { replicas: 2 },
        depends_on: { migrate: { condition: 'service_completed_successfully' } },
      });
    }
    for (const name of own) expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    for (const [name, { image }] of Object.entries<{ image: string }>(services)) {
      const tag = image.replace(/\$\{\w+:-([^}]*)\}/, '$1');
      expect({ name, tag, isPinned: PINNED_IMAGE.test(tag) }).toMatchObject({ name, isPinned: true });
    }
    const text = readFileSync(file, 'utf8');
    const example = readFileSync(path.join(DEPLOY, 'compose.env.example'), 'utf8');
    for (const variable of ['POSTGRES_PASSWORD', 'S3_SECRET_ACCESS_KEY', 'FUSECAST_SECRET_KEY']) {
      expect(text).toContain(`\${${variable}:?`);
      expect(text).not.toContain(`\${${variable}:-`);
      expect(example).toMatch(new RegExp(`^${variable}=$`, 'm'));
    }
    const proxy = readFileSync(path.join(DEPLOY, 'proxy/nginx.conf'), 'utf8');
    expect(proxy).toContain(`server api:${4000} resolve`);
  });
});
