/** The states of a page or panel without content: loading, empty, failed. */
import { Alert, Button, Center, Code, Group, Loader, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ApiError } from '../api/errors';

export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <Center py="xl" role="status">
      <Loader size="sm" aria-hidden />
      <span className="visually-hidden">{label}</span>
    </Center>
  );
}

/** Where a list has nothing yet: what it will hold, and the way to the first one. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <Title order={2}>{title}</Title>
      {children && (
        <Text c="dimmed" maw="32rem">
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}

/** A coded error: what happened, where, what to do, and the id to give to the operator. Nothing without an error. */
export function Failure({ error, retry }: { error: ApiError | undefined; retry?: () => void }) {
  if (!error) return null;
  const { code, message, where, remedy, requestId } = error;
  return (
    <Alert color="red" variant="outline" role="alert" title={message} styles={{ title: { color: 'var(--danger)' } }}>
      <Stack gap={4}>
        {remedy && <Text size="md">{remedy}</Text>}
        <Group gap="xs">
          <Code>{code}</Code>
          {where && (
            <Text size="sm" c="dimmed">
              at {where}
            </Text>
          )}
          {code === 'INTERNAL' && requestId && (
            <Text size="sm" c="dimmed">
              request {requestId}
            </Text>
          )}
        </Group>
        {retry && (
          <Group>
            <Button variant="default" onClick={retry}>
              Try again
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
