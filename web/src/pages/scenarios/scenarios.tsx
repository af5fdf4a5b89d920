/** Where the team's predictors answer: device by processor and number type, with the version in use in each cell. */
import { Badge, Group, Text, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { ScenarioMatrixQuery, ScenarioVersionsQuery } from '../../api/generated/graphql';
import { useApiQuery } from '../../api/hooks';
import { formatPercent } from '../../components/format';
import { TextLink } from '../../components/link';
import { Page, Panel } from '../../components/page';
import { SimpleTable } from '../../components/simple-table';
import { Empty, Failure, Loading } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';

const SCENARIOS = graphql(`
  query ScenarioMatrix($first: Int!, $after: String) {
    scenarios(first: $first, after: $after) {
      edges { node { id name runtime processor type device { name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const PREDICTORS = graphql(`
  query ScenarioVersions($first: Int!, $after: String) {
    predictors(first: $first, after: $after) {
      edges {
        node {
          id name
          scenario { id }
          versionInUse { id number inUseSince report { noiseFloor networks endToEnd { mape } } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ALERTS = graphql(`
  query OpenDriftAlerts { driftAlerts(first: 100, filter: { isOpen: true }) { edges { node { id scenario { id } } } } }
`);

type Scenario = ScenarioMatrixQuery['scenarios']['edges'][number]['node'];
type Predictor = ScenarioVersionsQuery['predictors']['edges'][number]['node'];

export function ScenariosPage() {
  const { id: teamId } = useTeam();
  const { search } = useSearch({ from: '/teams/$teamId/scenarios' });
  const navigate = useNavigate();
  const scenarios = useConnection(SCENARIOS, {}, (data) => data.scenarios);
  const predictors = useConnection(PREDICTORS, {}, (data) => data.predictors);
  const { data: alerts } = useApiQuery(ALERTS, {});
  // A matrix has all of them.
  useEffect(() => {
    scenarios.loadMore();
    predictors.loadMore();
  }, [scenarios, predictors]);
  const shown = scenarios.rows.filter(({ name }) => !search || name.includes(search));
  const runtimes = [...new Set(shown.map(({ runtime }) => runtime))].toSorted();
  const drifting = new Set(alerts?.driftAlerts.edges.map(({ node }) => node.scenario.id));
  const inUse = new Map<string, Predictor[]>();
  for (const predictor of predictors.rows) {
    inUse.set(predictor.scenario.id, [...(inUse.get(predictor.scenario.id) ?? []), predictor]);
  }
  return (
    <Page
      title="Scenarios"
      description="A scenario is a runtime on a device's processor with a number type. Error, noise floor and age are of the version in use."
      query={{ document: PREDICTORS, variables: { first: 50 } }}
    >
      <Failure error={scenarios.error ?? predictors.error} retry={scenarios.reload} />
      {scenarios.rows.length > 0 && (
        <TextInput
          size="xs"
          aria-label="Part of the name"
          placeholder="Part of the name, such as s10/gpu"
          defaultValue={search}
          maw="20rem"
          onChange={({ currentTarget }) =>
            navigate({
              to: '/teams/$teamId/scenarios',
              params: { teamId },
              search: { search: currentTarget.value.trim() || undefined },
              replace: true,
            })
          }
        />
      )}
      {scenarios.loading && scenarios.rows.length === 0 && <Loading />}
      {!scenarios.loading && !scenarios.error && scenarios.rows.length === 0 && (
        <div className="panel">
          <Empty title="No scenarios yet">
            They come from the datasets: each names the scenarios it was measured in.
          </Empty>
        </div>
      )}
      {runtimes.map((runtime) => (
        <RuntimeMatrix
          key={runtime}
          runtime={runtime}
          scenarios={shown.filter((scenario) => scenario.runtime === runtime)}
          inUse={inUse}
          drifting={drifting}
        />
      ))}
    </Page>
  );
}

interface RuntimeMatrixProps {
  readonly runtime: string;
  readonly scenarios: readonly Scenario[];
  readonly inUse: ReadonlyMap<string, readonly Predictor[]>;
  readonly drifting: ReadonlySet<string>;
}

function RuntimeMatrix({ runtime, scenarios, inUse, drifting }: RuntimeMatrixProps) {
  const devices = [...new Set(scenarios.map(({ device }) => device.name))].toSorted();
  const columnOf = ({ processor, type }: Scenario) => `${processor} ${type}`;
  const columns = [...new Set(scenarios.map(columnOf))].toSorted();
  const cells = new Map(scenarios.map((scenario) => [`${scenario.device.name} ${columnOf(scenario)}`, scenario]));
  return (
    <Panel title={runtime}>
      <SimpleTable
        label={`Scenarios of ${runtime}`}
        columns={[{ header: 'Device' }, ...columns.map((header) => ({ header }))]}
        rows={devices.map((device) => [
          <Text key="device" fw={600} size="sm">
            {device}
          </Text>,
          ...columns.map((column) => {
            const scenario = cells.get(`${device} ${column}`);
            return (
              scenario && (
                <Cell
                  key={column}
                  scenario={scenario}
                  predictors={inUse.get(scenario.id) ?? []}
                  drifting={drifting.has(scenario.id)}
                />
              )
            );
          }),
        ])}
      />
    </Panel>
  );
}

interface CellProps {
  readonly scenario: Scenario;
  readonly predictors: readonly Predictor[];
  readonly drifting: boolean;
}

/** What predicts there: that which came into use last, as predictions by scenario choose it. */
function Cell({ scenario, predictors, drifting }: CellProps) {
  const { id: teamId } = useTeam();
  const [version] = predictors
    .flatMap(({ versionInUse }) => versionInUse ?? [])
    .toSorted((a, b) => (b.inUseSince ?? '').localeCompare(a.inUseSince ?? ''));
  if (!version?.report) {
    return (
      <TextLink to="/teams/$teamId/predictors" params={{ teamId }} search={{ scenario: scenario.name }} c="dimmed">
        {predictors.length > 0 ? 'none in use' : 'not trained'}
      </TextLink>
    );
  }
  const { endToEnd, noiseFloor } = version.report;
  return (
    <div>
      <Group gap={6} wrap="nowrap">
        <TextLink
          to="/teams/$teamId/versions/$versionId"
          params={{ teamId, versionId: version.id }}
          aria-label={`${scenario.name}: error ${formatPercent(endToEnd.mape)}`}
        >
          {formatPercent(endToEnd.mape)}
        </TextLink>
        {drifting && <Badge color="red">Drift</Badge>}
      </Group>
      <Text size="xs" c="dimmed">
        {noiseFloor == null ? 'noise unknown' : `noise ${formatPercent(100 * noiseFloor)}`},{' '}
        <Time at={version.inUseSince} />
      </Text>
    </div>
  );
}
