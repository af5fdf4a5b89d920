/** The datasets of a team, and uploading more. */
import { Select } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { DatasetsQuery, IngestStatus } from '../../api/generated/graphql';
import { formatBytes, formatCount, formatEnum } from '../../components/format';
import { IngestBadge } from '../../components/ingest-status';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { UploadDatasets } from './upload-datasets';

const DATASETS = graphql(`
  query Datasets($first: Int!, $after: String, $filter: DatasetFilter!) {
    datasets(first: $first, after: $after, filter: $filter) {
      edges { node { id name status networkRows kernelRows sizeBytes createdAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

/** How often a list with datasets that are being read is read again. */
const AGAIN_MS = 1500;

const STATUSES: IngestStatus[] = ['PENDING', 'READY', 'REJECTED'];

type Row = DatasetsQuery['datasets']['edges'][number]['node'];

const count = (value: number | null | undefined) => (typeof value === 'number' ? formatCount(value) : '–');

export function DatasetsPage() {
  const { id: teamId, mayWrite } = useTeam();
  const search = useSearch({ from: '/teams/$teamId/datasets' });
  const navigate = useNavigate();
  const variables = { filter: { status: search.status ?? null } };
  const list = useConnection(DATASETS, variables, (data) => data.datasets);
  const isPending = list.rows.some(({ status }) => status === 'PENDING');
  const { start, stop } = useInterval(list.reload, AGAIN_MS);
  useEffect(() => {
    if (isPending) start();
    return stop;
  }, [isPending, start, stop]);
  const columns: Column<Row>[] = [
    {
      key: 'name',
      header: 'Name',
      cell: ({ id, name }) => (
        <TextLink to="/teams/$teamId/datasets/$datasetId" params={{ teamId, datasetId: id }}>
          {name}
        </TextLink>
      ),
      value: (row) => row.name,
    },
    {
      key: 'status',
      header: 'Status',
      cell: ({ status }) => <IngestBadge status={status} />,
      value: (row) => row.status,
    },
    {
      key: 'networkRows',
      header: 'End-to-end rows',
      number: true,
      cell: (row) => count(row.networkRows),
      value: (row) => row.networkRows,
    },
    {
      key: 'kernelRows',
      header: 'Kernel rows',
      number: true,
      cell: (row) => count(row.kernelRows),
      value: (row) => row.kernelRows,
    },
    {
      key: 'sizeBytes',
      header: 'Size',
      number: true,
      cell: (row) => formatBytes(row.sizeBytes),
      value: (row) => row.sizeBytes,
    },
    { key: 'createdAt', header: 'Created', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  ];
  return (
    <Page
      title="Datasets"
      description="Profiles: measured latencies of networks and their kernels, which predictors are trained on."
      query={{ document: DATASETS, variables: { first: 50, ...variables } }}
    >
      {mayWrite && <UploadDatasets onCreated={list.reload} />}
      <ServerTable
        label="Datasets"
        list={list}
        columns={columns}
        rowKey={({ id }) => id}
        toolbar={
          <Select
            size="xs"
            w="10rem"
            aria-label="Status"
            placeholder="Any status"
            clearable
            clearButtonProps={{ 'aria-label': 'Any status' }}
            data={STATUSES.map((value) => ({ value, label: formatEnum(value) }))}
            value={search.status ?? null}
            onChange={(status) =>
              void navigate({
                to: '/teams/$teamId/datasets',
                params: { teamId },
                search: status ? { status: status as IngestStatus } : {},
                replace: true,
              })
            }
          />
        }
        empty={
          <Empty title={search.status ? 'No such datasets' : 'No datasets yet'}>
            {search.status
              ? 'Clear the filter to see the others.'
              : 'Upload a profile: a table of networks, scenarios and latencies in microseconds.'}
          </Empty>
        }
      />
    </Page>
  );
}
