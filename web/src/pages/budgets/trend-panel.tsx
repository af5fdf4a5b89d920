/** How the latency of one network in one scenario went from check to check, with its interval and its budget. */

import { Text } from '@mantine/core';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { graphql } from '../../api/generated';
import { useApiQuery } from '../../api/hooks';
import { formatLatency } from '../../components/format';
import { Panel } from '../../components/page';
import { PlotFigure } from '../../components/plot';
import { Failure, Loading } from '../../components/states';

const BUDGET_TREND = graphql(`
  query BudgetTrend($input: BudgetTrendInput!) {
    budgetTrend(input: $input) {
      points { latencyUs budgetUs interval { lowerUs upperUs } check { commit branch createdAt } }
    }
  }
`);

export interface TrendPanelProps {
  readonly repository: string;
  readonly network: string;
  readonly scenario: string;
}

export function TrendPanel({ repository, network, scenario }: TrendPanelProps) {
  const { data, error, loading, reload } = useApiQuery(BUDGET_TREND, { input: { repository, network, scenario } });
  const options = useMemo<Plot.PlotOptions>(() => {
    const points = (data?.budgetTrend.points ?? []).map((point, index) => ({ ...point, index }));
    const budgets = points.filter(({ budgetUs }) => budgetUs != null);
    const ms = (value: number | null | undefined) => (value ?? Number.NaN) / 1000;
    return {
      height: 240,
      marginLeft: 56,
      marginBottom: 40,
      x: {
        label: null,
        ticks: points.length > 12 ? [] : undefined,
        tickFormat: (index: number) => points[index]?.check.commit.slice(0, 7) ?? '',
        type: 'point',
        domain: points.map(({ index }) => index),
      },
      y: { label: 'Latency, ms', grid: true, zero: true },
      marks: [
        Plot.areaY(points, {
          x: 'index',
          y1: ({ interval }) => ms(interval.lowerUs),
          y2: ({ interval }) => ms(interval.upperUs),
          fill: 'var(--mantine-primary-color-filled)',
          fillOpacity: 0.15,
        }),
        Plot.ruleX(points, {
          x: 'index',
          y1: ({ interval }) => ms(interval.lowerUs),
          y2: ({ interval }) => ms(interval.upperUs),
          stroke: 'var(--mantine-primary-color-filled)',
          strokeOpacity: 0.5,
        }),
        Plot.line(points, {
          x: 'index',
          y: (each) => ms(each.latencyUs),
          stroke: 'var(--mantine-primary-color-filled)',
        }),
        Plot.dot(points, {
          x: 'index',
          y: (each) => ms(each.latencyUs),
          fill: 'var(--mantine-primary-color-filled)',
          tip: { fill: 'var(--mantine-color-body)' },
          title: ({ check, latencyUs }) =>
            `${check.commit.slice(0, 10)} on ${check.branch}\n${formatLatency(latencyUs)}`,
        }),
        Plot.line(budgets, {
          x: 'index',
          y: (each) => ms(each.budgetUs),
          stroke: 'var(--danger)',
          strokeDasharray: '4 3',
        }),
      ],
    };
  }, [data]);
  return (
    <Panel title={`${network} on ${scenario}, check by check`}>
      <Failure error={error} retry={reload} />
      {loading && <Loading />}
      {data && (
        <PlotFigure label={`Latency of ${network} over ${data.budgetTrend.points.length} checks`} options={options} />
      )}
      <Text size="sm" c="dimmed">
        The band is the interval; the dashed line is the budget.
      </Text>
    </Panel>
  );
}
