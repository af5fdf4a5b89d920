/**
 * npm run bench:plan: parse, shapes, kernel plan and features of every ONNX network in ../shared, beside Python's
 * onnx.load and infer_shapes in the same run. The results go to bench/results/plan.json.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { featurize, planKernels, readNetwork } from '../src/engine';
import { python, ROOT, requireShared, SHARED } from './peer';

const REPETITIONS = 15;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Milliseconds from bytes to features, the file already in memory as in a service. */
function milliseconds(bytes: Uint8Array, name: string): number {
  const times = Array.from({ length: REPETITIONS }, () => {
    const began = performance.now();
    featurize(planKernels(readNetwork(bytes, { name }), 'onnxruntime-cpu'));
    return performance.now() - began;
  });
  return median(times);
}

async function main(): Promise<void> {
  requireShared();
  const folder = path.join(SHARED, 'networks/onnx');
  const peer = JSON.parse(await python(path.join(ROOT, 'bench/plan.py'), folder)) as Record<string, number>;
  const files = readdirSync(folder).map((file) => ({
    name: path.basename(file, '.onnx'),
    bytes: readFileSync(path.join(folder, file)),
  }));
  for (const { name, bytes } of files) milliseconds(bytes, name);
  const rows = files.map(({ name, bytes }) => {
    const ours = milliseconds(bytes, name);
    return {
      network: name,
      ms: Number(ours.toFixed(3)),
      onnxMs: Number(peer[name].toFixed(3)),
      ratio: Number((peer[name] / ours).toFixed(1)),
    };
  });
  const mobile = rows.filter(({ network }) => network.startsWith('mobilenetv2'));
  const summary = {
    networks: rows.length,
    medianMs: median(rows.map(({ ms }) => ms)),
    medianRatio: median(rows.map(({ ratio }) => ratio)),
    slowestMobileNetV2Ms: Math.max(...mobile.map(({ ms }) => ms)),
  };
  console.table(rows);
  console.log(summary);
  const results = path.join(ROOT, 'bench/results');
  await mkdir(results, { recursive: true });
  await writeFile(path.join(results, 'plan.json'), `${JSON.stringify({ summary, networks: rows }, null, 1)}\n`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
