/** The link of the mail after asking for a new password. */
import { PasswordInput, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { Page } from '../../components/page';
import { useSession } from '../../session';
import { useLinkToken } from './link-token';

const RESET_PASSWORD = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input) { sessions }
  }
`);

export function ResetPasswordPage() {
  const token = useLinkToken();
  const { reload } = useSession();
  const navigate = useNavigate();
  const [reset, state] = useApiMutation(RESET_PASSWORD);
  const submit = async ({ password }: Record<string, string>) => {
    if (!(await reset({ input: { token, password } }))) return;
    reload();
    notifications.show({ message: 'The new password is set. Sign in with it.' });
    await navigate({ to: '/sign-in' });
  };
  return (
    <Page title="Set a new password">
      <ActionForm submit="Set password" state={state} onSubmit={submit} fullWidth>
        <PasswordInput
          name="password"
          label="New password"
          description="12 to 200 characters"
          autoComplete="new-password"
          minLength={12}
          maxLength={200}
          required
          autoFocus
        />
        <Text size="sm" c="dimmed">
          All sessions of the account end.
        </Text>
      </ActionForm>
    </Page>
  );
}
