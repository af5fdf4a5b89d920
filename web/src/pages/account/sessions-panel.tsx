/** Where the person is signed in, and ending that. */
import { Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { SessionsQuery } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ConfirmButton } from '../../components/confirm';
import { Panel } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useSession } from '../../session';

const SESSIONS = graphql(`
  query Sessions($first: Int!, $after: String) {
    sessions(first: $first, after: $after) {
      edges { node { id createdAt lastUsedAt expiresAt address userAgent } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const REVOKE = graphql(`
  mutation RevokeSession($input: RevokeSessionInput!) {
    revokeSession(input: $input) { sessionId }
  }
`);
const SIGN_OUT_EVERYWHERE = graphql(`
  mutation SignOutEverywhere {
    signOutEverywhere { sessions }
  }
`);

type Row = SessionsQuery['sessions']['edges'][number]['node'];

export function SessionsPanel() {
  const session = useSession();
  const navigate = useNavigate();
  const list = useConnection(SESSIONS, {}, (data) => data.sessions);
  const [signOutEverywhere, state] = useApiMutation(SIGN_OUT_EVERYWHERE);
  const leave = async () => {
    const data = await signOutEverywhere({});
    if (!data) return undefined;
    session.reload();
    await navigate({ to: '/sign-in' });
    return data;
  };
  const columns: Column<Row>[] = [
    {
      key: 'userAgent',
      header: 'Opened with',
      wide: true,
      cell: ({ userAgent }) => userAgent ?? '–',
      value: (row) => row.userAgent,
    },
    { key: 'address', header: 'From', cell: ({ address }) => address ?? '–', value: (row) => row.address },
    {
      key: 'lastUsedAt',
      header: 'Last used',
      cell: (row) => <Time at={row.lastUsedAt} />,
      value: (row) => row.lastUsedAt,
    },
    { key: 'expiresAt', header: 'Ends', cell: (row) => <Time at={row.expiresAt} />, value: (row) => row.expiresAt },
    { key: 'end', header: 'End it', cell: ({ id }) => <End sessionId={id} onDone={list.reload} /> },
  ];
  return (
    <Panel
      title="Sessions"
      actions={
        <ConfirmButton
          label="Sign out everywhere"
          title="Sign out everywhere"
          question={<Text>All sessions end, this one too.</Text>}
          confirm="Sign out everywhere"
          state={state}
          onConfirm={leave}
        />
      }
    >
      <ServerTable
        label="Sessions"
        list={list}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<Empty title="No sessions" />}
      />
    </Panel>
  );
}

function End({ sessionId, onDone }: { sessionId: string; onDone: () => void }) {
  const [revoke, state] = useApiMutation(REVOKE);
  const end = async () => {
    const data = await revoke({ input: { sessionId } });
    if (data) onDone();
    return data;
  };
  return (
    <ConfirmButton
      label="End"
      title="End this session"
      question={<Text>Whoever uses it is signed out at once.</Text>}
      confirm="End session"
      state={state}
      onConfirm={end}
    />
  );
}
