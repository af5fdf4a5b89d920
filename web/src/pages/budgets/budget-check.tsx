/** One run of `fusecast check`: what each network takes in each scenario, and the kernels that changed. */
import { Group, List, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import type { BudgetCheckQuery } from '../../api/generated/graphql';
import { useApiQuery } from '../../api/hooks';
import { formatLatency, formatPercent, formatTime } from '../../components/format';
import { TextLink } from '../../components/link';
import { Page, Panel } from '../../components/page';
import { SimpleTable } from '../../components/simple-table';
import { Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { TrendPanel } from './trend-panel';
import { VerdictBadge } from './verdict-badge';

const BUDGET_CHECK = graphql(`
  query BudgetCheck($id: ID!) {
    budgetCheck(id: $id) {
      id createdAt repository branch baseBranch commit run url verdict configuration
      base { id commit }
      results {
        latencyUs baseLatencyUs budgetUs budgetPercent verdict
        interval { lowerUs upperUs level }
        network { name }
        scenario { name }
        version { id number predictor { name } }
        kernelChanges { change kind fused op latencyUs baseLatencyUs reason }
      }
    }
  }
`);

type Result = BudgetCheckQuery['budgetCheck']['results'][number];

/** Kernels that are named of one result. */
const CHANGES = 5;

export function BudgetCheckPage() {
  const { id: teamId } = useTeam();
  const { checkId } = useParams({ from: '/teams/$teamId/budgets/$checkId' });
  const { network, scenario } = useSearch({ from: '/teams/$teamId/budgets/$checkId' });
  const navigate = useNavigate();
  const { data, error, loading, reload } = useApiQuery(BUDGET_CHECK, { id: checkId });
  if (loading) return <Loading />;
  if (!data) {
    return (
      <Page title="Budget check">
        <Failure error={error} retry={reload} />
      </Page>
    );
  }
  const { repository, branch, baseBranch, commit, verdict, base, results, url, run, createdAt } = data.budgetCheck;
  const followed =
    results.find((each) => each.network.name === network && each.scenario.name === scenario) ?? results[0];
  const follow = (each: Result) => (
    <TextLink
      to="/teams/$teamId/budgets/$checkId"
      params={{ teamId, checkId }}
      search={{ network: each.network.name, scenario: each.scenario.name }}
      aria-current={each === followed}
      onClick={(event) => {
        event.preventDefault();
        const search = { network: each.network.name, scenario: each.scenario.name };
        void navigate({ to: '/teams/$teamId/budgets/$checkId', params: { teamId, checkId }, search, replace: true });
      }}
    >
      {each.network.name}
    </TextLink>
  );
  const changed = results.filter(({ kernelChanges }) => kernelChanges.length > 0);
  return (
    <Page
      title={`${repository} at ${commit.slice(0, 10)}`}
      mark={<VerdictBadge verdict={verdict} />}
      description={`${baseBranch ? `${branch} into ${baseBranch}` : branch}, run ${run}, ${formatTime(createdAt)}`}
      actions={
        <Group gap="md">
          {base && (
            <TextLink to="/teams/$teamId/budgets/$checkId" params={{ teamId, checkId: base.id }}>
              Base {base.commit.slice(0, 10)}
            </TextLink>
          )}
          {url && <a href={url}>Pipeline</a>}
        </Group>
      }
      query={{ document: BUDGET_CHECK, variables: { id: checkId } }}
    >
      <div className="panel">
        <SimpleTable
          label="Results"
          columns={[
            { header: 'Network' },
            { header: 'Scenario' },
            { header: 'Verdict' },
            { header: 'Latency', number: true },
            { header: 'Interval', number: true },
            { header: 'Budget', number: true },
            { header: 'Base', number: true },
            { header: 'Change', number: true },
          ]}
          rows={results.map((each) => [
            follow(each),
            each.scenario.name,
            <VerdictBadge key="verdict" verdict={each.verdict} />,
            formatLatency(each.latencyUs),
            `${formatLatency(each.interval.lowerUs)} to ${formatLatency(each.interval.upperUs)}`,
            budgetOf(each),
            each.baseLatencyUs == null ? '–' : formatLatency(each.baseLatencyUs),
            changeOf(each),
          ])}
        />
      </div>
      {followed && (
        <TrendPanel repository={repository} network={followed.network.name} scenario={followed.scenario.name} />
      )}
      {changed.length > 0 && (
        <Panel title="Kernels that changed">
          {changed.map(({ network: of, scenario: on, kernelChanges }) => (
            <div key={`${of.name} ${on.name}`}>
              <Text fw={600} pb={4}>
                {of.name} on {on.name}
              </Text>
              <List size="sm" spacing={2} pb="sm">
                {kernelChanges.slice(0, CHANGES).map((kernel) => (
                  <List.Item key={`${kernel.op} ${kernel.change}`}>{described(kernel)}</List.Item>
                ))}
                {kernelChanges.length > CHANGES && <List.Item>and {kernelChanges.length - CHANGES} more</List.Item>}
              </List>
            </div>
          ))}
        </Panel>
      )}
    </Page>
  );
}

function budgetOf({ budgetUs, budgetPercent }: Result): string {
  const parts = [
    budgetUs == null ? undefined : formatLatency(budgetUs),
    budgetPercent == null ? undefined : `base + ${formatPercent(budgetPercent)}`,
  ].filter(Boolean);
  return parts.join(', ') || '–';
}

function changeOf({ latencyUs, baseLatencyUs }: Result): string {
  if (baseLatencyUs == null) return '–';
  const percent = 100 * (latencyUs / baseLatencyUs - 1);
  return `${percent > 0 ? '+' : ''}${formatPercent(percent)}`;
}

function described({ op, kind, fused, latencyUs, baseLatencyUs, reason }: Result['kernelChanges'][number]): string {
  const name = [kind, ...fused].join('+');
  const before = baseLatencyUs == null ? 'new' : formatLatency(baseLatencyUs);
  const after = latencyUs == null ? 'gone' : formatLatency(latencyUs);
  return `${op}: ${name}, ${before} → ${after}. ${reason}`;
}
