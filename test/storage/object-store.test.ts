/**
 * One contract, two stores: every test here runs on a real S3 server and on a directory served by fastify, with the
 * same client code (fetch with the method, URL and headers that were signed).
 */

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import fastify from 'fastify';
import { DirectoryObjectStore } from '../../src/storage/directory';
import { directoryStoreRoutes } from '../../src/storage/directory-routes';
import type { ObjectStore, PresignedRequest } from '../../src/storage/object-store';
import { sha256Of } from '../../src/storage/presigned-headers';
import { S3ObjectStore } from '../../src/storage/s3';
import { createTemporaryDirectory } from '../testkit/postgres';
import { describeWithS3, startS3Server } from '../testkit/versitygw';

interface Harness {
  store: ObjectStore;
  /** The same store with a clock that is an hour late. */
  late: ObjectStore;
  stop(): Promise<void>;
}

async function startDirectoryStore(): Promise<Harness> {
  const directory = await createTemporaryDirectory('objects');
  const app = fastify({ forceCloseConnections: true });
  const options = { directory, signingSecret: randomBytes(32).toString('hex'), publicUrl: () => app.listeningOrigin };
  const store = new DirectoryObjectStore(options);
  const late = new DirectoryObjectStore({ ...options, now: hourAgo });
  await app.register(directoryStoreRoutes, { store });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const stop = async () => {
    await app.close();
    await rm(directory, { recursive: true });
  };
  return { store, late, stop };
}

async function startS3Store(): Promise<Harness> {
  const server = await startS3Server();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const options = {
    endpoint,
    credentials: { accessKeyId, secretAccessKey },
    region: 'us-east-1',
    bucket: 'fusecast',
    forcePathStyle: true,
  };
  const store = new S3ObjectStore(options);
  const late = new S3ObjectStore({ ...options, now: hourAgo });
  await Promise.all([store.ensureBucket(), late.ensureBucket()]);
  const stop = async () => {
    store.close();
    late.close();
    await server.stop();
  };
  return { store, late, stop };
}

const hourAgo = () => Date.now() - 3600_000;

describe('directory', () => contract(startDirectoryStore));
describeWithS3('S3', () => contract(startS3Store));

