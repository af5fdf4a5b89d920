/** What goes on in a team that predicts: a table a noun, each row a way to it. */
import { Group, Progress, Stack, Text } from '@mantine/core';
import type { LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatEnum, formatLatency, formatPercent } from '../../components/format';
import { TextLink } from '../../components/link';
import { SimpleTable } from '../../components/simple-table';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { JobsTable } from './jobs-table';
import type { Overview } from './overview-query';

interface OverviewProps {
  readonly overview: Overview;
}

export function TeamOverview({ overview }: OverviewProps) {
  return (
    <div className="overview">
      <Stack gap="md">
        <Predictions overview={overview} />
        <BudgetChecks overview={overview} />
      </Stack>
      <Stack gap="md">
        <Predictors overview={overview} />
        <Part title="Jobs and alerts">
          <JobsTable overview={overview} />
        </Part>
        <UsedShares overview={overview} />
      </Stack>
    </div>
  );
}

interface PartProps {
  readonly title: string;
  /** The page that has all of it. */
  readonly to?: Extract<LinkProps['to'], `/teams/$teamId${string}`>;
  readonly children: ReactNode;
}

function Part({ title, to, children }: PartProps) {
  const { id: teamId } = useTeam();
  return (
    <section className="panel" aria-label={title}>
      <Group justify="space-between" px="sm" py="xs" style={{ borderBottom: '1px solid var(--line)' }}>
        <h2 className="part-title">{title}</h2>
        {to && (
          <TextLink to={to} params={{ teamId }} size="sm" aria-label={`All: ${title}`}>
            All
          </TextLink>
        )}
      </Group>
      {children}
    </section>
  );
}

const NOTHING = { c: 'dimmed', size: 'sm', p: 'sm' } as const;

function Predictors({ overview: { predictors } }: OverviewProps) {
  const { id: teamId } = useTeam();
  return (
    <Part title="Versions in use" to="/teams/$teamId/predictors">
      <SimpleTable
        label="Versions in use, table"
        columns={[
          { header: 'Predictor' },
          { header: 'Scenario' },
          { header: 'In use' },
          { header: 'Error', number: true },
        ]}
        rows={predictors.edges.map(({ node: { id, name, scenario, versionInUse: version } }) => [
          <TextLink key={id} to="/teams/$teamId/predictors/$predictorId" params={{ teamId, predictorId: id }}>
            {name}
          </TextLink>,
          scenario.name,
          version ? (
            <TextLink key={id} to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: version.id }}>
              Version {version.number}
            </TextLink>
          ) : (
            'None'
          ),
          version?.report ? formatPercent(version.report.endToEnd.mape) : '–',
        ])}
      />
    </Part>
  );
}

function Predictions({ overview: { predictions } }: OverviewProps) {
  const { id: teamId } = useTeam();
  return (
    <Part title="Newest predictions" to="/teams/$teamId/networks">
      <SimpleTable
        label="Newest predictions, table"
        columns={[
          { header: 'Network' },
          { header: 'Latency', number: true },
          { header: 'Interval', number: true },
          { header: 'When' },
        ]}
        rows={predictions.edges.map(({ node: { id, network, latencyUs, interval, scenario, createdAt } }) => [
          <div key={id}>
            <TextLink
              to="/teams/$teamId/networks/$networkId"
              params={{ teamId, networkId: network.id }}
              search={{ scenario: scenario.name }}
            >
              {network.name}
            </TextLink>
            <Text size="xs" c="dimmed">
              {scenario.name}
            </Text>
          </div>,
          formatLatency(latencyUs),
          `${formatLatency(interval.lowerUs)} to ${formatLatency(interval.upperUs)} (${Math.round(100 * interval.level)} %)`,
          <Time key={id} at={createdAt} />,
        ])}
      />
    </Part>
  );
}

function BudgetChecks({ overview: { budgetChecks } }: OverviewProps) {
  const { id: teamId } = useTeam();
  return (
    <Part title="Budget checks" to="/teams/$teamId/budgets">
      {budgetChecks.edges.length === 0 && <Text {...NOTHING}>No pipeline has checked a budget yet.</Text>}
      {budgetChecks.edges.length > 0 && (
        <SimpleTable
          label="Budget checks, table"
          columns={[{ header: 'Commit' }, { header: 'Verdict' }, { header: 'Branch' }, { header: 'When' }]}
          rows={budgetChecks.edges.map(({ node: { id, commit, verdict, repository, branch, createdAt } }) => [
            <TextLink key={id} to="/teams/$teamId/budgets/$checkId" params={{ teamId, checkId: id }}>
              <span className="code">{commit.slice(0, 10)}</span>
            </TextLink>,
            formatEnum(verdict),
            `${repository}, ${branch}`,
            <Time key={id} at={createdAt} />,
          ])}
        />
      )}
    </Part>
  );
}

function UsedShares({ overview: { viewer } }: OverviewProps) {
  const usage = viewer?.team?.usage ?? [];
  return (
    <Part title="Usage" to="/teams/$teamId/usage">
      <SimpleTable
        label="Usage, table"
        columns={[
          { header: 'Resource' },
          { header: 'Used', number: true },
          { header: 'Maximum', number: true },
          { header: 'Share' },
        ]}
        rows={usage.map(({ resource, used, maximum }) => {
          const format = resource === 'BYTES' ? formatBytes : (amount: number) => formatCount(Math.round(amount));
          return [
            formatEnum(resource),
            format(used),
            format(maximum),
            <Progress
              key={resource}
              miw="5rem"
              value={(100 * used) / maximum}
              color={used > 0.9 * maximum ? 'red' : undefined}
              aria-label={`${formatEnum(resource)} used`}
            />,
          ];
        })}
      />
    </Part>
  );
}
