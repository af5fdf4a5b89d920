/** The TFLite reader on any bytes: a graph that can be planned, or a coded error, in time. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, featurize, planKernels, RUNTIMES, stripNetwork } from '../../../src/engine';
import { readTflite } from '../../../src/engine/formats/tflite-reader';
import { createRandom } from '../../../src/engine/random';
import { type FileDeclaration, int32s, smallFile, withTensor, writeTflite } from '../../testkit/tflite-files';

type Bindings = Record<string, number>;

describe('any bytes', () => {
  const golden: { file: string; runs: { bindings: Bindings }[] }[] = JSON.parse(
    readFileSync(path.join(__dirname, '../golden/tflite_operators.json'), 'utf8'),
  );
  const seeds = [
    { bytes: writeTflite(smallFile()), bindings: undefined },
    { bytes: writeTflite(withTensor(4, { outside: true })), bindings: undefined },
    ...golden.map(({ file, runs }) => ({
      bytes: Uint8Array.from(Buffer.from(file, 'base64')),
      bindings: runs[0].bindings,
    })),
  ];

  const runtimes = RUNTIMES.map((runtime) => (runtime === 'tflite-gpu' ? 'tflite-gpu/mali-g76' : runtime));

  /** A graph that can be planned, or a coded error: anything else fails. Stripping gives a file, or a coded error. */
  function readOrRefuse(bytes: Uint8Array, bindings?: Bindings): 'read' | 'refused' {
    const started = performance.now();
    let result: 'read' | 'refused' = 'refused';
    for (const attempt of [
      () => {
        const graph = readTflite(bytes, { name: 'net', bindings });
        for (const runtime of runtimes) featurize(planKernels(graph, runtime));
        result = 'read';
      },
      () => readTflite(stripNetwork(bytes).bytes, { name: 'net', bindings }),
    ]) {
      try {
        attempt();
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        expect(error.message).not.toBe('');
      }
    }
    expect(performance.now() - started).toBeLessThan(2000);
    return result;
  }

  test('the seeds themselves are read', () => {
    for (const { bytes, bindings } of seeds) expect(readOrRefuse(bytes, bindings)).toBe('read');
  });

  test('every truncation of a file is refused or read', () => {
    const { bytes } = seeds[0];
    for (let length = 0; length < bytes.length; length++) readOrRefuse(bytes.subarray(0, length));
    expect(readOrRefuse(bytes.subarray(0, bytes.length / 2))).toBe('refused');
  });

  test('3,000 files with changed bytes are refused or read', () => {
    const random = createRandom(21);
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 3000; i++) {
      const seed = seeds[random.below(seeds.length)];
      const bytes = Uint8Array.from(seed.bytes);
      for (let changes = 1 + random.below(4); changes > 0; changes--) {
        const at = random.below(bytes.length);
        // Small steps keep distances plausible, so that they lead to the wrong table instead of nowhere.
        bytes[at] = random.below(2) === 0 ? random.below(256) : bytes[at] + 4 * (random.below(9) - 4);
      }
      counts[
        readOrRefuse(random.below(8) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes, seed.bindings)
      ]++;
    }
    // Both happen, or the changes would show nothing.
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(300);
  });

  test('2,000 files with changed declarations are refused or read', () => {
    const random = createRandom(22);
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
    const number = () => pick([-(2 ** 31), -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 1000, 2 ** 31 - 1]);
    const builtins = golden.flatMap(({ file, runs }) =>
      readTflite(Buffer.from(file, 'base64'), { name: 'net', bindings: runs[0].bindings }).ops.map(({ name }) =>
        name.replace(/(_\d+)?(\/.*)?$/, '').toUpperCase(),
      ),
    );
    for (let i = 0; i < 2000; i++) {
      const { tensors, operators, inputs, outputs } = structuredClone(smallFile()) as FileDeclaration;
      const operator = pick(operators) as { inputs: number[]; outputs: number[]; builtin: string };
      const tensor = pick(tensors) as { shape: number[]; data?: Uint8Array; signature?: number[] };
      const changes: readonly (() => void)[] = [
        () => operator.inputs.splice(random.below(3), 1, random.below(6)),
        () => operator.inputs.push(random.below(6)),
        () => operator.inputs.pop(),
        () => tensor.shape.splice(random.below(4), 1, number()),
        () => tensor.shape.pop(),
        () => Object.assign(tensor, { data: undefined }),
        () => Object.assign(tensor, { data: int32s(number(), number()) }),
        () => Object.assign(tensor, { signature: tensor.shape.map(() => pick([-1, 3])) }),
        () => Object.assign(operator, { builtin: pick(builtins) }),
        () =>
          Object.assign(operator, {
            options: { union: random.below(120), fields: [0, 1, 2, 3].map((slot) => [slot, 'int32', number()]) },
          }),
      ];
      for (let count = 1 + random.below(3); count > 0; count--) pick(changes)();
      const bindings = Object.fromEntries(
        (tensors[0].signature ?? []).flatMap((size, axis) =>
          size === -1 ? [[`image.${axis}`, 1 + random.below(20)]] : [],
        ),
      );
      readOrRefuse(writeTflite({ tensors, operators, inputs, outputs }), bindings);
    }
  });
});
