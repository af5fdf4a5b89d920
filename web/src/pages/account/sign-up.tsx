/** Signing up: a mail with a link follows. */
import { PasswordInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { SingleSignOnButton } from './single-sign-on-button';

const SIGN_UP = graphql(`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) { mailSent }
  }
`);

export function SignUpPage() {
  const [signUp, state] = useApiMutation(SIGN_UP);
  const [sentTo, setSentTo] = useState<string>();
  const submit = async ({ name, email, password }: Record<string, string>) => {
    if (await signUp({ input: { name, email, password } })) setSentTo(email);
  };
  if (sentTo) {
    return (
      <Page title="Look into your mail">
        <Text>A mail is on its way to {sentTo}. Its link confirms the address, within a day, and signs you in.</Text>
      </Page>
    );
  }
  return (
    <Page title="Sign up">
      <ActionForm submit="Sign up" state={state} onSubmit={submit} fullWidth>
        <TextInput name="name" label="Name" autoComplete="name" required autoFocus maxLength={200} />
        <TextInput name="email" type="email" label="E-mail" autoComplete="username" required />
        <PasswordInput
          name="password"
          label="Password"
          description="12 to 200 characters"
          autoComplete="new-password"
          minLength={12}
          maxLength={200}
          required
        />
      </ActionForm>
      <SingleSignOnButton />
      <Text size="sm">
        Signed up already? <TextLink to="/sign-in">Sign in</TextLink>
      </Text>
    </Page>
  );
}
