/** A form whose button runs a change: fields in a column, the error above the button. */
import { Button, Group, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import type { ApiMutationState } from '../api/hooks';
import { Failure } from './states';

export interface ActionFormProps {
  /** Of the button. */
  readonly submit: string;
  readonly state: ApiMutationState;
  /** Called with the fields by their `name`, all texts. */
  readonly onSubmit: (fields: Record<string, string>) => unknown;
  readonly children: ReactNode;
  /** Beside the button. */
  readonly aside?: ReactNode;
  readonly fullWidth?: boolean;
}

export function ActionForm({ submit, state, onSubmit, children, aside, fullWidth }: ActionFormProps) {
  const handle = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
    void onSubmit(Object.fromEntries(entries));
  };
  return (
    <form onSubmit={handle}>
      <Stack gap="sm">
        {children}
        <Failure error={state.error} />
        <Group justify={aside ? 'space-between' : 'flex-end'} gap="xs">
          {aside}
          <Button type="submit" size="sm" loading={state.running} fullWidth={fullWidth}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
