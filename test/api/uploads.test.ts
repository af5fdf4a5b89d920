/**
 * Uploads and what becomes of them: bytes that do not arrive as announced, uploads used twice, and a broken file of each
 * format with the error that it gives.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeOnnx } from '../../src/engine';
import {
  type ApiClient,
  CREATE_DATASET,
  CREATE_NETWORK,
  type Data,
  put,
  REQUEST_UPLOAD,
  sha256,
} from '../testkit/client';
import { TestService } from '../testkit/service';

const PROFILE = Buffer.from('network,scenario,latencyUs\nalexnet,tflite/pixel4/gpu/float,1200.5\n');

/** A network of one op. */
function network(type: string, batch: number | string = 1): Uint8Array {
  const shape = [batch, 3, 8, 8];
  return writeOnnx({
    name: 'small',
    inputs: [{ name: 'input', type: 'float32', shape }],
    outputs: [{ name: 'output', type: 'float32', shape }],
    nodes: [{ type, name: 'op', inputs: ['input'], outputs: ['output'], attributes: {} }],
    constants: [],
  });
}

describe('uploads', () => {
  let service: TestService;
  let client: ApiClient;
  beforeAll(async () => {
    service = await TestService.start();
    client = (await service.createTeam()).client;
  });
  afterAll(() => service?.stop());

  async function request(bytes: Uint8Array, claims: object = {}, kind = 'DATASET'): Promise<Data> {
    const input = { kind, fileName: 'profile.csv', sizeBytes: bytes.byteLength, sha256: sha256(bytes), ...claims };
    return (await client.query(REQUEST_UPLOAD, { input })).requestUpload;
  }

  const createDataset = (uploadId: string) => client.refusal(CREATE_DATASET, { input: { uploadId, name: 'x' } });

  test('bytes other than announced are refused by the store, and no dataset is made of them', async () => {
    const other = Buffer.from(PROFILE.toString().replace('1200.5', '1200.6'));
    const upload = await request(other, { sha256: sha256(PROFILE) });
    expect((await put(upload.request, other)).status).toBe(400);
    const refusal = await createDataset(upload.uploadId);
    expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.uploadId' });
    expect(refusal.message).toBe('The bytes of this upload have not arrived.');
    expect(refusal.extensions.remedy).toContain('requestUpload');
    const shorter = await request(Buffer.from('abc'), { sizeBytes: 4 });
    const truncated = put(shorter.request, Buffer.from('abc')).then(
      ({ status }) => status,
      () => 0,
    );
    expect(await truncated).not.toBe(200);
    expect((await createDataset(shorter.uploadId)).extensions.code).toBe('BAD_INPUT');
  });

  test('a size other than that of the stored file is a mismatch', async () => {
    const bytes = Buffer.from('some bytes that the team has stored');
    await put((await request(bytes)).request, bytes);
    const wrong = await request(bytes, { sizeBytes: bytes.byteLength + 1 });
    expect((await createDataset(wrong.uploadId)).extensions.code).toBe('SIZE_MISMATCH');
  });

  test('an upload becomes one dataset', async () => {
    const uploadId = await client.upload('DATASET', 'profile.csv', PROFILE);
    const input = { uploadId, name: 'first' };
    const { dataset } = (await client.query(CREATE_DATASET, { input })).createDataset;
    const again = await client.refusal(CREATE_DATASET, { input });
    expect(again.extensions.code).toBe('CONFLICT');
    expect(again.message).toContain(dataset.id);
    const { datasets } = await client.query('{ datasets(filter: { name: "first" }) { edges { node { id } } } }');
    expect(datasets.edges).toEqual([{ node: { id: dataset.id } }]);
  });

  test('bytes that are stored already need not be sent again', async () => {
    const bytes = Buffer.from(`${PROFILE}resnet,tflite/pixel4/gpu/float,900\n`);
    const first = await client.createDataset('first.csv', bytes);
    expect((await request(bytes)).request).toBeNull();
    const second = await client.createDataset('second.csv', bytes);
    expect(second).toMatchObject({ status: 'READY', networkRows: 2 });
    expect(second.id).not.toBe(first.id);
  });

  test('an upload for one kind does not become the other', async () => {
    const uploadId = await client.upload('DATASET', 'profile.csv', Buffer.from(`${PROFILE}\n`));
    const refusal = await client.refusal(CREATE_NETWORK, { input: { uploadId, name: 'x' } });
    expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.uploadId' });
  });

  test('a malformed id and one of another type are bad input', async () => {
    const { id } = await client.createDataset('third.csv', PROFILE);
    for (const uploadId of ['x', id, '', `${id}=`]) {
      expect((await createDataset(uploadId)).extensions).toMatchObject({ code: 'BAD_INPUT', where: 'input.uploadId' });
    }
  });

  test.each([
    ['a path as its name', { fileName: '../profile.csv' }],
    ['a size of 0', { sizeBytes: 0 }],
    ['a size over the limit', { sizeBytes: 1e12 }],
    ['a digest in capitals', { sha256: 'A'.repeat(64) }],
    ['a header in its content type', { contentType: 'text/csv\r\nx: y' }],
  ])('an upload with %s is refused', async (_what, claims) => {
    const input = { kind: 'DATASET', fileName: 'x', sizeBytes: 1, sha256: 'a'.repeat(64), ...claims };
    const { extensions } = await client.refusal(REQUEST_UPLOAD, { input });
    expect(extensions).toMatchObject({ code: 'BAD_INPUT', where: Object.keys(claims)[0] });
  });

  describe('broken profiles are rejected as a whole', () => {
    const trace = () => readFileSync(path.join(__dirname, '..', 'fixtures', 'profiles', 'onnxruntime.json'));
    const run = { network: 'tiny', scenario: 'onnxruntime/box/1thread/float' };

    test.each<[string, string, () => Buffer, object, object]>([
      [
        'a latency below 0',
        'own.csv',
        () => Buffer.from(`${PROFILE}b,tflite/pixel4/gpu/float,-1\n`),
        {},
        { code: 'INVALID_PROFILE', problems: [{ line: 3, column: 'latencyUs', value: '-1' }] },
      ],
      [
        'a row too short',
        'own.csv',
        () => Buffer.from(`${PROFILE}b,tflite/pixel4/gpu/float\n`),
        {},
        { code: 'MALFORMED_FILE', problems: [{ line: 3 }] },
      ],
      ['columns of no format', 'table.csv', () => Buffer.from('a,b\n1,2\n'), {}, { code: 'UNSUPPORTED_FORMAT' }],
      [
        'a benchmark table with a word for a number',
        'e2e.csv',
        () => Buffer.from('model,FLOPS,size,pixel4|gpu|float|mean\na,1,1,fast\n'),
        {},
        { code: 'INVALID_PROFILE' },
      ],
      ['JSON that ends early', 'own.json', () => Buffer.from('[{"network": "a"'), {}, { code: 'MALFORMED_FILE' }],
      ['Parquet that ends early', 'own.parquet', () => Buffer.from('PAR1 and no more'), {}, { code: 'MALFORMED_FILE' }],
      ["onnxruntime's profile without its scenario", 'trace.json', trace, {}, { code: 'INVALID_PROFILE' }],
      [
        "onnxruntime's profile that ends early",
        'trace.json',
        () => trace().subarray(0, 500),
        run,
        { code: 'MALFORMED_FILE' },
      ],
    ])('%s', async (_what, fileName, bytes, more, failure) => {
      const dataset = await client.createDataset(fileName, bytes(), more);
      expect(dataset).toMatchObject({ status: 'REJECTED', networkRows: null, scenarios: [] });
      expect(dataset.failure).toMatchObject(failure);
      expect(dataset.failure.message).not.toBe('');
      expect(dataset.failure.remedy).not.toBeNull();
    });

    test("and onnxruntime's whole profile is READY", async () => {
      const dataset = await client.createDataset('trace.json', trace(), run);
      expect(dataset).toMatchObject({ status: 'READY', failure: null });
      expect(dataset.scenarios[0].scenario.name).toBe(run.scenario);
    });
  });

  describe('broken networks are rejected', () => {
    test.each<[string, () => Uint8Array, object]>([
      ['bytes of no format', () => Buffer.from('this is no network'), { code: 'MALFORMED_FILE' }],
      ['ONNX that ends early', () => network('Relu').subarray(0, 60), { code: 'MALFORMED_FILE' }],
      ['an op that nobody knows', () => network('Frobnicate'), { code: 'UNSUPPORTED_OP' }],
    ])('%s', async (_what, bytes, failure) => {
      const created = await client.createNetwork('broken', bytes());
      expect(created).toMatchObject({ status: 'REJECTED', summary: null });
      expect(created.failure).toMatchObject(failure);
      expect(created.failure.remedy).not.toBeNull();
    });

    test('a dynamic dimension without a binding; with one it is READY', async () => {
      const unbound = await client.createNetwork('dynamic', network('Relu', 'batch'));
      expect(unbound).toMatchObject({ status: 'REJECTED', failure: { code: 'UNBOUND_DIMENSION' } });
      expect(`${unbound.failure.message} ${unbound.failure.where}`).toContain('batch');
      const bindings = [{ name: 'batch', size: 4 }];
      const bound = await client.createNetwork('dynamic', network('Relu', 'batch'), { bindings });
      expect(bound).toMatchObject({ status: 'READY', summary: { ops: 1, inputs: [{ shape: [4, 3, 8, 8] }] } });
    });
  });
});
