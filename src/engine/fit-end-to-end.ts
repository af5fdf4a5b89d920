/**
 * Fits kernel predictors from whole-network latencies alone. A linear predictor is additive: the sum over kernels of
 * weights . columns is weights . (summed columns), so end-to-end rows train per-kernel predictors directly.
 */
import { type Column, columnName, type KernelFeatures, termValue } from './features';
import type { KernelModel } from './kernel-model';
import { fitRelativeRegression } from './learners/relative-regression';
import { ELEMENTWISE_COLUMNS, isElementwise, linearColumns, SHARED_COLUMNS, unitOf } from './linear-columns';
import { FALLBACK } from './predictor-model';
import { featuresByKind, type PlannedNetwork, plannedKernels } from './training-rows';

export interface EndToEndFit {
  /** By kernel kind, FALLBACK among them. */
  readonly kinds: ReadonlyMap<string, KernelModel>;
  /** Microseconds that a run costs whatever the network. */
  readonly fixedUs: number;
}

/** A network with a measured end-to-end latency. */
export type MeasuredNetwork = PlannedNetwork & { readonly latencyUs: number };

/** Columns that stand side by side in the design matrix, and the kinds whose kernels they sum. */
interface Block {
  readonly start: number;
  readonly columns: readonly Column[];
  readonly covers: (kind: string) => boolean;
}

/**
 * Fits all kinds at once. The last column of the design is the constant.
 *
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitEndToEnd(networks: readonly MeasuredNetwork[], signal?: AbortSignal): EndToEndFit {
  const kinds = featuresByKind(plannedKernels(networks));
  const blocks = layOut(kinds);
  const last = blocks[blocks.length - 1];
  const width = last.start + last.columns.length + 1;
  const values = new Float64Array(networks.length * width);
  networks.forEach(({ plan, features }, row) => {
    const sums = values.subarray(row * width, (row + 1) * width);
    sums[width - 1] = 1;
    plan.kernels.forEach(({ kind }, i) => {
      for (const { start, columns, covers } of blocks) {
        if (covers(kind))
          for (let j = 0; j < columns.length; j++) sums[start + j] += termValue(columns[j], features[i]);
      }
    });
  });
  const units = [...blocks.flatMap(({ columns }) => columns.map(unitOf)), 'constant'];
  const latencies = networks.map(({ latencyUs }) => latencyUs);
  const weights = fitRelativeRegression({ rows: networks.length, columns: width, values }, latencies, {
    units,
    signal,
  });
  const models = new Map([...kinds.keys(), FALLBACK].map((kind) => [kind, modelOf(kind, blocks, weights)]));
  return { kinds: models, fixedUs: weights[width - 1] };
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
function modelOf(kind: string, blocks: readonly Block[], weights: Float64Array): KernelModel {
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
  const used = [...sums.values()].filter(({ weight }) => weight > 0);
  // A model reads at least one column, so that every kind has an input in the exported file.
  const kept = used.length > 0 ? used : [{ column: SHARED_COLUMNS[0], weight: 0 }];
  return {
    columns: kept.map(({ column }) => column),
    weights: Float32Array.from(kept, ({ weight }) => weight),
    floorUs: 0,
  };
}
