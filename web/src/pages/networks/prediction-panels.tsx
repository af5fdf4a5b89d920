/** A prediction kernel by kernel: from kernels to end to end, and every kernel with the reason why it is launched. */
import { Button, Group, SimpleGrid, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiQuery } from '../../api/hooks';
import { formatEnum, formatLatency, formatPercent } from '../../components/format';
import { TextLink } from '../../components/link';
import { Panel } from '../../components/page';
import { SimpleTable } from '../../components/simple-table';
import { Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { KernelWaterfall } from './kernel-waterfall';

// The largest part of the page, and below the rest of it.
const KernelGraph = lazy(async () => ({ default: (await import('./kernel-graph')).KernelGraph }));

/** Rows of the table until all are asked for: what comes later takes next to no time. */
const FIRST_ROWS = 50;

const PREDICTION = graphql(`
  query PredictionKernels($id: ID!) {
    prediction(id: $id) {
      latencyUs fixedUs coverage
      interval { lowerUs upperUs level }
      network { id }
      kernels { kind fused ops latencyUs coverage reason }
      version { id number predictor { name } report { runtime } }
    }
  }
`);

export function PredictionPanels({ predictionId }: { predictionId: string }) {
  const { id: teamId } = useTeam();
  const { data, error, loading, reload } = useApiQuery(PREDICTION, { id: predictionId });
  const [all, setAll] = useState(false);
  if (loading) return <Loading label="Predicting" />;
  if (!data) return <Failure error={error} retry={reload} />;
  const { kernels, latencyUs, fixedUs, interval, coverage, version, network } = data.prediction;
  const ordered = kernels.map((kernel, index) => ({ ...kernel, index })).toSorted((a, b) => b.latencyUs - a.latencyUs);
  return (
    <>
      <Group gap="xl">
        <div>
          <Text fw={600} fz="1.5rem">
            {formatLatency(latencyUs)}
          </Text>
          <Text size="sm" c="dimmed">
            {formatPercent(100 * interval.level)} interval {formatLatency(interval.lowerUs)} to{' '}
            {formatLatency(interval.upperUs)}
          </Text>
        </div>
        <Text size="sm" c="dimmed">
          {kernels.length} kernels by {version.report?.runtime};{' '}
          <TextLink
            to="/teams/$teamId/versions/$versionId"
            params={{ teamId, versionId: version.id }}
            underline="always"
          >
            {version.predictor.name} {version.number}
          </TextLink>
          ; {formatPercent(100 * coverage)} from kernels inside what training saw
        </Text>
      </Group>
      <SimpleGrid cols={1}>
        <Panel title="From kernels to end to end">
          <KernelWaterfall kernels={kernels} fixedUs={fixedUs} latencyUs={latencyUs} />
        </Panel>
        {version.report && (
          <Panel title="Fused graph">
            <Suspense fallback={<Loading label="Drawing" />}>
              <KernelGraph
                networkId={network.id}
                runtime={version.report.runtime}
                kernels={kernels}
                latencyUs={latencyUs}
              />
            </Suspense>
          </Panel>
        )}
        <Panel title="Kernels, most time first">
          <SimpleTable
            label="Kernels"
            columns={[
              { header: 'Place', number: true },
              { header: 'Kernel' },
              { header: 'Time', number: true },
              { header: 'Share', number: true },
              { header: 'Coverage' },
              { header: 'Ops', wide: true },
              { header: 'Why', wide: true },
            ]}
            rows={(all ? ordered : ordered.slice(0, FIRST_ROWS)).map((kernel) => [
              kernel.index + 1,
              [kernel.kind, ...kernel.fused].join('+'),
              formatLatency(kernel.latencyUs),
              formatPercent((100 * kernel.latencyUs) / latencyUs),
              formatEnum(kernel.coverage),
              kernel.ops.join(', '),
              kernel.reason,
            ])}
          />
          {!all && ordered.length > FIRST_ROWS && (
            <Button variant="subtle" size="xs" onClick={() => setAll(true)}>
              Show all {ordered.length} kernels
            </Button>
          )}
        </Panel>
      </SimpleGrid>
    </>
  );
}
