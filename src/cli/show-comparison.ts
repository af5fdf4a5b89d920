/** A comparison of two versions as Markdown: for a terminal, and good enough for a pull request. */
import { type ComparisonSide, nameOf, type VersionsComparison } from './comparison-query';
import { formatLatency, formatPercent } from './output';

const VERDICTS = {
  BETTER: (a: string, b: string) => `**${b} is better than ${a}**`,
  WORSE: (a: string, b: string) => `**${b} is worse than ${a}**`,
  NO_DIFFERENCE: (a: string, b: string) => `**No difference that counts between ${b} and ${a}**`,
} as const;

const NAMED = 10;

/** The whole comparison. */
export function comparisonMarkdown(comparison: VersionsComparison): string {
  const { versionA, versionB, evaluationSet, difference, scenarios, worstMovers, bestMovers, leftOut } = comparison;
  const a = nameOf(versionA);
  const b = nameOf(versionB);
  const { mean, lower, upper, level, networks, margin } = difference;
  const sections = [
    `## ${a} (A) and ${b} (B)`,
    `${VERDICTS[difference.verdict](a, b)}: its error is ${points(mean)} (${formatPercent(100 * level)} interval ${points(lower)} to ${points(upper)}; up to ${margin.toFixed(2)} does not count), on ${networks} networks of \`${evaluationSet.name}\` (${evaluationSet.sha256.slice(0, 12)}).`,
    leftOut.length > 0 ? `Left out, because a version was trained on them: ${listed(leftOut)}.` : '',
    ...scenarios.flatMap(scenarioSections),
    movers('Worst movers', worstMovers),
    movers('Best movers', bestMovers),
    differenceSection(comparison),
  ];
  return sections.filter(Boolean).join('\n\n');
}

function scenarioSections(scenario: VersionsComparison['scenarios'][number]): string[] {
  const { a, b, flips, kinds, difference } = scenario;
  const row = (name: string, cell: (quality: ComparisonSide) => string) => [name, cell(a), cell(b)];
  const quality = table(
    [`${scenario.networks} networks`, 'A', 'B'],
    [
      row('mean error', ({ error }) => formatPercent(error.mape)),
      row('median error', ({ error }) => formatPercent(error.medianApe)),
      row('within 10 %', ({ error }) => formatPercent(100 * error.within10)),
      row('Kendall tau', ({ kendallTau }) => kendallTau?.toFixed(3) ?? ''),
      ['pairs in wrong order', `${flips.byA} of ${flips.pairs}`, `${flips.byB} of ${flips.pairs}`],
      row('inside what training saw', ({ coverage }) => formatPercent(100 * coverage)),
      ...[...new Set([...a.calibration, ...b.calibration].map(({ level }) => level))].map((level) =>
        row(`held by intervals of ${formatPercent(100 * level)}`, ({ calibration }) => {
          const found = calibration.find((each) => each.level === level);
          return found
            ? `${formatPercent(100 * found.covered)}, width ${formatPercent(100 * found.relativeWidth)}`
            : '';
        }),
      ),
    ],
  );
  const percentOr = (value: number | null) => (value === null ? '' : formatPercent(value));
  const byKind = table(
    ['kernel kind', 'networks', 'measured share', 'A error', 'B error', 'A share', 'B share'],
    kinds.map((kind) => [
      kind.kind,
      String(kind.networks),
      percentOr(kind.measuredShare === null ? null : 100 * kind.measuredShare),
      percentOr(kind.a.mape),
      percentOr(kind.b.mape),
      formatPercent(100 * kind.a.share),
      formatPercent(100 * kind.b.share),
    ]),
  );
  const flipped = flips.gravest
    .filter(({ flippedByA, flippedByB }) => flippedByA !== flippedByB)
    .slice(0, NAMED)
    .map((flip) => [flip.faster, flip.slower, formatPercent(flip.measuredGap), flip.flippedByA ? 'A' : 'B']);
  return [
    `### ${scenario.scenario}: B ${points(difference.mean)}, ${difference.verdict}`,
    quality,
    byKind,
    flipped.length > 0
      ? `Pairs that one version orders wrongly, the gravest:\n\n${table(['faster', 'slower', 'measured gap', 'wrong in'], flipped)}`
      : '',
  ];
}

function movers(title: string, networks: VersionsComparison['networks']): string {
  if (networks.length === 0) return '';
  const rows = networks.map((row) => [
    row.network,
    row.scenario,
    formatLatency(row.measuredUs),
    `${formatLatency(row.aUs)} (${signed(row.aError)} %)`,
    `${formatLatency(row.bUs)} (${signed(row.bError)} %)`,
    points(row.change),
  ]);
  return `### ${title}\n\n${table(['network', 'scenario', 'measured', 'A', 'B', 'error'], rows)}`;
}

function differenceSection({ versionDifferences }: VersionsComparison): string {
  const { datasets, networks, settings } = versionDifferences;
  const rows = settings.map(({ name, a, b }) => [name, a ?? '', b ?? '']);
  const only = (name: string, each: { readonly onlyInA: readonly string[]; readonly onlyInB: readonly string[] }) =>
    each.onlyInA.length + each.onlyInB.length > 0
      ? [[`${name} only here`, listed(each.onlyInA), listed(each.onlyInB)]]
      : [];
  const all = [...rows, ...only('datasets', datasets), ...only('networks trained on', networks)];
  return all.length > 0
    ? `### What differs\n\n${table(['', 'A', 'B'], all)}`
    : 'The versions differ in nothing that is known.';
}

function listed(names: readonly string[]): string {
  return names.length > NAMED
    ? `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`
    : names.join(', ');
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(1)}`;
}

/** `+0.12 points`: percentage points of error. */
function points(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)} points`;
}

/** A table of GitHub's Markdown; names of networks are strangers' text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, '\\$&').replace(/\s+/g, ' ');
}
