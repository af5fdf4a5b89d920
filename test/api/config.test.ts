/** The configuration: defaults, every wrong variable at once, and the exit code of a wrong one. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ConfigError, readClientConfig, readConfig } from '../../src/config';
import { newSealingKey } from '../../src/sealing';

function problems(read: () => unknown): Record<string, string> {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError)
      return Object.fromEntries(error.problems.map((each) => [each.variable, each.message]));
    throw error;
  }
  return {};
}

const S3 = {
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_BUCKET: 'fusecast',
  S3_ACCESS_KEY_ID: 'key',
  S3_SECRET_ACCESS_KEY: 'secret',
  S3_REGION: 'us-east-1',
};

test('without any variable everything is embedded, in .fusecast', () => {
  expect(readConfig({})).toEqual({
    role: 'all',
    logLevel: 'info',
    database: { kind: 'embedded', directory: path.resolve('.fusecast/postgres') },
    objects: {
      kind: 'directory',
      directory: path.resolve('.fusecast/objects'),
      secretFile: path.resolve('.fusecast/url-signing-secret'),
    },
    http: { host: '127.0.0.1', port: 4000, publicUrl: undefined, bodySeconds: 10 },
    sealingKeys: { kind: 'file', file: path.resolve('.fusecast/secret-key') },
    trainingThreads: 1,
    jobLeaseSeconds: 20,
    introspection: true,
    rateLimits: { perKey: 10_000, perPerson: 2_000, perAddress: 600 },
  });
});

test('a database and a bucket are taken; an empty variable is none', () => {
  const config = readConfig({
    ...S3,
    DATABASE_URL: 'postgres://u:p@h/d',
    FUSECAST_SECRET_KEY: newSealingKey(),
    FUSECAST_URL: 'https://x.example/',
    PORT: '',
  });
  expect(config.database).toEqual({ kind: 'server', url: 'postgres://u:p@h/d' });
  expect(config.objects).toMatchObject({ kind: 's3', bucket: 'fusecast', region: 'us-east-1' });
  const apart = { S3_PUBLIC_ENDPOINT: 'https://files.example' };
  expect(readConfig({ ...S3, ...apart }).objects).toMatchObject({ publicEndpoint: 'https://files.example' });
  expect(problems(() => readConfig(apart))).toEqual({ S3_ENDPOINT: expect.stringContaining('is missing') });
  expect(config.http).toEqual({ host: '127.0.0.1', port: 4000, publicUrl: 'https://x.example', bodySeconds: 10 });
});

test('every wrong variable is named, with what was expected, and no secret', () => {
  const environment = {
    ...S3,
    PORT: '70000',
    LOG_LEVEL: 'loud',
    FUSECAST_ROLE: 'boss',
    FUSECAST_TRAINING_THREADS: '0',
    FUSECAST_URL: 'fusecast.example',
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    FUSECAST_SECRET_KEY: 'hunter2',
    FUSECAST_BODY_SECONDS: '0',
    S3_BUCKET: 'No Bucket',
  };
  expect(problems(() => readConfig(environment))).toEqual({
    PORT: 'is "70000", expected a whole number from 0 to 65535',
    LOG_LEVEL: 'is "loud", expected one of trace, debug, info, warn, error, fatal, silent',
    FUSECAST_ROLE: 'is "boss", expected one of all, api, worker',
    FUSECAST_TRAINING_THREADS: 'is "0", expected a whole number from 1 to 64',
    FUSECAST_URL: 'is "fusecast.example", expected an http:// or https:// URL',
    DATABASE_URL: 'its value is wrong, expected a postgres:// URL',
    FUSECAST_SECRET_KEY: 'its value is wrong, expected the base64 of 32 bytes, or several by commas, the newest first',
    FUSECAST_BODY_SECONDS: 'is "0", expected a whole number from 1 to 600',
    S3_BUCKET: 'is "No Bucket", expected a bucket name',
  });
});

test('a part of the S3 variables names the others', () => {
  const { S3_BUCKET, S3_REGION, ...rest } = S3;
  expect(Object.keys(problems(() => readConfig(rest)))).toEqual(['S3_BUCKET', 'S3_REGION']);
  expect([S3_BUCKET, S3_REGION]).toEqual(['fusecast', 'us-east-1']);
});

test('mails and a provider are taken whole, with the URL that people come by, and their secrets are not repeated', () => {
  const mail = { SMTP_URL: 'smtps://user:hunter2@mail.example:465', MAIL_FROM: 'fusecast@example.com' };
  const provider = { OIDC_ISSUER: 'https://id.example', OIDC_CLIENT_ID: 'fusecast', OIDC_CLIENT_SECRET: 'hunter2' };
  const config = readConfig({ ...mail, ...provider, FUSECAST_URL: 'https://fusecast.example' });
  expect(config.mail).toEqual({ url: mail.SMTP_URL, from: 'fusecast@example.com' });
  expect(config.openId).toEqual({ issuer: 'https://id.example', clientId: 'fusecast', clientSecret: 'hunter2' });
  expect(Object.keys(problems(() => readConfig({ SMTP_URL: mail.SMTP_URL })))).toEqual(['MAIL_FROM', 'FUSECAST_URL']);
  const wrong = { SMTP_URL: 'http://user:hunter2@mail', MAIL_FROM: 'me', OIDC_ISSUER: 'http://id.example' };
  const found = problems(() => readConfig(wrong));
  expect(Object.keys(found)).toEqual([...Object.keys(wrong), 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'FUSECAST_URL']);
  expect(Object.values(found).join()).not.toContain('hunter2');
});

test('replicas need a database server', () => {
  expect(Object.keys(problems(() => readConfig({ FUSECAST_ROLE: 'worker' })))).toEqual(['DATABASE_URL']);
});

test('those who ask a database server bring the keys that seal; a worker opens nothing', () => {
  const server = { DATABASE_URL: 'postgres://u:p@h/d' };
  for (const role of ['all', 'api']) {
    const found = problems(() => readConfig({ ...server, FUSECAST_ROLE: role }));
    expect(Object.keys(found)).toEqual(['FUSECAST_SECRET_KEY']);
    expect(found.FUSECAST_SECRET_KEY).toContain('openssl rand -base64 32');
  }
  expect(readConfig({ ...server, FUSECAST_ROLE: 'worker' }).sealingKeys).toBeUndefined();
  const keys = [newSealingKey(), newSealingKey()];
  const config = readConfig({ ...server, FUSECAST_SECRET_KEY: keys.join(', ') });
  expect(config.sealingKeys).toEqual({ kind: 'given', keys });
  const short = { FUSECAST_SECRET_KEY: Buffer.alloc(31).toString('base64') };
  expect(Object.keys(problems(() => readConfig(short)))).toEqual(['FUSECAST_SECRET_KEY']);
});

test('the command line reads its own two', () => {
  expect(readClientConfig({})).toEqual({ url: 'http://127.0.0.1:4000', apiKey: undefined });
  const wrong = { FUSECAST_URL: 'x', FUSECAST_API_KEY: 'y' };
  expect(Object.keys(problems(() => readClientConfig(wrong)))).toEqual(['FUSECAST_URL', 'FUSECAST_API_KEY']);
});

test('the service ends with 2 and a line for each wrong variable', () => {
  const main = path.join(__dirname, '..', 'testkit', 'main.cjs');
  const { status, stderr } = spawnSync(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: 'x', LOG_LEVEL: 'y' },
    encoding: 'utf8',
  });
  expect(
    stderr
      .trim()
      .split('\n')
      .slice(-2)
      .map((line) => line.split(':')[0]),
  ).toEqual(['PORT', 'LOG_LEVEL']);
  expect(status).toBe(2);
});
