/** Small networks measured on this machine, with their profile as a file: real input for the main job. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { localScenario, measureNetworks } from '../../src/cli/measure';
import { type Profile, readNetwork, stripNetwork } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';
import { createTemporaryDirectory } from './postgres';

export interface MeasuredNetworks {
  readonly scenario: string;
  /** Without weights. */
  readonly networks: readonly { name: string; bytes: Uint8Array; latencyUs: number }[];
  /** The measurements of all networks but the last `heldOut`, as CSV in our own format. */
  readonly profile: Buffer;
}

/** Builds networks and measures them here (some 0.5 s each). */
export async function createMeasuredNetworks(count: number, heldOut: number): Promise<MeasuredNetworks> {
  const scenario = localScenario();
  const built = [...buildDemoNetworks(count, 3)].map(({ name, bytes }) => ({
    name,
    bytes,
    graph: readNetwork(bytes, { name }),
  }));
  const profile = await measureNetworks(built, { scenario, warmUps: 1, repetitions: 3 }, () => {});
  const latencies = new Map(profile.networks.map(({ network, latencyUs }) => [network, latencyUs]));
  const measured = new Set(built.slice(0, count - heldOut).map(({ name }) => name));
  return {
    scenario,
    networks: built.map(({ name, bytes }) => ({
      name,
      bytes: stripNetwork(bytes).bytes,
      latencyUs: latencies.get(name)!,
    })),
    profile: await asFile({
      ...profile,
      networks: profile.networks.filter(({ network }) => measured.has(network)),
      kernels: profile.kernels.filter(({ network }) => measured.has(network)),
    }),
  };
}

async function asFile(profile: Profile): Promise<Buffer> {
  const directory = await createTemporaryDirectory('profile');
  try {
    const file = path.join(directory, 'profile.csv');
    await writeProfileTable(profile, file);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}
