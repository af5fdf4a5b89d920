/**
 * Fits kernel predictors from measured kernels, one model a kind. Small kernels count like large ones: the linear base is
 * fitted to relative errors, and other learners fit the logarithm of what the base leaves over.
 */

import { throwIfCancelled } from './errors';
import { type Column, termValue } from './features';
import { fitToKernels, type RegressorOptions } from './fit-regressor';
import { groupBy, sortedByName } from './grouping';
import { linearModel, predictKernels, type SingleModel, withRegressor } from './kernel-model';
import type { Candidate } from './learner';
import { fitRelativeRegression } from './learners/relative-regression';
import { linearColumns, SHARED_COLUMNS, unitOf } from './linear-columns';
import { FALLBACK } from './predictor-model';
import { exchangeLatencies } from './row-order';
import type { KernelRow } from './training-rows';

/** Rows below which a kind has no model of its own. */
const ROWS_PER_KIND = 5;

/** Linear predictions below this share of the smallest measured latency are raised to it. */
const FLOOR_SHARE = 0.5;

/** Rounds of prediction and exchange; latencies settle in three. */
const EXCHANGES = 3;
/** What predicts between exchanges: coarse, so that it does not learn the wrong order by heart. */
const BETWEEN_EXCHANGES: Candidate = {
  learner: 'boosting',
  settings: {
    trees: 60,
    learningRate: 0.05,
    maxLeaves: 15,
    minSamplesLeaf: 15,
    columnSubsample: 0.8,
    rowSubsample: 0.8,
    monotone: false,
  },
};

/**
 * Fits every kind that has rows enough, and FALLBACK on all rows.
 *
 * @param permuted whether rows may stand on the wrong kernels of their network (row-order.ts)
 * @throws EngineError INSUFFICIENT_DATA, CANCELLED
 */
export function fitKernelRows(
  rows: readonly KernelRow[],
  candidate: Candidate,
  permuted: boolean,
  options: RegressorOptions,
): Map<string, SingleModel> {
  const models = new Map<string, SingleModel>();
  for (const [kind, ofKind] of byKind(rows)) {
    throwIfCancelled(options.signal);
    if (ofKind.length < ROWS_PER_KIND) continue;
    models.set(kind, fitKind(permuted ? inOrder(ofKind, options) : ofKind, candidate, options));
  }
  models.set(FALLBACK, fitLinear(rows, SHARED_COLUMNS, options.signal));
  return models;
}

function byKind(rows: readonly KernelRow[]): [kind: string, rows: KernelRow[]][] {
  return sortedByName(groupBy(rows, ({ kind }) => kind));
}

/** Rows of one kind with the latencies that most likely are theirs. The first predictions come of sums over networks, which no order changes. */
function inOrder(rows: readonly KernelRow[], options: RegressorOptions): KernelRow[] {
  let model = fitSums(rows, options.signal);
  let ordered = [...rows];
  for (let round = 1; ; round++) {
    const latencies = exchangeLatencies(
      ordered,
      predictKernels(
        model,
        ordered.map(({ features }) => features),
      ),
    );
    ordered = ordered.map((row, i) => ({ ...row, latencyUs: latencies[i] }));
    if (round === EXCHANGES) return ordered;
    model = fitKind(ordered, BETWEEN_EXCHANGES, options);
  }
}

function fitKind(rows: readonly KernelRow[], candidate: Candidate, options: RegressorOptions): SingleModel {
  const features = rows.map((row) => row.features);
  const base = fitLinear(rows, linearColumns(features), options.signal);
  if (candidate.learner === 'lasso') return base;
  const latencies = predictKernels(base, features);
  const target = latencies.map((latency, i) => Math.log(rows[i].latencyUs / latency));
  const fitted = fitToKernels(candidate, features, target, options);
  return fitted ? withRegressor(base, 'factor', fitted) : base;
}

/** Fits a linear model to single rows. */
function fitLinear(rows: readonly KernelRow[], columns: readonly Column[], signal?: AbortSignal): SingleModel {
  return fitGroups(
    rows.map((row) => [row]),
    columns,
    signal,
  );
}

/** Fits a linear model to the sums of each network's rows. */
function fitSums(rows: readonly KernelRow[], signal?: AbortSignal): SingleModel {
  const networks = groupBy(rows, ({ network }) => network);
  return fitGroups([...networks.values()], linearColumns(rows.map(({ features }) => features)), signal);
}

function fitGroups(
  groups: readonly (readonly KernelRow[])[],
  columns: readonly Column[],
  signal: AbortSignal | undefined,
): SingleModel {
  const values = new Float64Array(groups.length * columns.length);
  groups.forEach((rows, i) => {
    for (const { features } of rows) {
      columns.forEach((column, j) => {
        values[i * columns.length + j] += termValue(column, features);
      });
    }
  });
  const latencies = groups.map((rows) => rows.reduce((sum, { latencyUs }) => sum + latencyUs, 0));
  const x = { rows: groups.length, columns: columns.length, values };
  const weights = fitRelativeRegression(x, latencies, { units: columns.map(unitOf), signal });
  const smallest = groups.flat().reduce((least, { latencyUs }) => Math.min(least, latencyUs), Infinity);
  return linearModel(columns, weights, FLOOR_SHARE * smallest);
}
