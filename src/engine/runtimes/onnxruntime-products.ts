/**
 * What onnxruntime makes of matrix products on a CPU: a sum becomes a Gemm's bias, transposes and factors go into
 * FusedMatMul. Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of kernels.
 */
import type { Op, Tensor } from '../graph';
import { elementCount } from '../shape-reader';
import type { PatternRule, PatternView, Replacement } from './onnxruntime-patterns';

const FUSED_MATMUL = 'com.microsoft.FusedMatMul';
const PRODUCTS = ['MatMul', FUSED_MATMUL];

/** The other of two inputs. */
function other({ inputs: [left, right] }: Op, name: string): string {
  return left === name ? right : left;
}

/** A bias of one value per column or, for a matrix, per row and column or per row. */
function isBias(bias: readonly number[], left: readonly number[], columns: number): boolean {
  if (bias.length === 1) return bias[0] === columns;
  if (bias.length !== 2 || left.length !== 2) return false;
  const [rows, width] = bias;
  return (rows === 1 && width === columns) || (rows === left[0] && (width === 1 || width === columns));
}

/**
 * Query, key and value products of a layer normalisation that is added to the attention's output, and the last product
 * there, wait for the fusion of the whole attention.
 */
function isOfAttention(view: PatternView, matMul: Op, add: Op): boolean {
  const isAttended = (normalization: Op | undefined, sum?: Op): boolean => {
    if (!normalization) return false;
    const [output] = normalization.outputs;
    const readers = view.readers(output);
    const count = (type: string) => readers.filter((reader) => reader.type === type).length;
    const residual = readers.find(({ type }) => type === 'Add');
    const isWhole = count('Add') === 1 && count('MatMul') === 3 && count('Shape') === readers.length - 4;
    const attended = residual && view.makerOf(other(residual, output), 'Add');
    return isWhole && attended !== undefined && (!sum || attended === sum);
  };
  if (isAttended(view.makerOf(matMul.inputs[0], 'LayerNormalization'))) return true;
  const behind = view.onlyReader(add, 'Add');
  return behind !== undefined && isAttended(view.makerOf(other(behind, add.outputs[0]), 'LayerNormalization'), add);
}

/** MatMul by a matrix and Add are one Gemm; a tensor of more dimensions is reshaped to rows before and back behind. */
function matMulAdd(view: PatternView, matMul: Op, sparesAttention: boolean): Replacement | undefined {
  const add = view.onlyReader(matMul, 'Add');
  const [left, right] = matMul.inputs.map((name) => view.tensor(name)!);
  const bias = add && view.tensor(other(add, matMul.outputs[0]));
  if (!bias || right.shape.length !== 2 || bias.name === matMul.outputs[0] || left.type !== bias.type) return undefined;
  const [depth, columns] = right.shape;
  if (!/float(16|32)$/.test(left.type) || !isBias(bias.shape, left.shape, columns)) return undefined;
  const gemm: Op = {
    ...matMul,
    type: 'Gemm',
    inputs: [left.name, right.name, bias.name],
    outputs: add.outputs,
    attributes: {},
  };
  const remove = [add, matMul];
  if (left.shape.length === 2) return { remove, insert: [gemm] };
  if (sparesAttention && isOfAttention(view, matMul, add)) return undefined;
  const rows = elementCount(left.shape) / depth;
  const flat = (name: string, width: number): Tensor => ({
    name: view.unusedName(`${name}/rows`),
    type: left.type,
    shape: [rows, width],
    constant: false,
  });
  const [from, to] = [flat(left.name, depth), flat(add.outputs[0], columns)];
  const reshape = { type: 'Reshape', attributes: {} };
  return {
    remove,
    insert: [
      { ...reshape, name: matMul.name, inputs: [left.name], outputs: [from.name] },
      { ...gemm, inputs: [from.name, right.name, bias.name], outputs: [to.name] },
      { ...reshape, name: add.name, inputs: [to.name], outputs: add.outputs },
    ],
    main: 1,
    tensors: [from, to],
  };
}

/** The last two dimensions change places, all others stay. */
function swapsLastTwo({ attributes: { perm } }: Op, rank: number): boolean {
  if (!Array.isArray(perm)) return rank === 2;
  return perm.every((from, to) => from === (to === rank - 2 ? rank - 1 : to === rank - 1 ? rank - 2 : to));
}

