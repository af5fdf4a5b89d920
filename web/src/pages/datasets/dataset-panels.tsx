/** Parts of a dataset's page: what became of its rows, its scenarios, and how they were measured. */
import { List, Stack, Text } from '@mantine/core';
import type { DatasetQuery } from '../../api/generated/graphql';
import { formatCount, formatEnum } from '../../components/format';
import { TextLink } from '../../components/link';
import { SimpleTable } from '../../components/simple-table';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';

export type Dataset = Extract<DatasetQuery['node'], { fileName: string }>;
type Harness = NonNullable<Dataset['contents']>['harnesses'][number];

/** A file is read as a whole or not at all: rows that are wrong are said, and nothing of it is used. */
export function IngestReport({ dataset }: { dataset: Dataset }) {
  const { status, networkRows, kernelRows, contents, failure } = dataset;
  if (status === 'PENDING') return <Text aria-live="polite">The file is being read.</Text>;
  if (failure) {
    const { code, message, where, remedy, problems, problemCount } = failure;
    // Its further lines are the problems, which the table has.
    const [summary] = message.split(/:?\n/);
    return (
      <Stack gap="sm">
        <Failure error={{ code, message: summary, where: where ?? undefined, remedy: remedy ?? undefined }} />
        {problems.length > 0 && (
          <>
            <Text>
              Nothing of the file is used. It has {formatCount(problemCount)}{' '}
              {problemCount === 1 ? 'problem' : 'problems'}
              {problemCount > problems.length ? `; the first ${problems.length}` : ''}:
            </Text>
            <SimpleTable
              label="Problems"
              columns={[
                { header: 'Where' },
                { header: 'Column' },
                { header: 'Value' },
                { header: 'Expected', wide: true },
              ]}
              rows={problems.map(({ unit, line, column, value, expected }) => [
                line ? `${formatEnum(unit)} ${line}` : 'Header',
                column ?? '–',
                <span key="value" className="code">
                  {value ?? '–'}
                </span>,
                expected,
              ])}
            />
          </>
        )}
      </Stack>
    );
  }
  return (
    <Stack gap="xs">
      <Text>
        All {formatCount((networkRows ?? 0) + (kernelRows ?? 0))} rows accepted, none refused:{' '}
        {formatCount(networkRows ?? 0)} end to end and {formatCount(kernelRows ?? 0)} of kernels
        {contents && `, of ${formatCount(contents.networkCount)} networks`}.
      </Text>
      {contents && contents.warnings.length > 0 && (
        <>
          <Text fw={600}>Accepted, but it will cost accuracy:</Text>
          <List size="sm">
            {contents.warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  );
}

export function ScenarioTable({ scenarios }: { scenarios: Dataset['scenarios'] }) {
  const { id: teamId } = useTeam();
  return (
    <SimpleTable
      label="Scenarios, table"
      columns={[
        { header: 'Scenario' },
        { header: 'End-to-end rows', number: true },
        { header: 'Kernel rows', number: true },
        { header: 'Kernel kinds', number: true },
        { header: 'Predictors' },
      ]}
      rows={scenarios.map(({ scenario, networkRows, kernelRows, spread }) => [
        scenario.name,
        formatCount(networkRows),
        formatCount(kernelRows),
        spread ? formatCount(spread.kinds.length) : '–',
        <TextLink
          key={scenario.id}
          to="/teams/$teamId/predictors"
          params={{ teamId }}
          search={{ scenario: scenario.name }}
          aria-label={`Predictors for ${scenario.name}`}
        >
          Predictors
        </TextLink>,
      ])}
    />
  );
}

/** A dash is what the file does not say. */
export function HarnessTable({ harnesses, count }: { harnesses: readonly Harness[]; count: number }) {
  return (
    <Stack gap="xs">
      <SimpleTable
        label="How it was measured, table"
        columns={[
          { header: 'Runtime and build' },
          { header: 'Threads', number: true },
          { header: 'Cores' },
          { header: 'Governor' },
          { header: 'Warm-ups', number: true },
          { header: 'Repetitions', number: true },
          { header: 'Statistic' },
        ]}
        rows={harnesses.map((harness) => [
          harness.runtimeBuild ?? '–',
          harness.threads ?? '–',
          harness.affinity ?? '–',
          harness.governor ?? '–',
          harness.warmUps ?? '–',
          harness.repetitions ?? '–',
          harness.statistic ? formatEnum(harness.statistic) : '–',
        ])}
      />
      {count > harnesses.length && (
        <Text size="sm" c="dimmed">
          The first {harnesses.length} of {formatCount(count)}.
        </Text>
      )}
    </Stack>
  );
}
