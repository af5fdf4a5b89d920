/**
 * Measures networks on this machine with onnxruntime, at the optimisation level whose kernels the plans of
 * `onnxruntime-cpu` describe: end to end without profiling, then kernel by kernel from onnxruntime's own profile.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  createRandom,
  type Graph,
  type Harness,
  type KernelMeasurement,
  type NetworkMeasurement,
  ONNXRUNTIME_VERSION,
  openSession,
  type Profile,
  profileFromOnnxruntime,
  readNetwork,
  type Statistic,
  writeOnnx,
} from '../engine';
import { ascending, median, summarize } from './profile/statistics';

export interface MeasureOptions {
  /** `onnxruntime/device/processor/type`. */
  readonly scenario: string;
  /** Runs that do not count, at the beginning of each series. */
  readonly warmUps: number;
  /** Runs that count, in each series. */
  readonly repetitions: number;
  /** Of an op; 1, if left out. */
  readonly threads?: number;
  /** Of the end-to-end rows, over all runs of all rounds; the minimum, if left out. */
  readonly statistic?: Statistic;
  /** What else is known of how this is measured. */
  readonly harness?: Pick<Harness, 'runtimeBuild' | 'affinity' | 'governor'>;
  /** Awaited before, between and after the rounds. */
  readonly betweenRounds?: () => Promise<void>;
  /** Told every network's runs at the end, microseconds, in ascending order. */
  readonly onRuns?: (network: string, latencies: readonly number[]) => void;
}

/** A network to measure. */
export interface Measurable {
  /** With its weights. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
}

/**
 * Rounds over all networks. A machine that does other things too is slow for seconds at a time: of the rounds, which are
 * apart in time, each row keeps its fastest.
 */
export const ROUNDS = 5;

/**
 * Measures networks, in ROUNDS rounds over all of them.
 *
 * @param onProgress called with the share that is done
 * @returns an end-to-end row and a row for every kernel of each network
 */
export async function measureNetworks(
  networks: readonly Measurable[],
  options: MeasureOptions,
  onProgress: (done: number) => void,
): Promise<Profile> {
  const overheadUs = await measureProfilerOverhead(options);
  const rounds: Round[][] = networks.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    await options.betweenRounds?.();
    for (const [i, network] of networks.entries()) {
      rounds[i].push(await measureRound(network, options));
      onProgress((round * networks.length + i + 1) / (ROUNDS * networks.length));
    }
  }
  await options.betweenRounds?.();
  const { scenario, statistic = 'minimum' } = options;
  const rows = networks.map(({ graph }, i): NetworkMeasurement => {
    const runs = rounds[i].map(({ latencies }) => latencies);
    options.onRuns?.(graph.name, runs.flat().sort(ascending));
    return { network: graph.name, scenario, harness: 0, ...summarize(runs, statistic) };
  });
  return {
    harnesses: [
      { ...harnessOf(options), statistic },
      { ...harnessOf(options), statistic: 'median' },
    ],
    networks: rows,
    kernels: rounds.flatMap((each) => combinedKernels(each, statistic, overheadUs)),
  };
}

/** What is known of how this is measured, whatever the statistic. */
function harnessOf({ threads = 1, warmUps, repetitions, harness }: MeasureOptions): Harness {
  return { runtimeBuild: `onnxruntime ${ONNXRUNTIME_VERSION}`, ...harness, threads, warmUps, repetitions };
}

/** One round of one network. */
interface Round {
  /** Of the runs that count, microseconds, in ascending order. */
  readonly latencies: readonly number[];
  readonly kernels: readonly KernelMeasurement[];
}

/**
 * Kernels of one network over its rounds, in which they are the same in the same order: the fastest round of each, or the
 * middle one where rows are not minima. Without what the profiler added.
 */
function combinedKernels(rounds: readonly Round[], statistic: Statistic, overheadUs: number): KernelMeasurement[] {
  return rounds[0].kernels.map((row, i) => {
    const latencies = rounds.map(({ kernels }) => kernels[i].latencyUs).sort(ascending);
    const latencyUs = statistic === 'minimum' ? latencies[0] : median(latencies);
    return { ...row, harness: 1, latencyUs: Math.max(latencyUs - overheadUs, SHORTEST_KERNEL_US) };
  });
}

