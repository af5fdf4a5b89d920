/** The link of an invitation: for people who are signed in with the address that it was sent to. */
import { Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { ButtonLink } from '../../components/link';
import { Page } from '../../components/page';
import { Loading } from '../../components/states';
import { useSession } from '../../session';
import { useLinkToken } from './link-token';

const ACCEPT_INVITATION = graphql(`
  mutation AcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) { team { id } }
  }
`);

export function AcceptInvitationPage() {
  const token = useLinkToken();
  const { person, loading } = useSession();
  const navigate = useNavigate();
  const [accept, state] = useApiMutation(ACCEPT_INVITATION);
  const submit = async () => {
    const data = await accept({ input: { token } });
    if (data) await navigate({ to: '/teams/$teamId', params: { teamId: data.acceptInvitation.team.id } });
  };
  if (loading) return <Loading />;
  if (!person) {
    return (
      <Page title="You are invited">
        <Text>
          Sign in with the address that the invitation was sent to. Without an account: sign up with it, then open the
          link again.
        </Text>
        <Group grow>
          <ButtonLink to="/sign-in" search={{ next: `/accept-invitation#${token}` }} size="sm">
            Sign in
          </ButtonLink>
          <ButtonLink to="/sign-up" size="sm" variant="default">
            Sign up
          </ButtonLink>
        </Group>
      </Page>
    );
  }
  return (
    <Page title="You are invited">
      <ActionForm submit="Join the team" state={state} onSubmit={submit} fullWidth>
        <Text>You are signed in as {person.email}.</Text>
      </ActionForm>
    </Page>
  );
}
