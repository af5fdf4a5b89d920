/** A button that asks before it does what cannot be taken back, and keeps its question open while it runs or fails. */
import { Button, type ButtonProps, Group, Modal, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import type { ApiMutationState } from '../api/hooks';
import { Failure } from './states';

export interface ConfirmButtonProps extends ButtonProps {
  /** Of the button. */
  readonly label: string;
  readonly title: string;
  /** What will happen. */
  readonly question: ReactNode;
  /** Of the button that does it. */
  readonly confirm: string;
  readonly state: ApiMutationState;
  /** Resolves with undefined if it failed: `state.error` says why. */
  readonly onConfirm: () => Promise<unknown>;
}

export function ConfirmButton(props: ConfirmButtonProps) {
  const { label, title, question, confirm, state, onConfirm, ...look } = props;
  const [opened, { open, close }] = useDisclosure();
  const run = async () => {
    if ((await onConfirm()) !== undefined) close();
  };
  const begin = () => {
    state.clear();
    open();
  };
  return (
    <>
      <Button variant="default" size="compact-xs" {...look} onClick={begin}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={title}>
        <Stack gap="md">
          <div>{question}</div>
          <Failure error={state.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button color="red" loading={state.running} onClick={run}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
