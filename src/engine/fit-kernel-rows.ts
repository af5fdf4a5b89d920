/**
 * Fits kernel predictors from measured kernels, one model a kind. Small kernels count like large ones: the linear base is
 * fitted to relative errors, and boosting learns the logarithm of what the base leaves over.
 */
import { throwIfCancelled } from './errors';
import { type Column, FEATURE_NAMES, type KernelFeatures, termValue } from './features';
import { columnMatrix, type KernelModel, linearLatencies, widen } from './kernel-model';
import { type BoostingOptions, fitBoosting } from './learners/boosting';
import { fitRelativeRegression } from './learners/relative-regression';
import { linearColumns, SHARED_COLUMNS, unitOf } from './linear-columns';
import { FALLBACK } from './predictor-model';
import type { KernelRow } from './training-rows';

/** What can learn from kernel rows. */
export const LEARNERS = ['lasso', 'forest', 'boosting', 'perceptron', 'gaussianProcess'] as const;
export type Learner = (typeof LEARNERS)[number];

export interface KernelRowsOptions {
  readonly learner: Learner;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Rows below which a kind has no model of its own. */
const ROWS_PER_KIND = 5;

/** Linear predictions below this share of the smallest measured latency are raised to it. */
const FLOOR_SHARE = 0.5;

const BOOSTING: BoostingOptions = {
  trees: 200,
  learningRate: 0.05,
  maxLeaves: 15,
  minSamplesLeaf: 5,
  rowSubsample: 0.8,
  columnSubsample: 0.8,
};

/**
 * Fits every kind that has rows enough, and FALLBACK on all rows.
 *
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitKernelRows(rows: readonly KernelRow[], options: KernelRowsOptions): Map<string, KernelModel> {
  const byKind = new Map<string, KernelRow[]>();
  for (const row of rows) {
    const known = byKind.get(row.kind);
    if (known) known.push(row);
    else byKind.set(row.kind, [row]);
  }
  const models = new Map<string, KernelModel>();
  for (const kind of [...byKind.keys()].sort()) {
    throwIfCancelled(options.signal);
    const ofKind = byKind.get(kind)!;
    if (ofKind.length >= ROWS_PER_KIND) models.set(kind, fitKind(ofKind, options));
  }
  models.set(FALLBACK, fitLinear(rows, SHARED_COLUMNS, options.signal));
  return models;
}

function fitKind(rows: readonly KernelRow[], { learner, seed, signal }: KernelRowsOptions): KernelModel {
  const features = rows.map((row) => row.features);
  const base = fitLinear(rows, linearColumns(features), signal);
  if (learner === 'lasso') return base;
  const wanted = [...base.columns, ...treeColumns(base.columns, features)];
  const { model, positions } = widen(base, wanted);
  const matrix = columnMatrix(model.columns, features);
  const target = linearLatencies(model, matrix).map((latency, i) => Math.log(rows[i].latencyUs / latency));
  const ensemble = fitBoosting(matrix, target, { ...BOOSTING, seed, signal });
  return ensemble.trees.length > 0 ? { ...model, factor: { form: 'trees', reads: positions, ensemble } } : base;
}

/** Features that differ between rows and that the base does not read already. */
function treeColumns(base: readonly Column[], features: readonly KernelFeatures[]): Column[] {
  const read = new Set(base.flatMap(({ term, window }) => (window ? [] : [term])));
  const varying = FEATURE_NAMES.filter((name) => features.some((kernel) => kernel[name] !== features[0][name]));
  return varying.filter((name) => !read.has(name)).map((term) => ({ term }));
}

function fitLinear(
  rows: readonly KernelRow[],
  columns: readonly Column[],
  signal: AbortSignal | undefined,
): KernelModel {
  const values = new Float64Array(rows.length * columns.length);
  rows.forEach(({ features }, i) => {
    columns.forEach((column, j) => {
      values[i * columns.length + j] = termValue(column, features);
    });
  });
  const latencies = rows.map(({ latencyUs }) => latencyUs);
  const units = columns.map(unitOf);
  const weights = fitRelativeRegression({ rows: rows.length, columns: columns.length, values }, latencies, {
    units,
    signal,
  });
  const used = columns.flatMap((column, j) => (weights[j] > 0 ? [{ column, weight: weights[j] }] : []));
  const kept = used.length > 0 ? used : [{ column: columns[0], weight: 0 }];
  return {
    columns: kept.map(({ column }) => column),
    weights: Float32Array.from(kept, ({ weight }) => weight),
    floorUs: FLOOR_SHARE * latencies.reduce((least, latency) => Math.min(least, latency), Infinity),
  };
}
