/**
 * What an API process keeps in memory to answer in milliseconds: loaded predictor versions and parsed networks. Both
 * never change under their id, so entries are only ever dropped for room. Callers have read the row under their own
 * session before they come here: the caches know ids, not teams.
 */
import { LRUCache } from 'lru-cache';
import {
  answerWhatIf,
  applyCalibration,
  type CalibrationFit,
  compareHarness,
  comparePlans,
  type EvaluatedPrediction,
  evaluatePrediction,
  type FittedCalibration,
  fitCalibration,
  type Graph,
  type Harness,
  type KernelPlan,
  type LoadedPredictor,
  loadPredictor,
  type NetworkPrediction,
  type PlansComparison,
  planKernels,
  readNetwork,
  type WhatIf,
  type WhatIfQuestion,
  withGpu,
} from './engine';
import { observeLookup, observePrediction } from './observation';
import type { Network } from './schema/network';
import type { PredictorVersion } from './schema/predictor-version';
import { type ObjectStore, StorageError } from './storage/object-store';

const MAXIMUM_LOADED_VERSIONS = 64;
const MAXIMUM_CACHED_OPS = 500_000;

/** A loaded version with the number of predictions that use it right now: it is released when nobody does. */
interface Loaded {
  readonly predictor: Promise<LoadedPredictor>;
  users: number;
  evicted: boolean;
}

/** Told of a version whose stored file is damaged (again, for one that is known to be); resolves with what to answer. */
type OnDamage = (version: PredictorVersion) => Promise<Error>;

