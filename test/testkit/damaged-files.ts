/**
 * Files of both formats with something wrong in them: changed bytes, cuts, false lengths, and declarations of impossible
 * ops and sizes. What is sound of them may be read; nothing of them may bring a reader down.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeOnnx } from '../../src/engine/formats/onnx-decoder';
import { encodeOnnx } from '../../src/engine/formats/onnx-encoder';
import { BUILTINS } from '../../src/engine/formats/tflite-operators';
import { createRandom, type Random } from '../../src/engine/random';
import { ONNX, PLAIN, TFLITE } from './fixture-manifest';
import { type FileDeclaration, int32s, smallFile, withTensor, writeTflite } from './tflite-files';

export interface DamagedFile {
  /** What was done to the file. */
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly bindings?: Readonly<Record<string, number>>;
}

type Damage = (seed: DamagedFile, random: Random) => Uint8Array;

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(__dirname, '../engine/golden', name), 'utf8'));
}

const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)];

/** Numbers around the borders of types and sizes. */
const NUMBERS = [-(2 ** 62), -(2 ** 31), -3, -1, 0, 1, 2, 3, 5, 1000, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 36, 2 ** 62];

const changedBytes: Damage = ({ bytes }, random) => {
  const changed = Uint8Array.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(changed.length);
    // Small steps keep distances plausible, so that they lead to the wrong part instead of nowhere.
    changed[at] = random.below(2) === 0 ? random.below(256) : changed[at] + 4 * (random.below(9) - 4);
  }
  return changed;
};

const cut: Damage = ({ bytes }, random) => bytes.subarray(0, random.below(bytes.length));

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Where lengths of a protobuf message stand, those of what looks like a message inside included; undefined if it is none. */
function lengthsOf(bytes: Uint8Array, start: number, end: number): { at: number; bytes: number }[] | undefined {
  const found: { at: number; bytes: number }[] = [];
  let at = start;
  const number = () => {
    let value = 0;
    for (let shift = 1; at < end; shift *= 128) {
      value += (bytes[at] & 127) * shift;
      if (bytes[at++] < 128) return value;
    }
    return Number.NaN;
  };
  while (at < end) {
    const kind = number() % 8;
    if (kind === 0) number();
    else if (kind === 1 || kind === 5) at += kind === 1 ? 8 : 4;
    else if (kind === 2) {
      const position = at;
      const length = number();
      if (!(at + length <= end)) return undefined;
      found.push({ at: position, bytes: at - position }, ...(lengthsOf(bytes, at, at + length) ?? []));
      at += length;
    } else return undefined;
  }
  return at === end ? found : undefined;
}

const FALSE_LENGTHS = [0, 1, 127, 128, 2 ** 16, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

const falseProtobufLength: Damage = ({ bytes }, random) => {
  const { at, bytes: width } = pick(lengthsOf(bytes, 0, bytes.length)!, random);
  const length = pick([...FALSE_LENGTHS, 2 ** 40, 2 ** 53, 2 ** 63], random);
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(varint(length)), bytes.subarray(at + width)]);
};

/** FlatBuffers are words of 4 bytes nearly everywhere: lengths, distances, sizes and numbers. */
const falseWords: Damage = ({ bytes }, random) => {
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = 4 * random.below(Math.floor(changed.length / 4));
    view.setUint32(
      at,
      pick([...FALSE_LENGTHS, changed.length, changed.length - at, view.getUint32(at, true) + 4], random),
      true,
    );
  }
  return changed;
};

const SINGLE_OPS = golden<{ model: string }[]>('single_op_shapes.json').map(({ model }) =>
  Buffer.from(model, 'base64'),
);

const ONNX_SEEDS: readonly DamagedFile[] = [
  ...[...ONNX, ...PLAIN].map(([what, bytes]) => ({ what, bytes })),
  ...SINGLE_OPS.map((bytes, i) => ({ what: `golden op ${i}`, bytes })),
];

