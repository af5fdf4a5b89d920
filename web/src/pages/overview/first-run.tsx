/** The way to a first prediction in four steps. How far it is, the team's data say, and nothing else does. */
import { Group, Progress, Text } from '@mantine/core';
import { formatCount, formatPercent } from '../../components/format';
import { ButtonLink, TextLink } from '../../components/link';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';
import { DemoPanel } from './demo-panel';
import { isRunning, type Overview } from './overview-query';
import { PredictStep } from './predict-step';
import { Step, type StepState } from './step';
import { failureOf } from './stored-failure';

export function FirstRun({ overview, reload }: { overview: Overview; reload: () => void }) {
  const { mayWrite } = useTeam();
  const { readyDatasets, networks, readyVersions, versions } = overview;
  const isReady = networks.edges.some(({ node }) => node.status === 'READY');
  const done = [readyDatasets.edges.length > 0, isReady, readyVersions.edges.length > 0, false];
  const now = done.indexOf(false);
  const stateOf = (index: number): StepState => (done[index] ? 'DONE' : index === now ? 'NOW' : 'NEXT');
  const isUntrained = !versions.edges.some(({ node }) => isRunning(node)) && !done[2];
  return (
    <div className="first-run">
      <ol className="steps panel" aria-label="Steps to a first prediction">
        <Step number={1} state={stateOf(0)} title="Upload a profile">
          <ProfileStep overview={overview} />
        </Step>
        <Step number={2} state={stateOf(1)} title="Upload its networks">
          <NetworksStep overview={overview} />
        </Step>
        <Step number={3} state={stateOf(2)} title="Train a predictor">
          <TrainStep overview={overview} />
        </Step>
        <Step number={4} state={stateOf(3)} title="See a prediction">
          {now === 3 ? (
            <PredictStep overview={overview} />
          ) : (
            'The latency of a network that was never measured: end to end with an interval, and kernel by kernel.'
          )}
        </Step>
      </ol>
      {mayWrite && isUntrained && <DemoPanel reload={reload} />}
      {!mayWrite && <Text c="dimmed">You may look and not change anything: members of the team take the steps.</Text>}
    </div>
  );
}

function ProfileStep({ overview: { datasets, readyDatasets } }: { overview: Overview }) {
  const { id: teamId, mayWrite } = useTeam();
  const ready = readyDatasets.edges[0]?.node;
  if (ready) {
    return (
      <>
        <TextLink to="/teams/$teamId/datasets/$datasetId" params={{ teamId, datasetId: ready.id }}>
          {ready.name}
        </TextLink>
        : {formatCount(ready.networkRows ?? 0)} networks and {formatCount(ready.kernelRows ?? 0)} kernels measured.
      </>
    );
  }
  const newest = datasets.edges[0]?.node;
  return (
    <>
      <Text>
        What networks, and their kernels if you have them, took on your device: a table in CSV, JSON or Parquet with
        network, scenario and latency in microseconds.
      </Text>
      {newest?.status === 'PENDING' && <Text aria-live="polite">{newest.name} is being read.</Text>}
      {newest?.status === 'REJECTED' && <Failure error={failureOf(newest.failure)} />}
      {mayWrite && (
        <Group>
          <ButtonLink to="/teams/$teamId/datasets" params={{ teamId }}>
            Upload a profile
          </ButtonLink>
        </Group>
      )}
    </>
  );
}

function NetworksStep({ overview: { networks, readyDatasets } }: { overview: Overview }) {
  const { id: teamId, mayWrite } = useTeam();
  const ready = networks.edges.filter(({ node }) => node.status === 'READY').length;
  const newest = networks.edges[0]?.node;
  const reading = networks.edges.filter(({ node }) => node.status === 'PENDING').length;
  if (ready > 0) {
    return (
      <>
        <TextLink to="/teams/$teamId/networks" params={{ teamId }}>
          {networks.pageInfo.hasNextPage ? `More than ${networks.edges.length}` : ready} networks
        </TextLink>
        {reading > 0 ? ` are ready, ${reading} are being read.` : ' are ready.'}
      </>
    );
  }
  if (readyDatasets.edges.length === 0)
    return 'ONNX or TFLite files, named as in the profile. Their weights stay here.';
  return (
    <>
      <Text>
        ONNX or TFLite files, named as in the profile. Their weights stay in this browser; what is sent is the graph.
      </Text>
      {reading > 0 && <Text aria-live="polite">{reading} are being read.</Text>}
      {newest?.status === 'REJECTED' && <Failure error={failureOf(newest.failure)} />}
      {mayWrite && (
        <Group>
          <ButtonLink to="/teams/$teamId/networks" params={{ teamId }}>
            Upload networks
          </ButtonLink>
        </Group>
      )}
    </>
  );
}

function TrainStep({ overview: { versions, readyVersions, networks, readyDatasets } }: { overview: Overview }) {
  const { id: teamId, mayWrite } = useTeam();
  const ready = readyVersions.edges[0]?.node;
  if (ready) {
    return (
      <>
        <TextLink to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: ready.id }}>
          Version {ready.number} of {ready.predictor.name}
        </TextLink>{' '}
        for {ready.scenario.name}
        {ready.report &&
          `: ${formatPercent(ready.report.endToEnd.mape)} mean error on networks it had not seen, of ${ready.report.networks}`}
        .
      </>
    );
  }
  const training = versions.edges.find(({ node }) => isRunning(node))?.node;
  if (training) {
    const percent = Math.floor(100 * training.fraction);
    return (
      <>
        <Text aria-live="polite">
          {training.status === 'QUEUED' ? 'Waits for a worker' : `${percent} %: ${training.step ?? 'begins'}`}
        </Text>
        <Progress value={percent} size="sm" aria-label="Training" />
        <TextLink to="/teams/$teamId/versions/$versionId" params={{ teamId, versionId: training.id }}>
          Version {training.number} of {training.predictor.name}
        </TextLink>
      </>
    );
  }
  if (networks.edges.length === 0 || readyDatasets.edges.length === 0) {
    return 'With the defaults one click is enough; it takes seconds to minutes.';
  }
  const newest = versions.edges[0]?.node;
  return (
    <>
      <Text>With the defaults one click is enough; it takes seconds to minutes.</Text>
      {newest?.status === 'FAILED' && <Failure error={failureOf(newest.failure)} />}
      {mayWrite && (
        <Group>
          <ButtonLink to="/teams/$teamId/predictors/train" params={{ teamId }}>
            Train a predictor
          </ButtonLink>
        </Group>
      )}
    </>
  );
}
