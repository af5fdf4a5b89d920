/**
 * What a network adds to those that are known, kernel by kernel: kinds that none of them has, windows, and sizes outside
 * their range (gaps of the hull), in numbers and in words.
 */
import type { FeatureName, KernelFeatures } from './features';
import { guessedUs } from './measure-next-covariance';
import type { PlannedNetwork } from './training-rows';

/** What is new of the kernels of one kind. */
export interface AddedKernels {
  readonly kind: string;
  /** Percent of the network's work, as guessed, that is in kernels of the kind. */
  readonly share: number;
  /** Whether no known network has a kernel of the kind. */
  readonly newKind: boolean;
  /** Kernel size and stride that no known kernel of the kind has, for example `5x5 stride 2`. */
  readonly windows: readonly string[];
  /** Features outside their known range. */
  readonly ranges: readonly WidenedRange[];
}

export interface WidenedRange {
  readonly feature: FeatureName;
  /** Smallest and largest value of the network's kernels. */
  readonly smallest: number;
  readonly largest: number;
  /** The same of the known kernels; null if there is none of the kind. */
  readonly knownSmallest: number | null;
  readonly knownLargest: number | null;
}

/** Sizes that are compared, with the words for them. */
const SIZES = new Map<FeatureName, string>([
  ['inputChannels', 'input channels'],
  ['outputChannels', 'output channels'],
  ['outputHeight', 'output rows'],
  ['weightElements', 'weights'],
]);
/** A range counts as widened when it is exceeded by more than this share. */
const MARGIN = 0.05;
/** Kinds that the words name. */
const NAMED_KINDS = 3;

type Range = readonly [smallest: number, largest: number];

interface KnownKind {
  readonly windows: Set<string>;
  readonly ranges: Map<FeatureName, Range>;
}

/** Kernels of networks that are measured, or about to be. */
export class KnownKernels {
  readonly #kinds = new Map<string, KnownKind>();

  get isEmpty(): boolean {
    return this.#kinds.size === 0;
  }

  of(kind: string): KnownKind | undefined {
    return this.#kinds.get(kind);
  }

  add(network: PlannedNetwork): void {
    for (const [kind, features] of kindsOf(network)) {
      const known = this.#kinds.get(kind) ?? { windows: new Set<string>(), ranges: new Map<FeatureName, Range>() };
      this.#kinds.set(kind, known);
      for (const kernel of features) known.windows.add(windowOf(kernel));
      for (const feature of SIZES.keys()) {
        const [smallest, largest] = rangeOf(features, feature);
        const [low, high] = known.ranges.get(feature) ?? [smallest, largest];
        known.ranges.set(feature, [Math.min(low, smallest), Math.max(high, largest)]);
      }
    }
  }
}

/** What is new of a network, most work first; kinds of which nothing is new are left out. */
export function addedKernels(network: PlannedNetwork, known: KnownKernels): AddedKernels[] {
  const work = (features: readonly KernelFeatures[]) => features.reduce((sum, kernel) => sum + guessedUs(kernel), 0);
  const total = work(network.features);
  return [...kindsOf(network)]
    .map(([kind, features]): AddedKernels => {
      const before = known.of(kind);
      const windows = [...new Set(features.map(windowOf))].filter((window) => !before?.windows.has(window)).sort();
      const ranges = [...SIZES.keys()].flatMap((feature) => widened(feature, features, before));
      return { kind, share: (100 * work(features)) / total, newKind: !before, windows, ranges };
    })
    .filter(({ newKind, windows, ranges }) => newKind || windows.length + ranges.length > 0)
    .sort((a, b) => b.share - a.share);
}

/** A sentence or two. */
export function reasonOf(adds: readonly AddedKernels[], known: KnownKernels): string {
  if (adds.length === 0) return 'Its kernels are within what is known, in proportions that no known network has.';
  const fresh = adds.filter(({ newKind }) => newKind);
  const wider = adds.filter(({ newKind }) => !newKind);
  const sentences: string[] = [];
  if (fresh.length > 0) {
    const start = known.isEmpty ? 'Nothing is known yet; its kernels are' : 'First with';
    sentences.push(
      `${start} ${enumerated(fresh.map(({ kind, share }) => `${kind} (${share.toFixed(0)} % of its work)`))}.`,
    );
  }
  if (wider.length > 0) sentences.push(`Adds ${enumerated(wider.map(describe))}.`);
  return sentences.join(' ');
}

function describe({ kind, windows, ranges }: AddedKernels): string {
  const outside = ranges.map(({ feature, smallest, largest, knownSmallest, knownLargest }) => {
    const word = SIZES.get(feature)!;
    return largest > knownLargest!
      ? `up to ${largest} ${word} (known: ${knownLargest})`
      : `down to ${smallest} ${word} (known: ${knownSmallest})`;
  });
  return `${kind} of ${[...windows, ...outside].join(', ')}`;
}

function enumerated(parts: readonly string[]): string {
  const more = parts.length - NAMED_KINDS;
  return parts.slice(0, NAMED_KINDS).join('; ') + (more > 0 ? `; and ${more} kinds more` : '');
}

function widened(
  feature: FeatureName,
  features: readonly KernelFeatures[],
  before: KnownKind | undefined,
): WidenedRange[] {
  const [smallest, largest] = rangeOf(features, feature);
  const known = before?.ranges.get(feature);
  if (!known) return [{ feature, smallest, largest, knownSmallest: null, knownLargest: null }];
  const [low, high] = known;
  if (largest <= high * (1 + MARGIN) && smallest >= low * (1 - MARGIN)) return [];
  return [{ feature, smallest, largest, knownSmallest: low, knownLargest: high }];
}

function rangeOf(features: readonly KernelFeatures[], feature: FeatureName): Range {
  const values = features.map((kernel) => kernel[feature]);
  return [Math.min(...values), Math.max(...values)];
}

function windowOf({ kernelHeight, kernelWidth, strideHeight }: KernelFeatures): string {
  return `${kernelHeight}x${kernelWidth} stride ${strideHeight}`;
}

function kindsOf({ kernels, features }: PlannedNetwork): Map<string, KernelFeatures[]> {
  const kinds = new Map<string, KernelFeatures[]>();
  kernels.forEach(({ kind }, i) => {
    const ofKind = kinds.get(kind);
    if (ofKind) ofKind.push(features[i]);
    else kinds.set(kind, [features[i]]);
  });
  return kinds;
}