export class Serving {
  readonly #store: ObjectStore;
  readonly #onDamage: OnDamage;
  readonly #predictors: LRUCache<string, Loaded>;
  readonly #graphs = new LRUCache<string, Graph>({
    maxSize: MAXIMUM_CACHED_OPS,
    sizeCalculation: (graph) => graph.ops.length + 1,
  });
  readonly #reading = new Map<string, Promise<Graph>>();

  constructor(store: ObjectStore, onDamage: OnDamage, options: { maximumLoadedVersions?: number } = {}) {
    this.#store = store;
    this.#onDamage = onDamage;
    this.#predictors = new LRUCache({
      max: options.maximumLoadedVersions ?? MAXIMUM_LOADED_VERSIONS,
      dispose: (loaded) => {
        loaded.evicted = true;
        void this.#releaseIfUnused(loaded);
      },
    });
  }

  /**
   * Predicts the networks with one version, loading it if need be (once, however many ask at a time). The version is
   * READY.
   * @param calibration of this version: the predictions are as it says them
   * @throws what `onDamage` answered if the stored file is not the one that was trained; StorageError; EngineError
   */
  predict(version: PredictorVersion, graphs: Graph[]): Promise<NetworkPrediction[]> {
    return observePrediction(version.id, graphs.length, () =>
      this.#use(version, (predictor) => predictor.predict(graphs)),
    );
  }

  /** The same as comparisons take it: with the intervals of all the version's levels. @throws as predict */
  evaluate(version: PredictorVersion, graphs: Graph[]): Promise<EvaluatedPrediction[]> {
    return this.#use(version, async (predictor) => {
      const predictions = await predictor.predict(graphs);
      return predictions.map((prediction) => evaluatePrediction(prediction, predictor.metadata));
    });
  }

  /** What becomes of a network's latency when something in it is another. @throws as predict; what `between` throws */
  whatIf(
    version: PredictorVersion,
    graph: Graph,
    question: WhatIfQuestion,
    between: () => Promise<void>,
  ): Promise<WhatIf> {
    return this.#use(version, (predictor) => answerWhatIf(graph, question, predictor, between));
  }

  async #use<T>(version: PredictorVersion, work: (predictor: LoadedPredictor) => Promise<T>): Promise<T> {
    if (version.quarantinedAt) throw await this.#onDamage(version);
    const cached = this.#predictors.get(version.id);
    observeLookup('predictors', cached !== undefined);
    const loaded = cached ?? this.#load(version);
    loaded.users += 1;
    try {
      return await work(await loaded.predictor);
    } finally {
      loaded.users -= 1;
      await this.#releaseIfUnused(loaded);
    }
  }

  /** As predict, with each prediction as the calibration of this version says it, if there is one. @throws as predict */
  async predictCalibrated(
    version: PredictorVersion,
    graphs: Graph[],
    calibration: CalibrationFit | undefined,
  ): Promise<NetworkPrediction[]> {
    const predictions = await this.predict(version, graphs);
    return calibration ? predictions.map((each) => applyCalibration(each, calibration)) : predictions;
  }

  /**
   * Fits a calibration of a version to measured latencies.
   * @param measuredUs of the graphs, in their order
   * @param harness how they were measured: warnings say in what it differs from what the version was trained on
   * @throws EngineError INSUFFICIENT_DATA, LIMIT_EXCEEDED, and as predict
   */
  async calibrate(
    version: PredictorVersion,
    graphs: Graph[],
    measuredUs: readonly number[],
    harness: Harness,
  ): Promise<{ fit: FittedCalibration; warnings: string[] }> {
    const predictions = await this.predict(version, graphs);
    const fit = fitCalibration(predictions.map((prediction, i) => ({ prediction, measuredUs: measuredUs[i] })));
    return { fit, warnings: compareHarness(harness, version.report!.harnesses) };
  }

  /** The graph of a READY network. @throws StorageError, EngineError */
  async graph(network: Network): Promise<Graph> {
    const cached = this.#graphs.get(network.id);
    observeLookup('networks', cached !== undefined);
    if (cached) return cached;
    const reading = this.#reading.get(network.id) ?? this.#read(network);
    this.#reading.set(network.id, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(network.id);
    }
  }

  /** The kernels that two runtimes launch for a READY network. @throws StorageError, EngineError */
  async comparePlans(network: Network, runtimeA: string, runtimeB: string): Promise<PlansComparison> {
    const graph = await this.graph(network);
    return comparePlans(planKernels(graph, runtimeA), planKernels(graph, runtimeB));
  }

  /** The kernels that a runtime launches for a READY network. @throws StorageError, EngineError */
  async kernelPlan(network: Network, runtime: string, gpu: string | undefined): Promise<KernelPlan> {
    return planKernels(await this.graph(network), withGpu(runtime, gpu));
  }

  /** Releases everything. */
  stop(): void {
    this.#predictors.clear();
    this.#graphs.clear();
  }

  #load(version: PredictorVersion): Loaded {
    const predictor = this.readFile(version).then(loadPredictor);
    const loaded: Loaded = { predictor, users: 0, evicted: false };
    this.#predictors.set(version.id, loaded);
    // What could not be loaded is not kept: the next caller tries again.
    predictor.catch(() => {
      if (this.#predictors.peek(version.id) === loaded) this.#predictors.delete(version.id);
    });
    return loaded;
  }

  /** A READY version's stored file. @throws what `onDamage` answered if it is not the one that was trained; StorageError */
  async readFile(version: PredictorVersion): Promise<Buffer> {
    if (version.quarantinedAt) throw await this.#onDamage(version);
    const read = () => this.#store.get(version.objectKey!, { sha256: version.sha256! });
    try {
      // Once more: what came to harm on the way is whole in the store.
      return await read().catch((error) => (isDamage(error) ? read() : Promise.reject(error)));
    } catch (error) {
      throw isDamage(error) ? await this.#onDamage(version) : error;
    }
  }

  async #releaseIfUnused(loaded: Loaded): Promise<void> {
    if (!loaded.evicted || loaded.users > 0) return;
    const predictor = await loaded.predictor.catch(() => undefined);
    if (loaded.users === 0) await predictor?.release();
  }

  async #read(network: Network): Promise<Graph> {
    const bytes = await this.#store.get(network.objectKey, { sha256: network.sha256 });
    const graph = readNetwork(bytes, { name: network.name, bindings: toBindings(network) });
    this.#graphs.set(network.id, graph);
    return graph;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'CHECKSUM_MISMATCH';
}

/** Sizes of a network's dynamic dimensions, as the engine takes them. */
export function toBindings(network: Pick<Network, 'bindings'>): Record<string, number> {
  return Object.fromEntries(network.bindings.map(({ name, size }) => [name, size]));
}
