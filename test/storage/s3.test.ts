/** What only the S3 store has to stand: servers that refuse, are gone, or are started by several processes at once. */

import { sha256Of } from '../../src/storage/presigned-headers';
import { S3ObjectStore } from '../../src/storage/s3';
import { describeWithS3, type S3Server, startS3Server } from '../testkit/versitygw';

const bytes = Buffer.from('some bytes');
const facts = { sha256: sha256Of(bytes), contentType: 'text/plain' };

describeWithS3('S3 server', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.stop());

  const open = (bucket: string, change: Partial<ConstructorParameters<typeof S3ObjectStore>[0]> = {}) =>
    new S3ObjectStore({
      endpoint: server.endpoint,
      credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
      region: 'us-east-1',
      bucket,
      forcePathStyle: true,
      ...change,
    });

  test('several processes make the bucket at the same time, and it may be there', async () => {
    await Promise.all(Array.from({ length: 5 }, () => open('shared').ensureBucket()));
    await open('shared').ensureBucket();
    await open('shared').put('a', bytes, facts);
    expect(await open('shared').get('a')).toEqual(bytes);
  });

  test('a missing bucket is named', async () => {
    await expect(open('absent').put('a', bytes, facts)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('The bucket is missing'),
      where: `a in bucket absent at ${server.endpoint}`,
      remedy: 'Create the bucket.',
    });
  });

  test('wrong credentials are refused', async () => {
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: 'wrong' };
    const store = open('shared', { credentials });
    const refusal = { code: 'ACCESS_DENIED' };
    await expect(store.ensureBucket()).rejects.toMatchObject(refusal);
    await expect(store.put('b', bytes, facts)).rejects.toMatchObject(refusal);
    const { url, method, headers } = await store.presignPut('b', { ...facts, sizeBytes: 10, expiresInSeconds: 60 });
    expect((await fetch(url, { method, headers, body: bytes })).status).toBe(403);
  });

  test('a server that is not there is UNAVAILABLE, after the attempts it was given', async () => {
    const store = open('shared', { endpoint: 'http://127.0.0.1:1', maximumAttempts: 2 });
    await expect(store.get('a')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
      where: 'a in bucket shared at http://127.0.0.1:1',
    });
  });

  test('signed URLs name the endpoint that clients reach', async () => {
    const store = open('shared', { publicEndpoint: 'https://objects.example.com' });
    const { url } = await store.presignGet('a', { expiresInSeconds: 60 });
    expect(new URL(url)).toMatchObject({ origin: 'https://objects.example.com', pathname: '/shared/a' });
  });
});
