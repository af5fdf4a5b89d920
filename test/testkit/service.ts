/**
 * A whole service for a test: real HTTP, a database of its own, a directory or an S3 server for objects; and a builder
 * of people, teams and keys. The only knowledge of the service is its configuration and its API.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import pino from 'pino';
import type { Config } from '../../src/config';
import { newSessionToken } from '../../src/credentials';
import { type Service, startService } from '../../src/main';
import { createApplicationRole } from '../../src/migrate';
import { hashPassword } from '../../src/passwords';
import { newId } from '../../src/schema/node';
import { ApiClient } from './client';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from './postgres';

export interface TestServiceOptions {
  readonly objects?: Config['objects'];
  readonly role?: Config['role'];
  /** Instead of one of its own. */
  readonly database?: TestDatabase;
  /** Other settings than the usual ones. */
  readonly config?: Partial<
    Pick<
      Config,
      'introspection' | 'persistedQueries' | 'rateLimits' | 'mail' | 'http' | 'operations' | 'jobLeaseSeconds'
    >
  >;
  /** That of another service: a second replica. */
  readonly sharedWith?: TestService;
}

/** Every scope there is. */
export const ALL_SCOPES = [
  'TEAM_READ',
  'DATASET_READ',
  'DATASET_WRITE',
  'NETWORK_READ',
  'NETWORK_WRITE',
  'SCENARIO_READ',
  'PREDICTOR_READ',
  'PREDICTOR_WRITE',
  'PREDICTION_READ',
  'PREDICTION_WRITE',
  'MEASUREMENT_READ',
  'MEASUREMENT_WRITE',
];

let people = 0;

export class TestService {
  /** Lines that the service has logged. */
  readonly log: string[] = [];
  /** Mails that it has printed, where it has no SMTP server. */
  readonly mails: string[] = [];
  #service: Service | undefined;

  private constructor(
    readonly config: Config,
    readonly database: TestDatabase,
    readonly directory: string,
  ) {}

  static async start(options: TestServiceOptions = {}): Promise<TestService> {
    const { sharedWith, role = 'all' } = options;
    const database = sharedWith?.database ?? options.database ?? (await createTestDatabase());
    const directory = sharedWith?.directory ?? (await createTemporaryDirectory('service'));
    if (!sharedWith) await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
    const objects = options.objects ??
      sharedWith?.config.objects ?? {
        kind: 'directory' as const,
        directory: path.join(directory, 'objects'),
        secretFile: path.join(directory, 'secret'),
      };
    const config: Config = {
      role,
      logLevel: 'info',
      database: { kind: 'server', url: database.url },
      objects,
      http: { host: '127.0.0.1', port: 0, bodySeconds: 10 },
      sealingKeys: { kind: 'file', file: path.join(directory, 'secret-key') },
      trainingThreads: 1,
      jobLeaseSeconds: 20,
      introspection: true,
      // As high as to be none: the tests of a file come from one address.
      rateLimits: { perKey: 1e6, perPerson: 1e6, perAddress: 1e6 },
      ...options.config,
    };
    const service = new TestService(config, database, directory);
    await service.run();
    return service;
  }

  /** Starts it (again). */
  async run(role: Config['role'] = this.config.role): Promise<void> {
    const log = pino({ level: this.config.logLevel }, { write: (line: string) => void this.log.push(line) });
    const engineThread = path.join(__dirname, 'engine-thread.cjs');
    this.#service = await startService(
      { ...this.config, role },
      {
        log,
        engineThread,
        printMail: (text) => void this.mails.push(text),
      },
    );
  }

  /** Stops the service and keeps its data. */
  async pause(): Promise<void> {
    await this.#service?.stop();
    this.#service = undefined;
  }

  /** Stops the service and removes its data. */
  async stop(): Promise<void> {
    await this.pause();
    await this.database.drop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Where metrics and health are served, if the configuration says so. */
  get operationsUrl(): string {
    return this.#service!.operationsUrl!;
  }

  /** Nobody's client. */
  get anonymous(): ApiClient {
    if (!this.#service) throw new Error('The service is not running.');
    return new ApiClient(this.#service.url);
  }

  /** A new person, signed in. Made in the database, because signing up goes by mail; see sign-up.test.ts. */
  async createPerson(): Promise<TestPerson> {
    people += 1;
    const email = `person-${people}@example.com`;
    const password = `correct horse battery ${people}`;
    const { token, tokenSha256 } = newSessionToken();
    const personId = newId();
    const passwordHash = await hashPassword(password);
    await withDatabase(this.database.superuserUrl, async (client) => {
      const person = 'INSERT INTO person (id, email, name, password_hash) VALUES ($1, $2, $3, $4)';
      await client.query(person, [personId, email, `Person ${people}`, passwordHash]);
      const session = `INSERT INTO person_session (id, person_id, token_sha256, expires_at)
        VALUES ($1, $2, $3, now() + interval '1 day')`;
      await client.query(session, [newId(), personId, tokenSha256]);
    });
    return new TestPerson(this, token, email, password);
  }

  /** A new team with its owner, and a key of all scopes. */
  async createTeam(name = 'Team'): Promise<TestTeam> {
    return (await this.createPerson()).createTeam(name);
  }
}

export class TestPerson {
  constructor(
    readonly service: TestService,
    readonly token: string,
    readonly email: string,
    readonly password: string,
  ) {}

  get client(): ApiClient {
    return this.service.anonymous.as(this.token);
  }

  async createTeam(name = 'Team'): Promise<TestTeam> {
    const query = 'mutation ($input: CreateTeamInput!) { createTeam(input: $input) { team { id name } } }';
    const { createTeam } = await this.client.query(query, { input: { name } });
    const { id } = createTeam.team;
    const owner = this.service.anonymous.as(this.token, id);
    const { key } = await createApiKey(owner, { scopes: ALL_SCOPES });
    return new TestTeam(this, id, key);
  }
}

export class TestTeam {
  constructor(
    readonly person: TestPerson,
    readonly id: string,
    readonly key: string,
  ) {}

  /** The client of a key with every scope. */
  get client(): ApiClient {
    return this.person.service.anonymous.as(this.key);
  }

  /** The client of the person who owns the team, working in it. */
  get owner(): ApiClient {
    return this.person.service.anonymous.as(this.person.token, this.id);
  }

  /** Row id, as the database has it. */
  get rowId(): string {
    return Buffer.from(this.id, 'base64url').toString().slice('Team:'.length);
  }
}

/** A new API key, as the client's person. */
export async function createApiKey(
  owner: ApiClient,
  input: { scopes: string[]; name?: string; expiresAt?: string; scenarios?: string[] },
): Promise<{ key: string; id: string }> {
  const query = 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }';
  const { createApiKey: created } = await owner.query(query, { input: { name: 'test', ...input } });
  return { key: created.key, id: created.apiKey.id };
}

/** Runs statements on a database, as whoever the URL says. */
export async function withDatabase<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
