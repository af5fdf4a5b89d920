/** The team itself: its name, leaving it, deleting and restoring it. */
import { Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { ConfirmButton } from '../../components/confirm';
import { Page, Panel } from '../../components/page';
import { useTeam } from '../../team';

const RENAME = graphql(`
  mutation RenameTeam($input: RenameTeamInput!) {
    renameTeam(input: $input) { team { id name } }
  }
`);
const LEAVE = graphql(`
  mutation LeaveTeam {
    leaveTeam { teamId }
  }
`);
const DELETE = graphql(`
  mutation DeleteTeam {
    deleteTeam { team { id deletionDueAt } }
  }
`);
const RESTORE = graphql(`
  mutation RestoreTeam {
    restoreTeam { team { id deletionDueAt } }
  }
`);

export function TeamSettingsPage() {
  const { name, role, mayAdministrate, reload } = useTeam();
  const [rename, renameState] = useApiMutation(RENAME);
  const submit = async (fields: Record<string, string>) => {
    if (!(await rename({ input: { name: fields.name } }))) return;
    reload();
    notifications.show({ message: 'The team has its new name.' });
  };
  return (
    <Page title="Settings">
      <Stack maw="44rem" gap="md">
        {mayAdministrate && (
          <Panel title="Name">
            <ActionForm submit="Rename" state={renameState} onSubmit={submit}>
              <TextInput name="name" label="Name" defaultValue={name} required maxLength={100} />
            </ActionForm>
          </Panel>
        )}
        <Leave />
        {role === 'OWNER' && <Delete />}
      </Stack>
    </Page>
  );
}

function Leave() {
  const { name } = useTeam();
  const navigate = useNavigate();
  const [leave, state] = useApiMutation(LEAVE);
  const run = async () => {
    const data = await leave({});
    if (data) await navigate({ to: '/' });
    return data;
  };
  return (
    <Panel title="Leave">
      <Group justify="space-between">
        <Text>The last owner cannot leave.</Text>
        <ConfirmButton
          label="Leave team"
          title={`Leave ${name}`}
          question={<Text>To come back you need another invitation.</Text>}
          confirm="Leave"
          state={state}
          onConfirm={run}
        />
      </Group>
    </Panel>
  );
}

function Delete() {
  const { name, deletionDueAt, reload } = useTeam();
  const [remove, removeState] = useApiMutation(DELETE);
  const [restore, restoreState] = useApiMutation(RESTORE);
  const after = async <T,>(data: Promise<T | undefined>) => {
    const done = await data;
    if (done) reload();
    return done;
  };
  return (
    <Panel title="Delete">
      <Group justify="space-between">
        <Text>{deletionDueAt ? 'The team is being deleted.' : 'With everything in it, after 7 days.'}</Text>
        {deletionDueAt ? (
          <ConfirmButton
            label="Restore team"
            title={`Restore ${name}`}
            question={<Text>Everybody gets back in.</Text>}
            confirm="Restore"
            state={restoreState}
            onConfirm={() => after(restore({}))}
          />
        ) : (
          <ConfirmButton
            label="Delete team"
            title={`Delete ${name}`}
            question={
              <Text>Everybody but its owners is out at once, API keys too. After 7 days it is gone for good.</Text>
            }
            confirm="Delete"
            state={removeState}
            onConfirm={() => after(remove({}))}
          />
        )}
      </Group>
    </Panel>
  );
}
