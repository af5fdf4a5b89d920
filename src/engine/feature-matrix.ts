/**
 * Kernels' features as one matrix, and what models read of it: the form that serving keeps of a plan, because reading
 * numbers out of objects by name takes longer than all of onnxruntime's work. It knows no model.
 */
import { EngineError } from './errors';
import { type Column, FEATURE_NAMES, type FeatureName, type KernelFeatures } from './features';
import type { Matrix } from './matrix';

/** Columns of a feature matrix: every feature, and a 1 for the kernel's existence. */
const TERMS: readonly Column['term'][] = [...FEATURE_NAMES, 'kernels'];
const WIDTH = TERMS.length;
const KERNEL_HEIGHT = TERMS.indexOf('kernelHeight');
const STRIDE_HEIGHT = TERMS.indexOf('strideHeight');

/** Stands for any window or stride; no kernel has it. */
const ANY = -1;

/** Features of kernels as a matrix of one row a kernel, a 1 behind them. */
export function featureMatrix(kernels: readonly KernelFeatures[]): Matrix {
  const values = new Float32Array(kernels.length * WIDTH).fill(1);
  kernels.forEach((kernel, row) => {
    for (let j = 0; j < FEATURE_NAMES.length; j++) values[row * WIDTH + j] = kernel[FEATURE_NAMES[j]];
  });
  return { rows: kernels.length, columns: WIDTH, values };
}

/** Reads a model's columns from feature matrices; `termValue` of `features` says what a column is. */
export class ColumnReader {
  readonly #terms: Int32Array;
  readonly #kernelHeights: Float64Array;
  readonly #strideHeights: Float64Array;

  /** @throws EngineError INVALID_PREDICTOR for a feature that this engine does not know */
  constructor(columns: readonly Column[]) {
    this.#terms = Int32Array.from(columns, ({ term }) => positionOf(term));
    this.#kernelHeights = Float64Array.from(columns, ({ window }) => window?.kernelHeight ?? ANY);
    this.#strideHeights = Float64Array.from(columns, ({ window }) => window?.strideHeight ?? ANY);
  }

  get columns(): number {
    return this.#terms.length;
  }

  /**
   * Reads the columns of the kernels in some rows of a feature matrix, into zeros.
   *
   * @returns where the next row goes
   */
  read({ values }: Matrix, rows: readonly number[], into: Float32Array, start: number): number {
    const [terms, kernelHeights, strideHeights] = [this.#terms, this.#kernelHeights, this.#strideHeights];
    let at = start;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] * WIDTH;
      const kernelHeight = values[row + KERNEL_HEIGHT];
      const strideHeight = values[row + STRIDE_HEIGHT];
      for (let j = 0; j < terms.length; j++, at++) {
        const height = kernelHeights[j];
        if (height !== ANY) {
          const stride = strideHeights[j];
          if (height !== kernelHeight || (stride !== ANY && stride !== strideHeight)) continue;
        }
        into[at] = values[row + terms[j]];
      }
    }
    return at;
  }
}

function positionOf(term: string): number {
  const position = (TERMS as readonly string[]).indexOf(term);
  if (position >= 0) return position;
  throw new EngineError(
    'INVALID_PREDICTOR',
    `the predictor reads ${term}, which is no feature`,
    undefined,
    'Train it again.',
  );
}

/** A box of feature values. */
export class FeatureBounds {
  readonly #lowest = new Float64Array(FEATURE_NAMES.length).fill(-Infinity);
  readonly #highest = new Float64Array(FEATURE_NAMES.length).fill(Infinity);

  /**
   * @param bounds smallest and largest value by feature; a feature that is not named may be anything
   * @param margin share by which a feature may exceed them
   */
  constructor(bounds: Readonly<Partial<Record<FeatureName, readonly [number, number]>>>, margin: number) {
    FEATURE_NAMES.forEach((name, j) => {
      const bound = bounds[name];
      if (!bound) return;
      this.#lowest[j] = bound[0] * (1 - margin);
      this.#highest[j] = bound[1] * (1 + margin);
    });
  }

  /** Whether the kernel in a row of a feature matrix lies inside. */
  holds({ values }: Matrix, row: number): boolean {
    const [lowest, highest] = [this.#lowest, this.#highest];
    for (let j = 0; j < FEATURE_NAMES.length; j++) {
      const value = values[row * WIDTH + j];
      if (value < lowest[j] || value > highest[j]) return false;
    }
    return true;
  }
}
