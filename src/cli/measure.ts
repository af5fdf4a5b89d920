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
  ONNXRUNTIME_VERSION,
  openSession,
  type Profile,
  profileFromOnnxruntime,
  readNetwork,
  writeOnnx,
} from '../engine';

export interface MeasureOptions {
  /** `onnxruntime/device/processor/type`. */
  readonly scenario: string;
  /** Runs that do not count, at the beginning of each series. */
  readonly warmUps: number;
  /** Runs that count, in each series. */
  readonly repetitions: number;
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
 * Measures networks, in ROUNDS rounds.
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
  const fastest: Profile[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, network] of networks.entries()) {
      const measured = await measureNetwork(network, options);
      fastest[i] = round === 0 ? measured : fasterRows(fastest[i], measured);
      onProgress((round * networks.length + i + 1) / (ROUNDS * networks.length));
    }
  }
  return {
    ...fastest[0],
    networks: fastest.flatMap((each) => each.networks),
    kernels: fastest
      .flatMap((each) => each.kernels)
      .map((row) => ({ ...row, latencyUs: Math.max(row.latencyUs - overheadUs, SHORTEST_KERNEL_US) })),
  };
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
  const short = await measureNetwork(chains[0], options);
  const long = await measureNetwork(chains[1], options);
  const trueUs = (long.networks[0].latencyUs - short.networks[0].latencyUs) / CHAIN;
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

/** Row by row the faster of two measurements of one network; its kernels are the same in the same order. */
function fasterRows(a: Profile, b: Profile): Profile {
  const faster = <Row extends { readonly latencyUs: number }>(rows: readonly Row[], others: readonly Row[]) =>
    rows.map((row, i) => (others[i].latencyUs < row.latencyUs ? others[i] : row));
  return { ...a, networks: faster(a.networks, b.networks), kernels: faster(a.kernels, b.kernels) };
}

/** The scenario that this machine is measured under, unless told otherwise: one thread on the CPU. */
export function localScenario(): string {
  const device =
    os
      .hostname()
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'localhost';
  return `onnxruntime/${device}/1thread/float`;
}

/** One round of one network: an end-to-end row and a row for every kernel. */
async function measureNetwork({ bytes, graph }: Measurable, options: MeasureOptions): Promise<Profile> {
  const { scenario, warmUps, repetitions } = options;
  const feeds = randomInputs(graph);
  const harness: Harness = { runtimeBuild: `onnxruntime ${ONNXRUNTIME_VERSION}`, threads: 1 };
  const latencies = await measureRuns(bytes, feeds, options);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fusecast-profile-'));
  try {
    const session = await openSession(bytes, { optimization: 'extended', profilePrefix: path.join(folder, 'trace') });
    for (let i = 0; i < warmUps + repetitions; i++) await session.run(feeds);
    // The profile is complete only after this; releasing first would lose its end.
    session.endProfiling();
    await session.release();
    const [trace] = await readdir(folder);
    const profile = profileFromOnnxruntime(await readFile(path.join(folder, trace)), {
      network: graph.name,
      scenario,
      warmUps,
      harness,
    });
    const series = { ...harness, warmUps, repetitions };
    return {
      harnesses: [
        { ...series, statistic: 'minimum' },
        { ...series, statistic: 'median' },
      ],
      networks: [{ network: graph.name, scenario, harness: 0, ...latencies }],
      kernels: profile.kernels.map((row) => ({ ...row, harness: 1 })),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Feeds = Parameters<Awaited<ReturnType<typeof openSession>>['run']>[0];

function randomInputs(graph: Graph): Feeds {
  const random = createRandom(1);
  return Object.fromEntries(
    graph.inputs.map((name) => {
      const { shape } = graph.tensors.get(name)!;
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, values: Float32Array.from({ length: count }, () => random.uniform()) }];
    }),
  );
}

async function measureRuns(
  bytes: Uint8Array,
  feeds: Feeds,
  { warmUps, repetitions }: MeasureOptions,
): Promise<{ latencyUs: number; deviationUs?: number }> {
  const session = await openSession(bytes, { optimization: 'extended' });
  try {
    const latencies: number[] = [];
    for (let i = 0; i < warmUps + repetitions; i++) {
      const began = performance.now();
      await session.run(feeds);
      if (i >= warmUps) latencies.push(1000 * (performance.now() - began));
    }
    latencies.sort((a, b) => a - b);
    // The minimum: on a machine that does other things too, every longer run was interrupted. Its deviation is that of the
    // fastest quarter of the runs, for the same reason.
    const fastest = latencies.slice(0, Math.max(2, latencies.length >> 2));
    const mean = fastest.reduce((sum, latency) => sum + latency, 0) / fastest.length;
    const squares = fastest.reduce((sum, latency) => sum + (latency - mean) ** 2, 0);
    const deviation = fastest.length > 1 ? { deviationUs: Math.sqrt(squares / (fastest.length - 1)) } : {};
    return { latencyUs: latencies[0], ...deviation };
  } finally {
    await session.release();
  }
}
