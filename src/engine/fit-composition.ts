/**
 * From kernels to whole networks: how the latencies of kernels, predicted out of fold, become the end-to-end latency, and
 * how predictors from two sources become one. Each network's own figures come from the other folds.
 */
import {
  type Composition,
  type CompositionWithUnlisted,
  composeWithUnlisted,
  fitComposition,
  type KernelTotalWithUnlisted,
  SUM,
} from './composition';
import type { Fit } from './cross-validation';
import { termValue } from './features';
import { blendModels, type KernelModel } from './kernel-model';
import { SHARED_COLUMNS } from './linear-columns';
import { mean } from './metrics';
import { FALLBACK } from './predictor-model';
import type { OutOfFold } from './selection';
import { isMeasured, type TrainingRows } from './training-rows';

/** A predictor of whole networks, and what it says of networks that it did not see. */
export interface Composed {
  readonly composition: Composition;
  /** By kind; kinds that no kernel row is of have a model here too. */
  readonly kinds: ReadonlyMap<string, KernelModel>;
  readonly names: readonly string[];
  readonly predictedUs: readonly number[];
  readonly measuredUs: readonly number[];
}

interface NamedTotal extends KernelTotalWithUnlisted {
  readonly name: string;
  readonly measuredUs: number;
}

/** Mean absolute relative error out of fold, 0 and more. */
export function errorOf({ predictedUs, measuredUs }: Composed): number {
  return mean(predictedUs.map((predicted, i) => Math.abs(predicted - measuredUs[i]) / measuredUs[i]));
}

/** End-to-end fits know their composition already: their kernels and their constant add up. */
export function composeEndToEnd({ networks }: TrainingRows, { networksUs, fixedUs }: OutOfFold, fit: Fit): Composed {
  const held = networks.filter(isMeasured).filter(({ name }) => networksUs.has(name));
  return {
    composition: { ...SUM, fixedUs: fit.fixedUs },
    kinds: fit.kinds,
    names: held.map(({ name }) => name),
    predictedUs: held.map(({ name }) => networksUs.get(name)!.reduce((sum, value) => sum + value, fixedUs.get(name)!)),
    measuredUs: held.map(({ latencyUs }) => latencyUs),
  };
}

/** Kernels that were measured one by one. Each network's composition is fitted without its fold. */
export function composeKernelRows(
  rows: TrainingRows,
  folds: ReadonlyMap<string, number>,
  outOfFold: OutOfFold,
  { kinds }: Fit,
): Composed {
  const totals = totalsOf(rows, outOfFold);
  const fitted = (chosen: readonly NamedTotal[]) =>
    fitComposition(
      chosen,
      chosen.map(({ measuredUs }) => measuredUs),
    );
  const byFold = new Map(
    [...new Set(folds.values())].map((fold) => [fold, fitted(totals.filter(({ name }) => folds.get(name) !== fold))]),
  );
  const all = fitted(totals);
  const models = new Map(kinds);
  const unlisted = unlistedModel(all);
  if (unlisted) for (const kind of unlistedKinds(rows)) models.set(kind, unlisted);
  return {
    composition: all.composition,
    kinds: models,
    names: totals.map(({ name }) => name),
    predictedUs: totals.map((total) => composeWithUnlisted(byFold.get(folds.get(total.name)!)!, total)),
    measuredUs: totals.map(({ measuredUs }) => measuredUs),
  };
}

/**
 * Several predictors of the same networks as one: the weighted mean of their predictions, kernel by kernel.
 *
 * @param shares one a predictor, 1 in sum
 */
export function blend(parts: readonly Composed[], shares: readonly number[]): Composed {
  if (parts.length === 1) return parts[0];
  const sum = (of: (part: Composed) => number) => parts.reduce((total, part, i) => total + shares[i] * of(part), 0);
  const kinds = new Set(parts.flatMap((part) => [...part.kinds.keys()]));
  return {
    composition: {
      kernelFactor: 1,
      perKernelUs: sum(({ composition }) => composition.perKernelUs),
      fixedUs: sum(({ composition }) => composition.fixedUs),
    },
    kinds: new Map(
      [...kinds].map((kind) => {
        const models = parts.map((part, i) => ({
          model: part.kinds.get(kind) ?? part.kinds.get(FALLBACK)!,
          share: shares[i] * part.composition.kernelFactor,
        }));
        return [kind, blendModels(models)];
      }),
    ),
    names: parts[0].names,
    predictedUs: parts[0].names.map((_, network) => sum(({ predictedUs }) => predictedUs[network])),
    measuredUs: parts[0].measuredUs,
  };
}

function totalsOf(rows: TrainingRows, { networksUs, rowsUs }: OutOfFold): NamedTotal[] {
  const listed = new Set(rows.kernels.map(({ kind }) => kind));
  const measured = rows.networks.filter(isMeasured).filter(({ name }) => networksUs.has(name));
  if (measured.length === 0) return sumsOfRows(rows, rowsUs);
  return measured.map(({ name, kernels, features, latencyUs }) => {
    const latencies = networksUs.get(name)!;
    const unlisted = new Float64Array(SHARED_COLUMNS.length);
    let kernelsUs = 0;
    kernels.forEach(({ kind }, i) => {
      if (listed.has(kind)) kernelsUs += latencies[i];
      else {
        SHARED_COLUMNS.forEach((column, j) => {
          unlisted[j] += termValue(column, features[i]);
        });
      }
    });
    return { name, kernelsUs, kernels: kernels.length, unlisted, measuredUs: latencyUs };
  });
}

/** Without any end-to-end row a network's truth is the sum of its measured kernels. */
function sumsOfRows({ kernels }: TrainingRows, rowsUs: Float64Array): NamedTotal[] {
  const sums = new Map<string, { kernelsUs: number; kernels: number; measuredUs: number }>();
  kernels.forEach(({ network, latencyUs }, i) => {
    const sum = sums.get(network) ?? { kernelsUs: 0, kernels: 0, measuredUs: 0 };
    sums.set(network, {
      kernelsUs: sum.kernelsUs + rowsUs[i],
      kernels: sum.kernels + 1,
      measuredUs: sum.measuredUs + latencyUs,
    });
  });
  return [...sums].map(([name, sum]) => ({ name, ...sum, unlisted: [] }));
}

/** The model of unlisted kernels, in the units of kernel latencies: the composition's factor comes on top. */
function unlistedModel({ composition, unlistedWeights }: CompositionWithUnlisted): KernelModel | undefined {
  if (unlistedWeights.length === 0 || composition.kernelFactor === 0) return undefined;
  const weights = Float32Array.from(unlistedWeights, (weight) => weight / composition.kernelFactor);
  return { columns: SHARED_COLUMNS, terms: [{ weights, floorUs: 0 }] };
}

/** Kinds of the measured networks' kernels that no kernel row is of. */
function unlistedKinds({ kernels, networks }: TrainingRows): Set<string> {
  const listed = new Set(kernels.map(({ kind }) => kind));
  const kinds = networks.filter(isMeasured).flatMap((network) => network.kernels.map(({ kind }) => kind));
  return new Set(kinds.filter((kind) => !listed.has(kind)));
}
