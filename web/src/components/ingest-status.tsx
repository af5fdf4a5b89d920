/** The state of something that was uploaded: a word, and a colour that says the same. */
import { Badge } from '@mantine/core';
import type { IngestStatus } from '../api/generated/graphql';
import { formatEnum } from './format';

const COLORS: Record<IngestStatus, string> = { PENDING: 'yellow', READY: 'teal', REJECTED: 'red' };

export function IngestBadge({ status }: { status: IngestStatus }) {
  return (
    <Badge leftSection={<span className="dot" style={{ background: `var(--mantine-color-${COLORS[status]}-6)` }} />}>
      {formatEnum(status)}
    </Badge>
  );
}
