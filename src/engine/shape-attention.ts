/**
 * Shape rules of transformers: attention in ONNX's own form and in onnxruntime's (domain com.microsoft,
 * docs/ContribOperators.md), embeddings, Einsum and matrix products that transpose or dequantise on the way.
 */
import { broadcast, type InferredTensor, type OpReader, type ShapeRule } from './shape-reader';
import { productShape } from './shape-rules';

/** ai.onnx Attention: heads are a dimension of their own, or lie in the last one and are told by attributes. */
const attention: ShapeRule = (op) => {
  const heads = (index: number, count: string) => {
    const shape = op.shape(index);
    if (shape.length === 4) return shape;
    const [batch, length, hidden] = op.shape(index, 3);
    const headCount = op.integer(count, 0);
    if (headCount < 1 || hidden % headCount !== 0)
      throw op.invalid(`attribute ${count} is ${headCount}, which does not divide ${hidden} columns of input ${index}`);
    return [batch, headCount, length, hidden / headCount];
  };
  const [query, key, value] = [heads(0, 'q_num_heads'), heads(1, 'kv_num_heads'), heads(2, 'kv_num_heads')];
  const [batch, count, length, size] = query;
  if (size !== key[3] || key[2] !== value[2] || key[0] !== batch || value[0] !== batch)
    throw op.invalid(`query [${query}], key [${key}] and value [${value}] do not fit together`);
  const type = op.input(0).type;
  const total = key[2] + (op.optionalInput(4) ? op.shape(4, 4)[2] : 0);
  const joined = op.shape(0).length === 3 ? [batch, length, count * value[3]] : [batch, count, length, value[3]];
  return [
    { type, shape: joined },
    { type, shape: [batch, key[1], total, size] },
    { type, shape: [batch, value[1], total, value[3]] },
    { type, shape: [batch, count, length, total] },
  ];
};

/** Query, key and value are made by one product with a weight of [columns, query + key + value]. */
function packedAttention(pastAt: number, type: (op: OpReader) => InferredTensor['type']): ShapeRule {
  return (op) => {
    const [batch, length, columns] = op.shape(0, 3);
    const weight = op.shape(1, 2);
    if (weight[0] !== columns) throw op.invalid(`weight [${weight}] does not fit ${columns} columns`);
    const sizes = op.integers('qkv_hidden_sizes');
    const hidden = sizes?.[2] ?? weight[1] / 3;
    const past = op.optionalInput(pastAt) ? op.shape(pastAt, 5)[3] : 0;
    const heads = op.integer('num_heads', 1);
    return [
      { type: type(op), shape: [batch, length, hidden] },
      { type: type(op), shape: [2, batch, heads, past + length, hidden / heads] },
    ];
  };
}

const multiHeadAttention: ShapeRule = (op) => {
  const { type, shape: query } = op.input(0);
  const heads = op.integer('num_heads', 1);
  const [batch, length] = query;
  // Packed: query is [batch, length, heads, 3, size], or key is [batch, length, heads, 2, size] and holds the values too.
  const packed = op.optionalInput(1)?.shape ?? query;
  const value = op.optionalInput(2)?.shape ?? packed;
  const [hidden, keyLength] =
    value.length === 3
      ? [value[2], value[1]]
      : value.length === 4
        ? [value[1] * value[3], value[2]]
        : [value[2] * value[4], value[1]];
  const keySize = packed.length === 3 ? packed[2] / heads : packed[packed.length - 1];
  const total = keyLength + (op.optionalInput(6) ? op.shape(6, 4)[2] : 0);
  return [
    { type, shape: [batch, length, hidden] },
    { type, shape: [batch, heads, total, keySize] },
    { type, shape: [batch, heads, total, hidden / heads] },
  ];
};

/** Several query heads share a key head; the cache is as long as the longer one of past and total length. */
const groupQueryAttention: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const [batch, length, columns] = op.shape(0, 3);
  const [heads, keyHeads] = [op.integer('num_heads', 1), op.integer('kv_num_heads', 1)];
  const size = op.optionalInput(1) ? columns / heads : columns / (heads + 2 * keyHeads);
  if (!Number.isInteger(size)) throw op.invalid(`${heads} and ${keyHeads} heads do not divide input [${shape}]`);
  const output = { type, shape: [batch, length, heads * size] };
  if (!op.op.outputs[1] && !op.op.outputs[2]) return [output];
  const cached = op.optionalInput(3)?.shape[2] ?? 0;
  const cache = { type, shape: [batch, keyHeads, Math.max(cached, op.values(6)[0]), size] };
  return [output, cache, cache];
};

