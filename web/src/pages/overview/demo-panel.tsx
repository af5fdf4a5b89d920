/** Offers the demo's data to a team that has none of its own at hand. */
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ApiError } from '../../api/errors';
import { useApiRequest } from '../../api/hooks';
import { Panel } from '../../components/page';
import { Failure } from '../../components/states';
import { DEMO, sendDemoData } from './demo';

/** The steps are read again after so many files. */
const FILES_A_LOOK = 5;

export function DemoPanel({ reload }: { reload: () => void }) {
  const request = useApiRequest();
  const [sent, setSent] = useState<{ readonly count: number; readonly files: number }>();
  const [error, setError] = useState<ApiError>();
  const interruption = useRef<AbortController>(undefined);
  useEffect(() => () => interruption.current?.abort(), []);
  const run = async () => {
    const controller = new AbortController();
    interruption.current = controller;
    setError(undefined);
    const onProgress = (count: number, files: number) => {
      setSent({ count, files });
      if (count % FILES_A_LOOK === 1) reload();
    };
    try {
      await sendDemoData(request, onProgress, controller.signal);
    } catch (thrown) {
      if (controller.signal.aborted) return;
      const { code = 'UNREACHABLE', message, where, remedy = 'Try again.' } = thrown as ApiError;
      setError({ code, message, where, remedy });
    }
    setSent(undefined);
    reload();
  };
  return (
    <Panel title="No data at hand?">
      <Stack gap="sm">
        <Text>
          Take the demo's: {DEMO.networkCount} small convolutional networks, and what they took with onnxruntime on one
          thread of a server.
        </Text>
        <dl className="facts">
          <dt>Device</dt>
          <dd>{DEMO.machine}</dd>
          <dt>Scenario</dt>
          <dd>{DEMO.scenario}</dd>
          <dt>Measured</dt>
          <dd>{DEMO.measuredOn}</dd>
        </dl>
        <Text size="sm" c="dimmed">
          It says nothing of your device. It becomes a dataset and networks of this team, and a predictor called demo.
        </Text>
        {sent ? (
          <div>
            <Text size="sm" aria-live="polite">
              {sent.count < sent.files ? `${sent.count} of ${sent.files} files sent` : 'The files are being read'}
            </Text>
            <Progress value={(100 * sent.count) / sent.files} size="sm" mt={4} aria-label="Files sent" />
          </div>
        ) : (
          <Group>
            <Button variant="default" onClick={run}>
              Use the demo's data
            </Button>
          </Group>
        )}
        <Failure error={error} />
      </Stack>
    </Panel>
  );
}