/** The first dimension moves behind all others but the last: [batch, rows, columns] is read as [rows, batch, columns]. */
function movesBatch({ attributes: { perm } }: Op, rank: number): boolean {
  if (!Array.isArray(perm) || rank < 3) return false;
  return perm.every((from, to) => from === (to === rank - 2 ? 0 : to === rank - 1 ? rank - 1 : to + 1));
}

/** The first dimension moves behind all others: movesBatch and swapsLastTwo in one. */
function movesBatchAndSwaps({ attributes: { perm } }: Op, rank: number): boolean {
  if (!Array.isArray(perm) || rank < 3) return false;
  return perm.every((from, to) => from === (to === rank - 1 ? 0 : to + 1));
}

function matMulTranspose(view: PatternView, product: Op): Replacement | undefined {
  const ranks = product.inputs.map((name) => view.tensor(name)!.shape.length);
  const sameRank = ranks[0] === ranks[1];
  const sides = product.inputs.map((name, side) => {
    const transpose = view.makerOf(name, 'Transpose');
    if (!transpose || view.isOutput(name)) return undefined;
    const rank = ranks[side];
    const suffix = 'AB'[side];
    const was = product.attributes[`trans${suffix}`] === 1;
    const movedBatch = product.attributes[`transBatch${suffix}`] === 1;
    if (swapsLastTwo(transpose, rank)) return movedBatch ? undefined : { transpose, trans: !was, batch: false };
    if (movedBatch || was || !sameRank) return undefined;
    if (movesBatch(transpose, rank)) return { transpose, trans: false, batch: true };
    return movesBatchAndSwaps(transpose, rank) ? { transpose, trans: true, batch: true } : undefined;
  });
  const found = sides.flatMap((side) => (side ? [side.transpose] : []));
  if (found.length === 0 || view.tensor(product.inputs[0])!.type !== 'float32') return undefined;
  const inputs = product.inputs.map((name, side) => sides[side]?.transpose.inputs[0] ?? name);
  const flags = sides.flatMap((side, i) =>
    side
      ? [[`trans${'AB'[i]}`, Number(side.trans)] as const, [`transBatch${'AB'[i]}`, Number(side.batch)] as const]
      : [],
  );
  const attributes = { ...product.attributes, ...Object.fromEntries(flags) };
  return { remove: [product], release: found, insert: [{ ...product, type: FUSED_MATMUL, inputs, attributes }] };
}

/** What a product or quotient by one constant number scales. */
function scaled(view: PatternView, op: Op | undefined): string | undefined {
  if (!op) return undefined;
  const sides = op.type === 'Div' ? [1] : [0, 1];
  const side = sides.find((each) => {
    const factor = view.tensor(op.inputs[each])!;
    const rank = view.tensor(op.inputs[1 - each])!.shape.length;
    return factor.constant && elementCount(factor.shape) === 1 && factor.shape.length <= rank;
  });
  return side === undefined ? undefined : op.inputs[1 - side];
}

function matMulScale(view: PatternView, product: Op): Replacement | undefined {
  if (view.tensor(product.inputs[0])!.type !== 'float32') return undefined;
  const before = product.inputs.map((name) => {
    const scale = view.makerOf(name, 'Mul', 'Div');
    const input = scaled(view, scale);
    return input !== undefined && view.tensor(input)!.shape.length > 0 ? { scale: scale!, input } : undefined;
  });
  const reader = view.onlyReader(product, 'Mul', 'Div');
  const behind = scaled(view, reader) === product.outputs[0] ? reader : undefined;
  const found = before.flatMap((each) => (each ? [each.scale] : []));
  if (found.length === 0 && !behind) return undefined;
  const inputs = product.inputs.map((name, side) => before[side]?.input ?? name);
  const outputs = behind?.outputs ?? product.outputs;
  return {
    remove: behind ? [product, behind] : [product],
    release: found,
    insert: [{ ...product, type: FUSED_MATMUL, inputs, outputs }],
  };
}