function contract(start: () => Promise<Harness>): void {
  let harness: Harness;
  let store: ObjectStore;
  let keys = 0;

  beforeAll(async () => {
    harness = await start();
    store = harness.store;
  });
  afterAll(() => harness.stop());

  const newKey = () => {
    keys += 1;
    return `teams/1/datasets/object-${keys}.csv`;
  };
  const bytes = Buffer.from('network,latencyUs\nresnet,1234.5\n');
  const other = Buffer.from('network,latencyUs\nresnet,9999.9\n');
  const facts = { sha256: sha256Of(bytes), contentType: 'text/csv' };
  const upload = { ...facts, sizeBytes: bytes.length, expiresInSeconds: 300 };
  const send = ({ method, url, headers }: PresignedRequest, body?: Buffer) => fetch(url, { method, headers, body });

  describe('put, get, head, delete', () => {
    test('what was put is read back, with its size, digest and type', async () => {
      const key = newKey();
      await store.put(key, bytes, facts);
      expect(await store.get(key)).toEqual(bytes);
      expect(await store.head(key)).toEqual({ ...facts, sizeBytes: bytes.length });
    });

    test('an empty object and one of 20 MB', async () => {
      for (const content of [Buffer.alloc(0), randomBytes(20_000_000)]) {
        const key = newKey();
        const sha256 = sha256Of(content);
        await store.put(key, content, { sha256, contentType: 'application/octet-stream' });
        expect(sha256Of(await store.get(key, { sha256 }))).toBe(sha256);
      }
    });

    test('the same bytes again do nothing, other bytes are refused and change nothing', async () => {
      const key = newKey();
      await store.put(key, bytes, facts);
      await store.put(key, bytes, facts);
      await expect(store.put(key, other, { ...facts, sha256: sha256Of(other) })).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      });
      expect(await store.get(key)).toEqual(bytes);
    });

    test('bytes without the stated digest are refused and leave nothing', async () => {
      const key = newKey();
      await expect(store.put(key, other, facts)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', where: key });
      expect(await store.head(key)).toBeUndefined();
    });

    test('of ten writers of one key with different bytes one wins, and the object is whole', async () => {
      const key = newKey();
      const contents = Array.from({ length: 10 }, () => randomBytes(300_000));
      const outcomes = await Promise.allSettled(
        contents.map((content) => store.put(key, content, { ...facts, sha256: sha256Of(content) })),
      );
      const winners = contents.filter((_, index) => outcomes[index]!.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ALREADY_EXISTS' });
      }
      expect(sha256Of(await store.get(key))).toBe(sha256Of(winners[0]!));
    });

    test('ten writers of the same bytes all succeed', async () => {
      const key = newKey();
      await Promise.all(Array.from({ length: 10 }, () => store.put(key, bytes, facts)));
      expect(await store.get(key)).toEqual(bytes);
    });

    test('a missing object', async () => {
      const key = newKey();
      expect(await store.head(key)).toBeUndefined();
      await expect(store.get(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await store.delete(key);
    });

    test('a deleted object is gone, and its key is free again', async () => {
      const key = newKey();
      await store.put(key, bytes, facts);
      await store.delete(key);
      expect(await store.head(key)).toBeUndefined();
      await store.put(key, other, { ...facts, sha256: sha256Of(other) });
      expect(await store.get(key)).toEqual(other);
    });

    test('keys are listed by what they begin with', async () => {
      const prefix = `${newKey()}/`;
      expect(await keysOf(store.list(prefix))).toEqual([]);
      const keys = [`${prefix}a`, `${prefix}b/c`, `${prefix}b/d`];
      for (const key of [...keys, `${prefix.slice(0, -1)}x/e`]) await store.put(key, bytes, facts);
      expect((await keysOf(store.list(prefix))).sort()).toEqual(keys);
      for await (const key of store.list(prefix)) await store.delete(key);
      expect(await keysOf(store.list(prefix))).toEqual([]);
    });

    test('an object over the limit of the reader, or with another digest than the reader wants, is refused', async () => {
      const key = newKey();
      await store.put(key, bytes, facts);
      await expect(store.get(key, { maximumBytes: bytes.length - 1 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
      await expect(store.get(key, { sha256: sha256Of(other) })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    });

    const badKeys = [
      '',
      '/',
      '/etc/passwd',
      '../x',
      'a/../b',
      'a/./b',
      'a//b',
      'a/',
      'a b',
      'a\\b',
      'a\0b',
      'ä',
      '%2e%2e/x',
    ];
    test.each([...badKeys, 'x'.repeat(513)].map((key) => [key.slice(0, 20), key]))(
      'the key %j... is refused by every method',
      async (_, key) => {
        const refusal = { code: 'INVALID_KEY' };
        await expect(store.put(key, bytes, facts)).rejects.toMatchObject(refusal);
        await expect(store.get(key)).rejects.toMatchObject(refusal);
        await expect(store.head(key)).rejects.toMatchObject(refusal);
        await expect(store.delete(key)).rejects.toMatchObject(refusal);
        await expect(store.presignPut(key, upload)).rejects.toMatchObject(refusal);
        await expect(store.presignGet(key, { expiresInSeconds: 60 })).rejects.toMatchObject(refusal);
      },
    );

    test('a key that is the beginning of another one', async () => {
      const key = newKey();
      await store.put(`${key}/part`, other, { ...facts, sha256: sha256Of(other) });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  describe('presigned requests', () => {
    test('an upload and a download by plain fetch', async () => {
      const key = newKey();
      const put = await store.presignPut(key, upload);
      expect(put.method).toBe('PUT');
      expect(put.expiresAt.getTime() - Date.now()).toBeGreaterThan(290_000);
      expect((await send(put, bytes)).status).toBe(200);
      expect(await store.head(key)).toEqual({ ...facts, sizeBytes: bytes.length });

      const answer = await send(await store.presignGet(key, { expiresInSeconds: 60, fileName: 'Übersicht "1".csv' }));
      expect(answer.status).toBe(200);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
      expect(answer.headers.get('content-type')).toBe('text/csv');
      expect(answer.headers.get('content-disposition')).toBe(
        `attachment; filename="_bersicht _1_.csv"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.csv`,
      );
    });

    test('20 MB in one upload', async () => {
      const key = newKey();
      const content = randomBytes(20_000_000);
      const put = await store.presignPut(key, { ...upload, sizeBytes: content.length, sha256: sha256Of(content) });
      expect((await send(put, content)).status).toBe(200);
      const answer = await send(await store.presignGet(key, { expiresInSeconds: 60 }));
      expect(sha256Of(Buffer.from(await answer.arrayBuffer()))).toBe(sha256Of(content));
    });

    const edits: [string, number, (put: PresignedRequest) => PresignedRequest, Buffer?][] = [
      ['other bytes of the same size', 400, (put) => put, other],
      ['fewer bytes', 403, (put) => put, bytes.subarray(1)],
      ['more bytes', 403, (put) => put, Buffer.concat([bytes, bytes])],
      [
        'another digest, of the bytes that are sent',
        403,
        (put) => withHeader(put, 'x-amz-checksum-sha256', base64Of(other)),
        other,
      ],
      ['no digest', 403, (put) => withHeader(put, 'x-amz-checksum-sha256', undefined)],
      ['no if-none-match', 403, (put) => withHeader(put, 'if-none-match', undefined)],
      ['another content type', 403, (put) => withHeader(put, 'content-type', 'text/html')],
      ['another key', 403, (put) => ({ ...put, url: put.url.replace('/object-', '/objects-') })],
      ['another method', 403, (put) => ({ ...put, method: 'DELETE' as 'PUT' })],
      [
        'a longer expiry',
        403,
        (put) => ({ ...put, url: put.url.replace(/(expires=)(\d+)/i, (_, name, n) => name + (Number(n) + 60)) }),
      ],
      [
        'a signature with one letter changed',
        403,
        (put) => ({
          ...put,
          url: put.url.replace(/(signature=)(.)/i, (_, name, letter) => name + (letter === 'a' ? 'b' : 'a')),
        }),
      ],
      ['no signature', 403, (put) => ({ ...put, url: put.url.replace(/\?.*/, '') })],
    ];

    test.each(edits)(
      'an upload with %s is refused with %d and stores nothing',
      async (_name, status, edit, body = bytes) => {
        const key = newKey();
        const put = await store.presignPut(key, upload);
        const edited = edit(put);
        if (edited !== put) expect(edited).not.toEqual(put);
        expect((await send(edited, body)).status).toBe(status);
        expect(await store.head(key)).toBeUndefined();
        expect((await send(put, bytes)).status).toBe(200);
      },
    );

    test('a second upload to a key is refused with 412, also of the same bytes', async () => {
      const key = newKey();
      const put = await store.presignPut(key, upload);
      const rival = await store.presignPut(key, { ...upload, sha256: sha256Of(other) });
      expect((await send(put, bytes)).status).toBe(200);
      expect((await send(put, bytes)).status).toBe(412);
      expect((await send(rival, other)).status).toBe(412);
      expect(await store.get(key)).toEqual(bytes);
    });

    test('of ten uploads at once one wins', async () => {
      const key = newKey();
      const contents = Array.from({ length: 10 }, () => randomBytes(300_000));
      const statuses = await Promise.all(
        contents.map(async (content) => {
          const options = { ...upload, sizeBytes: content.length, sha256: sha256Of(content) };
          return (await send(await store.presignPut(key, options), content)).status;
        }),
      );
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 412 || status === 409)).toHaveLength(9);
      expect(sha256Of(await store.get(key))).toBe(sha256Of(contents[statuses.indexOf(200)]!));
    });

    test('expired requests are refused with 403', async () => {
      const key = newKey();
      expect((await send(await harness.late.presignPut(key, upload), bytes)).status).toBe(403);
      expect(await store.head(key)).toBeUndefined();
      await store.put(key, bytes, facts);
      expect((await send(await harness.late.presignGet(key, { expiresInSeconds: 60 }))).status).toBe(403);
    });

    test('a download is bound to its key and method, and a missing object is 404', async () => {
      const [key, missing] = [newKey(), newKey()];
      await store.put(key, bytes, facts);
      const get = await store.presignGet(missing, { expiresInSeconds: 60 });
      expect((await send(get)).status).toBe(404);
      expect((await send({ ...get, url: get.url.replace(missing, key) })).status).toBe(403);
      expect((await send({ ...get, method: 'PUT' }, bytes)).status).toBe(403);
      expect((await send({ ...get, method: 'DELETE' as 'GET' })).status).toBe(403);
      expect(await store.head(missing)).toBeUndefined();
    });

    test('what cannot be signed is refused at once', async () => {
      const refusal = { code: 'INVALID_ARGUMENT' };
      const key = newKey();
      await expect(store.presignPut(key, { ...upload, sizeBytes: -1 })).rejects.toMatchObject(refusal);
      await expect(store.presignPut(key, { ...upload, sizeBytes: 1.5 })).rejects.toMatchObject(refusal);
      await expect(store.presignPut(key, { ...upload, sha256: 'A'.repeat(64) })).rejects.toMatchObject(refusal);
      await expect(store.presignPut(key, { ...upload, expiresInSeconds: 0 })).rejects.toMatchObject(refusal);
      await expect(store.presignGet(key, { expiresInSeconds: 3601 })).rejects.toMatchObject(refusal);
    });
  });
}

function withHeader(request: PresignedRequest, name: string, value: string | undefined): PresignedRequest {
  const { [name]: _, ...headers } = request.headers;
  return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } };
}

function base64Of(bytes: Buffer): string {
  return Buffer.from(sha256Of(bytes), 'hex').toString('base64');
}

async function keysOf(list: AsyncIterable<string>): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of list) keys.push(key);
  return keys;
}
