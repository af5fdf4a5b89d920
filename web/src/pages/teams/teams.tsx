/** The teams of the person, and a new one. */
import { Button, Modal, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { TeamsQuery } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';

const TEAMS = graphql(`
  query Teams($first: Int!, $after: String) {
    teams(first: $first, after: $after) {
      edges { node { id name createdAt deletionDueAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const CREATE_TEAM = graphql(`
  mutation CreateTeam($input: CreateTeamInput!) {
    createTeam(input: $input) { team { id } }
  }
`);

type Row = TeamsQuery['teams']['edges'][number]['node'];

const COLUMNS: Column<Row>[] = [
  {
    key: 'name',
    header: 'Team',
    cell: ({ id, name }) => (
      <TextLink to="/teams/$teamId" params={{ teamId: id }}>
        {name}
      </TextLink>
    ),
    value: (row) => row.name,
  },
  { key: 'createdAt', header: 'Made', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  {
    key: 'deletionDueAt',
    header: 'Gone',
    cell: (row) => <Time at={row.deletionDueAt} />,
    value: (row) => row.deletionDueAt,
  },
];

export function TeamsPage() {
  const list = useConnection(TEAMS, {}, (data) => data.teams);
  const navigate = useNavigate();
  const [opened, { open, close }] = useDisclosure();
  const [create, state] = useApiMutation(CREATE_TEAM);
  const submit = async ({ name }: Record<string, string>) => {
    const data = await create({ input: { name } });
    if (data) await navigate({ to: '/teams/$teamId', params: { teamId: data.createTeam.team.id } });
  };
  const button = <Button onClick={open}>New team</Button>;
  return (
    <Page title="Teams" actions={button} query={{ document: TEAMS, variables: { first: 50 } }}>
      <ServerTable
        label="Teams"
        list={list}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        empty={
          <Empty title="You are in no team yet" action={button}>
            A team has its own devices, datasets, networks and predictors. Make one, or open the link of an invitation.
          </Empty>
        }
      />
      <Modal opened={opened} onClose={close} title="New team">
        <ActionForm submit="Make team" state={state} onSubmit={submit}>
          <TextInput name="name" label="Name" required maxLength={100} data-autofocus />
        </ActionForm>
      </Modal>
    </Page>
  );
}