/** Gemm reads a transposed matrix itself. */
function gemmTranspose(view: PatternView, gemm: Op): Replacement | undefined {
  const transposes = gemm.inputs.slice(0, 2).map((name) => {
    const transpose = view.makerOf(name, 'Transpose');
    return transpose && !view.isOutput(name) ? transpose : undefined;
  });
  const found = transposes.flatMap((transpose) => (transpose ? [transpose] : []));
  if (found.length === 0) return undefined;
  const inputs = gemm.inputs.map((name, i) => transposes[i]?.inputs[0] ?? name);
  const flags = transposes.flatMap((transpose, i) => {
    const name = `trans${'AB'[i]}`;
    return transpose ? [[name, gemm.attributes[name] === 1 ? 0 : 1]] : [];
  });
  const attributes = { ...gemm.attributes, ...Object.fromEntries(flags) };
  return { remove: [gemm], release: found, insert: [{ ...gemm, inputs, attributes }] };
}

/** What is transposed behind a Gemm without a bias: the product of the other matrix by the one, each transposed. */
function transposedBehind(view: PatternView, gemm: Op): Replacement | undefined {
  const transpose = view.onlyReader(gemm, 'Transpose');
  if (!transpose || gemm.inputs[2] || !swapsLastTwo(transpose, 2)) return undefined;
  const [left, right] = gemm.inputs;
  const { transA = 0, transB = 0, ...others } = gemm.attributes;
  const attributes = { ...others, transA: transB === 1 ? 0 : 1, transB: transA === 1 ? 0 : 1 };
  return {
    remove: [gemm, transpose],
    insert: [{ ...gemm, inputs: [right, left], outputs: transpose.outputs, attributes }],
  };
}

/** Sum adds the bias to a Gemm that has none. */
function gemmSum(view: PatternView, gemm: Op): Replacement | undefined {
  const sum = view.onlyReader(gemm, 'Sum');
  if (!sum || gemm.inputs[2] || sum.inputs.length !== 2) return undefined;
  const bias = other(sum, gemm.outputs[0]);
  const [from, to] = [bias, gemm.outputs[0]].map((name) => view.tensor(name)!.shape);
  const fits = from.length <= 2 && from.every((size, i) => size === 1 || size === to[to.length - from.length + i]);
  if (!fits || bias === gemm.outputs[0]) return undefined;
  return {
    remove: [sum, gemm],
    insert: [{ ...gemm, inputs: [...gemm.inputs.slice(0, 2), bias], outputs: sum.outputs }],
  };
}

/** At the first level of optimisation, on ONNX's own operators. */
export const BASIC_PRODUCT_RULES: readonly PatternRule[] = [
  {
    at: ['Gemm'],
    among: ['Transpose'],
    match: gemmTranspose,
    reason: 'Gemm reads the transposed matrix itself',
    origin: 'gemm_transpose_fusion.cc',
  },
  {
    at: ['Gemm'],
    among: ['Transpose'],
    match: transposedBehind,
    reason: 'Gemm gives the transposed matrix itself',
    origin: 'gemm_transpose_fusion.cc',
  },
  {
    at: ['Gemm'],
    among: ['Sum'],
    match: gemmSum,
    reason: 'Gemm and Sum are one Gemm',
    origin: 'gemm_sum_fusion.cc',
  },
];

function matMulAddRule(sparesAttention: boolean): PatternRule {
  return {
    at: ['MatMul'],
    among: ['Add'],
    match: (view, matMul) => matMulAdd(view, matMul, sparesAttention),
    reason: 'MatMul and Add become Gemm',
    origin: 'matmul_add_fusion.cc',
  };
}

/** At the first level, where products of attention wait for its fusion as a whole. */
export const MATMUL_ADD = matMulAddRule(true);

/** At the second level, for those that waited. */
export const LATE_MATMUL_ADD = matMulAddRule(false);

/** At the second level, with operators of onnxruntime's own. */
export const MATMUL_TRANSPOSE: PatternRule = {
  at: PRODUCTS,
  among: ['Transpose'],
  match: matMulTranspose,
  reason: 'FusedMatMul reads the transposed matrix itself',
  origin: 'matmul_transpose_fusion.cc',
};

export const MATMUL_SCALE: PatternRule = {
  at: PRODUCTS,
  among: ['Mul', 'Div'],
  match: matMulScale,
  reason: 'FusedMatMul multiplies by the constant factor',
  origin: 'matmul_scale_fusion.cc',
};
