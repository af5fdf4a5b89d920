/** A point in time: how long ago, with the time itself on hover. */
import { formatAge, formatTime } from './format';

/** @param at as the API gives it; null shows a dash */
export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAge(at, Date.now())}
    </time>
  );
}
