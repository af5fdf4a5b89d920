/** What the command says of files that are no networks, or none that it reads: where, and what to do, and exit code 2. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from '../testkit/command';
import { changed, setDimension, wholeFile } from '../testkit/onnx-files';
import { smallFile, writeTflite } from '../testkit/tflite-files';

const folder = mkdtempSync(path.join(tmpdir(), 'fusecast-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

beforeAll(() => {
  writeFileSync(at('empty.onnx'), '');
  writeFileSync(at('text.tflite'), 'not a network');
  writeFileSync(at('whole.onnx'), wholeFile());
  writeFileSync(at('two.tflite'), writeTflite(smallFile({ subgraphs: 2 })));
  mkdirSync(at('folder.onnx'));
  symlinkSync('circle.onnx', at('circle.onnx'));
  // Sparse: it takes no room on the disk.
  writeFileSync(at('huge.onnx'), '');
  truncateSync(at('huge.onnx'), 3 * 2 ** 30);
  const dynamic = changed((graph) => setDimension(graph, 0, { dimParam: 'batch' }));
  writeFileSync(at('dynamic.onnx'), dynamic);
});

const REFUSED: readonly (readonly [file: string, stderr: RegExp])[] = [
  ['empty.onnx', /^error MALFORMED_FILE: the file is empty\n {2}at empty\.onnx\n {2}Export or copy it again\.\n$/],
  [
    'text.tflite',
    /MALFORMED_FILE: not an ONNX file: .*\n {2}at text\.tflite, byte \d+\n {2}Check .* \.tflite model\.\n$/,
  ],
  [
    'two.tflite',
    /UNSUPPORTED_FORMAT: the file has 2 subgraphs; .*\n {2}at two\.tflite, Model\.subgraphs\n {2}Convert .*\n$/,
  ],
  ['folder.onnx', /EISDIR: this is a folder, where .*\n {2}at folder\.onnx\n {2}Name a file in it\.\n$/],
  ['circle.onnx', /ELOOP: symbolic links lead in a circle\n {2}at circle\.onnx\n {2}Name the file itself.*\n$/],
  ['missing.onnx', /ENOENT: there is no such file or folder\n {2}at missing\.onnx\n {2}Check the path\.\n$/],
  ['whole.onnx/inside', /ENOTDIR: .*\n {2}at whole\.onnx\/inside\n {2}Check the path\.\n$/],
  ['huge.onnx', /LIMIT_EXCEEDED: the file has 3221225472 bytes; .*\n {2}at huge\.onnx\n {2}Export .*\n$/],
];

const refusal = (stderr: RegExp) => ({ status: 2, stdout: '', stderr: expect.stringMatching(stderr) });

test.each(REFUSED)('plan %s', async (file, stderr) => {
  expect(await runCommand(folder, ['plan', file, '--runtime', 'plain'])).toEqual(refusal(stderr));
});

test.each(REFUSED.filter(([file]) => /text|circle|huge/.test(file)))('strip %s', async (file, stderr) => {
  expect(await runCommand(folder, ['strip', file, '--output', 'stripped'])).toEqual(refusal(stderr));
});

test('a dynamic dimension is named, with the option that binds it', async () => {
  const plan = (...options: string[]) =>
    runCommand(folder, ['plan', 'dynamic.onnx', '--runtime', 'onnxruntime-cpu', ...options]);
  const { status, stderr } = await plan();
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/batch .*\n {2}at dynamic\.onnx, input\n.*--bind name=size/),
  ]);
  expect((await plan('--bind', 'batch=2')).status).toBe(0);
});

test('a copy overwrites nothing', async () => {
  const { status, stderr } = await runCommand(folder, ['strip', 'whole.onnx', '-o', 'whole.onnx']);
  expect([status, stderr]).toEqual([2, expect.stringMatching(/EEXIST: .*\n {2}at whole\.onnx\n {2}Name another file/)]);
});
