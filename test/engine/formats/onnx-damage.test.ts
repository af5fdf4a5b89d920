/** No bytes bring the ONNX reader down: truncated files, and graphs with changed numbers; bytes are in fixtures.test.ts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, planKernels } from '../../../src/engine';
import { featurize } from '../../../src/engine/features';
import { decodeOnnx } from '../../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../../src/engine/formats/onnx-encoder';
import { stripOnnx } from '../../../src/engine/formats/onnx-strip';
import { createRandom } from '../../../src/engine/random';
import { fusionNetworks } from '../../testkit/fusion-networks';
import { type Bytes, read, refusal, wholeFile } from '../../testkit/onnx-files';

/** Changed graphs: many where time is no matter. */
const GRAPHS = process.env.CI === 'true' ? 10_000 : 1_000;

describe('any bytes', () => {
  const singleOps: readonly { readonly model: string }[] = JSON.parse(
    readFileSync(path.join(__dirname, '../golden/single_op_shapes.json'), 'utf8'),
  );
  const seeds: readonly Bytes[] = [
    ...fusionNetworks(3).map(({ bytes }) => bytes),
    ...singleOps.map(({ model }) => Buffer.from(model, 'base64')),
  ];

  /** A graph that can be planned, or a coded error: anything else fails. */
  function readOrRefuse(bytes: Bytes): void {
    const started = performance.now();
    try {
      const graph = read(stripOnnx(bytes).bytes);
      for (const runtime of ['plain', 'onnxruntime-cpu']) featurize(planKernels(graph, runtime));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      expect(error.message).not.toBe('');
    }
    expect(performance.now() - started).toBeLessThan(2000);
  }

  test('every truncation of a file is refused or read', () => {
    const whole = wholeFile();
    for (let length = 0; length < whole.length; length++) readOrRefuse(whole.subarray(0, length));
    expect(refusal(whole.subarray(0, whole.length - 1)).code).toBe('MALFORMED_FILE');
    expect(refusal(whole.subarray(0, 40)).remedy).toMatch(/complete/);
  });

  test('graphs with a changed attribute, constant or input are refused or read', () => {
    const random = createRandom(12);
    const pick = <T>(list: readonly T[]): T | undefined => list[random.below(Math.max(1, list.length))];
    const number = () => pick([-(2 ** 62), -2, -1, 0, 1, 2, 3, 5, 1000, 2 ** 31, 2 ** 62])!;
    const changeList = (list: number[] | undefined) => {
      if (list && random.below(3) === 0) list.splice(0, 1);
      else if (list?.length) list[random.below(list.length)] = number();
    };
    for (let i = 0; i < GRAPHS; i++) {
      const model = decodeOnnx(pick(seeds)!);
      const { node, initializer, input } = model.graph!;
      const op = pick(node)!;
      const attribute = pick(op.attribute);
      const constant = pick(initializer);
      const changes: readonly (() => void)[] = [
        () => attribute && changeList(attribute.ints),
        () => attribute && Object.assign(attribute, { i: number() }),
        () => attribute && Object.assign(attribute, { type: 1 + random.below(8) }),
        () => changeList(constant?.dims),
        () =>
          constant && Object.assign(constant, { rawData: new Uint8Array(BigInt64Array.of(BigInt(number())).buffer) }),
        () => constant && Object.assign(constant, { rawData: new Uint8Array(Float32Array.of(number(), 1).buffer) }),
        () => op.input.pop(),
        () => op.input.push(pick(node)!.output[0]),
        () => Object.assign(pick(input[0]?.type?.tensorType?.shape?.dim ?? []) ?? {}, { dimValue: number() }),
        () => Object.assign(op, { opType: decodeOnnx(pick(seeds)!).graph!.node[0].opType }),
      ];
      for (let count = 1 + random.below(2); count > 0; count--) pick(changes)!();
      readOrRefuse(encodeOnnx(model));
    }
  }, 240_000);
});
