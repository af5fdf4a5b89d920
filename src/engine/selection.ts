/**
 * Which candidate predicts which kernels: the one whose cross-validated error is least. For measured kernels each kind has
 * its own; for end-to-end rows, where no kernel's error is known, one serves all kinds.
 *
 * The choice for the networks of a fold is made by the other folds' errors, so that what is reported of them is not the
 * luck of the choice.
 */

import { type FoldResult, heldRows, type SourceName } from './cross-validation';
import { groupBy } from './grouping';
import type { Candidate } from './learner';
import { mean } from './metrics';
import type { TrainingRows } from './training-rows';

/** What a choice was made of, for the training report. */
export interface Choice {
  /** Kernel kind, or null for all kinds together. */
  readonly kind: string | null;
  readonly chosen: Candidate;
  /** Measurements that the errors are of. */
  readonly rows: number;
  /** Mean absolute percentage error of every candidate, percent, best first. */
  readonly candidates: readonly (Candidate & { readonly mape: number })[];
}

/** Predictions of models that did not see what they predict. */
export interface OutOfFold {
  /** By network: microseconds, one a kernel. */
  readonly networksUs: ReadonlyMap<string, Float64Array>;
  /** By network: microseconds that its prediction has besides. */
  readonly fixedUs: ReadonlyMap<string, number>;
  /** One for each of the kernel rows; NaN if it was in no fold. */
  readonly rowsUs: Float64Array;
}

export interface Selection {
  readonly choices: readonly Choice[];
  /** The candidate of a kind's final model: its position. */
  readonly candidateOf: (kind: string) => number;
  readonly outOfFold: OutOfFold;
}

/** One absolute relative error, and the fold that it is of. */
interface FoldError {
  readonly fold: number;
  readonly error: number;
}

/**
 * @param results of every candidate, by fold
 */
export function selectCandidates(
  source: SourceName,
  rows: Pick<TrainingRows, 'networks' | 'kernels'>,
  folds: ReadonlyMap<string, number>,
  candidates: readonly Candidate[],
  results: readonly (readonly FoldResult[])[],
): Selection {
  const errors = results.map((ofCandidate) =>
    source === 'kernel rows' ? kernelErrors(rows, folds, ofCandidate) : networkErrors(rows, folds, ofCandidate),
  );
  const kinds = [...errors[0].keys()].sort();
  const best = (kind: string, without?: number) => {
    const means = errors.map((ofCandidate) =>
      mean((ofCandidate.get(kind) ?? []).filter(({ fold }) => fold !== without).map(({ error }) => error)),
    );
    // A kind that stands in one fold only, or in none, goes with the first candidate.
    return means.reduce((least, error, i) => (error < means[least] ? i : least), 0);
  };
  const key = (kind: string) => (source === 'kernel rows' ? kind : ALL_KINDS);
  const final = new Map(kinds.map((kind) => [kind, best(kind)]));
  const byFold = results[0].map((_, fold) => new Map(kinds.map((kind) => [kind, best(kind, fold)])));
  const networksUs = new Map<string, Float64Array>();
  const fixedUs = new Map<string, number>();
  const rowsUs = new Float64Array(rows.kernels.length).fill(NaN);
  for (const [fold, chosen] of byFold.entries()) {
    const candidateOf = (kind: string) => chosen.get(key(kind)) ?? 0;
    for (const { name, kernels } of rows.networks) {
      if (!results[0][fold].networksUs.has(name)) continue;
      networksUs.set(
        name,
        Float64Array.from(kernels, ({ kind }, k) => results[candidateOf(kind)][fold].networksUs.get(name)![k]),
      );
      fixedUs.set(name, results[candidateOf(ALL_KINDS)][fold].fixedUs);
    }
    if (source === 'end-to-end rows') continue;
    heldRows({ rows, folds, fold }).forEach((row, i) => {
      rowsUs[row] = results[candidateOf(rows.kernels[row].kind)][fold].rowsUs[i];
    });
  }
  const choices = kinds.map((kind): Choice => {
    const ranked = candidates.map((candidate, i) => {
      const measured = errors[i].get(kind)!;
      return { ...candidate, mape: 100 * mean(measured.map(({ error }) => error)) };
    });
    return {
      kind: kind === ALL_KINDS ? null : kind,
      chosen: candidates[final.get(kind)!],
      rows: errors[0].get(kind)!.length,
      candidates: ranked.sort((a, b) => a.mape - b.mape),
    };
  });
  return { choices, candidateOf: (kind) => final.get(key(kind)) ?? 0, outOfFold: { networksUs, fixedUs, rowsUs } };
}

const ALL_KINDS = '';

function kernelErrors(
  rows: Pick<TrainingRows, 'networks' | 'kernels'>,
  folds: ReadonlyMap<string, number>,
  results: readonly FoldResult[],
): Map<string, FoldError[]> {
  const errors = results.flatMap(({ rowsUs }, fold) =>
    heldRows({ rows, folds, fold }).map((row, i) => {
      const { kind, latencyUs } = rows.kernels[row];
      return { kind, fold, error: Math.abs(rowsUs[i] - latencyUs) / latencyUs };
    }),
  );
  return groupBy(errors, ({ kind }) => kind);
}

function networkErrors(
  rows: Pick<TrainingRows, 'networks' | 'kernels'>,
  folds: ReadonlyMap<string, number>,
  results: readonly FoldResult[],
): Map<string, FoldError[]> {
  const errors = rows.networks.flatMap(({ name, latencyUs }): FoldError[] => {
    const fold = folds.get(name);
    if (fold === undefined || latencyUs === undefined) return [];
    const { networksUs, fixedUs } = results[fold];
    const predicted = networksUs.get(name)!.reduce((sum, latency) => sum + latency, fixedUs);
    return [{ fold, error: Math.abs(predicted - latencyUs) / latencyUs }];
  });
  return new Map([[ALL_KINDS, errors]]);
}
