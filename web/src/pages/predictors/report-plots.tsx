/** The plots of a training report. */
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { formatLatency, formatPercent } from '../../components/format';
import { PlotFigure } from '../../components/plot';
import type { Report } from './report-panels';

const ACCENT = 'var(--mantine-primary-color-filled)';
const QUIET = 'var(--mantine-color-dimmed)';

/** Log-log, with the band in which measurements themselves vary (two standard deviations). */
export function PredictedMeasuredPlot({
  networks,
  noiseFloor = 0,
}: {
  networks: Report['worstNetworks'];
  noiseFloor?: number;
}) {
  const options = useMemo<Plot.PlotOptions>(() => {
    const values = networks.flatMap(({ predictedUs, measuredUs }) => [predictedUs / 1000, measuredUs / 1000]);
    const ends = [0.9 * Math.min(...values), 1.1 * Math.max(...values)];
    const scale = { type: 'log', domain: ends, ticks: 5, tickFormat: (value: number) => `${value}` } as const;
    return {
      height: 300,
      marginLeft: 50,
      x: { ...scale, label: 'Measured, ms' },
      y: { ...scale, label: 'Predicted, ms' },
      grid: true,
      marks: [
        Plot.areaY(ends, {
          x: (value: number) => value,
          y1: (value: number) => value * (1 - 2 * noiseFloor),
          y2: (value: number) => value * (1 + 2 * noiseFloor),
          fill: QUIET,
          fillOpacity: 0.2,
        }),
        Plot.line(ends, { x: (value: number) => value, y: (value: number) => value, stroke: QUIET }),
        Plot.dot(networks, {
          x: ({ measuredUs }) => measuredUs / 1000,
          y: ({ predictedUs }) => predictedUs / 1000,
          r: 3.5,
          fill: ACCENT,
          fillOpacity: 0.75,
          tip: { fill: 'var(--mantine-color-body)' },
          title: ({ network, predictedUs, measuredUs }) =>
            `${network}\n${formatLatency(predictedUs)} predicted\n${formatLatency(measuredUs)} measured`,
        }),
      ],
    };
  }, [networks, noiseFloor]);
  return <PlotFigure label={`Predicted against measured latency of ${networks.length} networks`} options={options} />;
}

export function CalibrationPlot({ calibration }: { calibration: Report['calibration'] }) {
  const options = useMemo<Plot.PlotOptions>(() => {
    const scale = { domain: [0, 100], ticks: 6 };
    return {
      height: 300,
      marginLeft: 50,
      x: { ...scale, label: 'Shall hold, %' },
      y: { ...scale, label: 'Holds, %' },
      grid: true,
      marks: [
        Plot.line([0, 100], { x: (value: number) => value, y: (value: number) => value, stroke: QUIET }),
        Plot.line(calibration, {
          x: ({ level }) => 100 * level,
          y: ({ covered }) => 100 * covered,
          stroke: ACCENT,
          strokeWidth: 2,
          marker: 'circle',
        }),
        Plot.text(calibration, {
          x: ({ level }) => 100 * level,
          y: ({ covered }) => 100 * covered,
          text: ({ covered }) => formatPercent(100 * covered),
          dy: 16,
          fill: 'currentColor',
        }),
      ],
    };
  }, [calibration]);
  const said = calibration.map(({ level, covered }) => `${100 * level} %: ${formatPercent(100 * covered)}`).join(', ');
  return <PlotFigure label={`Share of networks that intervals hold: ${said}`} options={options} />;
}

export function KernelKindPlot({ kinds }: { kinds: Report['kernelKinds'] }) {
  const options = useMemo(
    () =>
      bars(
        kinds.map(({ kind, mape, rows }) => ({ name: kind, value: mape, note: `${formatPercent(mape)} of ${rows}` })),
      ),
    [kinds],
  );
  return <PlotFigure label={`Mean error of ${kinds.length} kernel kinds, percent`} options={options} />;
}

export function ImportancePlot({ importance }: { importance: Report['importance'] }) {
  const options = useMemo(
    () =>
      bars(importance.map(({ feature, change }) => ({ name: feature, value: change, note: formatPercent(change) }))),
    [importance],
  );
  return <PlotFigure label="How much a latency changes with each feature, percent" options={options} />;
}

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly note: string;
}

function bars(rows: readonly Bar[]): Plot.PlotOptions {
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const shown = rows.filter(({ value }) => value > 0);
  return {
    height: Math.max(80, 22 * shown.length + 40),
    marginLeft: Math.min(210, 7 * longest + 12),
    marginRight: 80,
    x: { label: null, axis: null },
    y: { label: null },
    marks: [
      Plot.barX(shown, {
        x: 'value',
        y: 'name',
        fill: ACCENT,
        fillOpacity: 0.8,
        insetTop: 3,
        insetBottom: 3,
        sort: { y: '-x' },
      }),
      Plot.text(shown, { x: 'value', y: 'name', text: 'note', dx: 6, textAnchor: 'start', fill: 'currentColor' }),
    ],
  };
}
