/** What only the directory store has to stand: crashes, broken connections, several processes, the browser. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { DirectoryObjectStore } from '../../src/storage/directory';
import { directoryStoreRoutes } from '../../src/storage/directory-routes';
import { sha256Of } from '../../src/storage/presigned-headers';
import { createTemporaryDirectory } from '../testkit/postgres';

const bytes = randomBytes(1000);
const facts = { sha256: sha256Of(bytes), contentType: 'text/html' };
const upload = { ...facts, sizeBytes: bytes.length, expiresInSeconds: 300 };
const signingSecret = randomBytes(32).toString('hex');

let directory: string;
let app: FastifyInstance;
let store: DirectoryObjectStore;

beforeEach(async () => {
  directory = await createTemporaryDirectory('objects');
  app = fastify({ forceCloseConnections: true });
  store = new DirectoryObjectStore({
    directory,
    signingSecret,
    publicUrl: () => app.listeningOrigin,
    maximumObjectBytes: 5000,
  });
  await app.register(directoryStoreRoutes, { store });
  await app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await app.close();
  await rm(directory, { recursive: true });
});

/** The store's files, relative to its directory. */
async function filesIn(part: string): Promise<string[]> {
  const entries = await readdir(path.join(directory, part), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Opens a connection, sends the request's head and the given part of its body, and hands over the socket. */
async function beginUpload(key: string, sent: Buffer) {
  const { url, headers } = await store.presignPut(key, upload);
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = Object.entries({ ...headers, host: `${hostname}:${port}`, 'content-length': bytes.length });
  socket.write(`PUT ${pathname}${search} HTTP/1.1\r\n${head.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`);
  socket.write(sent);
  return socket;
}

/** Resolves when the condition holds, looked at whenever the event loop is free. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

test('while an upload is under way nothing is visible, and a broken connection leaves nothing', async () => {
  const socket = await beginUpload('a', bytes.subarray(0, 500));
  await until(async () => (await filesIn('incoming')).length === 1);
  expect(await store.head('a')).toBeUndefined();
  socket.destroy();
  await until(async () => (await readdir(path.join(directory, 'incoming'))).length === 0);
  expect(await filesIn('objects')).toEqual([]);
});

test('an upload that began before another one of its key ended is refused with 412', async () => {
  const socket = await beginUpload('a', bytes.subarray(0, 500));
  await until(async () => (await filesIn('incoming')).length === 1);
  await store.put('a', bytes, facts);
  socket.write(bytes.subarray(500));
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 412 /);
  socket.destroy();
  expect(await filesIn('incoming')).toEqual([]);
  expect(await store.get('a')).toEqual(bytes);
});

test('what a crashed writer left is invisible, and removed when it is a day old', async () => {
  const old = path.join(directory, 'incoming', 'crashed-long-ago');
  const recent = path.join(directory, 'incoming', 'under-way');
  for (const leftover of [old, recent]) {
    await mkdir(leftover);
    await writeFile(path.join(leftover, 'content'), 'half an obj');
  }
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(old, yesterday, yesterday);
  expect(await store.removeLeftovers()).toBe(1);
  expect(await readdir(path.join(directory, 'incoming'))).toEqual(['under-way']);
});

test('two stores on one directory see the same objects, and of their writers one wins', async () => {
  const second = new DirectoryObjectStore({ directory, signingSecret, publicUrl: () => app.listeningOrigin });
  const other = randomBytes(1000);
  const outcomes = await Promise.allSettled([
    store.put('a', bytes, facts),
    second.put('a', other, { ...facts, sha256: sha256Of(other) }),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await second.get('a')).toEqual(await store.get('a'));
});

test('an object whose file was changed on the disk is refused', async () => {
  await store.put('a', bytes, facts);
  const content = (await filesIn('objects')).find((file) => file.endsWith('content'))!;
  const damaged = Buffer.from(await readFile(content));
  damaged[7]! ^= 1;
  await writeFile(content, damaged);
  await expect(store.get('a')).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', where: 'a' });
});

test('an object over the limit of the store is neither taken nor signed for', async () => {
  const refusal = { code: 'TOO_LARGE' };
  const large = randomBytes(5001);
  await expect(store.put('a', large, { ...facts, sha256: sha256Of(large) })).rejects.toMatchObject(refusal);
  await expect(store.presignPut('a', { ...upload, sizeBytes: 5001 })).rejects.toMatchObject(refusal);
});

test('a download cannot run in a browser, whatever its type', async () => {
  await store.put('a', bytes, facts);
  const { url } = await store.presignGet('a', { expiresInSeconds: 60 });
  const answer = await fetch(url);
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/html',
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  });
});

test('a refusal is JSON with a code and what to do', async () => {
  const { url } = await store.presignGet('a', { expiresInSeconds: 60 });
  const answer = await fetch(url);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toEqual({
    error: { code: 'NOT_FOUND', message: 'There is no such object.', where: 'a', remedy: 'Check the key.' },
  });
});

test.each(['/objects/../../etc/passwd', '/objects/%2e%2e/%2e%2e/etc/passwd', '/objects/a%00b', '/objects/'])(
  'the path %s is refused',
  async (pathname) => {
    const { hostname, port } = new URL(app.listeningOrigin);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${pathname}?expires=9999999999&signature=x HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 40[04] /);
    socket.destroy();
  },
);

test('a URL that another secret signed is refused, and a short secret is not taken', async () => {
  const options = { directory, publicUrl: () => app.listeningOrigin };
  const stranger = new DirectoryObjectStore({ ...options, signingSecret: 'x'.repeat(32) });
  await store.put('a', bytes, facts);
  const { url } = await stranger.presignGet('a', { expiresInSeconds: 60 });
  expect((await fetch(url)).status).toBe(403);
  expect(() => new DirectoryObjectStore({ ...options, signingSecret: 'short' })).toThrow('has 5 characters');
});

test('the longest key is served', async () => {
  const key = `${'a'.repeat(255)}/${'b'.repeat(256)}`;
  await store.put(key, bytes, facts);
  const answer = await fetch((await store.presignGet(key, { expiresInSeconds: 60 })).url);
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
});
