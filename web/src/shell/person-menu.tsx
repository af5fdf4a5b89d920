/** Who is signed in, the way to their account, and out. */
import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../api/generated';
import { useApiMutation } from '../api/hooks';
import { useSession } from '../session';

const SIGN_OUT = graphql(`
  mutation SignOut {
    signOut { signedOut }
  }
`);

export function PersonMenu() {
  const { person, reload } = useSession();
  const navigate = useNavigate();
  const [signOut] = useApiMutation(SIGN_OUT);
  const leave = async () => {
    await signOut({});
    reload();
    await navigate({ to: '/sign-in' });
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="subtle" color="gray" c="inherit" rightSection={<IconChevronDown size={14} />} maw="11rem">
          {person?.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{person?.email}</Menu.Label>
        <Menu.Item onClick={() => navigate({ to: '/account' })}>Account</Menu.Item>
        <Menu.Item onClick={() => navigate({ to: '/' })}>Teams</Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={leave}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
