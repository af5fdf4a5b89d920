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
} from '../engine';

export interface MeasureOptions {
  /** `onnxruntime/device/processor/type`. */
  readonly scenario: string;
  /** Runs that do not count, before each series. */
  readonly warmUps: number;
  /** Runs that count, in each series. */
  readonly repetitions: number;
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

/**
 * Measures one network.
 *
 * @param bytes the network with its weights
 * @param graph the same network, read
 * @returns one end-to-end row and a row for every kernel
 */
export async function measureNetwork(bytes: Uint8Array, graph: Graph, options: MeasureOptions): Promise<Profile> {
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

/** One profile of many. */
export function joinProfiles(profiles: readonly Profile[]): Profile {
  const harnesses = profiles.flatMap((profile) => profile.harnesses);
  let first = 0;
  const networks: Profile['networks'][number][] = [];
  const kernels: Profile['kernels'][number][] = [];
  for (const profile of profiles) {
    const offset = first;
    networks.push(...profile.networks.map((row) => ({ ...row, harness: row.harness + offset })));
    kernels.push(...profile.kernels.map((row) => ({ ...row, harness: row.harness + offset })));
    first += profile.harnesses.length;
  }
  return { harnesses, networks, kernels };
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
): Promise<{ latencyUs: number; deviationUs: number }> {
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
    return { latencyUs: latencies[0], deviationUs: Math.sqrt(squares / (fastest.length - 1)) };
  } finally {
    await session.release();
  }
}
