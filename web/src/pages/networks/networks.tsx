/** The networks of a team, and uploading more. */
import { Code, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback, useInterval } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { IngestStatus, NetworkOrder, NetworksQuery } from '../../api/generated/graphql';
import { formatBytes, formatCount, formatEnum } from '../../components/format';
import { IngestBadge } from '../../components/ingest-status';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { UploadNetworks } from './upload-networks';

const NETWORKS = graphql(`
  query Networks($first: Int!, $after: String, $filter: NetworkFilter!, $sort: NetworkSort!) {
    networks(first: $first, after: $after, filter: $filter, sort: $sort) {
      edges {
        node {
          id name status sizeBytes createdAt
          summary { format ops parameters multiplyAccumulates }
          failure { code message where remedy }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

/** How often a list with networks that are being read is read again. */
const AGAIN_MS = 1500;

const STATUSES: IngestStatus[] = ['PENDING', 'READY', 'REJECTED'];

/** What the URL says of the list. */
export interface NetworksSearch {
  readonly search?: string;
  readonly status?: IngestStatus;
  readonly sort?: NetworkOrder;
  readonly ascending?: boolean;
}

type Row = NetworksQuery['networks']['edges'][number]['node'];

/** `1.23 M`. */
const large = (value: number | undefined) =>
  value === undefined ? '–' : value < 1e6 ? formatCount(value) : `${formatCount(Math.round(value / 1e4) / 100)} M`;

const COLUMNS: Column<Row>[] = [
  {
    key: 'NAME',
    header: 'Network',
    sortable: true,
    cell: ({ id, name }) => (
      <TextLink from="/teams/$teamId/networks" to="/teams/$teamId/networks/$networkId" params={{ networkId: id }}>
        {name}
      </TextLink>
    ),
    value: ({ name }) => name,
  },
  {
    key: 'STATUS',
    header: 'Status',
    sortable: true,
    cell: ({ status, failure }) => (
      <Stack gap={2} align="flex-start">
        <IngestBadge status={status} />
        {failure && (
          <Text size="sm" style={{ whiteSpace: 'normal' }} maw="28rem">
            <Code>{failure.code}</Code> {failure.message}
            {failure.remedy && ` ${failure.remedy}`}
          </Text>
        )}
      </Stack>
    ),
    value: ({ status }) => status,
  },
  {
    key: 'FORMAT',
    header: 'Format',
    sortable: true,
    cell: ({ summary }) => summary?.format ?? '–',
    value: ({ summary }) => summary?.format,
  },
  {
    key: 'OPS',
    header: 'Ops',
    number: true,
    sortable: true,
    cell: ({ summary }) => large(summary?.ops),
    value: ({ summary }) => summary?.ops,
  },
  {
    key: 'PARAMETERS',
    header: 'Parameters',
    number: true,
    sortable: true,
    cell: ({ summary }) => large(summary?.parameters),
    value: ({ summary }) => summary?.parameters,
  },
  {
    key: 'MULTIPLY_ACCUMULATES',
    header: 'Multiply-accumulates',
    number: true,
    sortable: true,
    cell: ({ summary }) => large(summary?.multiplyAccumulates),
    value: ({ summary }) => summary?.multiplyAccumulates,
  },
  {
    key: 'sizeBytes',
    header: 'Stored',
    number: true,
    cell: ({ sizeBytes }) => formatBytes(sizeBytes),
    value: ({ sizeBytes }) => sizeBytes,
  },
  {
    key: 'CREATED',
    header: 'Created',
    sortable: true,
    cell: ({ createdAt }) => <Time at={createdAt} />,
    value: ({ createdAt }) => createdAt,
  },
];

export function NetworksPage() {
  const { id: teamId, mayWrite } = useTeam();
  const search = useSearch({ from: '/teams/$teamId/networks' });
  const navigate = useNavigate();
  const by = search.sort ?? 'CREATED';
  const descending = !search.ascending;
  const variables = {
    filter: { search: search.search ?? null, status: search.status ?? null },
    sort: { by, descending },
  };
  const list = useConnection(NETWORKS, variables, (data) => data.networks);
  const show = (change: NetworksSearch) =>
    void navigate({
      to: '/teams/$teamId/networks',
      params: { teamId },
      search: { ...search, ...change },
      replace: true,
    });
  const find = useDebouncedCallback((text: string) => show({ search: text.trim() || undefined }), 300);
  const isPending = list.rows.some(({ status }) => status === 'PENDING');
  const { start, stop } = useInterval(list.reload, AGAIN_MS);
  useEffect(() => {
    if (isPending) start();
    return stop;
  }, [isPending, start, stop]);
  const isFiltered = Boolean(search.search || search.status);
  return (
    <Page
      title="Networks"
      description="Graphs whose latency is predicted. Only their structure is here: weights are never sent."
      query={{ document: NETWORKS, variables: { first: 50, ...variables } }}
    >
      {mayWrite && <UploadNetworks onCreated={list.reload} />}
      <ServerTable
        label="Networks"
        list={list}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        sort={{ key: by, descending }}
        onSort={(key) => show({ sort: key as NetworkOrder, ascending: key === by ? descending : key === 'NAME' })}
        toolbar={
          <>
            <TextInput
              size="xs"
              aria-label="Name"
              placeholder="Part of a name"
              defaultValue={search.search}
              w="14rem"
              maxLength={200}
              onChange={({ currentTarget }) => find(currentTarget.value)}
            />
            <Select
              size="xs"
              w="10rem"
              aria-label="Status"
              placeholder="Any status"
              clearable
              clearButtonProps={{ 'aria-label': 'Any status' }}
              data={STATUSES.map((value) => ({ value, label: formatEnum(value) }))}
              value={search.status ?? null}
              onChange={(status) => show({ status: (status as IngestStatus) ?? undefined })}
            />
          </>
        }
        empty={
          <Empty title={isFiltered ? 'No such networks' : 'No networks yet'}>
            {isFiltered
              ? 'Change the filter to see others.'
              : 'Upload an ONNX or TFLite file: its weights stay with you.'}
          </Empty>
        }
      />
    </Page>
  );
}