/** Attributes, constants, inputs and op types of a graph replaced by others. */
const changedGraph: Damage = ({ bytes }, random) => {
  const model = decodeOnnx(bytes);
  const { node, initializer, input } = model.graph!;
  const number = () => pick(NUMBERS, random);
  const changeList = (list: number[] | undefined) => {
    if (list && random.below(3) === 0) list.splice(0, 1);
    else if (list?.length) list[random.below(list.length)] = number();
    else if (random.below(4) === 0) list?.push(...new Array<number>(100).fill(number()));
  };
  const op = pick(node, random);
  const attribute = op.attribute.length ? pick(op.attribute, random) : undefined;
  const constant = initializer.length ? pick(initializer, random) : undefined;
  const dims = input[0]?.type?.tensorType?.shape?.dim ?? [];
  const int64s = (...values: number[]) => new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  const changes: readonly (() => void)[] = [
    () => changeList(attribute?.ints),
    () => attribute && Object.assign(attribute, { i: number() }),
    () => attribute && Object.assign(attribute, { type: 1 + random.below(8) }),
    () => changeList(constant?.dims),
    () => constant && Object.assign(constant, { rawData: int64s(number()) }),
    () =>
      constant && Object.assign(constant, { dims: [3], dataType: 7, rawData: int64s(number(), number(), number()) }),
    () => constant && Object.assign(constant, { rawData: new Uint8Array(Float32Array.of(number(), 1).buffer) }),
    () => op.input.pop(),
    () => op.input.push(pick(node, random).output[0]),
    () => op.input.push(...new Array<string>(1000).fill(op.input[0] ?? '')),
    () => dims.length && Object.assign(pick(dims, random), { dimValue: number() }),
    () => Object.assign(op, { opType: decodeOnnx(pick(ONNX_SEEDS, random).bytes).graph!.node[0].opType }),
  ];
  for (let count = 1 + random.below(2); count > 0; count--) pick(changes, random)();
  return encodeOnnx(model);
};

const TFLITE_SEEDS: readonly DamagedFile[] = [
  ...TFLITE.map(([what, bytes]) => ({ what, bytes })),
  { what: 'data outside', bytes: writeTflite(withTensor(4, { outside: true })) },
  ...golden<{ name: string; file: string; runs: { bindings: Record<string, number> }[] }[]>(
    'tflite_operators.json',
  ).map(({ name, file, runs }) => ({ what: name, bytes: Buffer.from(file, 'base64'), bindings: runs[0].bindings })),
];

/** Shapes, constants, options and operators of the small file replaced by others. */
const changedDeclarations: Damage = (_, random) => {
  const { tensors, operators, inputs, outputs } = structuredClone(smallFile()) as FileDeclaration;
  const number = () => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, pick(NUMBERS, random)));
  const operator = pick(operators, random) as { inputs: number[]; outputs: number[]; builtin: string };
  const tensor = pick(tensors, random) as { shape: number[]; data?: Uint8Array; signature?: number[] };
  const changes: readonly (() => void)[] = [
    () => operator.inputs.splice(random.below(3), 1, random.below(6)),
    () => operator.inputs.push(random.below(6)),
    () => operator.inputs.pop(),
    () => tensor.shape.splice(random.below(4), 1, number()),
    () => tensor.shape.push(...new Array<number>(100).fill(number())),
    () => tensor.shape.pop(),
    () => Object.assign(tensor, { data: undefined }),
    () => Object.assign(tensor, { data: int32s(number(), number()) }),
    () => Object.assign(tensor, { signature: tensor.shape.map(() => pick([-1, 3], random)) }),
    () => Object.assign(operator, { builtin: pick([...BUILTINS.keys()], random) }),
    () =>
      Object.assign(operator, {
        options: { union: random.below(120), fields: [0, 1, 2, 3].map((slot) => [slot, 'int32', number()]) },
      }),
  ];
  for (let count = 1 + random.below(3); count > 0; count--) pick(changes, random)();
  return writeTflite({ tensors, operators, inputs, outputs });
};

const FORMATS = {
  onnx: { seeds: ONNX_SEEDS, damages: { changedBytes, cut, falseProtobufLength, changedGraph } },
  tflite: { seeds: TFLITE_SEEDS, damages: { changedBytes, cut, falseWords, changedDeclarations } },
} as const;

export type Format = keyof typeof FORMATS;

/** The whole files, then `count` damaged ones, a kind of damage after the other. */
export function* damagedFiles(format: Format, count: number): Generator<DamagedFile> {
  const { seeds, damages } = FORMATS[format];
  yield* seeds;
  const random = createRandom(count);
  const kinds: [string, Damage][] = Object.entries(damages);
  for (let i = 0; i < count; i++) {
    const [kind, damage] = kinds[i % kinds.length];
    const seed = pick(seeds, random);
    yield { what: `${i}: ${seed.what}, ${kind}`, bytes: damage(seed, random), bindings: seed.bindings };
  }
}

/** How many files damagedFiles yields in front of the damaged ones. */
export const wholeFileCount = (format: Format): number => FORMATS[format].seeds.length;