const embedLayerNormalization: ShapeRule = (op) => {
  const [batch, length] = op.shape(0, 2);
  const [, hidden] = op.shape(2, 2);
  const output: InferredTensor = { type: op.input(2).type, shape: [batch, length, hidden] };
  return [output, { type: 'int32', shape: [batch] }, output];
};

function transposed(shape: readonly number[], transpose: boolean, batch: boolean): number[] {
  // transBatch turns the first dimension in before the last but one: [b, m, k] is read as [m, b, k].
  const moved = batch ? [...shape.slice(1, -1), shape[0], shape[shape.length - 1]] : [...shape];
  return transpose && moved.length > 1
    ? [...moved.slice(0, -2), moved[moved.length - 1], moved[moved.length - 2]]
    : moved;
}

const fusedMatMul: ShapeRule = (op) => {
  const side = (index: number, name: string) =>
    transposed(op.shape(index), op.integer(`trans${name}`, 0) === 1, op.integer(`transBatch${name}`, 0) === 1);
  return [{ type: op.input(0).type, shape: productShape(op, side(0, 'A'), side(1, 'B')) }];
};

/** The right matrix [K, N] is packed into few bits; its size is told by attributes. */
const matMulNBits: ShapeRule = (op) => {
  const { type, shape } = op.input(0);
  const [depth, columns] = [op.integer('K', 0), op.integer('N', 0)];
  if (shape[shape.length - 1] !== depth || columns < 1)
    throw op.invalid(`attributes K ${depth} and N ${columns} do not fit input [${shape}]`);
  return [{ type, shape: [...shape.slice(0, -1), columns] }];
};

const ELLIPSIS = '...';

/** Letters of a term, the ellipsis as one of them. */
function subscripts(term: string): string[] {
  return term.match(/\.\.\.|[A-Za-z]/g) ?? [];
}

const einsum: ShapeRule = (op) => {
  const equation = op.text('equation', '').replace(/\s/g, '');
  if (!/^[A-Za-z.,]*(->[A-Za-z.]*)?$/.test(equation)) throw op.invalid(`equation ${equation} is not of subscripts`);
  const [left, right] = equation.split('->');
  const terms = left.split(',').map(subscripts);
  if (terms.length !== op.inputCount) throw op.invalid(`equation ${equation} has not ${op.inputCount} terms`);
  const sizes = new Map<string, number>();
  let batch: number[] = [];
  const agree = (letter: string, size: number) => {
    const known = sizes.get(letter) ?? 1;
    if (known !== 1 && size !== 1 && known !== size)
      throw op.invalid(`subscript ${letter} of ${equation} is both ${known} and ${size}`);
    sizes.set(letter, known === 1 ? size : known);
  };
  terms.forEach((letters, i) => {
    const shape = op.shape(i);
    const open = letters.indexOf(ELLIPSIS);
    const rest = shape.length - letters.length + (open < 0 ? 0 : 1);
    if (rest < 0 || (open < 0 && rest > 0)) throw op.invalid(`[${shape}] does not fit term ${i} of ${equation}`);
    if (open >= 0) batch = broadcast(batch, shape.slice(open, open + rest), op);
    const named = open < 0 ? shape : [...shape.slice(0, open), ...shape.slice(open + rest)];
    letters
      .filter((letter) => letter !== ELLIPSIS)
      .forEach((letter, k) => {
        agree(letter, named[k]);
      });
  });
  // Without an output term: the ellipsis, then the letters that stand once, in order.
  const occurrences = terms.flat();
  const count = (letter: string) => occurrences.filter((each) => each === letter).length;
  const output =
    right === undefined
      ? [ELLIPSIS, ...[...sizes.keys()].filter((letter) => count(letter) === 1).sort()]
      : subscripts(right);
  if (output.indexOf(ELLIPSIS) !== output.lastIndexOf(ELLIPSIS))
    throw op.invalid(`the output of equation ${equation} has more than one ellipsis`);
  const shape = output.flatMap((letter) => {
    if (letter === ELLIPSIS) return batch;
    const size = sizes.get(letter);
    if (size === undefined) throw op.invalid(`subscript ${letter} of ${equation} stands in no input`);
    return [size];
  });
  return [{ type: op.input(0).type, shape }];
};

export const ATTENTION_RULES: Readonly<Record<string, ShapeRule>> = {
  Attention: attention,
  Einsum: einsum,
  'com.microsoft.Attention': packedAttention(4, (op) => op.input(0).type),
  'com.microsoft.QAttention': packedAttention(8, (op) => op.input(3).type),
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
  'com.microsoft.GroupQueryAttention': groupQueryAttention,
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.TransposeMatMul': fusedMatMul,
  'com.microsoft.MatMulNBits': matMulNBits,
};
