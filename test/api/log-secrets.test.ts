/** A whole run at the lowest log level, with secrets in places where they do and do not belong: none is in the log. */
import { rm } from 'node:fs/promises';
import { createApplicationRole } from '../../src/migrate';
import { newSealingKey } from '../../src/sealing';
import { createCast } from '../testkit/cast';
import { CREATE_DATASET, REQUEST_UPLOAD, sha256 } from '../testkit/client';
import { createTemporaryDirectory, createTestDatabase } from '../testkit/postgres';
import { ALL_SCOPES, createApiKey, withDatabase } from '../testkit/service';
import { ServiceProcess } from '../testkit/service-process';

test('no key, token, password, signature or database password that was used is in the log', async () => {
  const database = await createTestDatabase();
  const directory = await createTemporaryDirectory('secrets');
  await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
  const sealingKey = newSealingKey();
  const service = await ServiceProcess.start({
    DATABASE_URL: database.url,
    FUSECAST_SECRET_KEY: sealingKey,
    FUSECAST_DATA: directory,
    LOG_LEVEL: 'trace',
  });
  const secrets = new Map<string, string>([
    ['database password', new URL(database.url).password],
    ['sealing key', sealingKey],
  ]);
  try {
    const { owner } = await createCast({ anonymous: service.anonymous, database });
    secrets.set('session token', owner.headers.authorization.slice('Bearer '.length));
    const { key, id } = await createApiKey(owner, { scopes: ALL_SCOPES });
    secrets.set('API key', key.split('_').slice(2).join('_'));
    const rotate = 'mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { key } }';
    const overlapUntil = new Date(Date.now() + 3_600_000).toISOString();
    const rotated = (await owner.query(rotate, { input: { apiKeyId: id, overlapUntil } })).rotateApiKey.key;
    secrets.set('rotated key', rotated.split('_').slice(2).join('_'));

    // What people type, right and wrong, by whichever mutation.
    const password = 'a password that nobody knows';
    secrets.set('password', password);
    const { anonymous } = service;
    const person = { email: 'somebody@example.com', name: 'Somebody', password };
    await anonymous.answer('mutation ($input: SignUpInput!) { signUp(input: $input) { mailSent } }', { input: person });
    const signIn = 'mutation ($input: SignInInput!) { signIn(input: $input) { token } }';
    await anonymous.answer(signIn, { input: { email: person.email, password } });
    await anonymous.answer(`mutation { signIn(input: { email: "x", password: "${password}" }) { nope } }`);

    // Signed URLs, used, edited and asked for too late.
    const client = service.anonymous.as(key);
    const bytes = Buffer.from('a,b\n1,2\n');
    const input = { kind: 'DATASET', fileName: 'x.csv', sizeBytes: bytes.byteLength, sha256: sha256(bytes) };
    const { uploadId, request } = (await client.query(REQUEST_UPLOAD, { input })).requestUpload;
    secrets.set('signature', new URL(request.url).searchParams.get('signature')!);
    const headers = Object.fromEntries(
      request.headers.map((each: { name: string; value: string }) => [each.name, each.value]),
    );
    for (const url of [request.url.replace('uploads', 'elsewhere'), request.url, request.url, `${request.url}&x=1`]) {
      await fetch(url, { method: 'PUT', headers, body: bytes });
    }
    await client.query(CREATE_DATASET, { input: { uploadId, name: 'x' } });

    // Secrets where they do not belong, and failures of all kinds.
    for (const at of [`/graphql?key=${key}`, `/nowhere?token=${rotated}`, '/%', `/graphql?query={${key}}`]) {
      await fetch(`${service.url}${at}`, {
        headers: { authorization: `Bearer ${key}x`, cookie: `session=${rotated}` },
      });
    }
    await client.answer(`{ ${'a'.repeat(10)} }`, { secret: key });
    await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"${key}`,
    });
    await withDatabase(database.superuserUrl, (admin) => admin.query('ALTER TABLE api_key RENAME TO hidden'));
    expect((await client.refusal('{ viewer { role } }')).extensions.code).toBe('INTERNAL');
    await withDatabase(database.superuserUrl, (admin) => admin.query('ALTER TABLE hidden RENAME TO api_key'));
  } finally {
    await service.stop();
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  }
  expect(service.log).toContain('a request failed');
  for (const [what, secret] of secrets) {
    expect(secret.length).toBeGreaterThan(8);
    expect({ what, logged: service.log.includes(secret) }).toEqual({ what, logged: false });
  }
}, 60_000);
