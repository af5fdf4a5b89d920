/**
 * What the parts of the accuracy bench share: the benchmark's end-to-end rows, the pool of threads, figures and where
 * results go. It knows no learner.
 */

import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Piscina from 'piscina';
import type { NetworkMeasurement } from '../src/engine';
import { groupBy } from '../src/engine/grouping';
import { readProfile } from '../src/profiles';
import type { DeviceTask, NewDeviceTask, Predictions, Split, SplitsTask } from './accuracy-thread';
import { MEASUREMENTS, NETWORKS, python, ROOT } from './peer';

/** End-to-end rows of one scenario, in the order of the networks' names: the order that the reference's folds count in. */
export interface ScenarioRows {
  readonly scenario: string;
  readonly rows: readonly NetworkMeasurement[];
}

/** One part of the bench, done. */
export interface PartResult {
  /** What goes to bench/results. */
  readonly result: object;
  /** A sentence for each bar that is missed. */
  readonly missed: readonly string[];
}

export const RESULTS = path.join(ROOT, 'bench/results');

/** Worker threads for the tasks of accuracy-thread.ts. */
export function openPool(): Piscina<SplitsTask | DeviceTask | NewDeviceTask> {
  return new Piscina({
    filename: path.join(__dirname, 'accuracy-thread.js'),
    maxThreads: os.availableParallelism(),
  });
}

/** Every scenario of both end-to-end files, each with its networks whose graphs are known. */
export async function readScenarios(): Promise<ScenarioRows[]> {
  const known = new Set(readdirSync(NETWORKS).map((file) => path.basename(file, '.onnx')));
  const measured: NetworkMeasurement[] = [];
  for (const framework of ['tflite', 'torch']) {
    const { networks } = await readProfile(path.join(MEASUREMENTS, `${framework}_cnn_e2e.csv`));
    measured.push(...networks.filter(({ network }) => known.has(network)));
  }
  return [...groupBy(measured, ({ scenario }) => scenario)].map(([scenario, rows]) => ({
    scenario,
    rows: rows.sort((a, b) => (a.network < b.network ? -1 : 1)),
  }));
}

/** The reference's five folds by number of networks: positions that each holds. */
export async function readFolds(): Promise<(networks: number) => number[][]> {
  const folds = JSON.parse(await python(path.join(ROOT, 'bench/folds.py'))) as Record<string, number[][]>;
  return (networks) => folds[networks];
}

/** Trains without each group of positions in turn. */
export function holdOut(groups: readonly (readonly number[])[]): Split[] {
  return groups.map((held) => ({
    training: groups
      .filter((group) => group !== held)
      .flat()
      .sort((a, b) => a - b),
    held,
  }));
}

/** Absolute errors over measured latencies, of all splits one after the other. */
export function errorsOf(
  rows: readonly NetworkMeasurement[],
  splits: readonly Split[],
  predicted: Predictions,
): number[] {
  return splits.flatMap(({ held }, split) =>
    held.map((i, at) => Math.abs(predicted[split][at] - rows[i].latencyUs) / rows[i].latencyUs),
  );
}

/** To two decimals: what a reader can use of a percentage. */
export function rounded(value: number): number {
  return Number(value.toFixed(2));
}

/** Writes bench/results/accuracy-NAME.json. */
export async function saveResult(name: string, result: object): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  await writeFile(path.join(RESULTS, `accuracy-${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}
