/** Pages of people who are not signed in yet: a narrow column. */
import { Container, Group, Text } from '@mantine/core';
import { Outlet } from '@tanstack/react-router';
import { ColorSchemeButton } from './color-scheme-button';

export function EntryLayout() {
  return (
    <Container component="main" size="25rem" py="xl">
      <Group justify="space-between" pb="lg">
        <Text fw={700} size="lg">
          Fusecast
        </Text>
        <ColorSchemeButton />
      </Group>
      <Outlet />
    </Container>
  );
}
