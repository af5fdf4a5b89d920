/**
 * A whole installation on this machine for the load benches: an embedded PostgreSQL, and processes of the API and of
 * workers, in a temporary directory. Knows processes and the configuration; must not know what is measured.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client as Postgres } from 'pg';
import { Client } from '../src/cli/client';
import { createApplicationRole } from '../src/migrate';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/storage/embedded-postgres';
import { ROOT } from './peer';

/** Ticks of /proc/PID/stat in a second, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A process of Fusecast, or of a peer, seen from outside. It says where it listens on standard error. */
export class Server {
  /** Emits `line` for each line of standard error. */
  private readonly lines = new EventEmitter();
  private said = '';
  url = '';

  private constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      this.said += `${line}\n`;
      this.lines.emit('line', line);
    });
    child.once('exit', () => this.lines.emit('line', undefined));
    const endWithBench = () => child.kill('SIGKILL');
    process.once('exit', endWithBench);
    child.once('exit', () => process.off('exit', endWithBench));
  }

  /** Runs a program of dist until it listens. Throws if it ends before. */
  static async start(program: string, parameters: string[], variables: Record<string, string>): Promise<Server> {
    const child = spawn(process.execPath, [path.join(ROOT, 'dist', program), ...parameters], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new Server(child);
    server.url = (await server.line(/^\w+ \w+: (\S*)\/graphql$/))[1];
    return server;
  }

  /** The next line of standard error that fits. Rejects if the process ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (line: string | undefined) => {
        const match = line === undefined ? undefined : pattern.exec(line);
        if (line !== undefined && !match) return;
        this.lines.off('line', look);
        if (match) resolve(match);
        else reject(new Error(`The process has ended: ${this.said}`));
      };
      this.lines.on('line', look);
    });
  }

  /** User and system time that it has used, milliseconds. */
  get cpuMs(): number {
    const status = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    const [user, system] = status.slice(status.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
    return ((user + system) * 1000) / TICKS_PER_SECOND;
  }

  /** What it holds now, bytes. */
  get memoryBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s*(\d+) kB/.exec(status)![1]) * 1024;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}

export interface Team {
  readonly id: string;
  readonly key: string;
  readonly client: Client;
}

export class Installation {
  private readonly servers: Server[] = [];

  private constructor(
    private readonly directory: string,
    private readonly postgres: EmbeddedPostgres,
  ) {}

  /** PostgreSQL alone, as it would run in production: it waits for the disk. */
  static async start(): Promise<Installation> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'fusecast-load-'));
    // That of mkdtemp is closed to PostgreSQL's account.
    await chmod(directory, 0o711);
    const postgres = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres') });
    const installation = new Installation(directory, postgres);
    await installation.asAdministrator((administrator) => createApplicationRole(administrator, 'fusecast'));
    return installation;
  }

  /** Starts a replica; the API's key for secrets is a new one, as there is one API in an installation here. */
  async run(role: 'api' | 'worker', variables: Record<string, string> = {}): Promise<Server> {
    const server = await Server.start('src/main.js', [], {
      FUSECAST_ROLE: role,
      DATABASE_URL: this.postgres.url,
      FUSECAST_DATA: this.directory,
      PORT: '0',
      LOG_LEVEL: 'error',
      FUSECAST_RATE_LIMIT_KEY: '1000000',
      FUSECAST_RATE_LIMIT_PERSON: '1000000',
      FUSECAST_RATE_LIMIT_ADDRESS: '1000000',
      ...(role === 'api'
        ? { FUSECAST_SECRET_KEY: randomBytes(32).toString('base64') }
        : { FUSECAST_URL: 'http://localhost' }),
      ...variables,
    });
    this.servers.push(server);
    return server;
  }

  /** A new person with a team and a key of these scopes. The worker prints the mail that signing up goes by. */
  async createTeam(api: Server, worker: Server, scopes: readonly string[]): Promise<Team> {
    const email = `load-${randomBytes(4).toString('hex')}@example.com`;
    const mail = worker.line(/#(\S+)/);
    await new Client(api.url).request('mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }', {
      input: { email, name: 'Load', password: randomBytes(24).toString('base64url') },
    });
    const { verifyEmail } = await new Client(api.url).request<{ verifyEmail: { token: string } }>(
      'mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { token } }',
      { input: { token: (await mail)[1] } },
    );
    const session = new Client(api.url, verifyEmail.token);
    const { createTeam } = await session.request<{ createTeam: { team: { id: string } } }>(
      'mutation ($input: CreateTeamInput!) { createTeam(input: $input) { team { id } } }',
      { input: { name: 'Load' } },
    );
    const { createApiKey } = await session.request<{ createApiKey: { key: string } }>(
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }',
      { input: { name: 'load', scopes } },
    );
    return { id: createTeam.team.id, key: createApiKey.key, client: new Client(api.url, createApiKey.key) };
  }

  /** Work behind row-level security. */
  async asAdministrator<T>(work: (administrator: Postgres) => Promise<T>): Promise<T> {
    const url = new URL(this.postgres.superuserUrl);
    url.pathname = new URL(this.postgres.url).pathname;
    const administrator = new Postgres({ connectionString: url.href });
    await administrator.connect();
    try {
      return await work(administrator);
    } finally {
      await administrator.end();
    }
  }

  async stop(): Promise<void> {
    for (const server of this.servers.splice(0).reverse()) await server.stop();
    await this.postgres.stop();
    await rm(this.directory, { recursive: true });
  }
}
