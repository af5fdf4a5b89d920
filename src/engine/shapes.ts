/**
 * Static shape inference: completes a parsed network with the type, shape and, for small integer constants, the values of
 * every tensor. Nothing is guessed: an op without a rule, or a shape that depends on data, is a coded error that names it.
 * The rules themselves are tables: shape-rules.ts (windows and products), shape-elementwise.ts, shape-attention.ts,
 * shape-quantized.ts, shape-indexing.ts, shape-folding.ts (ops that move values around) and shape-arithmetic.ts (ops that
 * reckon with them).
 */
import { EngineError } from './errors';
import type { Op, Tensor } from './graph';
import { ARITHMETIC_RULES } from './shape-arithmetic';
import { ATTENTION_RULES } from './shape-attention';
import { ELEMENTWISE_RULES } from './shape-elementwise';
import { FOLDING_RULES } from './shape-folding';
import { INDEXING_RULES } from './shape-indexing';
import { QUANTIZED_RULES } from './shape-quantized';
import { isPossibleShape, OpReader, type ShapeRule } from './shape-reader';
import { COMPUTING_RULES } from './shape-rules';

/** What to do about a file that does not hold together. */
export const CHECK_FILE = 'Check the file with onnx.checker, and export it again.';

const RULES: ReadonlyMap<string, ShapeRule> = new Map(
  Object.entries({
    ...COMPUTING_RULES,
    ...ELEMENTWISE_RULES,
    ...ATTENTION_RULES,
    ...QUANTIZED_RULES,
    ...INDEXING_RULES,
    ...FOLDING_RULES,
    ...ARITHMETIC_RULES,
  }),
);

/** Values of all folded constants of a network together: 32 MiB of numbers. */
const MAXIMUM_KEPT_VALUES = 1 << 22;

/** Names of the op types that networks may hold. */
export const OP_TYPES: readonly string[] = [...RULES.keys()].sort();

/**
 * Infers every op's outputs, in order, into `tensors`, which holds the graph's inputs and constants at the start.
 *
 * @throws EngineError UNSUPPORTED_OP, INVALID_SHAPE or MALFORMED_FILE, naming op and tensor.
 */
export function inferShapes(ops: readonly Op[], tensors: Map<string, Tensor>): void {
  let keptValues = 0;
  for (const op of ops) {
    const reader = new OpReader(op, tensors);
    let isConstant = true;
    for (const name of op.inputs) {
      if (name === '') continue;
      const input = tensors.get(name);
      if (!input) {
        throw new EngineError(
          'MALFORMED_FILE',
          `tensor ${name} is read before any op makes it`,
          reader.where,
          CHECK_FILE,
        );
      }
      isConstant &&= input.constant;
    }
    if (!op.outputs[0])
      throw new EngineError('MALFORMED_FILE', 'the op makes no first output', reader.where, CHECK_FILE);
    const rule = RULES.get(op.type);
    if (!rule) {
      throw new EngineError(
        'UNSUPPORTED_OP',
        `op type ${op.type} has no shape rule`,
        reader.where,
        'Replace the op, or export the network with a simpler one; ask for the op to be supported.',
      );
    }
    const inferred = rule(reader);
    for (let index = 0; index < op.outputs.length; index++) {
      const name = op.outputs[index];
      if (name === '') continue;
      const tensor = inferred[index];
      if (!tensor) throw reader.invalid(`output ${index} (${name}) is not one that ${op.type} makes`);
      if (!isPossibleShape(tensor.shape)) throw reader.invalid(`output ${name} would have shape [${tensor.shape}]`);
      const constant = tensor.values !== undefined || isConstant;
      keptValues += tensor.values?.length ?? 0;
      // What is too much to keep was made to exhaust memory: shapes do not depend on it.
      const values = keptValues <= MAXIMUM_KEPT_VALUES ? tensor.values : undefined;
      const known = tensors.size;
      tensors.set(name, { name, type: tensor.type, shape: tensor.shape, constant, values });
      if (tensors.size === known)
        throw new EngineError('MALFORMED_FILE', `tensor ${name} is made twice`, reader.where, CHECK_FILE);
    }
  }
}
