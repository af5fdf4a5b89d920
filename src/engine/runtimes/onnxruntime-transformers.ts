/**
 * What onnxruntime makes of the parts of transformers on a CPU: Gelu written out in arithmetic, sums before a layer
 * normalisation. Source files are of onnxruntime/core/optimizer, release 1.30. Knows nothing of kernels.
 */
import type { Op } from '../graph';
import type { GraphView, PrologueRule } from './rule-pack';

/** Relative: constants are written in float32 with some rounding (utils.cc, IsInitializerWithExpectedValue). */
const TOLERANCE = 1e-5;

function isConstant({ graph }: GraphView, name: string, expected: number): boolean {
  const values = graph.tensors.get(name)?.values;
  return values?.length === 1 && Math.abs(values[0] - expected) <= TOLERANCE * Math.abs(expected);
}

/** The only reader of what an op makes, if it is of that type and the tensor is no output. */
function onlyReader(view: GraphView, op: Op, type: string): Op | undefined {
  const readers = view.readers(op.outputs[0]);
  return readers.length === 1 && readers[0].type === type && !view.isOutput(op.outputs[0]) ? readers[0] : undefined;
}

function other(op: Op, name: string): string {
  return op.inputs[op.inputs[0] === name ? 1 : 0];
}

/** x * (1 + erf(x / sqrt(2))) * 0.5 behind the division. */
function isGelu(view: GraphView, div: Op, erf: Op): boolean {
  if (!isConstant(view, div.inputs[1], Math.SQRT2)) return false;
  const add = onlyReader(view, erf, 'Add');
  const gated = add && isConstant(view, other(add, erf.outputs[0]), 1) && onlyReader(view, add, 'Mul');
  if (!gated || other(gated, add.outputs[0]) !== div.inputs[0]) return false;
  const halved = onlyReader(view, gated, 'Mul');
  return halved !== undefined && isConstant(view, other(halved, gated.outputs[0]), 0.5);
}

/** Ops between two passes of rewriting, never kernels. */
const ERF = 'onnxruntime.erf(x / sqrt(2))';
const SHIFTED = 'onnxruntime.1 + erf(x / sqrt(2))';
const GATED = 'onnxruntime.x * (1 + erf(x / sqrt(2)))';

function geluPiece(first: string, into: string, type: string): PrologueRule {
  return {
    first,
    into,
    merge: (view, piece, reader) =>
      first !== 'Div' || isGelu(view, piece, reader)
        ? { ...reader, type, inputs: [piece.inputs[0]], attributes: {} }
        : undefined,
    reason: 'x * (1 + erf(x / sqrt(2))) / 2 is one Gelu',
    origin: 'gelu_fusion.cc',
  };
}

/** Two tensors of [batch, length, columns] are added and normalised over the columns. */
function joinSum(view: GraphView, add: Op, normalization: Op): Op | undefined {
  const shapes = add.inputs.map((name) => view.graph.tensors.get(name)!.shape);
  const [scale, bias] = normalization.inputs.slice(1);
  if (shapes.some((shape) => shape.length !== 3) || String(shapes[0]) !== String(shapes[1]) || !bias) return undefined;
  if (normalization.inputs[0] !== add.outputs[0] || normalization.outputs.slice(1).some((name) => name !== ''))
    return undefined;
  return { ...normalization, type: 'SkipLayerNormalization', inputs: [...add.inputs, scale, bias] };
}

/** Parts of transformers that join, piece by piece, each only if the whole is there. */
export const TRANSFORMER_PARTS: readonly PrologueRule[] = [
  geluPiece('Div', 'Erf', ERF),
  geluPiece(ERF, 'Add', SHIFTED),
  geluPiece(SHIFTED, 'Mul', GATED),
  geluPiece(GATED, 'Mul', 'Gelu'),
  {
    first: 'Add',
    into: 'LayerNormalization',
    merge: joinSum,
    reason: 'the sum before LayerNormalization is done by SkipLayerNormalization',
    origin: 'skip_layer_norm_fusion.cc',
  },
];
