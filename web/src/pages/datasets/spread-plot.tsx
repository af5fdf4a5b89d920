/** How latencies are spread: a box a kernel kind and one for whole networks, on a log axis, with the numbers below. */
import { Stack, Text } from '@mantine/core';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { formatCount, formatLatency } from '../../components/format';
import { PlotFigure } from '../../components/plot';
import { SimpleTable } from '../../components/simple-table';

interface Spread {
  readonly rows: number;
  readonly minimumUs: number;
  readonly lowerQuartileUs: number;
  readonly medianUs: number;
  readonly upperQuartileUs: number;
  readonly maximumUs: number;
}

interface SpreadPlotProps {
  readonly scenario: string;
  readonly spread: {
    readonly networks?: Spread | null;
    readonly kinds: readonly (Spread & { readonly kind: string })[];
  };
}

const WHOLE = 'End to end';

export function SpreadPlot({ scenario, spread: { networks, kinds } }: SpreadPlotProps) {
  const boxes = useMemo(
    () => [...(networks ? [{ ...networks, kind: WHOLE }] : []), ...kinds.toSorted((a, b) => b.medianUs - a.medianUs)],
    [networks, kinds],
  );
  const options = useMemo<Plot.PlotOptions>(() => {
    const longest = Math.max(...boxes.map(({ kind }) => kind.length));
    const fill = 'var(--mantine-primary-color-filled)';
    return {
      height: 24 * boxes.length + 64,
      marginBottom: 44,
      marginLeft: Math.min(260, 7 * longest + 16),
      x: { label: 'Latency, us', type: 'log', grid: true, tickFormat: '~s' },
      y: { label: null, domain: boxes.map(({ kind }) => kind) },
      marks: [
        Plot.ruleY(boxes, { x1: 'minimumUs', x2: 'maximumUs', y: 'kind', stroke: 'currentColor', strokeOpacity: 0.6 }),
        Plot.barX(boxes, {
          x1: 'lowerQuartileUs',
          x2: 'upperQuartileUs',
          y: 'kind',
          fill,
          fillOpacity: 0.6,
          insetTop: 4,
          insetBottom: 4,
        }),
        Plot.tickX(boxes, {
          x: 'medianUs',
          y: 'kind',
          stroke: 'currentColor',
          strokeWidth: 2,
          insetTop: 2,
          insetBottom: 2,
        }),
      ],
    };
  }, [boxes]);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        Line: smallest to largest. Box: the middle half. Tick: median.
      </Text>
      <PlotFigure
        label={`Latencies in ${scenario} by kernel kind; the table below has the numbers`}
        options={options}
      />
      <SimpleTable
        label="Latencies, table"
        columns={[
          { header: 'Kernel kind' },
          { header: 'Rows', number: true },
          { header: 'Smallest', number: true },
          { header: 'Lower quartile', number: true },
          { header: 'Median', number: true },
          { header: 'Upper quartile', number: true },
          { header: 'Largest', number: true },
        ]}
        rows={boxes.map((box) => [
          box.kind,
          formatCount(box.rows),
          formatLatency(box.minimumUs),
          formatLatency(box.lowerQuartileUs),
          formatLatency(box.medianUs),
          formatLatency(box.upperQuartileUs),
          formatLatency(box.maximumUs),
        ])}
      />
    </Stack>
  );
}
