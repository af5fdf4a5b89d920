/** The people of a team, their roles, and invitations. */
import { Select, Text } from '@mantine/core';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { MembersQuery, Role } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ConfirmButton } from '../../components/confirm';
import { formatEnum } from '../../components/format';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty, Failure } from '../../components/states';
import { Time } from '../../components/time';
import { useSession } from '../../session';
import { useTeam } from '../../team';
import { Invitations } from './invitations';
import { rolesFor } from './roles';

const MEMBERS = graphql(`
  query Members($first: Int!, $after: String) {
    members(first: $first, after: $after) {
      edges { node { id role createdAt person { id name email } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const CHANGE_ROLE = graphql(`
  mutation ChangeMemberRole($input: ChangeMemberRoleInput!) {
    changeMemberRole(input: $input) { member { id role } }
  }
`);
const REMOVE = graphql(`
  mutation RemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) { memberId }
  }
`);

type Row = MembersQuery['members']['edges'][number]['node'];

export function MembersPage() {
  const team = useTeam();
  const { person } = useSession();
  const list = useConnection(MEMBERS, {}, (data) => data.members);
  const [changeRole, roleState] = useApiMutation(CHANGE_ROLE);
  const change = async (memberId: string, role: Role) => {
    if (await changeRole({ input: { memberId, role } })) list.reload();
  };
  const mayChange = (row: Row) =>
    team.mayAdministrate && row.person.id !== person?.id && (team.role === 'OWNER' || row.role !== 'OWNER');
  const columns: Column<Row>[] = [
    { key: 'name', header: 'Name', cell: (row) => row.person.name, value: (row) => row.person.name },
    { key: 'email', header: 'E-mail', cell: (row) => row.person.email, value: (row) => row.person.email },
    {
      key: 'role',
      header: 'Role',
      cell: (row) =>
        mayChange(row) ? (
          <Select
            size="xs"
            w="7.5rem"
            aria-label={`Role of ${row.person.name}`}
            data={rolesFor(team.role)}
            value={row.role}
            onChange={(role) => role && change(row.id, role)}
          />
        ) : (
          formatEnum(row.role)
        ),
      value: (row) => row.role,
    },
    { key: 'createdAt', header: 'Since', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  ];
  if (team.mayAdministrate) {
    columns.push({
      key: 'remove',
      header: 'Remove',
      cell: (row) => mayChange(row) && <Remove member={row} onDone={list.reload} />,
    });
  }
  return (
    <Page title="Members" query={{ document: MEMBERS, variables: { first: 50 } }}>
      <Failure error={roleState.error} />
      <ServerTable
        label="Members"
        list={list}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<Empty title="Nobody is here" />}
      />
      {team.mayAdministrate && <Invitations />}
    </Page>
  );
}

function Remove({ member, onDone }: { member: Row; onDone: () => void }) {
  const [remove, state] = useApiMutation(REMOVE);
  const run = async () => {
    const data = await remove({ input: { memberId: member.id } });
    if (data) onDone();
    return data;
  };
  return (
    <ConfirmButton
      label="Remove"
      title={`Remove ${member.person.name}`}
      question={<Text>They are out of the team at once. What they made stays.</Text>}
      confirm="Remove"
      state={state}
      onConfirm={run}
    />
  );
}
