/** What runs, what failed, and which versions have drifted. */
import { Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatPercent } from '../../components/format';
import { TextLink } from '../../components/link';
import { SimpleTable } from '../../components/simple-table';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { isRunning, type Overview } from './overview-query';

export function JobsTable({ overview }: { overview: Overview }) {
  const { id: teamId } = useTeam();
  const versionLink = (id: string, text: string) => (
    <TextLink to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: id }}>
      {text}
    </TextLink>
  );
  const running = overview.versions.edges.flatMap(({ node }): ReactNode[][] => {
    const { id, number, predictor, status, fraction, step, createdAt } = node;
    if (!isRunning(node)) return [];
    const percent = Math.floor(100 * fraction);
    return [
      [
        versionLink(id, `Version ${number} of ${predictor.name}`),
        <div key={id}>
          {status === 'QUEUED' ? 'Waits for a worker' : `Training, ${percent} %: ${step ?? 'begins'}`}
          <Progress value={percent} aria-label={`Version ${number} of ${predictor.name}`} />
        </div>,
        <Time key="when" at={createdAt} />,
      ],
    ];
  });
  // A training that failed is said by its version.
  const failed = overview.failedJobs.edges
    .filter(({ node }) => node.name !== 'trainPredictor')
    .map(({ node: { name, createdAt, failure } }): ReactNode[] => [
      name,
      `Failed: ${failure.message}`,
      <Time key="when" at={createdAt} />,
    ]);
  const untrained = overview.versions.edges
    .filter(({ node }) => node.status === 'FAILED')
    .map(({ node: { id, number, predictor, failure, createdAt } }): ReactNode[] => [
      versionLink(id, `Version ${number} of ${predictor.name}`),
      `Failed: ${failure?.message}`,
      <Time key="when" at={createdAt} />,
    ]);
  const drifted = overview.driftAlerts.edges.map(
    ({ node: { version, scenario, signedError, createdAt } }): ReactNode[] => [
      versionLink(version.id, `Version ${version.number} for ${scenario.name}`),
      `Drift: predictions are ${formatPercent(Math.abs(signedError))} ${signedError < 0 ? 'below' : 'above'} measurements`,
      <Time key="when" at={createdAt} />,
    ],
  );
  const rows = [...running, ...untrained, ...failed, ...drifted];
  if (rows.length === 0) {
    return (
      <Text c="dimmed" size="sm" p="sm">
        Nothing runs, nothing has failed, and no version has drifted.
      </Text>
    );
  }
  return (
    <SimpleTable
      label="Jobs and alerts, table"
      columns={[{ header: 'Of' }, { header: 'What', wide: true }, { header: 'When' }]}
      rows={rows}
    />
  );
}
