/** What the load benches ask of: a team with the benchmark's networks, and what was measured of them on one phone's GPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../src/cli/client';
import { readProfile, writeProfileTable } from '../src/profiles';
import { MEASUREMENTS, NETWORKS } from './peer';

export const SCOPES = [
  'DATASET_READ',
  'DATASET_WRITE',
  'NETWORK_READ',
  'NETWORK_WRITE',
  'SCENARIO_READ',
  'PREDICTOR_READ',
  'PREDICTOR_WRITE',
  'PREDICTION_READ',
  'PREDICTION_WRITE',
];

export interface LoadTeam {
  readonly datasetId: string;
  readonly networkIds: readonly string[];
}

/** Scenarios of TFLite on a GPU, with how many networks each has measured. */
export async function measuredScenarios(): Promise<string[]> {
  const { networks } = await readProfile(path.join(MEASUREMENTS, 'tflite_cnn_e2e.csv'));
  return [...new Set(networks.map(({ scenario }) => scenario))].sort();
}

/** Uploads the measurements of these scenarios, and all networks. */
export async function fill(client: Client, scenarios: readonly string[]): Promise<LoadTeam> {
  const wanted = new Set(scenarios);
  const profile = await readProfile(path.join(MEASUREMENTS, 'tflite_cnn_e2e.csv'));
  const file = path.join(os.tmpdir(), `fusecast-load-${process.pid}.parquet`);
  const networks = profile.networks.filter(({ scenario }) => wanted.has(scenario));
  await writeProfileTable({ ...profile, networks, kernels: [] }, file);
  const dataset = await client.pushDataset(await readFile(file), 'measured.parquet', { name: 'measured' });
  await rm(file);
  const networkIds: string[] = [];
  for (const name of readdirSync(NETWORKS).sort()) {
    const bytes = readFileSync(path.join(NETWORKS, name));
    networkIds.push((await client.pushNetwork(bytes, name, path.basename(name, '.onnx'))).id);
  }
  return { datasetId: dataset.id, networkIds };
}

/** Queues a training and returns its version. */
export async function startTraining(
  client: Client,
  team: LoadTeam,
  scenario: string,
  learner: string,
): Promise<string> {
  const { trainPredictor } = await client.request<{ trainPredictor: { version: { id: string } } }>(
    'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }',
    { input: { name: `${learner} ${scenario}`.slice(0, 200), scenario, datasetIds: [team.datasetId], learner } },
  );
  return trainPredictor.version.id;
}

/** Waits for the end of a training. Throws if it failed. */
export async function trained(client: Client, versionId: string): Promise<void> {
  for (;;) {
    const { node } = await client.request<{ node: { status: string; failure: { message: string } | null } }>(
      'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status failure { message } } } }',
      { id: versionId },
    );
    if (node.status === 'READY') return;
    if (node.failure) throw new Error(`The version became ${node.status}: ${node.failure.message}`);
    await delay(200);
  }
}
