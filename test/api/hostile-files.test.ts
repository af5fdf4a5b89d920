/** Files that unpack to much more than they are, say false sizes, or mean endless work: each is refused with a reason. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { withDatabase as withDuckDB } from '../../src/duckdb';
import { ERROR_CODES } from '../../src/errors';
import { type DamagedFile, damagedFiles, type Format, wholeFileCount } from '../testkit/damaged-files';
import { exhaustingFiles } from '../testkit/exhausting-files';
import { HostileService, INSIDES } from '../testkit/hostile-service';

const MIB = 1024 * 1024;
/** Announcing, sending, making something of it; asking what has become of it is not counted. */
const REQUESTS_OF_A_FILE = 3;
/** Of each format: some of each kind of damage. The reader's own tests read thousands. */
const DAMAGED = 12;

describe('hostile files', () => {
  let service: HostileService;
  beforeAll(async () => {
    service = await HostileService.start();
  }, 60_000);
  afterAll(() => service?.stop());

  async function expectRejected(kind: 'DATASET' | 'NETWORK', name: string, bytes: Uint8Array): Promise<void> {
    const client = service.cast.keyOfEveryScope;
    const file = kind === 'DATASET' ? await client.createDataset(name, bytes) : await client.createNetwork(name, bytes);
    service.sent += REQUESTS_OF_A_FILE;
    // Damage may leave a network that is sound.
    if (file.status === 'READY' && kind === 'NETWORK') return;
    expect({ name, status: file.status }).toEqual({ name, status: 'REJECTED' });
    expect(ERROR_CODES).toContain(file.failure.code);
    expect(['INTERNAL', 'UNAVAILABLE']).not.toContain(file.failure.code);
    expect(JSON.stringify(file.failure)).not.toMatch(INSIDES);
  }

  async function parquet(select: string): Promise<Buffer> {
    const file = path.join(service.directory, 'bomb.parquet');
    await withDuckDB((connection) =>
      connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`),
    );
    return readFile(file);
  }

  test('profiles', async () => {
    const before = await service.rowCounts();
    const scenario = "'tflite/a/gpu/float' AS scenario";
    const row = `'net' AS network, ${scenario}`;
    const text = `repeat('x', 1000000) AS network, ${scenario}`;
    const columns = Array.from({ length: 2000 }, (_, i) => `1 AS c${i}`).join(', ');
    const header = 'network,scenario,latencyUs\n';
    const packed = gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(200 * MIB, 'a,b,1\n')]));
    const files: [string, Uint8Array][] = [
      ['rows.parquet', await parquet(`SELECT ${row}, -1.0 AS latencyUs FROM range(650000)`)],
      ['many.parquet', await parquet(`SELECT ${row}, 1.0 AS latencyUs FROM range(12000000)`)],
      ['text.parquet', await parquet(`SELECT ${text}, -1.0 AS latencyUs FROM range(200)`)],
      ['wide.parquet', await parquet(`SELECT ${row}, ${columns}`)],
      ...['zip.csv', 'zip.csv.gz', 'zip.zip', 'zip.json', 'zip.parquet'].map((name): [string, Buffer] => [
        name,
        packed,
      ]),
      ['quote.csv', Buffer.concat([Buffer.from(`${header}"`), Buffer.alloc(30 * MIB, 'x')])],
      ['deep.json', Buffer.from('['.repeat(2_000_000))],
      ['objects.json', Buffer.from('{"a":'.repeat(1_000_000))],
    ];
    for (const [name, bytes] of files) await expectRejected('DATASET', name, bytes);
    const after = await service.rowCounts();
    for (const [table, rows] of Object.entries(after)) {
      if (['upload', 'audit_entry', 'team_usage', 'dataset'].includes(table)) continue;
      expect({ table, rows }).toEqual({ table, rows: before[table] });
    }
  }, 120_000);

  test('networks', async () => {
    const damaged = (format: Format): DamagedFile[] => [...damagedFiles(format, DAMAGED)].slice(wholeFileCount(format));
    const files = [...exhaustingFiles(), ...damaged('onnx'), ...damaged('tflite')];
    // Two at a time, as many as the service reads at a time.
    const reader = async () => {
      for (let file = files.pop(); file; file = files.pop()) {
        await expectRejected('NETWORK', file.what.replaceAll('/', ' ').slice(0, 100), file.bytes);
      }
    };
    await Promise.all([reader(), reader()]);
  }, 120_000);

  test('leave it unharmed', () => service.expectUnharmed(100));
});
