/** One step of several: its number or that it is done, what it is about, and what is to do. Must not know what it is. */
import { Badge, Group, Stack, Text, Title } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export type StepState = 'DONE' | 'NOW' | 'NEXT';

const WORDS: Record<StepState, string> = { DONE: 'Done', NOW: 'Now', NEXT: 'Next' };

interface StepProps {
  readonly number: number;
  readonly state: StepState;
  readonly title: string;
  readonly children: ReactNode;
}

export function Step({ number, state, title, children }: StepProps) {
  return (
    <li className="step" data-state={state} aria-current={state === 'NOW' ? 'step' : undefined}>
      <span className="step-mark" aria-hidden>
        {state === 'DONE' ? <IconCheck size={14} stroke={2.5} /> : number}
      </span>
      <Stack gap={6} style={{ flex: 1, minWidth: 0 }}>
        <Group justify="space-between" wrap="nowrap" gap="sm">
          <Title order={2} c={state === 'NEXT' ? 'dimmed' : undefined}>
            {title}
          </Title>
          <Badge variant={state === 'NOW' ? 'filled' : undefined}>{WORDS[state]}</Badge>
        </Group>
        {state === 'NOW' ? (
          children
        ) : (
          <Text component="div" c="dimmed">
            {children}
          </Text>
        )}
      </Stack>
    </li>
  );
}
