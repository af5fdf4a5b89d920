/**
 * The graph transformers of onnxruntime that replace whole patterns, in its order (graph_transformer_utils.cc): those of the
 * first level in rounds until nothing changes, then those of the second. Fusions of two ops are the rule pack's own.
 */
import type { Graph } from '../graph';
import { rewriteGraph } from '../rewriting';
import { DEQUANTIZE, PROPAGATION, QUANTIZED_WEIGHTS, UNIQUE_DEQUANTIZATION } from './onnxruntime-dequantization';
import { BIAS_GELU, FAST_GELU, GELU, QUICK_GELU } from './onnxruntime-gelu';
import { hasPattern, PatternGraph, type PatternRule } from './onnxruntime-patterns';
import {
  BASIC_PRODUCT_RULES,
  LATE_MATMUL_ADD,
  MATMUL_ADD,
  MATMUL_SCALE,
  MATMUL_TRANSPOSE,
} from './onnxruntime-products';
import { QUANTIZED_UNITS, RELU_BEFORE_QUANTIZE, REQUANTIZED, UNSIGNED_ACTIVATIONS } from './onnxruntime-quantized';
import { CONTIGUOUS_RESHAPES, SLICES_OF_WHOLE } from './onnxruntime-reshapes';
import {
  LAYER_NORMALIZATION,
  SIMPLIFIED_LAYER_NORMALIZATION,
  SKIP_LAYER_NORMALIZATION,
} from './onnxruntime-transformers';
import { TRANSPOSES } from './onnxruntime-transposes';
import type { Cleaning, RewrittenView } from './rule-pack';

const FIRST_LEVEL: readonly PatternRule[] = [
  ...BASIC_PRODUCT_RULES,
  MATMUL_ADD,
  CONTIGUOUS_RESHAPES,
  LAYER_NORMALIZATION,
  ...PROPAGATION,
  QUANTIZED_WEIGHTS,
  UNIQUE_DEQUANTIZATION,
  TRANSPOSES,
];

const SECOND_LEVEL: readonly PatternRule[] = [
  RELU_BEFORE_QUANTIZE,
  UNSIGNED_ACTIVATIONS,
  ...QUANTIZED_UNITS,
  GELU,
  SIMPLIFIED_LAYER_NORMALIZATION,
  LATE_MATMUL_ADD,
  SLICES_OF_WHOLE,
  MATMUL_TRANSPOSE,
  BIAS_GELU,
  SKIP_LAYER_NORMALIZATION,
  FAST_GELU,
  QUICK_GELU,
  MATMUL_SCALE,
  REQUANTIZED,
];

const ALL_RULES = [...FIRST_LEVEL, ...SECOND_LEVEL];

/** DequantizeLinear of a constant is computed at run time, and so is what is computed from it. */
function keepDequantization(graph: Graph): Graph {
  if (!graph.ops.some(({ type }) => DEQUANTIZE.includes(type))) return graph;
  const tensors = new Map(graph.tensors);
  const isRunTime = (name: string) => name !== '' && !tensors.get(name)!.constant;
  const kept = new Set<string>();
  for (const { type, inputs, outputs } of graph.ops) {
    if (!DEQUANTIZE.includes(type) && (type === 'Shape' || !inputs.some((name) => kept.has(name)))) continue;
    for (const name of outputs.filter((each) => each && !isRunTime(each))) {
      const { values: _, ...tensor } = tensors.get(name)!;
      tensors.set(name, { ...tensor, constant: false });
      kept.add(name);
    }
  }
  return kept.size === 0 ? graph : { ...graph, tensors };
}

/** Rounds of a level at most (onnxruntime/core/framework/session_options.h, max_num_graph_transformation_steps). */
const ROUNDS = 10;

/**
 * The graph as it is when the fusions of two ops begin.
 *
 * @param cleaning what the first level does to single ops before every round; equal ops are computed once before the first
 */
export function transformGraph(graph: Graph, cleaning: Cleaning): RewrittenView {
  const cleaned = rewriteGraph(keepDequantization(graph), cleaning);
  if (cleaned.isPlain && !hasPattern(cleaned, cleaned.ops, ALL_RULES)) return cleaned;
  const unsharing: Cleaning = { ...cleaning, sharing: undefined };
  let patterns = new PatternGraph(cleaned.toGraph());
  for (let round = 0; round < ROUNDS && patterns.apply(FIRST_LEVEL); round++)
    patterns = new PatternGraph(rewriteGraph(patterns.toGraph(), unsharing).toGraph());
  // A round gives one reader more its own.
  while (patterns.apply([UNIQUE_DEQUANTIZATION]));
  for (let round = 0; round < ROUNDS && patterns.apply(SECOND_LEVEL); round++);
  return rewriteGraph(patterns.toGraph(), unsharing);
}
