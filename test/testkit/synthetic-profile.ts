/**
 * Networks whose latencies follow a known law, for tests of training: every kernel costs what its kind costs, linear in
 * what it works and moves, and a run costs a constant; noise on top.
 */
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import {
  createRandom,
  featurize,
  type Graph,
  type KernelMeasurement,
  type NetworkMeasurement,
  type Profile,
  planKernels,
  readNetwork,
} from '../../src/engine';
import type { KernelFeatures } from '../../src/engine/features';
import type { Random } from '../../src/engine/random';

export const SYNTHETIC_SCENARIO = 'onnxruntime/synthetic/1large/float';

/** Microseconds that a run costs beside its kernels. */
const FIXED_US = 40;
/** Dispatch of a kernel, which its own measurement does not show. */
const DISPATCH_US = 1.5;

/** Microseconds of one kernel. */
function kernelLatency(kind: string, features: KernelFeatures): number {
  const perMultiply = kind === 'depthwise_convolution' ? 4e-4 : kind === 'pointwise_convolution' ? 5e-5 : 1e-4;
  return 2 + perMultiply * features.multiplyAccumulates + 5e-4 * features.activationElements;
}

export interface SyntheticData {
  readonly graphs: ReadonlyMap<string, Graph>;
  /** Kernel and end-to-end rows of all networks. */
  readonly profile: Profile;
  /** The law without noise, end to end, microseconds. */
  readonly truth: ReadonlyMap<string, number>;
}

/**
 * @param count networks, of all families of the demo
 * @param noise standard deviation of the relative noise, uniform
 */
export function createSyntheticData(count: number, noise: number, seed: number): SyntheticData {
  const random = createRandom(seed);
  const disturbed = (latencyUs: number) => latencyUs * (1 + noise * Math.sqrt(12) * (random.uniform() - 0.5));
  const graphs = new Map<string, Graph>();
  const truth = new Map<string, number>();
  const networks: NetworkMeasurement[] = [];
  const kernels: KernelMeasurement[] = [];
  for (const { name, bytes } of buildDemoNetworks(count, seed)) {
    const graph = readNetwork(bytes, { name });
    const plan = planKernels(graph, 'onnxruntime-cpu');
    const features = featurize(plan);
    const base = { network: name, scenario: SYNTHETIC_SCENARIO, harness: 0 };
    const latencies = plan.kernels.map(({ kind }, i) => kernelLatency(kind, features[i]));
    const sum = latencies.reduce((total, latency) => total + latency, 0);
    const latencyUs = sum + DISPATCH_US * latencies.length + FIXED_US;
    graphs.set(name, graph);
    truth.set(name, latencyUs);
    networks.push({ ...base, latencyUs: disturbed(latencyUs), deviationUs: noise * latencyUs });
    plan.kernels.forEach(({ kind, ops }, i) => {
      kernels.push({ ...base, kernel: ops[0], kind, fused: [], features: {}, latencyUs: disturbed(latencies[i]) });
    });
  }
  return { graphs, truth, profile: { harnesses: [{ threads: 1, statistic: 'median' }], networks, kernels } };
}

/** Kernel rows whose latencies were exchanged within networks and kinds, each with one at most `reach` rows further down. */
export function permuteKernels<Row extends Pick<KernelMeasurement, 'network' | 'kind' | 'latencyUs'>>(
  rows: readonly Row[],
  reach: number,
  random: Random,
): Row[] {
  const permuted = [...rows];
  const groups = new Map<string, number[]>();
  rows.forEach(({ network, kind }, i) => {
    const key = `${network} ${kind}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  for (const group of groups.values()) {
    for (let a = 0; a + 1 < group.length; a += 2) {
      const [i, j] = [group[a], group[Math.min(group.length - 1, a + 1 + random.below(reach))]];
      const { latencyUs } = permuted[i];
      permuted[i] = { ...permuted[i], latencyUs: permuted[j].latencyUs };
      permuted[j] = { ...permuted[j], latencyUs };
    }
  }
  return permuted;
}
