/** The newest prediction of each scenario, as bars with their intervals. */
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import type { NetworkPredictionsQuery } from '../../api/generated/graphql';
import { formatLatency } from '../../components/format';
import { PlotFigure } from '../../components/plot';

type Prediction = NetworkPredictionsQuery['predictions']['edges'][number]['node'];

/** @param predictions newest first */
export function ScenarioLatencies({ predictions }: { predictions: readonly Prediction[] }) {
  const newest = useMemo(() => {
    const byScenario = new Map<string, Prediction>();
    for (const prediction of predictions) {
      const { name } = prediction.scenario;
      const other = byScenario.get(name);
      if (!other || other.createdAt < prediction.createdAt) byScenario.set(name, prediction);
    }
    return [...byScenario.values()];
  }, [predictions]);
  const options = useMemo<Plot.PlotOptions>(() => {
    const longest = Math.max(...newest.map(({ scenario }) => scenario.name.length));
    return {
      height: 26 * newest.length + 50,
      marginLeft: Math.min(260, 7 * longest + 12),
      marginRight: 90,
      x: { label: 'Latency, ms', zero: true, grid: true },
      y: { label: null },
      marks: [
        Plot.barX(newest, {
          x: ({ latencyUs }) => latencyUs / 1000,
          y: ({ scenario }) => scenario.name,
          fill: 'var(--mantine-primary-color-filled)',
          fillOpacity: 0.7,
          insetTop: 4,
          insetBottom: 4,
          sort: { y: '-x' },
        }),
        Plot.ruleY(newest, {
          x1: ({ interval }) => interval.lowerUs / 1000,
          x2: ({ interval }) => interval.upperUs / 1000,
          y: ({ scenario }) => scenario.name,
          stroke: 'currentColor',
          strokeWidth: 1.5,
        }),
        Plot.text(newest, {
          x: ({ interval }) => interval.upperUs / 1000,
          y: ({ scenario }) => scenario.name,
          text: ({ latencyUs }) => formatLatency(latencyUs),
          dx: 6,
          textAnchor: 'start',
          fill: 'currentColor',
        }),
      ],
    };
  }, [newest]);
  const said = newest.map(({ scenario, latencyUs }) => `${scenario.name} ${formatLatency(latencyUs)}`).join(', ');
  return <PlotFigure label={`Latency with its interval: ${said}`} options={options} />;
}
