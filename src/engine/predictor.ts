/**
 * The serving side of a predictor version: loads its one ONNX file and predicts many networks in one onnxruntime run.
 * It knows nothing of training; everything it needs stands in the file.
 */
import { compose } from './composition';
import { EngineError } from './errors';
import { outputName, type PredictorMetadata, readMetadata } from './export';
import { ColumnReader, FeatureBounds, featureMatrix } from './feature-matrix';
import { featurize } from './features';
import type { Graph } from './graph';
import { DEFAULT_LEVEL, intervalAround } from './intervals';
import type { Matrix } from './matrix';
import { type KernelPlan, planKernels } from './plan';
import { FALLBACK, groupByKind, type KernelCoverage } from './predictor-model';
import { openSession, type RuntimeSession, type RuntimeTensor } from './session';

export interface KernelPrediction {
  /** Kernel kind, for example `convolution`. */
  readonly kind: string;
  /** What the kernel does behind its first op, for example `['relu']`. */
  readonly fused: readonly string[];
  /** Names of the graph's ops that the kernel does. */
  readonly ops: readonly string[];
  /** Why the runtime launches this kernel, in words. */
  readonly reason: string;
  /** The kernel's share of the end-to-end latency, dispatch included: all shares and `fixedUs` sum up to it. */
  readonly latencyUs: number;
  readonly coverage: KernelCoverage;
}

export interface NetworkPrediction {
  readonly network: string;
  readonly scenario: string;
  /** End to end, microseconds. */
  readonly latencyUs: number;
  /** Part of it that a run costs whatever the network. */
  readonly fixedUs: number;
  readonly interval: { readonly lowerUs: number; readonly upperUs: number; readonly level: number };
  /** Share of the kernels' latency that comes from kernels inside what training saw, 0 to 1. */
  readonly coverage: number;
  readonly kernels: readonly KernelPrediction[];
}

export interface PredictOptions {
  /** Coverage that the intervals promise: one of INTERVAL_LEVELS. */
  readonly level?: number;
}

/**
 * Loads an exported predictor version.
 *
 * @throws EngineError INVALID_PREDICTOR, MALFORMED_FILE
 */
export async function loadPredictor(onnx: Uint8Array): Promise<LoadedPredictor> {
  return new LoadedPredictor(readMetadata(onnx), await openSession(onnx));
}

/** A feature may exceed what training saw by this share before a kernel counts as extrapolated. */
const MARGIN = 0.05;

/**
 * Kernels that go through onnxruntime together, about: more are not faster, and runs hold up the event loop. A network is
 * never split.
 */
const KERNELS_A_RUN = 8192;

/** A predictor version, ready to predict; `loadPredictor` makes it. */
export class LoadedPredictor {
  readonly #session: RuntimeSession;
  /** Reads the columns of each model's input. */
  readonly #readers: ReadonlyMap<string, ColumnReader>;
  /** What training saw of each kind. */
  readonly #bounds: ReadonlyMap<string, FeatureBounds>;

  constructor(
    readonly metadata: PredictorMetadata,
    session: RuntimeSession,
  ) {
    this.#session = session;
    const { kinds, hulls } = metadata;
    this.#readers = new Map(Object.entries(kinds).map(([kind, columns]) => [kind, new ColumnReader(columns)]));
    this.#bounds = new Map(Object.entries(hulls).map(([kind, hull]) => [kind, new FeatureBounds(hull, MARGIN)]));
  }

  get scenario(): string {
    return this.metadata.scenario;
  }

  get runtime(): string {
    return this.metadata.runtime;
  }

  get learner(): string {
    return this.metadata.learner;
  }

