/**
 * Makes the demo's data that the dashboard offers to an empty team: small networks of `fusecast demo` without their
 * weights, and what they take on the machine that this runs on. `npm run web:demo-data` writes them to web/src/demo; run
 * it on a machine that does nothing else.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildDemoNetworks } from '../src/cli/demo-networks';
import { measureNetworks } from '../src/cli/measure';
import { readNetwork, stripNetwork } from '../src/engine';
import { writeProfileTable } from '../src/profiles';

/** Of these the last HELD_OUT are not in the profile: a predictor is tried on them. */
const NETWORKS = 30;
const HELD_OUT = 6;
const SEED = 7;
const SCENARIO = 'onnxruntime/demo-server/1thread/float';

async function main(): Promise<void> {
  const target = path.resolve(__dirname, '../../web/src/demo');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(path.join(target, 'networks'), { recursive: true });
  const built = [...buildDemoNetworks(NETWORKS, SEED)];
  const measurable = built.map(({ name, bytes }) => ({ bytes, graph: readNetwork(bytes, { name }) }));
  const profile = await measureNetworks(measurable, { scenario: SCENARIO, warmUps: 5, repetitions: 20 }, (done) =>
    process.stderr.write(`\rmeasuring ${Math.round(100 * done)} %`),
  );
  const held = new Set(built.slice(-HELD_OUT).map(({ name }) => name));
  const isTraining = ({ network }: { readonly network: string }) => !held.has(network);
  const { harnesses, networks, kernels } = profile;
  const training = { harnesses, networks: networks.filter(isTraining), kernels: kernels.filter(isTraining) };
  await writeProfileTable(training, path.join(target, 'demo-profile.csv'));
  for (const { name, bytes } of built) {
    writeFileSync(path.join(target, 'networks', `${name}.onnx`), stripNetwork(bytes).bytes);
  }
  const heldOut = networks.filter((row) => !isTraining(row)).map(({ network, latencyUs }) => [network, latencyUs]);
  const description = {
    scenario: SCENARIO,
    machine: os.cpus()[0].model.trim(),
    measuredOn: new Date().toISOString().slice(0, 10),
    heldOutLatencyUs: Object.fromEntries(heldOut),
  };
  writeFileSync(path.join(target, 'demo.json'), `${JSON.stringify(description, null, 2)}\n`);
}

void main();
