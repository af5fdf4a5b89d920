/** The predictors of a team, with the version of each that is in use. */
import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { PredictorsQuery } from '../../api/generated/graphql';
import { formatEnum, formatPercent } from '../../components/format';
import { ButtonLink, TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';

const PREDICTORS = graphql(`
  query Predictors($first: Int!, $after: String, $filter: PredictorFilter!) {
    predictors(first: $first, after: $after, filter: $filter) {
      edges {
        node {
          id name createdAt keepVersions
          scenario { name }
          promotionGate { marginPercent evaluationSet { name } }
          versionInUse { id number learner inUseSince report { networks endToEnd { mape } } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = PredictorsQuery['predictors']['edges'][number]['node'];

function columnsOf(teamId: string): Column<Row>[] {
  return [
    {
      key: 'name',
      header: 'Predictor',
      cell: ({ id, name }) => (
        <TextLink to="/teams/$teamId/predictors/$predictorId" params={{ teamId, predictorId: id }}>
          {name}
        </TextLink>
      ),
      value: (row) => row.name,
    },
    { key: 'scenario', header: 'Scenario', cell: (row) => row.scenario.name, value: (row) => row.scenario.name },
    {
      key: 'versionInUse',
      header: 'In use',
      cell: ({ versionInUse: version }) =>
        version ? (
          <TextLink to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: version.id }}>
            Version {version.number}
          </TextLink>
        ) : (
          'None'
        ),
      value: (row) => row.versionInUse?.number,
    },
    {
      key: 'errorPercent',
      header: 'Error',
      number: true,
      cell: ({ versionInUse }) => (versionInUse?.report ? formatPercent(versionInUse.report.endToEnd.mape) : '–'),
      value: (row) => row.versionInUse?.report?.endToEnd.mape,
    },
    {
      key: 'learner',
      header: 'Learner',
      cell: ({ versionInUse }) => (versionInUse ? formatEnum(versionInUse.learner) : '–'),
      value: (row) => row.versionInUse?.learner,
    },
    {
      key: 'gate',
      header: 'Gate',
      cell: ({ promotionGate: gate }) =>
        gate ? `${gate.evaluationSet.name}, ${formatPercent(gate.marginPercent)}` : 'None',
      value: (row) => row.promotionGate?.evaluationSet.name,
    },
    {
      key: 'createdAt',
      header: 'Made',
      cell: (row) => <Time at={row.createdAt} />,
      value: (row) => row.createdAt,
    },
  ];
}

export function PredictorsPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { name, scenario } = useSearch({ from: '/teams/$teamId/predictors' });
  const navigate = useNavigate();
  const variables = { filter: { name: name ?? null, scenario: scenario ?? null } };
  const list = useConnection(PREDICTORS, variables, (data) => data.predictors);
  const find = useDebouncedCallback((search: { name?: string; scenario?: string }) => {
    void navigate({ to: '/teams/$teamId/predictors', params: { teamId }, search, replace: true });
  }, 300);
  const train = mayWrite && (
    <ButtonLink to="/teams/$teamId/predictors/train" params={{ teamId }}>
      Train
    </ButtonLink>
  );
  return (
    <Page
      title="Predictors"
      description="A predictor answers for one scenario; its versions are trained, compared and promoted."
      actions={train}
      query={{ document: PREDICTORS, variables: { first: 50, ...variables } }}
    >
      <ServerTable
        label="Predictors"
        list={list}
        columns={columnsOf(teamId)}
        rowKey={({ id }) => id}
        toolbar={
          <>
            <TextInput
              size="xs"
              aria-label="Name"
              placeholder="Name"
              defaultValue={name}
              w="12rem"
              onChange={({ currentTarget }) => find({ name: currentTarget.value.trim() || undefined, scenario })}
            />
            <TextInput
              size="xs"
              aria-label="Scenario"
              placeholder="Scenario"
              defaultValue={scenario}
              w="14rem"
              onChange={({ currentTarget }) => find({ name, scenario: currentTarget.value.trim() || undefined })}
            />
          </>
        }
        empty={
          <Empty
            title={name || scenario ? 'No such predictors' : 'Nothing trained yet'}
            action={!name && !scenario && train}
          >
            {!name && !scenario && 'A predictor is trained from datasets of measured networks and kernels.'}
          </Empty>
        }
      />
    </Page>
  );
}
