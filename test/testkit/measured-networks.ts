/** Small networks measured on this machine, with their profile as a file: real input for the main job. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { joinProfiles, localScenario, measureNetwork } from '../../src/cli/measure';
import { type Profile, readNetwork, stripOnnx } from '../../src/engine';
import { writeProfileTable } from '../../src/profiles';
import { createTemporaryDirectory } from './postgres';

export interface MeasuredNetworks {
  readonly scenario: string;
  /** Without weights. */
  readonly networks: readonly { name: string; bytes: Uint8Array; latencyUs: number }[];
  /** The measurements of all networks but the last `heldOut`, as CSV in our own format. */
  readonly profile: Buffer;
}

/** Builds and measures networks (some 0.2 s each). */
export async function measureNetworks(count: number, heldOut: number): Promise<MeasuredNetworks> {
  const scenario = localScenario();
  const networks: { name: string; bytes: Uint8Array; latencyUs: number }[] = [];
  const profiles: Profile[] = [];
  for (const { name, bytes } of buildDemoNetworks(count, 3)) {
    const measured = await measureNetwork(bytes, readNetwork(bytes, { name }), {
      scenario,
      warmUps: 1,
      repetitions: 3,
    });
    profiles.push(measured);
    networks.push({ name, bytes: stripOnnx(bytes).bytes, latencyUs: measured.networks[0].latencyUs });
  }
  const file = path.join(await createTemporaryDirectory('profile'), 'profile.csv');
  await writeProfileTable(joinProfiles(profiles.slice(0, count - heldOut)), file);
  return { scenario, networks, profile: await readFile(file) };
}
