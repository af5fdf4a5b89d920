/**
 * What the command line shows: tables and notes for people, JSON for programs, progress bars where it takes time.
 * With --json standard output carries the JSON document alone; everything else always goes to standard error.
 */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import Table from 'cli-table3';

export interface Output {
  /** A line for people. */
  note(text: string): void;
  /** The command's result: JSON for programs, or what `show` prints for people. */
  result(value: unknown, show: () => string): void;
  /** A table for people, as text. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string;
  /** A progress bar; `stop` it. Where standard error is no terminal, a line at every tenth. */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  update(done: number): void;
  stop(): void;
}

export function createOutput(json: boolean): Output {
  return {
    note: (text) => void process.stderr.write(`${text}\n`),
    result: (value, show) => void process.stdout.write(`${json ? JSON.stringify(value, null, 2) : show()}\n`),
    table,
    progress: (label, total) => (process.stderr.isTTY ? bar(label, total) : lines(label, total)),
  };
}

const BORDERLESS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((part) => [part, part === 'middle' ? '  ' : '']),
);

/** Columns whose every cell is a number, a percentage or empty stand to the right. */
const NUMERIC = /^[-+]?[\d.,]*( ?(%|us|ms))?$/;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const colAligns = head.map((_, column) => (rows.every((row) => NUMERIC.test(row[column])) ? 'right' : 'left')) as (
    | 'left'
    | 'right'
  )[];
  const drawn = new Table({
    head: [...head],
    colAligns,
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) drawn.push([...row]);
  return drawn.toString();
}

function bar(label: string, total: number): Progress {
  const bars = new MultiBar(
    { format: '{label} [{bar}] {percentage} % | {eta_formatted}', hideCursor: true, stream: process.stderr },
    Presets.legacy,
  );
  const single: SingleBar = bars.create(total, 0, { label });
  return { update: (done) => single.update(done), stop: () => bars.stop() };
}

function lines(label: string, total: number): Progress {
  let shown = -1;
  return {
    update(done) {
      const tenths = Math.floor((10 * done) / total);
      if (tenths === shown) return;
      shown = tenths;
      process.stderr.write(`${label} ${10 * tenths} %\n`);
    },
    stop() {},
  };
}

/** `12.3 us`, `4.56 ms`, `1.20 s`: three digits that count. */
export function formatLatency(latencyUs: number): string {
  if (latencyUs < 1000) return `${digits(latencyUs)} us`;
  return latencyUs < 1e6 ? `${digits(latencyUs / 1000)} ms` : `${digits(latencyUs / 1e6)} s`;
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** `4.5 %`. */
export function formatPercent(value: number): string {
  return `${value.toFixed(1)} %`;
}
