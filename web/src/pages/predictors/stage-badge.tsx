/** What a version is: its stage once it is trained, how far it is before. */
import { Badge } from '@mantine/core';
import type { VersionStage, VersionStatus } from '../../api/generated/graphql';
import { formatEnum } from '../../components/format';

const DOTS: Partial<Record<VersionStage | VersionStatus, string>> = {
  IN_USE: 'var(--mantine-color-green-6)',
  CANDIDATE: 'var(--mantine-color-blue-6)',
  FAILED: 'var(--mantine-color-red-6)',
  TRAINING: 'var(--mantine-color-yellow-6)',
  QUEUED: 'var(--mantine-color-yellow-6)',
};

export function StageBadge({ status, stage }: { status: VersionStatus; stage: VersionStage }) {
  const shown = status === 'READY' ? stage : status;
  return (
    <Badge
      leftSection={
        <span
          aria-hidden
          style={{
            display: 'inline-block',
            width: 7,
            height: 7,
            borderRadius: '50%',
            background: DOTS[shown] ?? 'var(--mantine-color-gray-5)',
          }}
        />
      }
    >
      {formatEnum(shown)}
    </Badge>
  );
}
