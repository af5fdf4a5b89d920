/** The last step: a network is chosen, predicted, and seen kernel by kernel on its page. */
import { Button, Group, Select, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { formatLatency } from '../../components/format';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';
import { DEMO, heldOutLatencyUs } from './demo';
import type { Overview } from './overview-query';

const PREDICT = graphql(`
  mutation PredictFirst($input: PredictInput!) {
    predict(input: $input) { predictions { id network { id } } }
  }
`);

export function PredictStep({ overview: { networks, readyVersions } }: { overview: Overview }) {
  const { id: teamId, mayWrite } = useTeam();
  const navigate = useNavigate();
  const [predict, state] = useApiMutation(PREDICT);
  const ready = networks.edges.map(({ node }) => node).filter(({ status }) => status === 'READY');
  const [networkId, setNetworkId] = useState(ready[0].id);
  const version = readyVersions.edges[0].node;
  const scenario = version.scenario.name;
  const chosen = ready.find(({ id }) => id === networkId);
  const measuredUs = chosen && scenario === DEMO.scenario ? heldOutLatencyUs(chosen.name) : undefined;
  const run = async () => {
    if (!(await predict({ input: { networkIds: [networkId], versionIds: [version.id] } }))) return;
    await navigate({ to: '/teams/$teamId/networks/$networkId', params: { teamId, networkId }, search: { scenario } });
  };
  if (!mayWrite) return <Text>Nothing has been predicted yet.</Text>;
  return (
    <>
      <Group align="flex-end" gap="xs">
        <Select
          label="Network"
          w="18rem"
          maw="100%"
          searchable
          data={ready.map(({ id, name }) => ({ value: id, label: name }))}
          value={networkId}
          onChange={(value) => setNetworkId(value ?? networkId)}
        />
        <Button size="sm" loading={state.running} onClick={run}>
          Predict
        </Button>
      </Group>
      {measuredUs !== undefined && (
        <Text size="sm" c="dimmed">
          {chosen?.name} is not in the demo's profile: the version has never seen it. The demo's server took{' '}
          {formatLatency(measuredUs)}.
        </Text>
      )}
      <Failure error={state.error} />
    </>
  );
}
