/**
 * No bytes bring the readers down: damaged files, and files made to exhaust them, give a graph that can be planned or a coded
 * error, in 2 s and 512 MiB. Memory is that of a process which does nothing else.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Format, wholeFileCount } from '../../testkit/damaged-files';
import { exhaustingFiles } from '../../testkit/exhausting-files';
import type { ReadingReport } from '../../testkit/measured-reading';
import { read, refusal, wholeFile } from '../../testkit/onnx-files';
import { smallFile, writeTflite } from '../../testkit/tflite-files';

const PROGRAM = path.join(__dirname, '../../testkit/measured-reading.cjs');

/** Damaged files a format: all of them where time is no matter. */
const DAMAGED = process.env.CI === 'true' ? 10_000 : 2000;

/** What JavaScript may hold: of the 512 MiB the program itself has some 100. A file that needs more ends the process. */
const HEAP_MEBIBYTES = 384;

async function measureReading(files: readonly [Format, number] | readonly ['exhausting']): Promise<ReadingReport> {
  const options = [`--max-old-space-size=${HEAP_MEBIBYTES}`, PROGRAM, JSON.stringify(files)];
  const { stdout } = await promisify(execFile)(process.execPath, options, { timeout: 220_000 });
  return JSON.parse(stdout);
}

/** Coded errors or graphs, in time and memory, whether the memory was used or only reserved. */
function expectHarmless({ failures, slowest, peakMebibytes, largest, reservedMebibytes }: ReadingReport): void {
  expect(failures).toEqual([]);
  expect({ slowest, isInTime: slowest.milliseconds < 2000 }).toEqual({ slowest, isInTime: true });
  expect({ largest, fits: peakMebibytes < 512 }).toEqual({ largest, fits: true });
  expect(reservedMebibytes).toBeLessThan(256);
}

test.each(['onnx', 'tflite'] as const)(
  `${DAMAGED} damaged files: %s`,
  async (format) => {
    const report = await measureReading([format, DAMAGED]);
    expectHarmless(report);
    expect(report.read + report.refused).toBe(wholeFileCount(format) + DAMAGED);
    // Both happen to damaged files, or the damage would show nothing; the whole ones are read but for those that name why not.
    expect(report.read - wholeFileCount(format)).toBeGreaterThan(DAMAGED / 10);
    expect(report.refused).toBeGreaterThan(DAMAGED / 10);
  },
  240_000,
);

test('small files made to take much time or memory', async () => {
  const report = await measureReading(['exhausting']);
  expectHarmless(report);
  expect(report.read + report.refused).toBe(exhaustingFiles().length);
}, 240_000);

describe.each([
  ['ONNX', wholeFile()],
  ['TFLite', writeTflite(smallFile())],
])('%s', (_, whole) => {
  test('every truncation of a file is refused with a code', () => {
    for (let length = 0; length < whole.length; length++) {
      const { code, remedy } = refusal(whole.subarray(0, length));
      expect({ length, code }).toEqual({ length, code: 'MALFORMED_FILE' });
      expect(remedy).toMatch(/\.$/);
    }
    expect(read(whole).ops).not.toEqual([]);
  });
});
