/**
 * Which columns a linear predictor has: work and traffic, at levels that overlap on purpose. What all kernels cost, what
 * the kind costs on top, what its window size and its stride cost on top of that: rare variants borrow from the general
 * levels, frequent ones correct them.
 */
import { type Column, type KernelFeatures, termValue } from './features';

type Term = Column['term'];

/** Columns that all kinds have in common; they also predict the kinds that training never saw. */
export const SHARED_COLUMNS: readonly Column[] = columns([
  'kernels',
  'activationElements',
  'multiplyAccumulates',
  'weightElements',
]);

/** Columns that elementwise kinds have in common: they stream through memory, whatever they compute. */
export const ELEMENTWISE_COLUMNS: readonly Column[] = columns(['kernels', 'activationElements']);

const ELEMENTWISE = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'relu',
  'leaky_relu',
  'p_relu',
  'clip',
  'sigmoid',
  'tanh',
  'hard_sigmoid',
  'hard_swish',
  'elu',
  'gelu',
  'erf',
  'exp',
  'sqrt',
  'pow',
  'softplus',
  'batch_normalization',
]);

export function isElementwise(kind: string): boolean {
  return ELEMENTWISE.has(kind);
}

const KIND_TERMS: readonly Term[] = ['kernels', 'activationElements', 'inputElements', 'outputElements'];
const WEIGHTED_KIND_TERMS: readonly Term[] = [
  'kernels',
  'activationElements',
  'multiplyAccumulates',
  'weightElements',
  'roofline16',
  'roofline64',
];
const KERNEL_SIZE_TERMS: readonly Term[] = ['kernels', 'activationElements', 'multiplyAccumulates'];
const WINDOW_TERMS: readonly Term[] = [
  'kernels',
  'inputElements',
  'outputElements',
  'weightElements',
  'multiplyAccumulates',
  'paddedMultiplyAccumulates',
];

/** Columns of a kind, from all of its kernels in training; all-zero ones are left out. */
export function linearColumns(features: readonly KernelFeatures[]): Column[] {
  const weighted = features.some(
    ({ weightElements, multiplyAccumulates }) => weightElements > 0 && multiplyAccumulates > 0,
  );
  if (!weighted)
    return columns(KIND_TERMS).filter((column) => features.some((kernel) => termValue(column, kernel) !== 0));
  const windows = new Map<number, Set<number>>();
  for (const { kernelHeight, strideHeight } of features) {
    windows.set(kernelHeight, (windows.get(kernelHeight) ?? new Set()).add(strideHeight));
  }
  const all = columns(WEIGHTED_KIND_TERMS);
  for (const kernelHeight of [...windows.keys()].sort((a, b) => a - b)) {
    all.push(...KERNEL_SIZE_TERMS.map((term) => ({ term, window: { kernelHeight } })));
    for (const strideHeight of [...windows.get(kernelHeight)!].sort((a, b) => a - b)) {
      all.push(...WINDOW_TERMS.map((term) => ({ term, window: { kernelHeight, strideHeight } })));
    }
  }
  return all;
}

/**
 * Whether a coarse predictor reads the column too: what all kernels and each kind cost, windows not told apart. It knows
 * less, and extrapolates better to families of networks that training never saw.
 */
export function isCoarse({ term, window }: Column): boolean {
  return !window && COARSE_TERMS.has(term);
}

const COARSE_TERMS = new Set<Term>(['kernels', 'activationElements', 'multiplyAccumulates', 'weightElements']);

/** Columns of one unit measure alike, so that their scales can be compared. */
export function unitOf({ term }: Column): 'kernels' | 'weights' | 'work' | 'elements' {
  if (term === 'kernels') return 'kernels';
  if (term === 'weightElements') return 'weights';
  return term === 'inputElements' || term === 'outputElements' || term === 'activationElements' ? 'elements' : 'work';
}

function columns(terms: readonly Term[]): Column[] {
  return terms.map((term) => ({ term }));
}
