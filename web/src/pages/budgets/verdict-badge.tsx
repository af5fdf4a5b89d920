/** What a check says, in a word and a colour. */
import { Badge } from '@mantine/core';
import type { BudgetVerdict } from '../../api/generated/graphql';
import { formatEnum } from '../../components/format';

const DOTS: Record<BudgetVerdict, string> = {
  PASS: 'var(--mantine-color-green-6)',
  FAIL: 'var(--mantine-color-red-6)',
  INCONCLUSIVE: 'var(--mantine-color-yellow-6)',
};

/** @param verdict null where no budget applies */
export function VerdictBadge({ verdict }: { verdict: BudgetVerdict | null | undefined }) {
  if (!verdict) return <>–</>;
  const dot = { display: 'inline-block', width: 7, height: 7, borderRadius: '50%', background: DOTS[verdict] };
  return <Badge leftSection={<span aria-hidden style={dot} />}>{formatEnum(verdict)}</Badge>;
}
