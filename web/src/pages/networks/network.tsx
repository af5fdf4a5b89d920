/** A network: what it takes in each scenario, and in one of them kernel by kernel. */
import { Button, Select } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import { useApiMutation, useApiQuery } from '../../api/hooks';
import { formatCount } from '../../components/format';
import { IngestBadge } from '../../components/ingest-status';
import { Page, Panel } from '../../components/page';
import { Empty, Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { PredictionPanels } from './prediction-panels';
import { ScenarioLatencies } from './scenario-latencies';

const NETWORK = graphql(`
  query Network($id: ID!) {
    node(id: $id) {
      ... on Network {
        id name status fileName
        failure { code message where remedy }
        summary { format ops parameters multiplyAccumulates inputs { name type shape } }
      }
    }
    predictors(first: 100, filter: {}) { edges { node { id scenario { name } versionInUse { id } } } }
  }
`);

const PREDICTIONS = graphql(`
  query NetworkPredictions($first: Int!, $after: String, $filter: PredictionFilter!) {
    predictions(first: $first, after: $after, filter: $filter) {
      edges {
        node { id createdAt latencyUs coverage interval { lowerUs upperUs level } scenario { name } version { id number } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const PREDICT = graphql(`
  mutation PredictNetwork($input: PredictInput!) {
    predict(input: $input) { predictions { id } }
  }
`);

/** How often a network that is being read is read again. */
const AGAIN_MS = 1000;

export function NetworkPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { networkId } = useParams({ from: '/teams/$teamId/networks/$networkId' });
  const { scenario } = useSearch({ from: '/teams/$teamId/networks/$networkId' });
  const navigate = useNavigate();
  const { data, error, loading, reload } = useApiQuery(NETWORK, { id: networkId });
  const predictions = useConnection(PREDICTIONS, { filter: { networkId } }, (result) => result.predictions);
  const [predict, predicting] = useApiMutation(PREDICT);
  const isPending = data?.node != null && 'fileName' in data.node && data.node.status === 'PENDING';
  const { start, stop } = useInterval(reload, AGAIN_MS);
  useEffect(() => {
    if (isPending) start();
    return stop;
  }, [isPending, start, stop]);
  if (loading) return <Loading />;
  const network = data?.node && 'fileName' in data.node ? data.node : undefined;
  if (!network) {
    return (
      <Page title="Network">
        <Failure error={error} retry={reload} />
        {!error && <Empty title="Not found">There is no network at this address.</Empty>}
      </Page>
    );
  }
  const { name, status, summary, failure } = network;
  const scenarios = [...new Set(data?.predictors.edges.map(({ node }) => node.scenario.name))].toSorted();
  const shown = scenario ?? scenarios[0];
  const newest = predictions.rows
    .filter((row) => row.scenario.name === shown)
    .reduce<(typeof predictions.rows)[number] | undefined>(
      (best, row) => (best && best.createdAt >= row.createdAt ? best : row),
      undefined,
    );
  const choose = (value: string | null) =>
    void navigate({
      to: '/teams/$teamId/networks/$networkId',
      params: { teamId, networkId },
      search: { scenario: value ?? undefined },
      replace: true,
    });
  const predictAll = async () => {
    if (await predict({ input: { networkIds: [networkId], scenarios } })) predictions.reload();
  };
  return (
    <Page
      title={name}
      mark={<IngestBadge status={status} />}
      description={
        summary &&
        `${summary.format}, ${formatCount(summary.ops)} ops, ${(summary.parameters / 1e6).toFixed(2)} million weights, ${(summary.multiplyAccumulates / 1e6).toFixed(1)} million multiply-adds; input ${summary.inputs.map(({ shape }) => shape.join(' x ')).join(', ')}`
      }
      actions={
        mayWrite &&
        scenarios.length > 0 &&
        status === 'READY' && (
          <Button loading={predicting.running} onClick={predictAll}>
            Predict in all scenarios
          </Button>
        )
      }
      query={{ document: NETWORK, variables: { id: networkId } }}
    >
      {failure && (
        <Failure error={{ ...failure, where: failure.where ?? undefined, remedy: failure.remedy ?? undefined }} />
      )}
      <Failure error={predicting.error ?? predictions.error} />
      {predictions.rows.length > 0 && (
        <Panel title="Latency per scenario">
          <ScenarioLatencies predictions={predictions.rows} />
        </Panel>
      )}
      {status === 'READY' && scenarios.length === 0 && (
        <div className="panel">
          <Empty title="No predictor yet">Train one, and the latency of this network is here kernel by kernel.</Empty>
        </div>
      )}
      {status === 'READY' && shown && (
        <>
          <Select
            label="Kernel by kernel in the scenario"
            size="xs"
            maw="24rem"
            searchable
            data={scenarios}
            value={shown}
            onChange={choose}
          />
          {newest && <PredictionPanels predictionId={newest.id} />}
          {!newest && !predictions.loading && (
            <div className="panel">
              <Empty title="Not predicted in this scenario yet">
                {mayWrite && 'Predict in all scenarios: then it is here kernel by kernel.'}
              </Empty>
            </div>
          )}
        </>
      )}
    </Page>
  );
}
