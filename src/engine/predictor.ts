/**
 * The serving side of a predictor version: loads its one ONNX file and predicts many networks in one onnxruntime run.
 * It knows nothing of training; everything it needs stands in the file.
 */
import { compose } from './composition';
import { EngineError } from './errors';
import { outputName, type PredictorMetadata, readMetadata } from './export';
import { featurize, type KernelFeatures } from './features';
import type { Graph } from './graph';
import { DEFAULT_LEVEL, intervalAround } from './intervals';
import { columnMatrix } from './kernel-model';
import { type KernelPlan, planKernels } from './plan';
import { coverageOf, groupByModel, type KernelCoverage } from './predictor-model';
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

/** A predictor version, ready to predict; `loadPredictor` makes it. */
export class LoadedPredictor {
  constructor(
    readonly metadata: PredictorMetadata,
    private readonly session: RuntimeSession,
  ) {}

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
   * Predicts networks: plans their kernels by the version's own rules, all networks in one run.
   *
   * @throws EngineError UNKNOWN_NAME if the engine no longer has the version's rules
   */
  async predict(
    graphs: readonly Graph[],
    { level = DEFAULT_LEVEL }: PredictOptions = {},
  ): Promise<NetworkPrediction[]> {
    if (!this.metadata.radii.some((each) => each.level === level)) {
      const levels = this.metadata.radii.map((each) => each.level).join(', ');
      throw new EngineError('UNKNOWN_NAME', `there is no interval of level ${level}`, 'level', `Levels: ${levels}.`);
    }
    const planned = graphs.map((graph) => planOnce(graph, this.metadata.runtime));
    const latencies = await this.predictKernels(planned);
    return planned.map((network, i) => this.explain(network, latencies[i], level));
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  /** Latency of every kernel of every network before composition, in plan order, microseconds. */
  async predictKernels(networks: readonly PlannedGraph[]): Promise<Float32Array[]> {
    const kinds = new Map(Object.entries(this.metadata.kinds));
    const positions = new Map([...kinds.keys()].map((kind) => [kind, [] as { network: number; kernel: number }[]]));
    networks.forEach(({ plan }, network) => {
      for (const [kind, kernels] of groupByModel(plan.kernels, kinds)) {
        for (const kernel of kernels) positions.get(kind)!.push({ network, kernel });
      }
    });
    const feeds: Record<string, RuntimeTensor> = {};
    for (const [kind, columns] of kinds) {
      const kernels = positions.get(kind)!.map(({ network, kernel }) => networks[network].features[kernel]);
      const { rows, values } = columnMatrix(columns, kernels);
      // onnxruntime wants every input; a kind that no network has gets one row of zeros, which nobody reads.
      feeds[kind] =
        rows > 0
          ? { shape: [rows, columns.length], values }
          : { shape: [1, columns.length], values: new Float32Array(columns.length) };
    }
    const outputs = await this.session.run(feeds);
    const latencies = networks.map(({ features }) => new Float32Array(features.length));
    for (const [kind, places] of positions) {
      const { values } = outputs[outputName(kind)];
      places.forEach(({ network, kernel }, i) => {
        latencies[network][kernel] = values[i];
      });
    }
    return latencies;
  }

  private explain({ plan, features }: PlannedGraph, latencies: Float32Array, level: number): NetworkPrediction {
    const { composition, hulls, radii, scenario } = this.metadata;
    let covered = 0;
    let kernelsUs = 0;
    const kernels = plan.kernels.map(({ kind, fused, ops, reason }, i): KernelPrediction => {
      const coverage = coverageOf(hulls[kind], features[i]);
      kernelsUs += latencies[i];
      if (coverage === 'trained') covered += latencies[i];
      const latencyUs = composition.kernelFactor * latencies[i] + composition.perKernelUs;
      return { kind, fused, ops, reason, latencyUs, coverage };
    });
    const latencyUs = compose(composition, { kernelsUs, kernels: kernels.length });
    return {
      network: plan.network,
      scenario,
      latencyUs,
      fixedUs: composition.fixedUs,
      interval: intervalAround(latencyUs, radii, level),
      coverage: kernelsUs > 0 ? covered / kernelsUs : 0,
      kernels,
    };
  }
}

/** A graph's kernels under one runtime, with their features. */
interface PlannedGraph {
  readonly plan: KernelPlan;
  readonly features: readonly KernelFeatures[];
}

/** Plans of graphs that are still in use: a network is asked for again and again, under many versions. */
const PLANS = new WeakMap<Graph, Map<string, PlannedGraph>>();

function planOnce(graph: Graph, runtime: string): PlannedGraph {
  const known = PLANS.get(graph) ?? new Map<string, PlannedGraph>();
  PLANS.set(graph, known);
  let planned = known.get(runtime);
  if (!planned) {
    const plan = planKernels(graph, runtime);
    planned = { plan, features: featurize(plan) };
    known.set(runtime, planned);
  }
  return planned;
}
