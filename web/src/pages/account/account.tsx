/** A person's own account: password, second factor, sessions. */
import { Stack } from '@mantine/core';
import { Page } from '../../components/page';
import { useSession } from '../../session';
import { PasswordPanel } from './password-panel';
import { SecondFactorPanel } from './second-factor-panel';
import { SessionsPanel } from './sessions-panel';

export function AccountPage() {
  const { person } = useSession();
  return (
    <Page title="Account" description={`${person?.name}, ${person?.email}`}>
      <Stack maw="44rem" gap="md">
        <PasswordPanel />
        <SecondFactorPanel />
        <SessionsPanel />
      </Stack>
    </Page>
  );
}
