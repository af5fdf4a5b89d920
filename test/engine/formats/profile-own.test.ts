import { EngineError } from '../../../src/engine/errors';
import type { Cell, Table } from '../../../src/engine/formats/profile-cells';
import { tableFromJsonLines, tableFromRecords } from '../../../src/engine/formats/profile-json';
import { ownTableFromProfile } from '../../../src/engine/formats/profile-own';
import { profileFromTable } from '../../../src/engine/formats/profile-table';
import { formatScenario, parseScenario } from '../../../src/engine/profile';

const SCENARIO = 'onnxruntime/desk/1large/float';

function table(columns: readonly string[], ...rows: readonly (readonly Cell[])[]): Table {
  return { columns, rows, lines: rows.map((_, index) => index + 2), unit: 'line', headerLine: 1 };
}

function refusal(read: () => unknown): EngineError {
  try {
    read();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('end-to-end and kernel rows with harness and features', () => {
  const columns = [
    'network',
    'scenario',
    'latencyUs',
    'deviationUs',
    'kernel',
    'kind',
    'fused',
    'inputHeight',
    'roofline16',
    'threads',
    'statistic',
  ];
  const profile = profileFromTable(
    table(
      columns,
      ['a', SCENARIO, '12.5', '0.25', null, null, null, null, null, '1', 'median'],
      ['a', SCENARIO, '2e1', null, 'conv1', 'convolution', 'add+relu', '224', '0.5', '4', 'mean'],
      ['a', SCENARIO, '.5', null, '', 'mean', '', '', '', '1', 'median'],
    ),
  );
  const place = { network: 'a', scenario: SCENARIO };
  expect(profile).toEqual({
    harnesses: [
      { threads: 1, statistic: 'median' },
      { threads: 4, statistic: 'mean' },
    ],
    networks: [{ ...place, latencyUs: 12.5, deviationUs: 0.25, harness: 0 }],
    kernels: [
      {
        ...place,
        latencyUs: 20,
        harness: 1,
        kernel: 'conv1',
        kind: 'convolution',
        fused: ['add', 'relu'],
        features: { inputHeight: 224, roofline16: 0.5 },
      },
      { ...place, latencyUs: 0.5, harness: 0, kernel: '', kind: 'mean', fused: [], features: {} },
    ],
  });
  expect(profileFromTable(ownTableFromProfile(profile))).toEqual(profile);
});

const REQUIRED = ['network', 'scenario', 'latencyUs'];
const KERNEL = [...REQUIRED, 'kernel', 'kind', 'fused', 'inputHeight'];
const FORM = 'runtime/device/processor/type in lower case, for example tflite/pixel4/1large1med/float';
const LATENCY = 'a finite number of microseconds greater than 0';

describe('broken tables', () => {
  test.each<[string, Table, string, string | null, string]>([
    ['no latency', table(REQUIRED, ['a', SCENARIO, null]), 'line 2, column latencyUs', null, LATENCY],
    ['latency of 0', table(REQUIRED, ['a', SCENARIO, '0']), 'line 2, column latencyUs', '0', LATENCY],
    ['latency below 0', table(REQUIRED, ['a', SCENARIO, -1]), 'line 2, column latencyUs', '-1', LATENCY],
    ['latency NaN', table(REQUIRED, ['a', SCENARIO, Number.NaN]), 'line 2, column latencyUs', 'NaN', LATENCY],
    ['latency "nan"', table(REQUIRED, ['a', SCENARIO, 'nan']), 'line 2, column latencyUs', 'nan', LATENCY],
    ['latency beyond doubles', table(REQUIRED, ['a', SCENARIO, '1e400']), 'line 2, column latencyUs', '1e400', LATENCY],
    ['thousands separator', table(REQUIRED, ['a', SCENARIO, '1,000']), 'line 2, column latencyUs', '1,000', LATENCY],
    ['hexadecimal', table(REQUIRED, ['a', SCENARIO, '0x10']), 'line 2, column latencyUs', '0x10', LATENCY],
    ['space before', table(REQUIRED, ['a', SCENARIO, ' 5']), 'line 2, column latencyUs', ' 5', LATENCY],
    ['truth as latency', table(REQUIRED, ['a', SCENARIO, true]), 'line 2, column latencyUs', 'true', LATENCY],
    [
      'scenario of three parts',
      table(REQUIRED, ['a', 'tflite/pixel4/gpu', '5']),
      'line 2, column scenario',
      'tflite/pixel4/gpu',
      FORM,
    ],
    [
      'scenario in upper case',
      table(REQUIRED, ['a', 'tflite/Pixel4/gpu/float', '5']),
      'line 2, column scenario',
      'tflite/Pixel4/gpu/float',
      FORM,
    ],
    [
      'number as a network',
      table(REQUIRED, [7, SCENARIO, '5']),
      'line 2, column network',
      '7',
      'a name of 1 to 500 characters without control characters',
    ],
    [
      'control character',
      table(REQUIRED, ['a\nb', SCENARIO, '5']),
      'line 2, column network',
      'a\nb',
      'a name of 1 to 500 characters without control characters',
    ],
    [
      'negative deviation',
      table([...REQUIRED, 'deviationUs'], ['a', SCENARIO, '5', '-0.1']),
      'line 2, column deviationUs',
      '-0.1',
      'a finite number of microseconds, 0 or greater',
    ],
    [
      'half a thread',
      table([...REQUIRED, 'threads'], ['a', SCENARIO, '5', '0.5']),
      'line 2, column threads',
      '0.5',
      'a whole number, 0 or greater',
    ],
    [
      'unknown statistic',
      table([...REQUIRED, 'statistic'], ['a', SCENARIO, '5', 'p90']),
      'line 2, column statistic',
      'p90',
      'one of mean, median, minimum',
    ],
    [
      'kernel without a kind',
      table(KERNEL, ['a', SCENARIO, '5', 'conv1', null, null, null]),
      'line 2, column kind',
      null,
      'a kernel kind of letters, digits, `_`, `.`, `:` and `-`, because the row describes a kernel',
    ],
    [
      'features without a kind',
      table(KERNEL, ['a', SCENARIO, '5', null, null, null, '7']),
      'line 2, column kind',
      null,
      'a kernel kind of letters, digits, `_`, `.`, `:` and `-`, because the row describes a kernel',
    ],
    [
      'kind with a space',
      table(KERNEL, ['a', SCENARIO, '5', null, 'my conv', null, null]),
      'line 2, column kind',
      'my conv',
      'a kernel kind of letters, digits, `_`, `.`, `:` and `-`',
    ],
    [
      'fused with an empty op',
      table(KERNEL, ['a', SCENARIO, '5', null, 'conv', 'relu+', null]),
      'line 2, column fused',
      'relu+',
      "names of fused ops joined by '+', for example add+relu, or nothing",
    ],
    [
      'negative feature',
      table(KERNEL, ['a', SCENARIO, '5', null, 'conv', null, '-7']),
      'line 2, column inputHeight',
      '-7',
      'a whole number, 0 or greater',
    ],
    [
      'network twice',
      table(REQUIRED, ['a', SCENARIO, '5'], ['b', SCENARIO, '5'], ['a', SCENARIO, '6']),
      'line 4, column network',
      'a',
      'one end-to-end row a network, scenario and harness; line 2 is another',
    ],
    [
      'kernel twice',
      table(KERNEL, ['a', SCENARIO, '5', 'k', 'conv', null, null], ['a', SCENARIO, '6', 'k', 'conv', null, null]),
      'line 3, column kernel',
      'k',
      'one row a kernel of a network, scenario and harness; line 2 is another',
    ],
    [
      'misspelt column',
      table(['network', 'scenario', 'latencyUs', 'deviation_us']),
      'line 1, column deviation_us',
      'deviation_us',
      'the name of a known column; the nearest is deviationUs',
    ],
    [
      'column in other case',
      table(['network', 'scenario', 'latencyUs', 'INPUTHEIGHT']),
      'line 1, column INPUTHEIGHT',
      'INPUTHEIGHT',
      'the name of a known column; the nearest is inputHeight',
    ],
    [
      'column twice',
      table(['network', 'scenario', 'latencyUs', 'network']),
      'line 1, column network',
      'network',
      'each column once',
    ],
    [
      'no column scenario',
      table(['network', 'latencyUs'], ['a', '5']),
      'line 1, column scenario',
      null,
      'a column scenario',
    ],
    ['no rows', table(REQUIRED), 'line 1', null, 'at least one row of measurements'],
  ])('%s', (_, broken, where, value, expected) => {
    const error = refusal(() => profileFromTable(broken));
    expect([error.code, error.where, error.problemCount]).toEqual(['INVALID_PROFILE', where, 1]);
    expect(error.problems).toEqual([expect.objectContaining({ value, expected })]);
    expect(error.remedy).toMatch(/nothing of it was taken/);
  });

  test('one network under two harnesses, and unnamed kernels that are alike, are no duplicates', () => {
    const columns = [...KERNEL, 'threads'];
    const profile = profileFromTable(
      table(
        columns,
        ['a', SCENARIO, '5', null, null, null, null, '1'],
        ['a', SCENARIO, '5', null, null, null, null, '2'],
        ['a', SCENARIO, '5', null, 'conv', null, '7', '1'],
        ['a', SCENARIO, '5', null, 'conv', null, '7', '1'],
      ),
    );
    expect([profile.harnesses.length, profile.networks.length, profile.kernels.length]).toEqual([2, 2, 2]);
  });

  test('of many problems the first 20 are listed and all are counted', () => {
    const rows = Array.from({ length: 30 }, (_, index) => [`n${index}`, SCENARIO, index === 0 ? 'x'.repeat(100) : 'x']);
    const error = refusal(() => profileFromTable(table(REQUIRED, ...rows)));
    expect([error.problems.length, error.problemCount, error.where]).toEqual([20, 30, 'line 2, column latencyUs']);
    expect(error.problems[19]).toEqual({ line: 21, unit: 'line', column: 'latencyUs', value: 'x', expected: LATENCY });
    const lines = error.message.split('\n');
    expect(lines[0]).toBe('The profile table is refused for 30 problems:');
    expect(lines[1]).toBe(`  line 2, column latencyUs: "${'x'.repeat(60)}..."; expected ${LATENCY}`);
    expect(lines.slice(20)).toEqual([`  line 21, column latencyUs: "x"; expected ${LATENCY}`, '  and 10 more']);
  });

  test('a header of no known format names those that are', () => {
    const error = refusal(() => profileFromTable(table(['name', 'time'], ['a', '5'])));
    expect([error.code, error.where]).toEqual(['UNSUPPORTED_FORMAT', 'line 1']);
    expect(error.message).toBe('The columns "name", "time" are not those of a profile.');
    expect(error.remedy).toMatch(/our own table \(network, scenario, latencyUs.*onnxruntime/s);
  });
});

describe('JSON tables', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('columns are the keys of all objects, in order of appearance', () => {
    expect(tableFromRecords([{ a: 1 }, { b: 'x', a: null }])).toEqual({
      columns: ['a', 'b'],
      rows: [
        [1, null],
        [null, 'x'],
      ],
      lines: [1, 2],
      unit: 'row',
      headerLine: null,
    });
    expect(tableFromJsonLines(bytes('\ufeff{"a":1}\r\n\r\n{"b":true}\n'))).toMatchObject({
      columns: ['a', 'b'],
      lines: [1, 3],
      unit: 'line',
    });
  });

  test.each<[string, () => unknown, string, string, string]>([
    [
      'no array',
      () => tableFromRecords({}),
      'INVALID_PROFILE',
      'line 1',
      'The JSON file holds no array; expected an array of objects.',
    ],
    [
      'number for a row',
      () => tableFromRecords([{}, 7]),
      'INVALID_PROFILE',
      'row 2',
      'The JSON file is refused: "7"; expected an object with a key for each column.',
    ],
    [
      'nested value',
      () => tableFromRecords([{ a: [1] }]),
      'INVALID_PROFILE',
      'row 1, column a',
      'The JSON file is refused: "[1]"; expected a text, a number, true, false or null.',
    ],
    [
      'malformed line',
      () => tableFromJsonLines(bytes('{"é":1}\n{"a":}\n')),
      'MALFORMED_FILE',
      'line 2, byte offset 14',
      'The file is not valid JSON: value expected.',
    ],
    [
      'line that is cut',
      () => tableFromJsonLines(bytes('{"a":1}\n{"a"')),
      'MALFORMED_FILE',
      'line 2, byte offset 12',
      'The file is not valid JSON: it ends too early.',
    ],
    [
      'bytes that are no text',
      () => tableFromJsonLines(Uint8Array.of(0x7b, 0x22, 0xc3, 0xa9, 0xff)),
      'MALFORMED_FILE',
      'byte offset 4',
      'The file is not UTF-8 text.',
    ],
  ])('%s', (_, read, code, where, message) => {
    const error = refusal(read);
    expect([error.code, error.where, error.message]).toEqual([code, where, message]);
  });
});

describe('scenarios', () => {
  test('are read and written', () => {
    const parts = { runtime: 'tflite', device: 'pixel4', processor: '1large1med', type: 'float' };
    expect(parseScenario('tflite/pixel4/1large1med/float')).toEqual(parts);
    expect(formatScenario(parts)).toBe('tflite/pixel4/1large1med/float');
  });

  test.each(['', 'a/b/c', 'a/b/c/d/e', 'a//c/d', 'A/b/c/d', 'a/b/c/d ', '-a/b/c/d', 'a/b/../d/', 'a/b/c/d\n'])(
    '%j is none',
    (text) => {
      const error = refusal(() => parseScenario(text));
      expect([error.code, error.where]).toEqual(['UNKNOWN_NAME', 'scenario']);
      expect(error.message).toContain(JSON.stringify(text));
    },
  );

  test('a part with a slash cannot be written', () => {
    expect(refusal(() => formatScenario({ runtime: 'a/b', device: 'c', processor: 'd', type: 'e' })).code).toBe(
      'UNKNOWN_NAME',
    );
  });
});
