/**
 * The configuration: the only file that reads the environment. Every wrong variable is reported at once, with what was
 * expected. Knows names and values; must not open, connect or start anything (main.ts does).
 */
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { isSealingKey } from './sealing';

const SERVICE_ROLES = ['all', 'api', 'worker'] as const;
type ServiceRole = (typeof SERVICE_ROLES)[number];

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface Config {
  /** `all` is API and worker in one process; `api` and `worker` are for replicas on servers of their own. */
  readonly role: ServiceRole;
  readonly logLevel: LogLevel;
  /** A PostgreSQL server, or the embedded one with its data in a directory. */
  readonly database:
    | { readonly kind: 'server'; readonly url: string }
    | { readonly kind: 'embedded'; readonly directory: string };
  /** An S3 bucket, or a directory. */
  readonly objects:
    | {
        readonly kind: 's3';
        readonly endpoint: string;
        /** Where clients reach the server, if by another address: signed URLs have it. */
        readonly publicEndpoint?: string;
        readonly bucket: string;
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly region: string;
      }
    | {
        readonly kind: 'directory';
        readonly directory: string;
        /** Made at the first start; signs the URLs. */
        readonly secretFile: string;
      };
  /** Port 0 takes any free port. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl?: string;
    /** Addresses and networks of the proxies before it, by commas. */
    readonly trustProxy?: string;
    /** How long the body of a GraphQL request may take to arrive. */
    readonly bodySeconds: number;
  };
  /**
   * Keys that seal what has to be read again, base64 of 32 bytes each: the first seals, all open. Or a file of one, made
   * at the first start. Absent for a worker, which opens nothing.
   */
  readonly sealingKeys?:
    | { readonly kind: 'given'; readonly keys: readonly string[] }
    | { readonly kind: 'file'; readonly file: string };
  /** An SMTP server and the sender's address; without one mails are printed. */
  readonly mail?: { readonly url: string; readonly from: string };
  /** An OpenID Connect provider that people may sign in by. */
  readonly openId?: { readonly issuer: string; readonly clientId: string; readonly clientSecret: string };
  readonly introspection: boolean;
  /** A file of the documents that the dashboard sends, and whether people may send no other. */
  readonly persistedQueries?: { readonly file: string; readonly only: boolean };
  /** Requests in 10 seconds. */
  readonly rateLimits: { readonly perKey: number; readonly perPerson: number; readonly perAddress: number };
  /** Worker threads that train, each one version at a time. */
  readonly trainingThreads: number;
  /** After so many seconds without a sign of life a worker's jobs are anybody's. */
  readonly jobLeaseSeconds: number;
  /** Where metrics and health are served apart from the API, to nobody else: absent, they are not. */
  readonly operations?: { readonly host: string; readonly port: number };
  /** The OpenTelemetry collector that traces go to. */
  readonly tracing?: { readonly endpoint: string };
}

/** What is wrong with one variable. */
export interface ConfigProblem {
  readonly variable: string;
  readonly message: string;
}

/** The environment is wrong; `message` has a line for every wrong variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(({ variable, message }) => `${variable}: ${message}`).join('\n'));
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are given together or not at all. */
const GROUPS = [
  ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'S3_REGION'],
  ['SMTP_URL', 'MAIL_FROM'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'],
] as const;

function text(expected: string, accepts: (value: string) => boolean) {
  return z.string().refine(accepts, { error: `expected ${expected}` });
}

function url(expected: string, protocols: readonly string[]) {
  return text(expected, (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol));
}