  /**
   * Predicts networks, kernel by kernel: plans their kernels by the version's own rules, runs all networks together.
   *
   * @throws EngineError UNKNOWN_NAME if the engine no longer has the version's rules, or for a level without interval
   */
  async predict(
    graphs: readonly Graph[],
    { level = DEFAULT_LEVEL }: PredictOptions = {},
  ): Promise<NetworkPrediction[]> {
    if (!this.metadata.radii.some((each) => each.level === level)) {
      const levels = this.metadata.radii.map((each) => each.level).join(', ');
      throw new EngineError('UNKNOWN_NAME', `there is no interval of level ${level}`, 'level', `Levels: ${levels}.`);
    }
    const networks = this.#plan(graphs);
    const latencies = await this.#predictKernels(networks);
    return networks.map((network, i) => this.#explain(network, latencies[i], level));
  }

  /**
   * End-to-end latencies alone, microseconds, in the order of the graphs: the same as `predict` says, sooner. For searches
   * that rank thousands of candidates.
   *
   * @throws EngineError UNKNOWN_NAME if the engine no longer has the version's rules
   */
  async predictLatencies(graphs: readonly Graph[]): Promise<Float64Array> {
    const latencies = await this.#predictKernels(this.#plan(graphs));
    return Float64Array.from(latencies, (kernels) => this.#compose(kernels));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #plan(graphs: readonly Graph[]): PlannedGraph[] {
    return graphs.map((graph) => planOnce(graph, this.metadata.runtime));
  }

  /** Latency of every kernel of every network before composition, in plan order, microseconds. */
  async #predictKernels(networks: readonly PlannedGraph[]): Promise<Float32Array[]> {
    const latencies: Float32Array[] = [];
    for (let start = 0, end = 0; start < networks.length; start = end) {
      for (let kernels = 0; end < networks.length && kernels < KERNELS_A_RUN; end++) {
        kernels += networks[end].plan.kernels.length;
      }
      latencies.push(...(await this.#run(networks.slice(start, end))));
    }
    return latencies;
  }

  async #run(networks: readonly PlannedGraph[]): Promise<Float32Array[]> {
    const batches = this.#batches(networks);
    const feeds: Record<string, RuntimeTensor> = {};
    for (const [model, { rows, parts }] of batches) {
      const reader = this.#readers.get(model)!;
      const { columns } = reader;
      // onnxruntime wants every input; a model that no network needs gets a row of zeros, and nobody reads the result.
      const height = Math.max(1, rows);
      const values = new Float32Array(height * columns);
      let at = 0;
      for (const { network, positions } of parts) at = reader.read(networks[network].features, positions, values, at);
      feeds[model] = { shape: [height, columns], values };
    }
    const outputs = await this.#session.run(feeds);
    const latencies = networks.map(({ plan }) => new Float32Array(plan.kernels.length));
    for (const [model, { parts }] of batches) {
      const { values } = outputs[outputName(model)];
      let at = 0;
      for (const { network, positions } of parts) {
        for (let i = 0; i < positions.length; i++) latencies[network][positions[i]] = values[at++];
      }
    }
    return latencies;
  }

  /** What each model has to predict of the networks. */
  #batches(networks: readonly PlannedGraph[]): Map<string, Batch> {
    const batches = new Map<string, Batch>();
    for (const model of this.#readers.keys()) batches.set(model, { rows: 0, parts: [] });
    networks.forEach(({ positionsByKind }, network) => {
      for (const [kind, positions] of positionsByKind) {
        const batch = batches.get(kind) ?? batches.get(FALLBACK)!;
        batch.rows += positions.length;
        batch.parts.push({ network, positions });
      }
    });
    return batches;
  }

  #compose(kernels: Float32Array): number {
    let kernelsUs = 0;
    for (let i = 0; i < kernels.length; i++) kernelsUs += kernels[i];
    return compose(this.metadata.composition, { kernelsUs, kernels: kernels.length });
  }

  #explain({ plan, features }: PlannedGraph, latencies: Float32Array, level: number): NetworkPrediction {
    const { composition, radii, scenario } = this.metadata;
    let kernelsUs = 0;
    let coveredUs = 0;
    let unmodelledUs = 0;
    const kernels = plan.kernels.map(({ kind, fused, ops, reason }, i): KernelPrediction => {
      const coverage = this.#coverageOf(kind, features, i);
      kernelsUs += latencies[i];
      if (coverage === 'trained') coveredUs += latencies[i];
      const latencyUs = composition.kernelFactor * latencies[i] + composition.perKernelUs;
      if (coverage === 'unmodelled') unmodelledUs += latencyUs;
      return { kind, fused, ops, reason, latencyUs, coverage };
    });
    const latencyUs = this.#compose(latencies);
    return {
      network: plan.network,
      scenario,
      latencyUs,
      fixedUs: composition.fixedUs,
      interval: intervalAround(latencyUs, radii, level, unmodelledUs),
      coverage: kernelsUs > 0 ? coveredUs / kernelsUs : 0,
      kernels,
    };
  }

  #coverageOf(kind: string, features: Matrix, row: number): KernelCoverage {
    const bounds = this.#bounds.get(kind);
    if (!bounds) return 'unmodelled';
    return bounds.holds(features, row) ? 'trained' : 'extrapolated';
  }
}

/** What one model predicts in one run: kernels of networks, one network after the other. */
interface Batch {
  rows: number;
  readonly parts: { readonly network: number; readonly positions: readonly number[] }[];
}

/** A graph's kernels under one runtime, as they are kept for it. */
interface PlannedGraph {
  readonly plan: KernelPlan;
  /** A feature matrix, in plan order. */
  readonly features: Matrix;
  /** Positions in the plan. */
  readonly positionsByKind: ReadonlyMap<string, readonly number[]>;
}

/** Plans of graphs that are still in use: a network is asked for again and again, under many versions. */
const PLANS = new WeakMap<Graph, Map<string, PlannedGraph>>();

function planOnce(graph: Graph, runtime: string): PlannedGraph {
  const known = PLANS.get(graph) ?? new Map<string, PlannedGraph>();
  PLANS.set(graph, known);
  let planned = known.get(runtime);
  if (!planned) {
    const plan = planKernels(graph, runtime);
    planned = { plan, features: featureMatrix(featurize(plan)), positionsByKind: groupByKind(plan.kernels) };
    known.set(runtime, planned);
  }
  return planned;
}
