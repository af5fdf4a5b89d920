/** One file on its way: name, how far, what is wrong, and its buttons. */
import { ActionIcon, Group, Progress, Text } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { formatBytes } from '../format';
import { Failure } from '../states';
import type { UploadItem, UploadState } from './use-uploads';

const WORDS: Record<UploadState, string> = {
  WAITING: 'Waiting',
  PREPARING: 'Computing SHA-256',
  SENDING: 'Sending',
  PAUSED: 'Paused',
  FINISHING: 'Checking',
  DONE: 'Uploaded',
  FAILED: 'Failed',
};

interface UploadRowProps {
  readonly item: UploadItem;
  readonly onPause: () => void;
  readonly onResume: () => void;
  readonly onRemove: () => void;
}

export function UploadRow({ item, onPause, onResume, onRemove }: UploadRowProps) {
  const { file, state, sizeBytes, sentBytes, keptBytes, error } = item;
  const percent = state === 'DONE' ? 100 : (100 * sentBytes) / sizeBytes;
  const isGoing = state === 'SENDING' || state === 'PREPARING';
  return (
    <li data-state={state}>
      <Group gap="sm" wrap="nowrap" justify="space-between">
        <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
          {file.name}
        </Text>
        <Group gap={4} wrap="nowrap">
          <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
            {WORDS[state]}
            {state === 'SENDING' || state === 'PAUSED'
              ? ` · ${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`
              : ` · ${formatBytes(sizeBytes)}`}
          </Text>
          {isGoing && (
            <ActionIcon size="sm" aria-label={`Pause ${file.name}`} title="Pause" onClick={onPause}>
              <IconPlayerPause size={14} />
            </ActionIcon>
          )}
          {(state === 'PAUSED' || state === 'FAILED') && (
            <ActionIcon size="sm" aria-label={`Resume ${file.name}`} title="Resume" onClick={onResume}>
              <IconPlayerPlay size={14} />
            </ActionIcon>
          )}
          {state !== 'FINISHING' && (
            <ActionIcon size="sm" aria-label={`Remove ${file.name} from the list`} title="Remove" onClick={onRemove}>
              <IconX size={14} />
            </ActionIcon>
          )}
        </Group>
      </Group>
      {state !== 'DONE' && (
        <Progress
          value={percent}
          size="xs"
          mt={4}
          color={state === 'FAILED' ? 'red' : undefined}
          aria-label={file.name}
        />
      )}
      {keptBytes > 0 && state !== 'DONE' && (
        <Text size="xs" c="dimmed" mt={2}>
          {formatBytes(keptBytes)} had arrived before and need not be sent again.
        </Text>
      )}
      {error && (
        <div style={{ marginTop: 6 }}>
          <Failure error={error} retry={onResume} />
        </div>
      )}
    </li>
  );
}
