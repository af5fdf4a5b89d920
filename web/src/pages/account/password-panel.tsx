/** Changing the password. */
import { PasswordInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { Panel } from '../../components/page';

const CHANGE_PASSWORD = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) { sessions }
  }
`);

export function PasswordPanel() {
  const [change, state] = useApiMutation(CHANGE_PASSWORD);
  const [changes, setChanges] = useState(0);
  const submit = async ({ currentPassword, newPassword }: Record<string, string>) => {
    const data = await change({ input: { currentPassword, newPassword } });
    if (!data) return;
    setChanges(changes + 1);
    notifications.show({ message: `The password is changed; ${data.changePassword.sessions} other sessions ended.` });
  };
  return (
    <Panel title="Password">
      <ActionForm key={changes} submit="Change password" state={state} onSubmit={submit}>
        <PasswordInput name="currentPassword" label="Current password" autoComplete="current-password" required />
        <PasswordInput
          name="newPassword"
          label="New password"
          description="12 to 200 characters. All other sessions end."
          autoComplete="new-password"
          minLength={12}
          maxLength={200}
          required
        />
      </ActionForm>
    </Panel>
  );
}
