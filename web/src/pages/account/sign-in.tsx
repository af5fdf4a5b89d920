/** Signing in: by password, with a code where the account asks for one, or by the provider of the installation. */
import { Divider, Group, PasswordInput, Text, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { ButtonLink, TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { useSession } from '../../session';
import { SingleSignOnButton } from './single-sign-on-button';

const SIGN_IN = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { person { id } }
  }
`);

export function SignInPage() {
  const { next = '/' } = useSearch({ from: '/entry/sign-in' });
  const { person, reload } = useSession();
  const navigate = useNavigate();
  const [signIn, state] = useApiMutation(SIGN_IN);
  const [asksForCode, setAsksForCode] = useState(false);
  const needsCode = asksForCode || (state.error?.code === 'UNAUTHENTICATED' && state.error.where === 'input.code');
  const submit = async ({ email, password, code }: Record<string, string>) => {
    setAsksForCode(needsCode);
    const data = await signIn({ input: { email, password, code: code?.trim() || null } });
    if (!data) return;
    reload();
    await navigate({ href: next });
  };
  if (person) {
    return (
      <Page title="Signed in">
        <Text>You are signed in as {person.email}.</Text>
        <Group>
          <ButtonLink to="/">Your teams</ButtonLink>
        </Group>
      </Page>
    );
  }
  return (
    <Page title="Sign in">
      <ActionForm submit="Sign in" state={state} onSubmit={submit} fullWidth>
        <TextInput name="email" type="email" label="E-mail" autoComplete="username" required autoFocus />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required />
        {needsCode && (
          <TextInput
            name="code"
            label="Code"
            description="Six digits of the authenticator app, or a recovery code"
            autoComplete="one-time-code"
            required
            autoFocus
          />
        )}
      </ActionForm>
      <SingleSignOnButton />
      <Divider />
      <Group justify="space-between">
        <TextLink to="/sign-up">Sign up</TextLink>
        <TextLink to="/forgot-password">Forgotten password</TextLink>
      </Group>
    </Page>
  );
}
