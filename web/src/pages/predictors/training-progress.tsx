/** A training while it runs: told by the API as it goes on, and stopped by a button. */
import { Button, Group, Progress, Text } from '@mantine/core';
import { useEffect } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation, useApiSubscription } from '../../api/hooks';
import { formatEnum } from '../../components/format';
import { Panel } from '../../components/page';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';

const PROGRESS = graphql(`
  subscription TrainingProgress($versionId: ID!) {
    trainingProgress(versionId: $versionId) { status step fraction }
  }
`);
const CANCEL = graphql(`
  mutation CancelTraining($input: CancelTrainingInput!) {
    cancelTraining(input: $input) { version { id status } }
  }
`);

export function TrainingProgress({ versionId, onEnd }: { versionId: string; onEnd: () => void }) {
  const { mayWrite } = useTeam();
  const { data, error } = useApiSubscription(PROGRESS, { versionId });
  const [cancel, cancelling] = useApiMutation(CANCEL);
  const { status = 'QUEUED', step, fraction = 0 } = data?.trainingProgress ?? {};
  const ended = status !== 'QUEUED' && status !== 'TRAINING';
  useEffect(() => {
    if (ended) onEnd();
  }, [ended, onEnd]);
  return (
    <Panel title={formatEnum(status)}>
      <Progress value={100 * fraction} size="lg" aria-label="Training" animated={!ended} />
      <Group justify="space-between" pt="sm">
        <Text aria-live="polite">
          {Math.floor(100 * fraction)} %{step ? `: ${step}` : status === 'QUEUED' ? ': waits for a worker' : ''}
        </Text>
        {mayWrite && (
          <Button variant="default" loading={cancelling.running} onClick={() => cancel({ input: { versionId } })}>
            Cancel the training
          </Button>
        )}
      </Group>
      <Failure error={error ?? cancelling.error} />
    </Panel>
  );
}
