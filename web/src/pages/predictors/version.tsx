/** A version: how its training goes, then what it can do and where it came from. */
import { Code, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiQuery } from '../../api/hooks';
import { formatBytes, formatEnum } from '../../components/format';
import { ButtonLink, TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { Empty, Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { PinsPanel } from './pins-panel';
import { ReportPanels } from './report-panels';
import { StageBadge } from './stage-badge';
import { StageButtons } from './stage-buttons';
import { TrainingProgress } from './training-progress';

const VERSION = graphql(`
  query Version($id: ID!) {
    node(id: $id) {
      ... on PredictorVersion {
        id number status stage learner seed createdAt finishedAt sha256 sizeBytes quarantinedAt fileDeletedAt
        fraction step
        failure { code message where remedy }
        predictor { id name }
        scenario { name }
        datasets { id name sha256 }
        evaluationSets { id name }
        report {
          runtime engineVersion networks kernelRows noiseFloor exportDifference dropped
          endToEnd { mape medianApe within10 }
          worstNetworks { network predictedUs measuredUs }
          calibration { level covered relativeWidth }
          kernelKinds { kind rows mape }
          importance { feature change }
          composition { fixedUs perKernelUs kernelFactor }
          harnesses { runtimeBuild threads affinity governor warmUps repetitions statistic }
          sources {
            name networks mape share permuted
            choices { kind rows chosen { learner } candidates { learner mape } }
          }
        }
      }
    }
  }
`);

export function VersionPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { versionId } = useParams({ from: '/teams/$teamId/versions/$versionId' });
  const { data, error, loading, reload } = useApiQuery(VERSION, { id: versionId });
  if (loading) return <Loading />;
  const version = data?.node && 'predictor' in data.node ? data.node : undefined;
  if (!version) {
    return (
      <Page title="Version">
        <Failure error={error} retry={reload} />
        {!error && <Empty title="Not found">There is no version at this address.</Empty>}
      </Page>
    );
  }
  const { number, status, stage, predictor, scenario, report, failure } = version;
  const running = status === 'QUEUED' || status === 'TRAINING';
  return (
    <Page
      title={`${predictor.name}, version ${number}`}
      mark={<StageBadge status={status} stage={stage} />}
      description={
        <>
          Of{' '}
          <TextLink
            to="/teams/$teamId/predictors/$predictorId"
            params={{ teamId, predictorId: predictor.id }}
            underline="always"
          >
            {predictor.name}
          </TextLink>
          , for <Code>{scenario.name}</Code>. {formatEnum(version.learner)}, seed {version.seed}.
        </>
      }
      actions={
        mayWrite &&
        (status === 'READY' ? (
          <StageButtons versionId={versionId} stage={stage} onDone={reload} />
        ) : (
          !running && (
            <ButtonLink
              to="/teams/$teamId/predictors/train"
              params={{ teamId }}
              search={{ scenario: scenario.name, name: predictor.name }}
            >
              Train again
            </ButtonLink>
          )
        ))
      }
      query={{ document: VERSION, variables: { id: versionId } }}
    >
      {running && <TrainingProgress versionId={versionId} onEnd={reload} />}
      {failure && (
        <Failure
          error={{
            code: failure.code,
            message: failure.message,
            where: failure.where ?? undefined,
            remedy: failure.remedy ?? undefined,
          }}
        />
      )}
      {version.quarantinedAt && (
        <Failure
          error={{
            code: 'CONFLICT',
            message: 'The stored file of this version is damaged; it predicts nothing.',
            remedy: 'Train it again with the same settings, or ask the operator to restore it from a backup.',
          }}
        />
      )}
      {status === 'CANCELLED' && <Text>The training was cancelled; nothing of it is kept.</Text>}
      {report && <ReportPanels report={report} />}
      {report && <PinsPanel versionId={versionId} />}
      {report && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          Trained from {version.datasets.map(({ name, sha256 }) => `${name} (${sha256.slice(0, 12)})`).join(', ')}
          {version.evaluationSets.length > 0 &&
            ` without the networks of ${version.evaluationSets.map(({ name }) => name).join(', ')}`}
          , planned by {report.runtime}, engine {report.engineVersion}. One ONNX file of{' '}
          {formatBytes(version.sizeBytes ?? 0)}
          {version.fileDeletedAt ? ', no longer kept' : ''}; SHA-256 {version.sha256}.
        </Text>
      )}
    </Page>
  );
}
