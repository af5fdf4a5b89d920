/**
 * Fits kernel predictors from whole-network latencies alone. A linear predictor is additive: the sum over kernels of
 * weights . columns is weights . (summed columns), so end-to-end rows train per-kernel predictors directly.
 */
import { type Column, columnName, type KernelFeatures, termValue } from './features';
import { correctModels, type PredictedNetwork } from './fit-correction';
import type { RegressorOptions } from './fit-regressor';
import { linearModel, type SingleModel } from './kernel-model';
import type { Candidate } from './learner';
import { fitRelativeRegression } from './learners/relative-regression';
import type { NumericRows } from './learners/validation';
import { ELEMENTWISE_COLUMNS, isCoarse, isElementwise, linearColumns, SHARED_COLUMNS, unitOf } from './linear-columns';
import { FALLBACK, predictEach } from './predictor-model';
import { featuresByKind, type MeasuredNetwork, type PlannedNetwork, plannedKernels } from './training-rows';

export interface EndToEndFit {
  /** By kernel kind, FALLBACK among them. */
  readonly kinds: ReadonlyMap<string, SingleModel>;
  /** Microseconds that a run costs whatever the network. */
  readonly fixedUs: number;
}

/** Columns that stand side by side in the design matrix, and the kinds whose kernels they sum. */
interface Block {
  readonly start: number;
  readonly columns: readonly Column[];
  readonly covers: (kind: string) => boolean;
}

/** Relative standard deviation of repeated runs at which a measurement counts half. */
const GOOD_DEVIATION = 0.05;

/**
 * Fits all kinds at once: the linear base, and what it leaves over.
 *
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitEndToEnd(
  networks: readonly MeasuredNetwork[],
  candidate: Candidate,
  options: RegressorOptions,
): EndToEndFit {
  return correctFit(fitLinear(networks, options.signal), networks, candidate, options);
}

/** A linear fit with what the candidate learns of the networks on top. @throws EngineError CANCELLED */
export function correctFit(
  base: EndToEndFit,
  networks: readonly MeasuredNetwork[],
  candidate: Candidate,
  options: RegressorOptions,
): EndToEndFit {
  if (candidate.learner === 'lasso') return base;
  const predicted = networks.map((network): PredictedNetwork => {
    const kernelsUs = predictEach(base.kinds, network.kernels, network.features);
    const predictedUs = kernelsUs.reduce((sum, latency) => sum + latency, base.fixedUs);
    return { ...network, kernelsUs, predictedUs, measuredUs: network.latencyUs, weight: trust(network) };
  });
  return { kinds: correctModels(base.kinds, predicted, candidate, options), fixedUs: base.fixedUs };
}

/** Fits the linear base. The last column of the design is the constant. @throws EngineError CANCELLED */
export function fitLinear(networks: readonly MeasuredNetwork[], signal?: AbortSignal): EndToEndFit {
  const kinds = featuresByKind(plannedKernels(networks));
  const blocks = layOut(kinds);
  const { columns: width, values } = sumColumns(networks, blocks);
  const weights = fitWeights({ rows: networks.length, columns: width, values }, blocks, networks, signal);
  const models = new Map([...kinds.keys(), FALLBACK].map((kind) => [kind, modelOf(kind, blocks, weights)]));
  return { kinds: models, fixedUs: weights[width - 1] };
}

/** What the linear base reads of whole networks, the constant last, and the units of its columns. */
export function linearDesign(networks: readonly PlannedNetwork[]): NumericRows & { readonly units: readonly string[] } {
  const blocks = layOut(featuresByKind(plannedKernels(networks)));
  return { ...sumColumns(networks, blocks), units: unitsOf(blocks) };
}

/** The columns of each network, summed over its kernels; the last is the constant. */
function sumColumns(networks: readonly PlannedNetwork[], blocks: readonly Block[]): NumericRows {
  const last = blocks[blocks.length - 1];
  const width = last.start + last.columns.length + 1;
  const values = new Float64Array(networks.length * width);
  networks.forEach(({ kernels, features }, row) => {
    const sums = values.subarray(row * width, (row + 1) * width);
    sums[width - 1] = 1;
    kernels.forEach(({ kind }, i) => {
      for (const { start, columns, covers } of blocks) {
        if (covers(kind))
          for (let j = 0; j < columns.length; j++) sums[start + j] += termValue(columns[j], features[i]);
      }
    });
  });
  return { rows: networks.length, columns: width, values };
}

function unitsOf(blocks: readonly Block[]): string[] {
  return [...blocks.flatMap(({ columns }) => columns.map(unitOf)), 'constant'];
}

/**
 * The mean of two fits: one of all columns, which knows every variant of a kernel, and one of the coarse ones, which
 * extrapolates better. Their errors differ, and their mean is better than either.
 */
function fitWeights(
  { rows, columns, values }: NumericRows,
  blocks: readonly Block[],
  networks: readonly MeasuredNetwork[],
  signal?: AbortSignal,
): Float64Array {
  const all = blocks.flatMap((block) => block.columns);
  const units = unitsOf(blocks);
  const latencies = networks.map(({ latencyUs }) => latencyUs);
  const options = { sampleWeights: networks.map(trust), robust: true, signal };
  const fine = fitRelativeRegression({ rows, columns, values }, latencies, { units, ...options });
  const kept = units.flatMap((_, j) => (j === all.length || isCoarse(all[j]) ? [j] : []));
  const coarseValues = Float64Array.from({ length: rows * kept.length }, (_, at) => {
    return values[Math.floor(at / kept.length) * columns + kept[at % kept.length]];
  });
  const coarse = fitRelativeRegression({ rows, columns: kept.length, values: coarseValues }, latencies, {
    units: kept.map((j) => units[j]),
    ...options,
  });
  const weights = fine.map((weight) => weight / 2);
  for (const [at, j] of kept.entries()) weights[j] += coarse[at] / 2;
  return weights;
}

/** How much a network's measurement counts: repeated runs that differ say how far the mean may be off. */
export function trust({ relativeDeviation = 0 }: MeasuredNetwork): number {
  return 1 / (1 + (relativeDeviation / GOOD_DEVIATION) ** 2);
}

function layOut(kinds: ReadonlyMap<string, readonly KernelFeatures[]>): Block[] {
  const blocks: Block[] = [];
  let start = 0;
  const add = (columns: readonly Column[], covers: Block['covers']) => {
    blocks.push({ start, columns, covers });
    start += columns.length;
  };
  add(SHARED_COLUMNS, () => true);
  add(ELEMENTWISE_COLUMNS, isElementwise);
  for (const [kind, features] of kinds) add(linearColumns(features), (other) => other === kind);
  return blocks;
}

/** A kind's model: the weights of all blocks that cover it, those of the same column added up. */
function modelOf(kind: string, blocks: readonly Block[], weights: Float64Array): SingleModel {
  const sums = new Map<string, { readonly column: Column; weight: number }>();
  for (const { start, columns, covers } of blocks) {
    if (!covers(kind)) continue;
    columns.forEach((column, j) => {
      const name = columnName(column);
      const sum = sums.get(name);
      if (sum) sum.weight += weights[start + j];
      else sums.set(name, { column, weight: weights[start + j] });
    });
  }
  const kept = [...sums.values()];
  return linearModel(
    kept.map(({ column }) => column),
    kept.map(({ weight }) => weight),
    0,
  );
}
