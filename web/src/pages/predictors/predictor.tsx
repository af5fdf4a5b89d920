/** A predictor: its versions, its gate, and how its stages changed. */
import { Code } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { PredictorVersionsQuery, StageChangesQuery } from '../../api/generated/graphql';
import { useApiQuery } from '../../api/hooks';
import { formatEnum, formatPercent } from '../../components/format';
import { ButtonLink, TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty, Failure, Loading } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { GatePanel } from './gate-panel';
import { StageBadge } from './stage-badge';
import { RollBackButton } from './stage-buttons';

const PREDICTOR = graphql(`
  query Predictor($id: ID!) {
    node(id: $id) {
      ... on Predictor {
        id name keepVersions
        scenario { name }
        versionInUse { id number }
        promotionGate { marginPercent evaluationSet { id name } }
      }
    }
  }
`);

const VERSIONS = graphql(`
  query PredictorVersions($first: Int!, $after: String, $filter: PredictorVersionFilter!) {
    predictorVersions(first: $first, after: $after, filter: $filter) {
      edges {
        node {
          id number status stage learner createdAt seed
          report { networks kernelRows noiseFloor endToEnd { mape within10 } calibration { level covered } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const STAGE_CHANGES = graphql(`
  query StageChanges($first: Int!, $after: String, $filter: StageChangeFilter!) {
    stageChanges(first: $first, after: $after, filter: $filter) {
      edges { node { id createdAt fromStage toStage reason version { id number } gate { passed message } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Version = PredictorVersionsQuery['predictorVersions']['edges'][number]['node'];
type StageChange = StageChangesQuery['stageChanges']['edges'][number]['node'];

function versionColumns(teamId: string): Column<Version>[] {
  return [
    {
      key: 'number',
      header: 'Version',
      cell: ({ id, number }) => (
        <TextLink to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: id }}>
          Version {number}
        </TextLink>
      ),
      value: (row) => row.number,
    },
    {
      key: 'stage',
      header: 'Stage',
      cell: ({ status, stage }) => <StageBadge status={status} stage={stage} />,
      value: ({ status, stage }) => (status === 'READY' ? stage : status),
    },
    {
      key: 'errorPercent',
      header: 'Error',
      number: true,
      cell: ({ report }) => (report ? formatPercent(report.endToEnd.mape) : '–'),
      value: (row) => row.report?.endToEnd.mape,
    },
    {
      key: 'within10Percent',
      header: 'Within 10 %',
      number: true,
      cell: ({ report }) => (report ? formatPercent(100 * report.endToEnd.within10) : '–'),
      value: ({ report }) => report && 100 * report.endToEnd.within10,
    },
    {
      key: 'covered90Percent',
      header: '90 % interval holds',
      number: true,
      cell: ({ report }) => {
        const at90 = report?.calibration.find(({ level }) => level === 0.9);
        return at90 ? formatPercent(100 * at90.covered) : '–';
      },
      value: ({ report }) => {
        const at90 = report?.calibration.find(({ level }) => level === 0.9);
        return at90 && 100 * at90.covered;
      },
    },
    { key: 'learner', header: 'Learner', cell: (row) => formatEnum(row.learner), value: (row) => row.learner },
    {
      key: 'networks',
      header: 'Networks',
      number: true,
      cell: (row) => row.report?.networks ?? '–',
      value: (row) => row.report?.networks,
    },
    {
      key: 'kernelRows',
      header: 'Kernels',
      number: true,
      cell: (row) => row.report?.kernelRows ?? '–',
      value: (row) => row.report?.kernelRows,
    },
    {
      key: 'createdAt',
      header: 'Made',
      cell: (row) => <Time at={row.createdAt} />,
      value: (row) => row.createdAt,
    },
  ];
}

const CHANGE_COLUMNS: Column<StageChange>[] = [
  { key: 'createdAt', header: 'When', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  {
    key: 'version',
    header: 'Version',
    number: true,
    cell: (row) => row.version.number,
    value: (row) => row.version.number,
  },
  {
    key: 'change',
    header: 'Change',
    cell: ({ fromStage, toStage }) => `${formatEnum(fromStage)} → ${formatEnum(toStage)}`,
    value: (row) => row.toStage,
  },
  { key: 'reason', header: 'Reason', wide: true, cell: (row) => row.reason, value: (row) => row.reason },
  {
    key: 'gate',
    header: 'Gate',
    wide: true,
    cell: ({ gate }) => (gate ? gate.message : '–'),
    value: (row) => row.gate?.message,
  },
];

export function PredictorPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { predictorId } = useParams({ from: '/teams/$teamId/predictors/$predictorId' });
  const { data, error, loading, reload } = useApiQuery(PREDICTOR, { id: predictorId });
  const filter = { predictorId };
  const versions = useConnection(VERSIONS, { filter }, (result) => result.predictorVersions);
  const changes = useConnection(STAGE_CHANGES, { filter }, (result) => result.stageChanges);
  if (loading) return <Loading />;
  const predictor = data?.node && 'scenario' in data.node ? data.node : undefined;
  if (!predictor) {
    return (
      <Page title="Predictor">
        <Failure error={error} retry={reload} />
        {!error && <Empty title="Not found">There is no predictor at this address.</Empty>}
      </Page>
    );
  }
  const { name, scenario, versionInUse } = predictor;
  const reloadAll = () => {
    reload();
    versions.reload();
    changes.reload();
  };
  return (
    <Page
      title={name}
      description={
        <>
          Answers for <Code>{scenario.name}</Code>.{' '}
          {versionInUse ? `Version ${versionInUse.number} is in use.` : 'No version is in use yet.'}
        </>
      }
      actions={
        mayWrite && (
          <>
            {versionInUse && <RollBackButton predictorId={predictorId} onDone={reloadAll} />}
            <ButtonLink
              to="/teams/$teamId/predictors/train"
              params={{ teamId }}
              search={{ scenario: scenario.name, name }}
            >
              Train a version
            </ButtonLink>
          </>
        )
      }
      query={{ document: VERSIONS, variables: { first: 50, filter } }}
    >
      <ServerTable
        label={`Versions of ${name}`}
        list={versions}
        columns={versionColumns(teamId)}
        rowKey={({ id }) => id}
        empty={<Empty title="No versions" />}
      />
      <GatePanel predictorId={predictorId} gate={predictor.promotionGate ?? undefined} onDone={reload} />
      <section aria-label="History">
        <ServerTable
          label={`History of ${name}`}
          list={changes}
          columns={CHANGE_COLUMNS}
          rowKey={({ id }) => id}
          empty={<Empty title="No stage has changed yet" />}
        />
      </section>
    </Page>
  );
}
