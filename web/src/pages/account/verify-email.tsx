/** The link of the mail after signing up: makes the account and signs in, by a click, so that no mail scanner does. */
import { Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { Page } from '../../components/page';
import { useSession } from '../../session';
import { useLinkToken } from './link-token';

const VERIFY_EMAIL = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) { person { id } }
  }
`);

export function VerifyEmailPage() {
  const token = useLinkToken();
  const { reload } = useSession();
  const navigate = useNavigate();
  const [verify, state] = useApiMutation(VERIFY_EMAIL);
  const submit = async () => {
    if (!(await verify({ input: { token } }))) return;
    reload();
    await navigate({ to: '/' });
  };
  return (
    <Page title="Confirm your address">
      <ActionForm submit="Confirm and sign in" state={state} onSubmit={submit} fullWidth>
        <Text>The address that this link was sent to becomes that of your account.</Text>
      </ActionForm>
    </Page>
  );
}
