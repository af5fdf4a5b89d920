/** Every change in a team, for its admins. */
import { Code, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { AuditEntriesQuery } from '../../api/generated/graphql';
import { formatTime } from '../../components/format';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { useTeam } from '../../team';

const AUDIT_ENTRIES = graphql(`
  query AuditEntries($first: Int!, $after: String, $filter: AuditEntryFilter!) {
    auditEntries(first: $first, after: $after, filter: $filter) {
      edges { node { id createdAt action subjectType subjectId personId apiKeyId address requestId details } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = AuditEntriesQuery['auditEntries']['edges'][number]['node'];

function makerOf({ personId, apiKeyId }: Row): string {
  return personId ? 'Person' : apiKeyId ? 'API key' : 'Service';
}

const COLUMNS: Column<Row>[] = [
  { key: 'createdAt', header: 'When', cell: (row) => formatTime(row.createdAt), value: (row) => row.createdAt },
  { key: 'action', header: 'Action', cell: (row) => row.action, value: (row) => row.action },
  { key: 'subject', header: 'Of', cell: (row) => row.subjectType ?? '–', value: (row) => row.subjectId },
  { key: 'by', header: 'By', cell: makerOf, value: (row) => row.personId ?? row.apiKeyId },
  { key: 'address', header: 'From', cell: (row) => row.address ?? '–', value: (row) => row.address },
  {
    key: 'details',
    header: 'Details',
    wide: true,
    cell: ({ details }) => (Object.keys(details).length > 0 ? <Code>{JSON.stringify(details)}</Code> : '–'),
    value: (row) => JSON.stringify(row.details),
  },
  { key: 'requestId', header: 'Request', cell: (row) => row.requestId ?? '–', value: (row) => row.requestId },
];

export function AuditPage() {
  const { id: teamId } = useTeam();
  const { action, subject } = useSearch({ from: '/teams/$teamId/audit' });
  const navigate = useNavigate();
  const variables = { filter: { action: action ?? null, subjectId: subject ?? null } };
  const list = useConnection(AUDIT_ENTRIES, variables, (data) => data.auditEntries);
  const find = useDebouncedCallback((search: { action?: string; subject?: string }) => {
    void navigate({ to: '/teams/$teamId/audit', params: { teamId }, search, replace: true });
  }, 300);
  return (
    <Page
      title="Audit"
      description="Every change, who made it, and from where. Never changed or removed."
      query={{ document: AUDIT_ENTRIES, variables: { first: 50, ...variables } }}
    >
      <ServerTable
        label="Audit entries"
        list={list}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        toolbar={
          <>
            <TextInput
              size="xs"
              aria-label="Action"
              placeholder="Action, such as createApiKey"
              defaultValue={action}
              w="14rem"
              onChange={({ currentTarget }) => find({ action: currentTarget.value.trim() || undefined, subject })}
            />
            <TextInput
              size="xs"
              aria-label="Id of what was changed"
              placeholder="Id of what was changed"
              defaultValue={subject}
              w="14rem"
              onChange={({ currentTarget }) => find({ action, subject: currentTarget.value.trim() || undefined })}
            />
          </>
        }
        empty={<Empty title="No such changes" />}
      />
    </Page>
  );
}
