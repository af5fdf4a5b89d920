/**
 * npm run bench:plan: parse, shapes, kernel plan and features of every ONNX network in ../shared, beside Python's
 * onnx.load and infer_shapes in the same run: of the files as they are, without weights, and of copies with random ones, as
 * users have them. Both sides take turns on each network, so that whatever else the machine does slows both. The results go
 * to bench/results/plan.json.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { featurize, planKernels, readNetwork } from '../src/engine';
import { LinePeer } from './line-peer';
import { python, ROOT, requireShared, SHARED } from './peer';

/** Turns of each side on a network, and runs in a turn: the first one of a turn finds the processor's caches cold. */
const TURNS = 5;
const RUNS = 3;

/** Rounds over all networks before the first that counts: a service that has run for a minute is compiled. */
const WARM_UP_ROUNDS = 40;

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

/** Milliseconds from bytes to features, the file already in memory as in a service. */
function milliseconds(bytes: Uint8Array, name: string): number {
  const began = performance.now();
  featurize(planKernels(readNetwork(bytes, { name }), RUNTIME));
  return performance.now() - began;
}

/** Medians of both sides on every network of a folder. */
async function compare(folder: string, peer: LinePeer): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of readdirSync(folder)) {
    const network = path.basename(file, '.onnx');
    const bytes = readFileSync(path.join(folder, file));
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      for (let run = 0; run < RUNS; run++) ours.push(milliseconds(bytes, network));
      theirs.push(...(JSON.parse(await peer.ask(`${path.join(folder, file)}\t${RUNS}`)) as number[]));
    }
    const [ms, onnxMs] = [median(ours), median(theirs)];
    rows.push({
      network,
      ms: Number(ms.toFixed(3)),
      onnxMs: Number(onnxMs.toFixed(3)),
      ratio: Number((onnxMs / ms).toFixed(1)),
    });
  }
  return rows;
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
  const peer = new LinePeer(path.join(ROOT, 'bench/plan.py'));
  try {
    await python(path.join(ROOT, 'bench/weights.py'), stripped, whole);
    const files = readdirSync(stripped).map((file) => readFileSync(path.join(stripped, file)));
    for (let round = 0; round < WARM_UP_ROUNDS; round++) for (const file of files) milliseconds(file, 'warm-up');
    const withoutWeights = await compare(stripped, peer);
    const withWeights = await compare(whole, peer);
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
    peer.close();
    rmSync(whole, { recursive: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
