/**
 * What two versions differ in besides their predictions: data, learner and settings, rules. Must not know how the facts are
 * kept.
 */

/** What is said of a version, in words for people. */
export interface VersionFacts {
  /** SHA-256 of the datasets, hexadecimal. */
  readonly datasets: readonly string[];
  /** Names of the networks that it was trained on. */
  readonly networks: readonly string[];
  /** Everything else by name, for example `learner: boosting`, `rules: tflite-gpu@2.10/mali-g76`. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface OnlyIn {
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
}

export interface SettingDifference {
  readonly name: string;
  /** Null where the version has no such setting. */
  readonly a: string | null;
  readonly b: string | null;
}

export interface VersionDifferences {
  readonly datasets: OnlyIn;
  readonly networks: OnlyIn;
  /** Only those that differ, in the order of the facts. */
  readonly settings: readonly SettingDifference[];
}

export function differencesOf(a: VersionFacts, b: VersionFacts): VersionDifferences {
  const names = new Set([...Object.keys(a.settings), ...Object.keys(b.settings)]);
  return {
    datasets: onlyIn(a.datasets, b.datasets),
    networks: onlyIn(a.networks, b.networks),
    settings: [...names]
      .map((name) => ({ name, a: a.settings[name] ?? null, b: b.settings[name] ?? null }))
      .filter((setting) => setting.a !== setting.b),
  };
}

function onlyIn(a: readonly string[], b: readonly string[]): OnlyIn {
  const without = (left: readonly string[], right: ReadonlySet<string>) =>
    left.filter((each) => !right.has(each)).sort();
  return { onlyInA: without(a, new Set(b)), onlyInB: without(b, new Set(a)) };
}
