/** What a comparison says: the verdict with its interval, then scenario by scenario, then networks that moved. */
import { Alert, SimpleGrid, Text } from '@mantine/core';
import type { CompareVersionsQuery, QualityFragment, Verdict } from '../../api/generated/graphql';
import { formatLatency, formatPercent } from '../../components/format';
import { Panel } from '../../components/page';
import { SimpleTable } from '../../components/simple-table';

type Comparison = CompareVersionsQuery['compareVersions'];
type ComparedScenario = Comparison['scenarios'][number];

const VERDICTS: Record<Verdict, string> = {
  BETTER: 'B is better than A',
  WORSE: 'B is worse than A',
  NO_DIFFERENCE: 'No difference that counts',
};
/** Pairs in the wrong order that are named. */
const FLIPS = 10;

const AB = [
  { header: 'A', number: true },
  { header: 'B', number: true },
] as const;

export function ComparisonPanels({ comparison }: { comparison: Comparison }) {
  const { difference, leftOut, scenarios, networks, worstMovers, bestMovers, versionDifferences } = comparison;
  const { mean, lower, upper, level, margin, verdict } = difference;
  const colour = verdict === 'BETTER' ? 'green' : verdict === 'WORSE' ? 'red' : 'gray';
  return (
    <>
      <Alert color={colour} variant="outline" title={VERDICTS[verdict]} styles={{ title: { color: 'inherit' } }}>
        The error of B is {points(mean)} that of A on {difference.networks} networks; {formatPercent(100 * level)}{' '}
        interval {points(lower)} to {points(upper)}. Up to {margin.toFixed(2)} points do not count.
        {leftOut.length > 0 && ` Left out, because a version was trained on them: ${leftOut.join(', ')}.`}
      </Alert>
      {scenarios.map((scenario) => (
        <ScenarioPanel key={scenario.scenario} scenario={scenario} />
      ))}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Movers title="Worst movers" networks={worstMovers} />
        <Movers title="Best movers" networks={bestMovers} />
      </SimpleGrid>
      <Panel title="What differs">
        <SimpleTable
          label="What differs between the versions"
          columns={[{ header: 'What' }, { header: 'A', wide: true }, { header: 'B', wide: true }]}
          rows={[
            ...versionDifferences.settings.map(({ name, a, b }) => [name, a ?? '–', b ?? '–']),
            ['networks that only it was trained on', ...counted(versionDifferences.networks)],
            ['datasets that only it was trained on', ...counted(versionDifferences.datasets)],
          ]}
        />
      </Panel>
      <Panel title="Every network">
        <SimpleTable
          label="Every network"
          columns={[
            { header: 'Network' },
            { header: 'Scenario' },
            ...['Measured', 'A', 'B', 'Error of A', 'Error of B', 'Change'].map((header) => ({ header, number: true })),
          ]}
          rows={networks.map((each) => [
            each.network,
            each.scenario,
            formatLatency(each.measuredUs),
            formatLatency(each.aUs),
            formatLatency(each.bUs),
            formatPercent(each.aError),
            formatPercent(each.bError),
            points(each.change),
          ])}
        />
      </Panel>
    </>
  );
}

function ScenarioPanel({ scenario }: { scenario: ComparedScenario }) {
  const { flips, kinds, difference, a, b } = scenario;
  const row = (name: string, cell: (quality: QualityFragment) => string) => [name, cell(a), cell(b)];
  const levels = [...new Set([...a.calibration, ...b.calibration].map(({ level }) => level))];
  const flipped = flips.gravest.filter(({ flippedByA, flippedByB }) => flippedByA !== flippedByB).slice(0, FLIPS);
  return (
    <Panel title={`${scenario.scenario}: ${points(difference.mean)}`}>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <SimpleTable
          label={`Both on ${scenario.scenario}`}
          columns={[{ header: `${scenario.networks} networks` }, ...AB]}
          rows={[
            row('Mean error', ({ error }) => formatPercent(error.mape)),
            row('Median error', ({ error }) => formatPercent(error.medianApe)),
            row('Within 10 %', ({ error }) => formatPercent(100 * error.within10)),
            row('Kendall tau of the order', ({ kendallTau }) => kendallTau?.toFixed(3) ?? '–'),
            [`Wrong order, of ${flips.pairs} pairs`, String(flips.byA), String(flips.byB)],
            row('Inside what training saw', ({ coverage }) => formatPercent(100 * coverage)),
            ...levels.map((level) =>
              row(`Held by ${formatPercent(100 * level)} intervals`, ({ calibration }) => {
                const found = calibration.find((each) => each.level === level);
                return found ? formatPercent(100 * found.covered) : '–';
              }),
            ),
          ]}
        />
        {kinds.length > 0 && <KindsTable scenario={scenario} />}
      </SimpleGrid>
      {flipped.length > 0 && (
        <>
          <Text fw={600} pt="md" pb={4}>
            Pairs that one version alone orders wrongly
          </Text>
          <SimpleTable
            label="Order flips"
            columns={[
              { header: 'Faster' },
              { header: 'Slower' },
              { header: 'Measured gap', number: true },
              { header: 'Wrong in' },
            ]}
            rows={flipped.map((flip) => [
              flip.faster,
              flip.slower,
              formatPercent(flip.measuredGap),
              flip.flippedByA ? 'A' : 'B',
            ])}
          />
        </>
      )}
    </Panel>
  );
}

/** Shares of the latency, and errors where kernels were measured. */
function KindsTable({ scenario: { scenario, kinds } }: { scenario: ComparedScenario }) {
  const measured = kinds.some(({ a }) => a.mape != null);
  const headers = ['Share of A', 'Share of B', ...(measured ? ['Error of A', 'Error of B'] : [])];
  const errorOf = (mape: number | null | undefined) => (mape == null ? '–' : formatPercent(mape));
  return (
    <SimpleTable
      label={`Kernel kinds on ${scenario}`}
      columns={[{ header: 'Kernel kind' }, ...headers.map((header) => ({ header, number: true }))]}
      rows={kinds.map(({ kind, a, b }) => [
        kind,
        formatPercent(100 * a.share),
        formatPercent(100 * b.share),
        ...(measured ? [errorOf(a.mape), errorOf(b.mape)] : []),
      ])}
    />
  );
}

function Movers({ title, networks }: { title: string; networks: Comparison['worstMovers'] }) {
  return (
    <Panel title={title}>
      {networks.length === 0 && <Text c="dimmed">None</Text>}
      {networks.length > 0 && (
        <SimpleTable
          label={title}
          columns={[
            { header: 'Network' },
            ...['Error of A', 'Error of B', 'Change'].map((header) => ({ header, number: true })),
          ]}
          rows={networks.map(({ network, aError, bError, change }) => [
            network,
            formatPercent(aError),
            formatPercent(bError),
            points(change),
          ])}
        />
      )}
    </Panel>
  );
}

/** Percentage points with their sign. */
function points(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(2)} points`;
}

function counted({ onlyInA, onlyInB }: Comparison['versionDifferences']['networks']): [string, string] {
  return [String(onlyInA.length), String(onlyInB.length)];
}
