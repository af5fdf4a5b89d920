/** The form that trains a version: defaults that one click trains with. */
import { MultiSelect, NumberInput, Select, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import type { Learner } from '../../api/generated/graphql';
import { useApiMutation, useApiQuery } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { formatCount } from '../../components/format';
import { ButtonLink } from '../../components/link';
import { Page, Panel } from '../../components/page';
import { Empty, Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';

const MATERIAL = graphql(`
  query TrainingMaterial {
    datasets(first: 100, filter: { status: READY }) {
      edges { node { id name scenarios { networkRows kernelRows scenario { name } } } }
    }
    evaluationSets(first: 50, filter: { status: READY }) { edges { node { id name networkCount } } }
  }
`);

const TRAIN = graphql(`
  mutation TrainPredictor($input: TrainPredictorInput!) {
    trainPredictor(input: $input) { version { id } }
  }
`);

const LEARNERS: readonly { value: Learner; label: string }[] = [
  { value: 'AUTO', label: 'Automatic: tries all, takes the best of each kernel kind' },
  { value: 'GAUSSIAN_PROCESS', label: 'Gaussian process: kernels of like sizes cost alike' },
  { value: 'BOOSTING', label: 'Gradient boosting of trees' },
  { value: 'FOREST', label: 'Random forest' },
  { value: 'LASSO', label: 'Lasso: linear, more work never costs less; few networks' },
  { value: 'PERCEPTRON', label: 'Multilayer perceptron' },
];

export function TrainPage() {
  const { id: teamId, mayWrite } = useTeam();
  const { data, error, loading, reload } = useApiQuery(MATERIAL, {});
  const datasets = data?.datasets.edges.map(({ node }) => node) ?? [];
  return (
    <Page title="Train a version" description="With the defaults, one click is enough." query={{ document: MATERIAL }}>
      <Failure error={error} retry={reload} />
      {loading && <Loading />}
      {data && datasets.length === 0 && (
        <div className="panel">
          <Empty
            title="No dataset is ready"
            action={
              <ButtonLink to="/teams/$teamId/datasets" params={{ teamId }}>
                Datasets
              </ButtonLink>
            }
          >
            Upload measured networks or kernels first.
          </Empty>
        </div>
      )}
      {data && datasets.length > 0 && mayWrite && (
        <TrainForm datasets={datasets} sets={data.evaluationSets.edges.map(({ node }) => node)} />
      )}
    </Page>
  );
}

interface TrainFormProps {
  readonly datasets: readonly {
    id: string;
    name: string;
    scenarios: readonly { networkRows: number; kernelRows: number; scenario: { name: string } }[];
  }[];
  readonly sets: readonly { id: string; name: string; networkCount?: number | null }[];
}

function TrainForm({ datasets, sets }: TrainFormProps) {
  const { id: teamId } = useTeam();
  const search = useSearch({ from: '/teams/$teamId/predictors/train' });
  const navigate = useNavigate();
  const [train, state] = useApiMutation(TRAIN);
  const scenarios = [...new Set(datasets.flatMap((dataset) => dataset.scenarios.map(({ scenario }) => scenario.name)))];
  const [scenario, setScenario] = useState(search.scenario ?? scenarios[0] ?? '');
  const holding = (name: string) =>
    datasets.filter((dataset) => dataset.scenarios.some((rows) => rows.scenario.name === name)).map(({ id }) => id);
  const [datasetIds, setDatasetIds] = useState(holding(scenario));
  const [learner, setLearner] = useState<Learner>('AUTO');
  const [evaluationSetIds, setEvaluationSetIds] = useState<string[]>([]);
  const ofScenario = datasets
    .filter(({ id }) => datasetIds.includes(id))
    .flatMap((dataset) => dataset.scenarios.filter((rows) => rows.scenario.name === scenario));
  const networkRows = ofScenario.reduce((sum, rows) => sum + rows.networkRows, 0);
  const kernelRows = ofScenario.reduce((sum, rows) => sum + rows.kernelRows, 0);
  const submit = async ({ name, seed }: Record<string, string>) => {
    const input = { name, scenario, datasetIds, evaluationSetIds, learner, seed: Number(seed), searchedSettings: 0 };
    const result = await train({ input });
    if (!result) return;
    const { id: versionId } = result.trainPredictor.version;
    await navigate({ to: '/teams/$teamId/versions/$versionId', params: { teamId, versionId } });
  };
  return (
    <Panel>
      <div style={{ maxWidth: '36rem' }}>
        <ActionForm submit="Train" state={state} onSubmit={submit}>
          <Select
            label="Scenario"
            description={`${formatCount(networkRows)} networks and ${formatCount(kernelRows)} kernels measured`}
            data={scenarios.toSorted()}
            value={scenario}
            searchable
            onChange={(value) => {
              setScenario(value ?? '');
              setDatasetIds(holding(value ?? ''));
            }}
          />
          <TextInput
            name="name"
            label="Predictor"
            description="A new version of it, if there is one of this name."
            defaultValue={search.name ?? 'main'}
            required
            maxLength={100}
          />
          <MultiSelect
            label="Datasets"
            description="Other scenarios of the same runtime and number type lend what they know."
            data={datasets.map(({ id, name }) => ({ value: id, label: name }))}
            value={datasetIds}
            onChange={setDatasetIds}
          />
          <Select
            label="Learner"
            data={LEARNERS}
            value={learner}
            onChange={(value) => setLearner((value ?? 'AUTO') as Learner)}
          />
          {sets.length > 0 && (
            <MultiSelect
              label="Evaluation sets to hold out"
              description="The version never sees their networks, so that it can be judged on them."
              data={sets.map(({ id, name, networkCount }) => ({
                value: id,
                label: `${name}, ${networkCount} networks`,
              }))}
              value={evaluationSetIds}
              onChange={setEvaluationSetIds}
            />
          )}
          <NumberInput
            name="seed"
            label="Seed"
            description="The same data and seed give the same file, byte by byte."
            defaultValue={0}
            min={0}
            max={2_147_483_647}
            allowDecimal={false}
          />
        </ActionForm>
      </div>
    </Panel>
  );
}
