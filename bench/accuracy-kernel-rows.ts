/**
 * The accuracy bench from kernel rows: the ten devices whose kernels were measured, whole trainings beside
 * ../shared/reference/per_kernel_lightgbm.py in the same run. Both cross-validate in five folds by network, not in the same
 * ones: the reference has two networks more on TFLite, which come without a graph. So ours are the mean over three seeds, each
 * with folds of its own. Result: accuracy-kernel-rows.json.
 */
import path from 'node:path';
import type Piscina from 'piscina';
import type { Learner, Profile, TrainingReport } from '../src/engine';
import { mean } from '../src/engine/metrics';
import { readProfile } from '../src/profiles';
import { rounded, saveResult } from './accuracy-data';
import type { DeviceTask } from './accuracy-thread';
import { MEASUREMENTS, python, SHARED } from './peer';

/** Percent. */
const BARS = { tfliteMean: 3.3, 'torch/iphonexs/gpu/float': 10 };
const SEEDS = [1, 2, 3];
const LEARNER: Learner = 'boosting';

interface Row {
  readonly scenario: string;
  /** Percent end to end, the mean over the seeds. */
  readonly mape: number;
  readonly bySeed: readonly number[];
  readonly referenceMape: number;
  /** Share of the prediction that measured kernels have, percent: the rest is the end-to-end rows' own model. */
  readonly kernelRowsShare: number;
  /** Whether rows stood on the wrong kernels of their networks. */
  readonly permuted: boolean;
  readonly networks: number;
}

/** @returns a sentence for each bar that is missed */
export async function benchKernelRows(pool: Piscina): Promise<string[]> {
  const devices = await readDevices();
  const [reference, reports] = await Promise.all([
    runReference(),
    Promise.all([...devices].map(([scenario, profile]) => trainSeeds(pool, scenario, profile))),
  ]);
  const rows = [...devices.keys()].map((scenario, i): Row => {
    const ofSeeds: readonly TrainingReport[] = reports[i];
    const mapes = ofSeeds.map(({ endToEnd }) => endToEnd.mape);
    const kernelRows = ofSeeds.map(({ sources }) => sources.find(({ name }) => name === 'kernel rows')!);
    return {
      scenario,
      mape: rounded(mean(mapes)),
      bySeed: mapes.map(rounded),
      referenceMape: reference.get(scenario)!,
      kernelRowsShare: rounded(100 * mean(kernelRows.map(({ share }) => share))),
      permuted: kernelRows.some(({ permuted }) => permuted),
      networks: ofSeeds[0].networks,
    };
  });
  console.table(rows.map(({ bySeed, ...row }) => ({ ...row, bySeed: bySeed.join(' ') })));
  const tflite = rows.filter(({ scenario }) => scenario.startsWith('tflite/'));
  const summary = {
    learner: LEARNER,
    seeds: SEEDS,
    tfliteMean: rounded(mean(tflite.map(({ mape }) => mape))),
    tfliteReferenceMean: rounded(mean(tflite.map(({ referenceMape }) => referenceMape))),
  };
  console.log(summary);
  await saveResult('kernel-rows', { summary, devices: rows });
  return missed(rows, summary.tfliteMean);
}

/** All rows of every device with measured kernels. */
async function readDevices(): Promise<Map<string, Profile>> {
  const devices = new Map<string, Profile>();
  for (const framework of ['tflite', 'torch']) {
    const kernels = await readProfile(path.join(MEASUREMENTS, `${framework}_cnn_ops_gpu.csv`));
    const networks = await readProfile(path.join(MEASUREMENTS, `${framework}_cnn_e2e.csv`));
    for (const scenario of new Set(kernels.kernels.map((row) => row.scenario))) {
      devices.set(scenario, {
        harnesses: kernels.harnesses,
        kernels: kernels.kernels.filter((row) => row.scenario === scenario),
        networks: networks.networks
          .filter((row) => row.scenario === scenario)
          .map((row) => ({ ...row, harness: kernels.kernels[0].harness })),
      });
    }
  }
  return devices;
}

function trainSeeds(pool: Piscina, scenario: string, profile: Profile): Promise<TrainingReport[]> {
  return Promise.all(
    SEEDS.map((seed): Promise<TrainingReport> => {
      const task: DeviceTask = { scenario, profile, learner: LEARNER, seed };
      return pool.run(task, { name: 'trainDevice' });
    }),
  );
}

/** End-to-end MAPE of each device in percent. */
async function runReference(): Promise<Map<string, number>> {
  const text = await python(path.join(SHARED, 'reference/per_kernel_lightgbm.py'));
  const rows = [...text.matchAll(/^(tflite|torch)\s+(\S+)\s.*e2e MAPE\s+([\d.]+) %/gm)];
  return new Map(rows.map(([, framework, device, mape]) => [`${framework}/${device}/gpu/float`, Number(mape)]));
}

function missed(rows: readonly Row[], tfliteMean: number): string[] {
  const sentences = rows
    .filter(({ mape, referenceMape }) => !(mape < referenceMape))
    .map(
      ({ scenario, mape, referenceMape }) =>
        `kernel rows: ${scenario} has ${mape} %, not below the reference's ${referenceMape} %`,
    );
  if (!(tfliteMean <= BARS.tfliteMean))
    sentences.push(`kernel rows: the mean of the TFLite GPUs is ${tfliteMean} %, above ${BARS.tfliteMean} %`);
  const name = 'torch/iphonexs/gpu/float';
  const { mape } = rows.find(({ scenario }) => scenario === name)!;
  if (!(mape <= BARS[name])) sentences.push(`kernel rows: ${name} has ${mape} %, above ${BARS[name]} %`);
  return sentences;
}