/** No kernel is said to take less: about what onnxruntime itself needs to launch one. */
const SHORTEST_KERNEL_US = 0.1;

/** Ops in the longer of two chains of trivial ops. */
const CHAIN = 64;

/**
 * What onnxruntime's profiler adds to each kernel's time (it measures output sizes and the thread pool within it), and its
 * rounding down to whole microseconds: some 2 us, as much as a small kernel takes. Told from a chain of trivial ops, whose
 * cost per op is known without the profiler from the difference of two chains.
 */
async function measureProfilerOverhead(options: MeasureOptions): Promise<number> {
  const chains = [2, CHAIN + 2].map((ops) => {
    const bytes = trivialChain(ops);
    return { bytes, graph: readNetwork(bytes, { name: `chain-${ops}` }) };
  });
  const [short, long] = [await measureRound(chains[0], options), await measureRound(chains[1], options)];
  const trueUs = (long.latencies[0] - short.latencies[0]) / CHAIN;
  const profiledUs = long.kernels.reduce((sum, { latencyUs }) => sum + latencyUs, 0) / long.kernels.length;
  return Math.max(0, profiledUs - Math.max(0, trueUs));
}

/** Sigmoid and Relu in turn on eight numbers: nothing that an optimiser takes away. */
function trivialChain(ops: number): Uint8Array {
  const tensor = (i: number) => (i === 0 ? 'input' : `output_${i}`);
  const shape = [1, 8];
  return writeOnnx({
    name: 'chain',
    inputs: [{ name: tensor(0), type: 'float32', shape }],
    outputs: [{ name: tensor(ops), type: 'float32', shape }],
    nodes: Array.from({ length: ops }, (_, i) => ({
      type: i % 2 === 0 ? 'Sigmoid' : 'Relu',
      name: `op_${i}`,
      inputs: [tensor(i)],
      outputs: [tensor(i + 1)],
    })),
    constants: [],
  });
}

/** The scenario that this machine is measured under, unless told otherwise. */
export function localScenario(threads = 1): string {
  const device =
    os
      .hostname()
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'localhost';
  return `onnxruntime/${device}/${threads}thread${threads === 1 ? '' : 's'}/float`;
}

async function measureRound({ bytes, graph }: Measurable, options: MeasureOptions): Promise<Round> {
  const { scenario, warmUps, repetitions, threads } = options;
  const feeds = randomInputs(graph);
  const latencies = await measureRuns(bytes, feeds, options);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-profile-'));
  try {
    const profilePrefix = path.join(folder, 'trace');
    const session = await openSession(bytes, { optimization: 'extended', profilePrefix, threads });
    for (let i = 0; i < warmUps + repetitions; i++) await session.run(feeds);
    // The profile is complete only after this; releasing first would lose its end.
    session.endProfiling();
    await session.release();
    const [trace] = await readdir(folder);
    const { kernels } = profileFromOnnxruntime(await readFile(path.join(folder, trace)), {
      network: graph.name,
      scenario,
      warmUps,
      harness: harnessOf(options),
    });
    return { latencies, kernels };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Feeds = Parameters<Awaited<ReturnType<typeof openSession>>['run']>[0];

/** Feeds of a network, the same each time. */
export function randomInputs(graph: Graph): Feeds {
  const random = createRandom(1);
  return Object.fromEntries(
    graph.inputs.map((name) => {
      const { shape } = graph.tensors.get(name)!;
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, values: Float32Array.from({ length: count }, () => random.uniform()) }];
    }),
  );
}

/** Microseconds of the runs that count, in ascending order. */
export async function measureRuns(
  bytes: Uint8Array,
  feeds: Feeds,
  { warmUps, repetitions, threads }: Pick<MeasureOptions, 'warmUps' | 'repetitions' | 'threads'>,
): Promise<number[]> {
  const session = await openSession(bytes, { optimization: 'extended', threads });
  try {
    const latencies: number[] = [];
    for (let i = 0; i < warmUps + repetitions; i++) {
      const began = performance.now();
      await session.run(feeds);
      if (i >= warmUps) latencies.push(1000 * (performance.now() - began));
    }
    return latencies.sort(ascending);
  } finally {
    await session.release();
  }
}
