/** The networks of a team, and uploading more. */
import { Select, TextInput } from '@mantine/core';
import { useDebouncedCallback, useInterval } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { IngestStatus, NetworksQuery } from '../../api/generated/graphql';
import { formatCount, formatEnum } from '../../components/format';
import { IngestBadge } from '../../components/ingest-status';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { UploadNetworks } from './upload-networks';

const NETWORKS = graphql(`
  query Networks($first: Int!, $after: String, $filter: NetworkFilter!) {
    networks(first: $first, after: $after, filter: $filter) {
      edges {
        node {
          id name status createdAt
          failure { code message where remedy }
          summary { format ops parameters multiplyAccumulates }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

/** How often a list with networks that are being read is read again. */
const AGAIN_MS = 1500;

const STATUSES: IngestStatus[] = ['PENDING', 'READY', 'REJECTED'];

type Row = NetworksQuery['networks']['edges'][number]['node'];

function columnsOf(teamId: string): Column<Row>[] {
  return [
    {
      key: 'name',
      header: 'Network',
      cell: ({ id, name }) => (
        <TextLink to="/teams/$teamId/networks/$networkId" params={{ teamId, networkId: id }}>
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
    { key: 'format', header: 'Format', cell: (row) => row.summary?.format ?? '–', value: (row) => row.summary?.format },
    {
      key: 'ops',
      header: 'Ops',
      number: true,
      cell: ({ summary }) => (summary ? formatCount(summary.ops) : '–'),
      value: (row) => row.summary?.ops,
    },
    {
      key: 'parameters',
      header: 'Weights, million',
      number: true,
      cell: ({ summary }) => (summary ? (summary.parameters / 1e6).toFixed(2) : '–'),
      value: (row) => row.summary?.parameters,
    },
    {
      key: 'multiplyAccumulates',
      header: 'Multiply-adds, million',
      number: true,
      cell: ({ summary }) => (summary ? (summary.multiplyAccumulates / 1e6).toFixed(1) : '–'),
      value: (row) => row.summary?.multiplyAccumulates,
    },
    {
      key: 'failure',
      header: 'Why it was refused',
      wide: true,
      cell: ({ failure }) => (failure ? `${failure.code}: ${failure.message} ${failure.remedy ?? ''}` : ''),
      value: (row) => row.failure?.message,
    },
    { key: 'createdAt', header: 'Uploaded', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  ];
}

export function NetworksPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { name, status } = useSearch({ from: '/teams/$teamId/networks' });
  const navigate = useNavigate();
  const chosen = STATUSES.find((each) => each === status) ?? null;
  const variables = { filter: { name: name ?? null, status: chosen } };
  const list = useConnection(NETWORKS, variables, (data) => data.networks);
  const isPending = list.rows.some((row) => row.status === 'PENDING');
  const { start, stop } = useInterval(list.reload, AGAIN_MS);
  useEffect(() => {
    if (isPending) start();
    return stop;
  }, [isPending, start, stop]);
  const find = (search: { name?: string; status?: string }) => {
    void navigate({ to: '/teams/$teamId/networks', params: { teamId }, search, replace: true });
  };
  const findSoon = useDebouncedCallback(find, 300);
  return (
    <Page
      title="Networks"
      description="Graphs without their weights: what a network is made of decides how long it takes."
      query={{ document: NETWORKS, variables: { first: 50, ...variables } }}
    >
      {mayWrite && <UploadNetworks onCreated={list.reload} />}
      <ServerTable
        label="Networks"
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
              onChange={({ currentTarget }) => findSoon({ name: currentTarget.value.trim() || undefined, status })}
            />
            <Select
              size="xs"
              aria-label="Status"
              w="9rem"
              data={[
                { value: '', label: 'Any status' },
                ...STATUSES.map((value) => ({ value, label: formatEnum(value) })),
              ]}
              value={chosen ?? ''}
              onChange={(value) => find({ name, status: value || undefined })}
            />
          </>
        }
        empty={
          <Empty title={name || status ? 'No such networks' : 'No networks yet'}>
            {!name && !status && 'Upload a file of a network to see what it would take on your devices.'}
          </Empty>
        }
      />
    </Page>
  );
}
