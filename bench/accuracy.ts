/**
 * npm run bench:accuracy: trains every scenario of the benchmark in ../shared from end-to-end rows and ONNX graphs alone,
 * 5-fold by network, beside ../shared/reference/end_to_end_lasso.py on the same folds in the same run. The results go to
 * bench/results/accuracy-end-to-end.json.
 */
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Piscina from 'piscina';
import { type Profile, parseScenario } from '../src/engine';
import { readProfile } from '../src/profiles';
import type { AccuracyResult, AccuracyTask } from './accuracy-thread';
import { python, ROOT, requireShared, SHARED } from './peer';

interface Row {
  readonly scenario: string;
  readonly networks: number;
  readonly mape: number;
  readonly referenceMape: number;
}

/** MAPE of each scenario in percent, as the reference prints it with --all. */
async function runReference(): Promise<Map<string, number>> {
  const text = await python(path.join(SHARED, 'reference/end_to_end_lasso.py'), '--all');
  const rows = [...text.matchAll(/^\d+\s+(tflite|torch)\s+(\S+)\s+([\d.]+)\s/gm)];
  return new Map(
    rows.map(([, framework, column, mape]) => [`${framework}/${column.replaceAll('|', '/')}`, Number(mape)]),
  );
}

async function main(): Promise<void> {
  requireShared();
  const networks = path.join(SHARED, 'networks/onnx');
  const names = readdirSync(networks)
    .map((file) => path.basename(file, '.onnx'))
    .sort();
  const folds = JSON.parse(await python(path.join(ROOT, 'bench/folds.py'))) as Record<string, number[][]>;
  const profiles: Profile[] = [];
  for (const framework of ['tflite', 'torch'])
    profiles.push(await readProfile(path.join(SHARED, `data/mobile-ml-benchmark/${framework}_cnn_e2e.csv`)));
  const measured = new Map<string, Map<string, number>>();
  for (const { scenario, network, latencyUs } of profiles.flatMap((profile) => profile.networks)) {
    measured.set(scenario, (measured.get(scenario) ?? new Map()).set(network, latencyUs));
  }

  console.error(`${measured.size} scenarios; the reference runs first, alone`);
  const referenceBegan = performance.now();
  const reference = await runReference();
  const referenceSeconds = (performance.now() - referenceBegan) / 1000;

  const pool = new Piscina<AccuracyTask, AccuracyResult>({
    filename: path.join(__dirname, 'accuracy-thread.js'),
    maxThreads: os.availableParallelism(),
  });
  const began = performance.now();
  const rows = await Promise.all(
    [...measured].map(async ([scenario, latencies]): Promise<Row> => {
      const known = names.filter((name) => latencies.has(name)).map((name) => [name, latencies.get(name)!] as const);
      const errors = await pool.run({ networks, scenario, latencies: known, folds: folds[known.length] });
      const mape = (100 * errors.reduce((sum, [, error]) => sum + error, 0)) / errors.length;
      return { scenario, networks: known.length, mape, referenceMape: reference.get(scenario)! };
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  await pool.close();

  const summary = { all: summarize(rows), ...groups(rows) };
  console.table(summary);
  console.log(
    `trained ${5 * rows.length} predictors in ${seconds.toFixed(0)} s; the reference took ${referenceSeconds.toFixed(0)} s for four penalties each`,
  );
  const results = path.join(ROOT, 'bench/results');
  await mkdir(results, { recursive: true });
  const rounded = rows.map((row) => ({ ...row, mape: Number(row.mape.toFixed(3)) }));
  await writeFile(
    path.join(results, 'accuracy-end-to-end.json'),
    `${JSON.stringify({ summary, scenarios: rounded }, null, 1)}\n`,
  );
  if (!(summary.all['mean %'] <= summary.all['reference mean %'])) {
    console.error('missed: the mean error is above the reference');
    process.exitCode = 1;
  }
}

function summarize(rows: readonly Row[]) {
  const mean = (values: readonly number[]) =>
    Number((values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2));
  return {
    scenarios: rows.length,
    'mean %': mean(rows.map(({ mape }) => mape)),
    'reference mean %': mean(rows.map(({ referenceMape }) => referenceMape)),
    'worst %': Number(Math.max(...rows.map(({ mape }) => mape)).toFixed(2)),
    'reference worst %': Math.max(...rows.map(({ referenceMape }) => referenceMape)),
    better: rows.filter(({ mape, referenceMape }) => mape < referenceMape).length,
  };
}

/** By framework and number type, GPUs apart. */
function groups(rows: readonly Row[]): Record<string, ReturnType<typeof summarize>> {
  const byGroup = new Map<string, Row[]>();
  for (const row of rows) {
    const { runtime, processor, type } = parseScenario(row.scenario);
    const group = `${runtime} ${processor === 'gpu' ? 'gpu' : type}`;
    byGroup.set(group, [...(byGroup.get(group) ?? []), row]);
  }
  return Object.fromEntries([...byGroup].sort().map(([group, members]) => [group, summarize(members)]));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
