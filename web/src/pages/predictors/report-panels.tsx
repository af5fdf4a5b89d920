/** The training report: its figures, plots and tables. All errors are of networks and kernels that models did not see. */
import { List, SimpleGrid, Text } from '@mantine/core';
import type { VersionQuery } from '../../api/generated/graphql';
import { formatCount, formatEnum, formatLatency, formatPercent } from '../../components/format';
import { Panel } from '../../components/page';
import { SimpleTable } from '../../components/simple-table';
import { CalibrationPlot, ImportancePlot, KernelKindPlot, PredictedMeasuredPlot } from './report-plots';

type Version = Extract<NonNullable<VersionQuery['node']>, { predictor: unknown }>;
export type Report = NonNullable<Version['report']>;

/** Networks that the table of the worst names. */
const WORST = 8;

export function ReportPanels({ report }: { report: Report }) {
  const { worstNetworks, calibration, kernelKinds, importance, sources, dropped } = report;
  return (
    <>
      <Headline report={report} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {worstNetworks.length > 0 && (
          <Panel title="Predicted against measured">
            <PredictedMeasuredPlot networks={worstNetworks} noiseFloor={report.noiseFloor ?? undefined} />
          </Panel>
        )}
        {calibration.length > 0 && (
          <Panel title="How often intervals hold">
            <CalibrationPlot calibration={calibration} />
          </Panel>
        )}
        {kernelKinds.length > 0 && (
          <Panel title="Error by kernel kind">
            <KernelKindPlot kinds={kernelKinds} />
          </Panel>
        )}
        {importance.length > 0 && (
          <Panel title="What latency depends on">
            <ImportancePlot importance={importance} />
          </Panel>
        )}
      </SimpleGrid>
      {worstNetworks.length > 0 && (
        <Panel title="Worst networks">
          <SimpleTable
            label="Worst networks"
            columns={[{ header: 'Network' }, ...numbers('Predicted', 'Measured', 'Error')]}
            rows={worstNetworks
              .slice(0, WORST)
              .map(({ network, predictedUs, measuredUs }) => [
                network,
                formatLatency(predictedUs),
                formatLatency(measuredUs),
                signed(100 * (predictedUs / measuredUs - 1)),
              ])}
          />
        </Panel>
      )}
      <Panel title="Learners tried">
        <SimpleTable
          label="Learners tried"
          columns={[
            { header: 'From' },
            { header: 'Kernel kind' },
            ...numbers('Rows'),
            { header: 'Taken' },
            { header: 'Errors' },
          ]}
          rows={sources.flatMap(({ name, choices }) =>
            choices.map(({ kind, rows, chosen, candidates }) => [
              name,
              kind ?? 'all',
              formatCount(rows),
              formatEnum(chosen.learner),
              candidates.map(({ learner, mape }) => `${formatEnum(learner)} ${formatPercent(mape)}`).join(', ') || '–',
            ]),
          )}
        />
        {sources.map(({ name, share, mape, networks, permuted }) => (
          <Text key={name} size="sm" c="dimmed" pt="xs">
            {name}: {formatPercent(100 * share)} of the prediction; alone {formatPercent(mape)} off on {networks}{' '}
            networks
            {permuted ? '; latencies stood on wrong kernels and were exchanged' : ''}.
          </Text>
        ))}
      </Panel>
      {dropped.length > 0 && (
        <Panel title="Left out, or unexpected">
          <List size="sm" spacing={4}>
            {dropped.map((sentence) => (
              <List.Item key={sentence}>{sentence}</List.Item>
            ))}
          </List>
        </Panel>
      )}
    </>
  );
}

function Headline({ report }: { report: Report }) {
  const { endToEnd, noiseFloor, calibration, networks, kernelRows, composition } = report;
  const at90 = calibration.find(({ level }) => level === 0.9);
  const facts: [label: string, value: string, more: string][] = [
    ['Mean error', formatPercent(endToEnd.mape), `median ${formatPercent(endToEnd.medianApe)}`],
    ['Within 10 %', formatPercent(100 * endToEnd.within10), `of ${formatCount(networks)} networks`],
    [
      '90 % interval holds',
      at90 ? formatPercent(100 * at90.covered) : '–',
      at90 ? `${formatPercent(100 * at90.relativeWidth)} wide` : '',
    ],
    ['Noise floor', noiseFloor == null ? '–' : formatPercent(100 * noiseFloor), 'of the measurements'],
    [
      'Beside the kernels',
      formatLatency(composition.fixedUs),
      `and ${formatLatency(composition.perKernelUs)} a kernel`,
    ],
    ['Kernels measured', formatCount(kernelRows), kernelRows === 0 ? 'end to end alone' : 'beside the networks'],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="xs">
      {facts.map(([label, value, more]) => (
        <div key={label} className="panel" style={{ padding: '0.625rem 0.875rem' }}>
          <Text size="sm" c="dimmed">
            {label}
          </Text>
          <Text fw={600} fz="1.25rem">
            {value}
          </Text>
          <Text size="xs" c="dimmed">
            {more || ' '}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function numbers(...headers: string[]) {
  return headers.map((header) => ({ header, number: true }));
}

function signed(percent: number): string {
  return `${percent > 0 ? '+' : ''}${formatPercent(percent)}`;
}
