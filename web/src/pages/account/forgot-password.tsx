/** Asking for a link to set a new password. */
import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';

const REQUEST_RESET = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { mailSent }
  }
`);

export function ForgotPasswordPage() {
  const [request, state] = useApiMutation(REQUEST_RESET);
  const [sentTo, setSentTo] = useState<string>();
  const submit = async ({ email }: Record<string, string>) => {
    if (await request({ input: { email } })) setSentTo(email);
  };
  if (sentTo) {
    return (
      <Page title="Look into your mail">
        <Text>If {sentTo} has an account, a mail is on its way. Its link is good for an hour.</Text>
      </Page>
    );
  }
  return (
    <Page title="Forgotten password">
      <ActionForm submit="Send a link" state={state} onSubmit={submit} fullWidth>
        <TextInput name="email" type="email" label="E-mail" autoComplete="username" required autoFocus />
      </ActionForm>
      <Text size="sm">
        <TextLink to="/sign-in">Back to sign in</TextLink>
      </Text>
    </Page>
  );
}