function integer(minimum: number, maximum: number) {
  return text(
    `a whole number from ${minimum} to ${maximum}`,
    (value) => /^\d{1,9}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum,
  ).transform(Number);
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

/** Addresses and networks such as 10.0.0.0/8, by commas. */
function isNetworkList(value: string): boolean {
  return value.split(',').every((network) => {
    const [address, prefix, ...rest] = network.trim().split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
    return isIP(address) !== 0 && isPrefix && rest.length === 0;
  });
}

const httpUrl = url('an http:// or https:// URL', ['http:', 'https:']);

/** Without TLS anybody on the way could sign in as anybody. */
function isIssuer(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

const variables = z.object({
  DATABASE_URL: url('a postgres:// URL', ['postgres:', 'postgresql:']).optional(),
  S3_ENDPOINT: httpUrl.optional(),
  S3_PUBLIC_ENDPOINT: httpUrl.optional(),
  S3_BUCKET: text('a bucket name', (value) => /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value)).optional(),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  S3_REGION: text('a region such as eu-central-1', (value) => /^[a-z0-9-]+$/.test(value)).optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65535).default(4000),
  FUSECAST_URL: httpUrl.optional(),
  FUSECAST_DATA: z.string().default('.fusecast'),
  FUSECAST_ROLE: oneOf(SERVICE_ROLES).default('all'),
  FUSECAST_TRAINING_THREADS: integer(1, 64).default(1),
  FUSECAST_JOB_LEASE_SECONDS: integer(1, 3600).default(20),
  FUSECAST_METRICS_HOST: z.string().default('127.0.0.1'),
  FUSECAST_METRICS_PORT: integer(0, 65535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
  SMTP_URL: url('an smtp:// or smtps:// URL', ['smtp:', 'smtps:']).optional(),
  MAIL_FROM: text('an address such as fusecast@example.com', (value) => /^[^\s@]+@[^\s@]+$/.test(value)).optional(),
  OIDC_ISSUER: text('an https:// URL (http:// on this machine only)', isIssuer).optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  FUSECAST_TRUST_PROXY: text('addresses or networks such as 10.0.0.0/8, by commas', isNetworkList).optional(),
  FUSECAST_SECRET_KEY: text('the base64 of 32 bytes, or several by commas, the newest first', (value) =>
    value.split(',').every((key) => isSealingKey(key.trim())),
  ).optional(),
  FUSECAST_BODY_SECONDS: integer(1, 600).default(10),
  FUSECAST_INTROSPECTION: oneOf(['on', 'off']).default('on'),
  FUSECAST_PERSISTED_QUERIES: z.string().optional(),
  FUSECAST_PERSISTED_QUERIES_ONLY: oneOf(['on', 'off']).default('off'),
  FUSECAST_RATE_LIMIT_KEY: integer(1, 999_999_999).default(10_000),
  FUSECAST_RATE_LIMIT_PERSON: integer(1, 999_999_999).default(2_000),
  FUSECAST_RATE_LIMIT_ADDRESS: integer(1, 999_999_999).default(600),
});

/** Values of these are never repeated in a message. */
const SECRET_VARIABLES: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'SMTP_URL',
  'OIDC_CLIENT_SECRET',
  'FUSECAST_SECRET_KEY',
]);

/** An empty variable counts as absent, as in compose files and CI settings. */
function present(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(entries);
}

/**
 * Reads the configuration of the service.
 * @throws ConfigError naming every wrong variable
 */
