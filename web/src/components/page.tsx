/** The frame of a page: title, what it is for, its buttons, and the GraphQL behind it. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { type PageQuery, QueryMenu } from './query-menu';

export interface PageProps {
  readonly title: string;
  /** Beside the title, such as a state. */
  readonly mark?: ReactNode;
  /** A sentence under the title. */
  readonly description?: ReactNode;
  /** Buttons. */
  readonly actions?: ReactNode;
  readonly query?: PageQuery;
  readonly children: ReactNode;
}

export function Page({ title, mark, description, actions, query, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Fusecast`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Group gap="sm">
            <Title order={1} style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {mark}
          </Group>
          {description && (
            <Text c="dimmed" maw="48rem">
              {description}
            </Text>
          )}
        </div>
        <Group gap="xs">
          {actions}
          {query && <QueryMenu query={query} />}
        </Group>
      </Group>
      {children}
    </Stack>
  );
}

/** A bordered part of a page with a heading. */
export function Panel({ title, actions, children }: { title?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      {(title || actions) && (
        <Group justify="space-between" px="md" py="xs" style={{ borderBottom: '1px solid var(--line)' }}>
          <Title order={2}>{title}</Title>
          {actions}
        </Group>
      )}
      <div style={{ padding: 'var(--mantine-spacing-md)' }}>{children}</div>
    </section>
  );
}
