/**
 * What an API process keeps in memory to answer in milliseconds: loaded predictor versions and parsed networks. Both
 * never change under their id, so entries are only ever dropped for room. Callers have read the row under their own
 * session before they come here: the caches know ids, not teams.
 */
import { LRUCache } from 'lru-cache';
import {
  type Graph,
  type KernelPlan,
  type LoadedPredictor,
  loadPredictor,
  type NetworkPrediction,
  planKernels,
  readNetwork,
  withGpu,
} from './engine';
import type { Network } from './schema/network';
import type { PredictorVersion } from './schema/predictor-version';
import type { ObjectStore } from './storage/object-store';

const MAXIMUM_LOADED_VERSIONS = 64;
const MAXIMUM_CACHED_OPS = 500_000;

/** A loaded version with the number of predictions that use it right now: it is released when nobody does. */
interface Loaded {
  readonly predictor: Promise<LoadedPredictor>;
  users: number;
  evicted: boolean;
}

export class Serving {
  readonly #store: ObjectStore;
  readonly #predictors: LRUCache<string, Loaded>;
  readonly #graphs = new LRUCache<string, Graph>({
    maxSize: MAXIMUM_CACHED_OPS,
    sizeCalculation: (graph) => graph.ops.length + 1,
  });
  readonly #reading = new Map<string, Promise<Graph>>();

  constructor(store: ObjectStore, options: { maximumLoadedVersions?: number } = {}) {
    this.#store = store;
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
   * @throws StorageError CHECKSUM_MISMATCH if the stored file is not the one that was trained; EngineError
   */
  async predict(version: PredictorVersion, graphs: Graph[]): Promise<NetworkPrediction[]> {
    const loaded = this.#predictors.get(version.id) ?? this.#load(version);
    loaded.users += 1;
    try {
      const predictor = await loaded.predictor;
      return await predictor.predict(graphs);
    } finally {
      loaded.users -= 1;
      await this.#releaseIfUnused(loaded);
    }
  }

  /** The graph of a READY network. @throws StorageError, EngineError */
  async graph(network: Network): Promise<Graph> {
    const cached = this.#graphs.get(network.id);
    if (cached) return cached;
    const reading = this.#reading.get(network.id) ?? this.#read(network);
    this.#reading.set(network.id, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(network.id);
    }
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
    const predictor = this.#store.get(version.objectKey!, { sha256: version.sha256! }).then(loadPredictor);
    const loaded: Loaded = { predictor, users: 0, evicted: false };
    this.#predictors.set(version.id, loaded);
    // What could not be loaded is not kept: the next caller tries again.
    predictor.catch(() => {
      if (this.#predictors.peek(version.id) === loaded) this.#predictors.delete(version.id);
    });
    return loaded;
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

/** Sizes of a network's dynamic dimensions, as the engine takes them. */
export function toBindings(network: Pick<Network, 'bindings'>): Record<string, number> {
  return Object.fromEntries(network.bindings.map(({ name, size }) => [name, size]));
}
