/**
 * npm run bench:plan: parse, shapes, kernel plan and features of every ONNX network in ../shared, beside Python's
 * onnx.load and infer_shapes in the same run: of the files as they are, without weights, and of copies with random ones, as
 * users have them. The results go to bench/results/plan.json.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { featurize, planKernels, readNetwork } from '../src/engine';
import { python, ROOT, requireShared, SHARED } from './peer';

const REPETITIONS = 15;

/** Rounds over all networks before the first that counts: a service that has run for a minute is compiled. */
const WARM_UP_ROUNDS = 3;

const RUNTIME = 'onnxruntime-cpu';

interface Row {
  readonly network: string;
  readonly ms: number;
  readonly onnxMs: number;
  readonly ratio: number;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Milliseconds from bytes to features, the file already in memory as in a service: the fastest time, as the peer's. */
function milliseconds(bytes: Uint8Array, name: string): number {
  const times = Array.from({ length: REPETITIONS }, () => {
    const began = performance.now();
    featurize(planKernels(readNetwork(bytes, { name }), RUNTIME));
    return performance.now() - began;
  });
  return Math.min(...times);
}

/** Both sides on every network of a folder, the peer first. */
async function compare(folder: string): Promise<Row[]> {
  const peer = JSON.parse(await python(path.join(ROOT, 'bench/plan.py'), folder)) as Record<string, number>;
  return readdirSync(folder).map((file) => {
    const network = path.basename(file, '.onnx');
    const ms = milliseconds(readFileSync(path.join(folder, file)), network);
    const onnxMs = peer[network];
    return {
      network,
      ms: Number(ms.toFixed(3)),
      onnxMs: Number(onnxMs.toFixed(3)),
      ratio: Number((onnxMs / ms).toFixed(1)),
    };
  });
}

function summary(rows: readonly Row[]) {
  return {
    networks: rows.length,
    medianMs: median(rows.map(({ ms }) => ms)),
    medianOnnxMs: median(rows.map(({ onnxMs }) => onnxMs)),
    medianRatio: median(rows.map(({ ratio }) => ratio)),
    slowestMobileNetV2Ms: Math.max(
      ...rows.filter(({ network }) => network.startsWith('mobilenetv2')).map(({ ms }) => ms),
    ),
  };
}

async function main(): Promise<void> {
  requireShared();
  const stripped = path.join(SHARED, 'networks/onnx');
  const whole = mkdtempSync(path.join(os.tmpdir(), 'fusecast-bench-'));
  try {
    await python(path.join(ROOT, 'bench/weights.py'), stripped, whole);
    for (let round = 0; round < WARM_UP_ROUNDS; round++)
      for (const file of readdirSync(stripped)) milliseconds(readFileSync(path.join(stripped, file)), file);
    const withoutWeights = await compare(stripped);
    const withWeights = await compare(whole);
    const result = {
      summary: { withoutWeights: summary(withoutWeights), withWeights: summary(withWeights) },
      withoutWeights,
      withWeights,
    };
    console.table(withoutWeights);
    console.table(withWeights);
    console.log(result.summary);
    const results = path.join(ROOT, 'bench/results');
    await mkdir(results, { recursive: true });
    await writeFile(path.join(results, 'plan.json'), `${JSON.stringify(result, null, 1)}\n`);
  } finally {
    rmSync(whole, { recursive: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
