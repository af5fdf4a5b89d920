/** The frame around all pages of people who are signed in: header, menu (a drawer on narrow screens), content. */
import { AppShell, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { ColorSchemeButton } from './color-scheme-button';
import { PersonMenu } from './person-menu';

/** @param navigation the menu; without it there is none */
export function Frame({
  switcher,
  navigation,
  children,
}: {
  switcher?: ReactNode;
  navigation?: ReactNode;
  children: ReactNode;
}) {
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  useEffect(close, [pathname]);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={navigation ? { width: 208, breakpoint: 'sm', collapsed: { mobile: !opened } } : undefined}
      padding="md"
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="sm" wrap="nowrap" miw={0}>
            {navigation && (
              <Burger
                opened={opened}
                onClick={toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label="Menu"
                aria-expanded={opened}
              />
            )}
            <Text component={Link} to="/" fw={700} c="inherit" visibleFrom={navigation ? 'sm' : undefined}>
              Fusecast
            </Text>
            {switcher}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ColorSchemeButton />
            <PersonMenu />
          </Group>
        </Group>
      </AppShell.Header>
      {navigation && (
        <AppShell.Navbar p="xs" component="nav" aria-label="Team">
          {navigation}
        </AppShell.Navbar>
      )}
      <AppShell.Main>
        <div style={{ maxWidth: '90rem', margin: '0 auto' }}>{children}</div>
      </AppShell.Main>
    </AppShell>
  );
}
