/** Invitations into the team: sending one, and withdrawing. */
import { Button, Group, Modal, Select, Text, TextInput, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { InvitationsQuery, Role } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { ConfirmButton } from '../../components/confirm';
import { formatEnum } from '../../components/format';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { rolesFor } from './roles';

const INVITATIONS = graphql(`
  query Invitations($first: Int!, $after: String) {
    invitations(first: $first, after: $after) {
      edges { node { id email role createdAt expiresAt acceptedAt withdrawnAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const INVITE = graphql(`
  mutation CreateInvitation($input: CreateInvitationInput!) {
    createInvitation(input: $input) { invitation { id } }
  }
`);
const WITHDRAW = graphql(`
  mutation WithdrawInvitation($input: WithdrawInvitationInput!) {
    withdrawInvitation(input: $input) { invitation { id withdrawnAt } }
  }
`);

type Row = InvitationsQuery['invitations']['edges'][number]['node'];

function stateOf({ acceptedAt, withdrawnAt, expiresAt }: Row): string {
  if (acceptedAt) return 'Accepted';
  if (withdrawnAt) return 'Withdrawn';
  return new Date(expiresAt) < new Date() ? 'Expired' : 'Open';
}

export function Invitations() {
  const { role, name } = useTeam();
  const list = useConnection(INVITATIONS, {}, (data) => data.invitations);
  const [opened, { open, close }] = useDisclosure();
  const [invite, state] = useApiMutation(INVITE);
  const submit = async (fields: Record<string, string>) => {
    if (!(await invite({ input: { email: fields.email, role: fields.role as Role } }))) return;
    close();
    list.reload();
    notifications.show({ message: `A mail is on its way to ${fields.email}.` });
  };
  const columns: Column<Row>[] = [
    { key: 'email', header: 'E-mail', cell: (row) => row.email, value: (row) => row.email },
    { key: 'role', header: 'Role', cell: (row) => formatEnum(row.role), value: (row) => row.role },
    { key: 'state', header: 'State', cell: stateOf, value: stateOf },
    { key: 'createdAt', header: 'Sent', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
    {
      key: 'withdraw',
      header: 'Withdraw',
      cell: (row) => stateOf(row) === 'Open' && <Withdraw invitation={row} onDone={list.reload} />,
    },
  ];
  return (
    <>
      <Group justify="space-between" mt="md">
        <Title order={2}>Invitations</Title>
        <Button onClick={open}>Invite</Button>
      </Group>
      <ServerTable
        label="Invitations"
        list={list}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<Empty title="No invitations">Invite somebody by mail; the link is good for 7 days.</Empty>}
      />
      <Modal opened={opened} onClose={close} title={`Invite into ${name}`}>
        <ActionForm submit="Send invitation" state={state} onSubmit={submit}>
          <TextInput name="email" type="email" label="E-mail" required data-autofocus />
          <Select name="role" label="Role" data={rolesFor(role)} defaultValue="MEMBER" />
        </ActionForm>
      </Modal>
    </>
  );
}

function Withdraw({ invitation, onDone }: { invitation: Row; onDone: () => void }) {
  const [withdraw, state] = useApiMutation(WITHDRAW);
  const run = async () => {
    const data = await withdraw({ input: { invitationId: invitation.id } });
    if (data) onDone();
    return data;
  };
  return (
    <ConfirmButton
      label="Withdraw"
      title={`Withdraw the invitation of ${invitation.email}`}
      question={<Text>Its link is good for nothing from then on.</Text>}
      confirm="Withdraw"
      state={state}
      onConfirm={run}
    />
  );
}