export function readConfig(environment: Environment = process.env): Config {
  const given = present(environment);
  const parsed = variables.safeParse(given);
  const problems: ConfigProblem[] = (parsed.error?.issues ?? []).map((issue) => {
    const variable = String(issue.path[0]);
    const value = SECRET_VARIABLES.has(variable) ? 'its value is wrong' : `is ${JSON.stringify(given[variable])}`;
    return { variable, message: `${value}, ${issue.message}` };
  });

  for (const group of GROUPS) {
    const missing = group.filter((variable) => !(variable in given));
    if (missing.length === group.length) continue;
    for (const variable of missing) {
      problems.push({ variable, message: `is missing, expected all of ${group.join(', ')} or none` });
    }
  }
  if (given.S3_PUBLIC_ENDPOINT && !given.S3_ENDPOINT) {
    problems.push({ variable: 'S3_ENDPOINT', message: 'is missing, expected it because S3_PUBLIC_ENDPOINT is set' });
  }
  for (const variable of ['SMTP_URL', 'OIDC_ISSUER']) {
    if (!(variable in given) || given.FUSECAST_URL) continue;
    const message = `is missing, expected the URL that people reach the service by, because ${variable} is set`;
    problems.push({ variable: 'FUSECAST_URL', message });
  }
  const separated = given.FUSECAST_ROLE === 'api' || given.FUSECAST_ROLE === 'worker';
  if (separated && !given.DATABASE_URL) {
    problems.push({
      variable: 'DATABASE_URL',
      message: `is missing, expected a postgres:// URL because FUSECAST_ROLE is ${given.FUSECAST_ROLE} (the embedded database serves one process)`,
    });
  }
  // Replicas have to share it, and a directory of each of them is no place for that.
  if (given.DATABASE_URL && given.FUSECAST_ROLE !== 'worker' && !given.FUSECAST_SECRET_KEY) {
    const message =
      'is missing, expected the base64 of 32 random bytes (`openssl rand -base64 32`), because DATABASE_URL is set';
    problems.push({ variable: 'FUSECAST_SECRET_KEY', message });
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return toConfig(parsed.data);
}

function toConfig(values: z.infer<typeof variables>): Config {
  const directory = resolve(values.FUSECAST_DATA);
  return {
    role: values.FUSECAST_ROLE,
    logLevel: values.LOG_LEVEL,
    database: values.DATABASE_URL
      ? { kind: 'server', url: values.DATABASE_URL }
      : { kind: 'embedded', directory: join(directory, 'postgres') },
    objects: values.S3_ENDPOINT
      ? {
          kind: 's3',
          endpoint: values.S3_ENDPOINT,
          publicEndpoint: values.S3_PUBLIC_ENDPOINT,
          // The four others are there: readConfig refuses a part of the five.
          bucket: values.S3_BUCKET!,
          accessKeyId: values.S3_ACCESS_KEY_ID!,
          secretAccessKey: values.S3_SECRET_ACCESS_KEY!,
          region: values.S3_REGION!,
        }
      : {
          kind: 'directory',
          directory: join(directory, 'objects'),
          secretFile: join(directory, 'url-signing-secret'),
        },
    http: {
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.FUSECAST_URL?.replace(/\/+$/, ''),
      trustProxy: values.FUSECAST_TRUST_PROXY,
      bodySeconds: values.FUSECAST_BODY_SECONDS,
    },
    sealingKeys: sealingKeys(values, directory),
    // Of each group all are there or none: readConfig refuses a part.
    mail: values.SMTP_URL ? { url: values.SMTP_URL, from: values.MAIL_FROM! } : undefined,
    openId: values.OIDC_ISSUER
      ? {
          issuer: values.OIDC_ISSUER,
          clientId: values.OIDC_CLIENT_ID!,
          clientSecret: values.OIDC_CLIENT_SECRET!,
        }
      : undefined,
    introspection: values.FUSECAST_INTROSPECTION === 'on',
    persistedQueries: values.FUSECAST_PERSISTED_QUERIES
      ? { file: values.FUSECAST_PERSISTED_QUERIES, only: values.FUSECAST_PERSISTED_QUERIES_ONLY === 'on' }
      : undefined,
    rateLimits: {
      perKey: values.FUSECAST_RATE_LIMIT_KEY,
      perPerson: values.FUSECAST_RATE_LIMIT_PERSON,
      perAddress: values.FUSECAST_RATE_LIMIT_ADDRESS,
    },
    trainingThreads: values.FUSECAST_TRAINING_THREADS,
    jobLeaseSeconds: values.FUSECAST_JOB_LEASE_SECONDS,
    operations:
      values.FUSECAST_METRICS_PORT === undefined
        ? undefined
        : { host: values.FUSECAST_METRICS_HOST, port: values.FUSECAST_METRICS_PORT },
    tracing: values.OTEL_EXPORTER_OTLP_ENDPOINT ? { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT } : undefined,
  };
}

function sealingKeys(values: z.infer<typeof variables>, directory: string): Config['sealingKeys'] {
  if (values.FUSECAST_ROLE === 'worker') return undefined;
  const keys = values.FUSECAST_SECRET_KEY?.split(',').map((key) => key.trim());
  return keys ? { kind: 'given', keys } : { kind: 'file', file: join(directory, 'secret-key') };
}

/** What the command line needs to reach a service. */
export interface ClientConfig {
  readonly url: string;
  readonly apiKey?: string;
}

const clientVariables = z.object({
  FUSECAST_URL: httpUrl.default('http://127.0.0.1:4000'),
  FUSECAST_API_KEY: text('a key that starts with fck_', (value) => value.startsWith('fck_')).optional(),
});

/**
 * Reads the configuration of the command line.
 * @throws ConfigError naming every wrong variable
 */
export function readClientConfig(environment: Environment = process.env): ClientConfig {
  const parsed = clientVariables.safeParse(present(environment));
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => ({ variable: String(issue.path[0]), message: issue.message })),
    );
  }
  return { url: parsed.data.FUSECAST_URL.replace(/\/+$/, ''), apiKey: parsed.data.FUSECAST_API_KEY };
}

/** What a CI system says of the run that it makes stands in variables that it chooses the names of. */
export function readPipelineVariables(environment: Environment = process.env): Environment {
  return present(environment);
}

/** The directory of package.json, from the sources and from dist/ alike. */
export function projectDirectory(): string {
  let directory = __dirname;
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`No package.json above ${__dirname}.`);
    directory = parent;
  }
  return directory;
}
