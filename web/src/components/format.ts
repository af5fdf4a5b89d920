/** Numbers and times as people read them; latencies and percent as the command line prints them. */

/** `12.3 us`, `4.56 ms`, `1.20 s`: three digits that count. */
export function formatLatency(latencyUs: number): string {
  if (Math.abs(latencyUs) < 1000) return `${digits(latencyUs)} us`;
  return Math.abs(latencyUs) < 1e6 ? `${digits(latencyUs / 1000)} ms` : `${digits(latencyUs / 1e6)} s`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  return size < 10 ? value.toFixed(2) : size < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** `4.5 %`, of percent (not of a share). */
export function formatPercent(value: number): string {
  return `${value.toFixed(1)} %`;
}

/** `12,345`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-GB');
}

/** `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[power]}`;
}

/** `2026-03-04 17:05`, in the time zone of the browser. */
export function formatTime(timestamp: string): string {
  const time = new Date(timestamp);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** `3 days ago`, `in 5 hours`. */
export function formatAge(timestamp: string, now: number): string {
  const seconds = (new Date(timestamp).getTime() - now) / 1000;
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return 'just now';
}

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** `IN_USE` as `In use`. */
export function formatEnum(value: string): string {
  const words = value.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
