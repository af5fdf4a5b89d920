/**
 * The ONNX nodes of one kernel model: what kernel-model.ts computes, in float32, on the rows of the kind's input.
 */
import { ELEMENT_TYPES } from './formats/onnx-schema';
import { ML_DOMAIN, type OnnxConstant, type OnnxNode, type OnnxValues } from './formats/onnx-writer';
import { type KernelModel, LARGEST_CORRECTION, type ModelTerm, SMALLEST_CORRECTION } from './kernel-model';
import type { Perceptron } from './learners/perceptron';
import type { TreeEnsemble } from './learners/tree';
import { type Regressor, SIZES, type SizeProcess } from './regressor';

/** Nodes and constants of one model, with names of their own. */
export class ModelWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];

  /** @param kind prefix of all names, and the name of the input */
  constructor(private readonly kind: string) {}

  /** Adds the model; `output` is the name of its latencies, [kernels, 1]. */
  write({ columns, terms }: KernelModel, output: string): void {
    const latencies = terms.map((term) => this.term(term, columns.length));
    if (latencies.length > 1) this.node('Sum', latencies);
    const last = this.nodes[this.nodes.length - 1];
    this.nodes[this.nodes.length - 1] = { ...last, outputs: [output] };
  }

  private term({ weights, floorUs, factor, correction }: ModelTerm, columns: number): string {
    const product = this.node('MatMul', [this.kind, this.constant([columns, 1], weights)]);
    let latency = this.node('Max', [product, this.scalar(floorUs)]);
    if (factor) latency = this.node('Mul', [latency, this.node('Exp', [this.regressor(factor, columns)])]);
    if (correction) {
      const shifted = this.node('Add', [this.regressor(correction, columns), this.scalar(1)]);
      const clipped = this.node('Clip', [shifted, this.scalar(SMALLEST_CORRECTION), this.scalar(LARGEST_CORRECTION)]);
      latency = this.node('Mul', [latency, clipped]);
    }
    return latency;
  }

  private node(type: string, inputs: readonly string[], attributes?: OnnxNode['attributes'], domain?: string): string {
    const output = `${this.kind}/${type}${this.nodes.length}`;
    this.nodes.push({ type, domain, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  private constant(shape: readonly number[], values: OnnxValues): string {
    const name = `${this.kind}/constant${this.constants.length}`;
    this.constants.push({ name, shape, values });
    return name;
  }

  private scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  private columns(positions: readonly number[]): string {
    const indices = BigInt64Array.from(positions, BigInt);
    return this.node('Gather', [this.kind, this.constant([indices.length], indices)], { axis: { int: 1 } });
  }

  private regressor(regressor: Regressor, columns: number): string {
    const { reads } = regressor;
    if (regressor.form === 'sizes') return this.sizes(reads, regressor.sizes);
    const all = reads.length === columns && reads.every((position, j) => position === j);
    const seen = all ? this.kind : this.columns(reads);
    if (regressor.form === 'trees') return this.trees(seen, regressor.ensemble);
    return this.perceptron(seen, regressor.perceptron);
  }

  private perceptron(seen: string, { columns, logarithm, mean, scale, layers }: Perceptron): string {
    let rows = seen;
    if (logarithm) {
      const positive = this.node('Max', [rows, this.scalar(0)]);
      rows = this.node('Log', [this.node('Add', [positive, this.scalar(1)])]);
    }
    rows = this.node('Sub', [rows, this.constant([columns], mean)]);
    rows = this.node('Div', [rows, this.constant([columns], scale)]);
    for (const [index, { inputs, outputs, weights, biases }] of layers.entries()) {
      if (index > 0) rows = this.node('Relu', [rows]);
      rows = this.node('Gemm', [rows, this.constant([inputs, outputs], weights), this.constant([outputs], biases)]);
    }
    return rows;
  }

  /**
   * |z - s|^2 is written out as |z|^2 - 2 z.s + |s|^2, so that all distances are one matrix product; in double precision,
   * because such differences, and sums of weights of both signs, would lose what float32 has.
   */
  private sizes(reads: readonly number[], { transform, offset, support, constants, weights }: SizeProcess): string {
    const indicators = constants.length;
    const points = support.length / SIZES;
    const double = (shape: readonly number[], values: Iterable<number>) =>
      this.constant(shape, Float64Array.from(values));
    const sizes = this.cast(
      this.node('Max', [this.columns(reads.slice(0, SIZES)), this.scalar(1)]),
      ELEMENT_TYPES.float64,
    );
    const coordinates = this.node('Gemm', [
      this.node('Log', [sizes]),
      double([SIZES, SIZES], transform),
      double([SIZES], offset),
    ]);
    const squares = this.node('ReduceSumSquare', [coordinates], { axes: { ints: [1] }, keepdims: { int: 1 } });
    const supportSquares = Float64Array.from({ length: points }, (_, m) => {
      let sum = 0;
      for (let c = 0; c < SIZES; c++) sum -= support[m * SIZES + c] ** 2;
      return sum;
    });
    const products = this.node(
      'Gemm',
      [coordinates, double([points, SIZES], support), double([points], supportSquares)],
      { transB: { int: 1 }, alpha: { float: 2 } },
    );
    const similarities = this.node('Exp', [this.node('Sub', [products, squares])]);
    const sums = this.node('Gemm', [
      similarities,
      double([points, indicators], weights),
      double([indicators], constants),
    ]);
    const selected = this.node('Mul', [this.cast(sums, ELEMENT_TYPES.float32), this.columns(reads.slice(SIZES))]);
    // ReduceSum of operator set 13 and newer takes its axes as an input.
    return this.node('ReduceSum', [selected, this.constant([1], BigInt64Array.of(1n))], { keepdims: { int: 1 } });
  }

  private cast(input: string, type: number): string {
    return this.node('Cast', [input], { to: { int: type } });
  }

  /** TreeEnsembleRegressor of ai.onnx.ml 3: all trees' nodes in flat lists, branches by `<=` on float32. */
  private trees(seen: string, { trees, baseline }: TreeEnsemble): string {
    const lists = {
      nodes_treeids: [] as number[],
      nodes_nodeids: [] as number[],
      nodes_featureids: [] as number[],
      nodes_truenodeids: [] as number[],
      nodes_falsenodeids: [] as number[],
      target_treeids: [] as number[],
      target_nodeids: [] as number[],
      target_ids: [] as number[],
    };
    const thresholds: number[] = [];
    const modes: string[] = [];
    const values: number[] = [];
    trees.forEach(({ feature, threshold, left, right, value }, tree) => {
      for (let node = 0; node < feature.length; node++) {
        const leaf = feature[node] < 0;
        lists.nodes_treeids.push(tree);
        lists.nodes_nodeids.push(node);
        lists.nodes_featureids.push(leaf ? 0 : feature[node]);
        lists.nodes_truenodeids.push(left[node]);
        lists.nodes_falsenodeids.push(right[node]);
        thresholds.push(threshold[node]);
        modes.push(leaf ? 'LEAF' : 'BRANCH_LEQ');
        if (!leaf) continue;
        lists.target_treeids.push(tree);
        lists.target_nodeids.push(node);
        lists.target_ids.push(0);
        values.push(value[node]);
      }
    });
    const attributes = {
      n_targets: { int: 1 },
      aggregate_function: { string: 'SUM' },
      post_transform: { string: 'NONE' },
      base_values: { floats: [baseline] },
      nodes_values: { floats: thresholds },
      nodes_modes: { strings: modes },
      target_weights: { floats: values },
      ...Object.fromEntries(Object.entries(lists).map(([name, ints]) => [name, { ints }])),
    };
    return this.node('TreeEnsembleRegressor', [seen], attributes, ML_DOMAIN);
  }
}
