/** A dataset: what was read of it or why it was refused, how it was measured, and how its latencies are spread. */
import { Select, Text } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { graphql } from '../../api/generated';
import { useApiQuery } from '../../api/hooks';
import { formatBytes } from '../../components/format';
import { IngestBadge } from '../../components/ingest-status';
import { Page, Panel } from '../../components/page';
import { Empty, Failure, Loading } from '../../components/states';
import { type Dataset, HarnessTable, IngestReport, ScenarioTable } from './dataset-panels';
import { SpreadPlot } from './spread-plot';

const DATASET = graphql(`
  query Dataset($id: ID!) {
    node(id: $id) {
      ... on Dataset {
        id name fileName sha256 sizeBytes status createdAt ingestedAt networkRows kernelRows
        failure { code message where remedy problemCount problems { unit line column value expected } }
        contents {
          networkCount harnessCount warnings
          harnesses { runtimeBuild threads affinity warmUps repetitions statistic governor }
        }
        scenarios {
          networkRows kernelRows
          scenario { id name }
          spread {
            networks { rows minimumUs lowerQuartileUs medianUs upperQuartileUs maximumUs }
            kinds { kind rows minimumUs lowerQuartileUs medianUs upperQuartileUs maximumUs }
          }
        }
      }
    }
  }
`);

/** How often a dataset that is being read is read again. */
const AGAIN_MS = 1000;

function isDataset(node: object): node is Dataset {
  return 'fileName' in node;
}

export function DatasetPage() {
  const { teamId, datasetId } = useParams({ from: '/teams/$teamId/datasets/$datasetId' });
  const { scenario } = useSearch({ from: '/teams/$teamId/datasets/$datasetId' });
  const navigate = useNavigate();
  const { data, error, loading, reload } = useApiQuery(DATASET, { id: datasetId });
  const dataset = data?.node && isDataset(data.node) ? data.node : undefined;
  const isPending = dataset?.status === 'PENDING';
  const { start, stop } = useInterval(reload, AGAIN_MS);
  useEffect(() => {
    if (isPending) start();
    return stop;
  }, [isPending, start, stop]);
  if (loading) return <Loading />;
  if (!dataset) {
    return (
      <Page title="Dataset">
        <Failure error={error} retry={reload} />
        {!error && <Empty title="Not found">There is no dataset at this address.</Empty>}
      </Page>
    );
  }
  const { name, status, fileName, sizeBytes, sha256, contents } = dataset;
  const scenarios = dataset.scenarios.toSorted((a, b) => (a.scenario.name < b.scenario.name ? -1 : 1));
  const shown = scenarios.find((rows) => rows.scenario.name === scenario) ?? scenarios[0];
  return (
    <Page
      title={name}
      mark={<IngestBadge status={status} />}
      description={
        <span style={{ overflowWrap: 'anywhere' }}>
          {fileName}, {formatBytes(sizeBytes)}, SHA-256 {sha256.slice(0, 12)}
        </span>
      }
      query={{ document: DATASET, variables: { id: datasetId } }}
    >
      <Panel title="Ingest report">
        <IngestReport dataset={dataset} />
      </Panel>
      {scenarios.length > 0 && (
        <Panel title="Scenarios">
          <ScenarioTable scenarios={scenarios} />
        </Panel>
      )}
      {shown && (
        <Panel
          title="Latencies"
          actions={
            <Select
              size="xs"
              w="20rem"
              maw="100%"
              aria-label="Scenario"
              searchable
              data={scenarios.map((rows) => rows.scenario.name)}
              value={shown.scenario.name}
              onChange={(value) =>
                void navigate({
                  to: '/teams/$teamId/datasets/$datasetId',
                  params: { teamId, datasetId },
                  search: { scenario: value ?? undefined },
                  replace: true,
                })
              }
            />
          }
        >
          {shown.spread ? (
            <SpreadPlot scenario={shown.scenario.name} spread={shown.spread} />
          ) : (
            <Text c="dimmed">It was read before this was kept: upload the file again to see it.</Text>
          )}
        </Panel>
      )}
      {contents && contents.harnesses.length > 0 && (
        <Panel title="How it was measured">
          <HarnessTable harnesses={contents.harnesses} count={contents.harnessCount} />
        </Panel>
      )}
    </Page>
  );
}
