/** A waterfall: kernels by kind, then what a run costs besides them, up to the latency end to end. */
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { formatLatency } from '../../components/format';
import { PlotFigure } from '../../components/plot';

export interface KernelWaterfallProps {
  readonly kernels: readonly { readonly kind: string; readonly latencyUs: number; readonly coverage: string }[];
  /** What a run costs whatever the network. */
  readonly fixedUs: number;
  readonly latencyUs: number;
}

interface Step {
  readonly name: string;
  readonly fromUs: number;
  readonly toUs: number;
  readonly colour: string;
}

const KERNELS = 'var(--mantine-primary-color-filled)';
const OTHER = 'var(--mantine-color-gray-5)';
const TOTAL = 'var(--mantine-color-teal-6)';
/** A rest below this share of the latency is rounding. */
const NOTHING = 1e-4;

function stepsOf({ kernels, fixedUs, latencyUs }: KernelWaterfallProps): Step[] {
  const kinds = new Map<string, number>();
  for (const { kind, latencyUs: kernelUs } of kernels) kinds.set(kind, (kinds.get(kind) ?? 0) + kernelUs);
  const steps: Step[] = [];
  let atUs = 0;
  const add = (name: string, lengthUs: number, colour: string) => {
    steps.push({ name, fromUs: atUs, toUs: atUs + lengthUs, colour });
    atUs += lengthUs;
  };
  for (const [kind, kindUs] of [...kinds].toSorted(([, a], [, b]) => b - a)) add(kind, kindUs, KERNELS);
  if (fixedUs !== 0) add('fixed, of every run', fixedUs, OTHER);
  const restUs = latencyUs - atUs;
  if (Math.abs(restUs) > NOTHING * latencyUs) add('dispatch, and corrections of the whole', restUs, OTHER);
  return [...steps, { name: 'end to end', fromUs: 0, toUs: latencyUs, colour: TOTAL }];
}

export function KernelWaterfall(props: KernelWaterfallProps) {
  const { kernels, fixedUs, latencyUs } = props;
  const options = useMemo<Plot.PlotOptions>(() => {
    const steps = stepsOf({ kernels, fixedUs, latencyUs });
    const longest = Math.max(...steps.map(({ name }) => name.length));
    return {
      height: 24 * steps.length + 50,
      marginLeft: Math.min(240, 7 * longest + 12),
      marginRight: 80,
      x: { label: 'Latency, ms', grid: true, zero: true },
      y: { label: null, domain: steps.map(({ name }) => name) },
      marks: [
        Plot.barX(steps, {
          x1: ({ fromUs }) => fromUs / 1000,
          x2: ({ toUs }) => toUs / 1000,
          y: 'name',
          fill: 'colour',
          fillOpacity: 0.8,
          insetTop: 3,
          insetBottom: 3,
        }),
        Plot.text(steps, {
          x: ({ fromUs, toUs }) => Math.max(fromUs, toUs) / 1000,
          y: 'name',
          text: ({ fromUs, toUs }) => formatLatency(toUs - fromUs),
          dx: 6,
          textAnchor: 'start',
          fill: 'currentColor',
        }),
      ],
    };
  }, [kernels, fixedUs, latencyUs]);
  const unmodelled = kernels.filter(({ coverage }) => coverage === 'UNMODELLED').length;
  return (
    <>
      <PlotFigure label={`Kernels by kind add up to ${formatLatency(latencyUs)} end to end`} options={options} />
      {unmodelled > 0 && (
        <p>{unmodelled} kernels have no model and are estimated by the fallback; the interval is wider for it.</p>
      )}
    </>
  );
}
