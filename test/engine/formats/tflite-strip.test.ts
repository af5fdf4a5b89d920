/** Weights out of TFLite files: what goes, what stays, and that the rest of the file is whole. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, planKernels, readNetwork, stripNetwork } from '../../../src/engine';
import type { Tensor } from '../../../src/engine/graph';
import { describeWithShared, SHARED } from '../../testkit/shared';
import {
  type FileDeclaration,
  float32s,
  int32s,
  smallFile,
  withOperator,
  withTensor,
  writeTflite,
} from '../../testkit/tflite-files';

/** A graph but for the values of its constants. */
function structure(bytes: Uint8Array) {
  const { tensors, ...graph } = readNetwork(bytes, { name: 'net' });
  const withoutValues = ({ name, type, shape, constant }: Tensor) => ({ name, type, shape, constant });
  return { ...graph, tensors: [...tensors.values()].map(withoutValues), plan: planKernelsOf(bytes) };
}

function planKernelsOf(bytes: Uint8Array) {
  return planKernels(readNetwork(bytes, { name: 'net' }), 'plain').kernels;
}

/** A weight of 4 x 3 x 3 x 3 with a pattern that is found again, between small constants. */
const PATTERN = new Uint8Array(432).fill(0xab);

test('weights go, small constants stay, the graph is the same', () => {
  const whole = writeTflite(withTensor(1, { data: PATTERN }));
  const { bytes, stripped, kept } = stripNetwork(whole);
  expect({ stripped, kept }).toEqual({ stripped: 1, kept: 2 });
  expect(whole.length - bytes.length).toBe(432);
  expect(Buffer.from(bytes).includes(0xabababab)).toBe(false);
  expect(structure(bytes)).toEqual(structure(whole));
  const { tensors } = readNetwork(bytes, { name: 'net' });
  expect(tensors.get('axes')!.values).toEqual([1, 2]);
  expect(tensors.get('bias')!.values).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(tensors.get('weight')!.values).toBeUndefined();
});

test('a weight whose size is not a multiple of 16 leaves nothing of itself', () => {
  const file: FileDeclaration = {
    tensors: [
      { name: 'a', shape: [331], type: 'int8' },
      { name: 'b', shape: [331], type: 'int8', data: new Uint8Array(331).fill(0xab) },
      { name: 'c', shape: [331], type: 'int8' },
    ],
    operators: [{ builtin: 'ADD', inputs: [0, 1], outputs: [2] }],
    inputs: [0],
    outputs: [2],
  };
  const whole = writeTflite(file);
  const { bytes } = stripNetwork(whole);
  expect(whole.length - bytes.length).toBe(320);
  expect(Buffer.from(bytes).includes(Buffer.from([0xab, 0xab]))).toBe(false);
  expect(structure(bytes)).toEqual(structure(whole));
});

test('stripping twice changes nothing', () => {
  const once = stripNetwork(writeTflite(smallFile()));
  const twice = stripNetwork(once.bytes);
  expect(Buffer.from(twice.bytes).equals(once.bytes)).toBe(true);
  expect(twice).toMatchObject({ stripped: 0, kept: 2 });
});

test('a large constant that decides a shape stays', () => {
  const rank = 40;
  const shape = new Array<number>(rank).fill(1);
  const whole = writeTflite({
    tensors: [
      { name: 'a', shape },
      { name: 'order', type: 'int64', shape: [rank], data: int32s(...shape.flatMap((_, i) => [rank - 1 - i, 0])) },
      { name: 'b', shape },
    ],
    operators: [{ builtin: 'TRANSPOSE', inputs: [0, 1], outputs: [2] }],
    inputs: [0],
    outputs: [2],
  });
  const { bytes, stripped, kept } = stripNetwork(whole);
  expect({ stripped, kept, bytes: bytes.length }).toEqual({ stripped: 0, kept: 1, bytes: whole.length });
});

test('data behind the FlatBuffer goes or moves', () => {
  const { tensors, ...file } = smallFile();
  const whole = writeTflite({
    ...file,
    tensors: tensors.map((tensor, i) => ({
      ...tensor,
      ...(i === 1 && { data: PATTERN }),
      outside: i === 1 || i === 4,
    })),
  });
  const { bytes, stripped, kept } = stripNetwork(whole);
  expect({ stripped, kept, cut: whole.length - bytes.length }).toEqual({ stripped: 1, kept: 2, cut: 432 });
  expect(structure(bytes)).toEqual(structure(whole));
});

test('two tensors of one weight, and metadata of the file', () => {
  const { tensors, ...file } = smallFile();
  const whole = writeTflite({
    ...file,
    tensors: [...tensors, { name: 'again', shape: [4, 3, 3, 3], buffer: 2 }],
    metadata: new Uint8Array(1000).fill(0xab),
  });
  const { bytes, stripped } = stripNetwork(whole);
  expect(stripped).toBe(2);
  expect(Buffer.from(bytes).includes(Buffer.from([0xab, 0xab]))).toBe(false);
  expect(structure(bytes)).toEqual(structure(whole));
});

test('an op that cannot be read is named', () => {
  const bytes = writeTflite(withOperator(1, { builtin: 'CUSTOM FlexErf' }));
  expect(() => stripNetwork(bytes)).toThrow(EngineError);
  expect(() => stripNetwork(bytes)).toThrow('CUSTOM FlexErf is not one of the operators that are read');
});

test('a file of megabytes is stripped to what its structure needs', () => {
  const big = withTensor(1, { shape: [400, 41, 41, 3], data: float32s(400 * 41 * 41 * 3) });
  const tensors = big.tensors.map((tensor, i) =>
    i === 2
      ? { ...tensor, shape: [400], data: float32s(400) }
      : i === 3
        ? { ...tensor, shape: [1, 5, 4, 400] }
        : tensor,
  );
  const { bytes, stripped } = stripNetwork(writeTflite({ ...big, tensors }));
  expect(stripped).toBe(2);
  expect(bytes.length).toBeLessThan(2000);
});

describeWithShared('networks of the benchmark', () => {
  const folder = path.join(SHARED, 'networks/tflite');

  test('stripping a file that was stripped leaves its bytes', () => {
    for (const name of readdirSync(folder)) {
      const whole = readFileSync(path.join(folder, name));
      const { bytes, kept } = stripNetwork(whole);
      expect(kept).toBeGreaterThan(0);
      expect(structure(bytes)).toEqual(structure(whole));
    }
  });
});
