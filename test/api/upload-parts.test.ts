/** Files that come in parts, with both object stores: interrupted and gone on with, wrong parts, and what is cleaned up. */
import PgBoss from 'pg-boss';
import { CREATE_DATASET, type Data, put, sha256, until } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { describeWithS3, type S3Server, startS3Server } from '../testkit/versitygw';

const PART = 8 * 1024 * 1024;
const REQUEST_PARTS = `
  mutation ($input: RequestUploadInput!) {
    requestUpload(input: $input) {
      uploadId
      request { url }
      parts { offsetBytes sizeBytes request { method url headers { name value } } }
    }
  }
`;

/** A profile of a little more than two parts, most of it blanks. */
function largeProfile(latencyUs: number): Buffer {
  const row = JSON.stringify([{ network: 'alexnet', scenario: 'tflite/pixel4/gpu/float', latencyUs }]);
  return Buffer.from(row.padStart(2 * PART + 1000));
}

function digests(bytes: Buffer): string[] {
  const offsets = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, part) => part * PART);
  return offsets.map((offset) => sha256(bytes.subarray(offset, offset + PART)));
}

function suite(start: () => Promise<TestService>): void {
  let service: TestService;
  let team: TestTeam;
  beforeAll(async () => {
    service = await start();
    team = await service.createTeam();
  }, 60_000);
  afterAll(() => service?.stop());

  const inputOf = (bytes: Buffer) => ({
    kind: 'DATASET',
    fileName: 'large.json',
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
    partSha256s: digests(bytes),
  });
  const request = async (bytes: Buffer, claims: object = {}, client = team.client): Promise<Data> =>
    (await client.query(REQUEST_PARTS, { input: { ...inputOf(bytes), ...claims } })).requestUpload;
  const send = (part: Data, bytes: Buffer) =>
    put(part.request, bytes.subarray(part.offsetBytes, part.offsetBytes + part.sizeBytes));
  const createDataset = (uploadId: string) => ({ input: { uploadId, name: 'large' } });

  test('one that was interrupted goes on with the parts that are missing', async () => {
    const bytes = largeProfile(1.5);
    const begun = await request(bytes);
    expect(begun.request).toBeNull();
    expect(begun.parts.map(({ sizeBytes }: Data) => sizeBytes)).toEqual([PART, PART, bytes.length - 2 * PART]);
    expect((await send(begun.parts[1], bytes)).status).toBe(200);
    const early = await team.client.refusal(CREATE_DATASET, createDataset(begun.uploadId));
    expect(early).toMatchObject({
      message: '2 of 3 parts of this upload have not arrived: 1, 3.',
      extensions: { code: 'BAD_INPUT', where: 'input.uploadId' },
    });
    const stranger = await service.createTeam();
    const theirs = await request(bytes, {}, stranger.client);
    expect(theirs.parts.map((part: Data) => part.request !== null)).toEqual([true, true, true]);

    const resumed = await request(bytes);
    expect(resumed.parts.map((part: Data) => part.request !== null)).toEqual([true, false, true]);
    for (const part of [resumed.parts[2], resumed.parts[0]]) expect((await send(part, bytes)).status).toBe(200);
    const created = await team.client.query(CREATE_DATASET, createDataset(resumed.uploadId));
    const dataset = await team.client.ingested(created.createDataset.dataset.id);
    expect(dataset).toMatchObject({ status: 'READY', failure: null });
    // What was begun first has its bytes now, too; and nothing need be sent any more.
    await team.client.query(CREATE_DATASET, createDataset(begun.uploadId));
    expect(await request(bytes)).toMatchObject({ request: null, parts: [] });
  }, 60_000);

  test('a part with other bytes is refused by the store', async () => {
    const bytes = largeProfile(2.5);
    const { parts } = await request(bytes);
    const other = Buffer.from(bytes);
    other[10] ^= 1;
    expect((await send(parts[0], other)).status).toBe(400);
    expect((await request(bytes)).parts[0].request).not.toBeNull();
  }, 60_000);

  test('parts that do not make the announced file make nothing, and the right ones do afterwards', async () => {
    const bytes = largeProfile(3.5);
    const wrong = Buffer.from(bytes);
    wrong[PART + 10] ^= 1;
    const claims = { partSha256s: digests(wrong) };
    const false_ = await request(bytes, claims);
    for (const part of false_.parts) expect((await send(part, wrong)).status).toBe(200);
    // The newer announcement says another second part: that one has to come again.
    expect((await request(bytes)).parts.map((part: Data) => part.request !== null)).toEqual([false, true, false]);
    const again = await request(bytes, claims);
    expect((await send(again.parts[1], wrong)).status).toBe(200);
    const refusal = await team.client.refusal(CREATE_DATASET, createDataset(again.uploadId));
    expect(refusal.extensions.code).toBe('CHECKSUM_MISMATCH');
    const right = await request(bytes);
    for (const part of right.parts) expect((await send(part, bytes)).status).toBe(200);
    await team.client.query(CREATE_DATASET, createDataset(right.uploadId));
  }, 60_000);

  test('as many digests as parts are asked for, and only of large files', async () => {
    const bytes = largeProfile(4.5);
    const { partSha256s, ...input } = inputOf(bytes);
    for (const claims of [
      { partSha256s: partSha256s.slice(1) },
      { partSha256s: [] },
      { partSha256s: ['x'] },
      { sizeBytes: 100, partSha256s: partSha256s.slice(2) },
    ]) {
      const { extensions } = await team.client.refusal(REQUEST_PARTS, { input: { ...input, ...claims } });
      expect(extensions).toMatchObject({ code: 'BAD_INPUT', where: expect.stringContaining('partSha256s') });
    }
  });

  test('parts are cleaned up a day after they were announced last', async () => {
    const bytes = largeProfile(5.5);
    const { superuserUrl: connectionString } = service.database;
    const boss = new PgBoss({ connectionString, supervise: false, schedule: false });
    await boss.start();
    const cleanUp = async () => {
      const id = await boss.send('cleanUp', {});
      const state = async () => (await boss.getJobById('cleanUp', id!))?.state;
      expect(await until(state, (is) => is === 'completed' || is === 'failed')).toBe('completed');
    };
    const age = () =>
      withDatabase(connectionString, (client) =>
        client.query("UPDATE upload SET created_at = now() - interval '25 hours' WHERE sha256 = $1", [sha256(bytes)]),
      );
    try {
      await send((await request(bytes)).parts[0], bytes);
      await age();
      const newer = await request(bytes);
      await cleanUp();
      const kept = await request(bytes);
      expect(kept.parts[0].request).toBeNull();
      expect(newer.parts[0].request).toBeNull();
      await age();
      await cleanUp();
      expect((await request(bytes)).parts[0].request).not.toBeNull();
    } finally {
      await boss.stop({ graceful: false });
    }
  }, 60_000);
}

describe('files in parts, in a directory', () => suite(() => TestService.start()));

describeWithS3('files in parts, in S3', () => {
  let server: S3Server;
  afterAll(() => server?.stop());
  suite(async () => {
    server = await startS3Server();
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const objects = {
      kind: 's3',
      endpoint,
      bucket: 'parts',
      region: 'us-east-1',
      accessKeyId,
      secretAccessKey,
    } as const;
    return TestService.start({ objects });
  });
});
