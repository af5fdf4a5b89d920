/**
 * The graph transformers of onnxruntime that replace whole patterns, in its order (graph_transformer_utils.cc): those of the
 * first level in rounds until nothing changes, then those of the second. Fusions of two ops are the rule pack's own.
 */
import type { Graph } from '../graph';
import { rewriteGraph } from '../rewriting';
import { BIAS_GELU, FAST_GELU, GELU, QUICK_GELU } from './onnxruntime-gelu';
import { PatternGraph, type PatternRule } from './onnxruntime-patterns';
import {
  BASIC_PRODUCT_RULES,
  LATE_MATMUL_ADD,
  MATMUL_ADD,
  MATMUL_SCALE,
  MATMUL_TRANSPOSE,
} from './onnxruntime-products';
import { DEQUANTIZE, QUANTIZED_UNITS, RELU_BEFORE_QUANTIZE, REQUANTIZED } from './onnxruntime-quantized';
import { CONTIGUOUS_RESHAPES, SLICES_OF_WHOLE } from './onnxruntime-reshapes';
import {
  LAYER_NORMALIZATION,
  SIMPLIFIED_LAYER_NORMALIZATION,
  SKIP_LAYER_NORMALIZATION,
} from './onnxruntime-transformers';
import { TRANSPOSES } from './onnxruntime-transposes';
import type { Cleaning } from './rule-pack';

const FIRST_LEVEL: readonly PatternRule[] = [
  ...BASIC_PRODUCT_RULES,
  MATMUL_ADD,
  CONTIGUOUS_RESHAPES,
  LAYER_NORMALIZATION,
  TRANSPOSES,
];

const SECOND_LEVEL: readonly PatternRule[] = [
  RELU_BEFORE_QUANTIZE,
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

/** DequantizeLinear of a constant is computed at run time, and so is what is computed from it. */
function keepDequantization(graph: Graph): Graph {
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

/**
 * @param cleaning what the first level does to single ops before every round; equal ops are computed once before the first
 */
export function transformGraph(graph: Graph, cleaning: Cleaning): Graph {
  let cleaned = rewriteGraph(keepDequantization(graph), cleaning).toGraph();
  const patterns = () => new PatternGraph(cleaned);
  for (let first = patterns(); first.apply(FIRST_LEVEL); first = patterns())
    cleaned = rewriteGraph(first.toGraph(), { ...cleaning, sharing: undefined }).toGraph();
  const second = patterns();
  while (second.apply(SECOND_LEVEL));
  return second.toGraph();
}
