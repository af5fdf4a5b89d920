/** The runs of `fusecast check` that pipelines have recorded. */
import { Select, Stack, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { BudgetChecksQuery } from '../../api/generated/graphql';
import { CopyBlock } from '../../components/copy-block';
import { TextLink } from '../../components/link';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { useTeam } from '../../team';
import { VerdictBadge } from './verdict-badge';

const BUDGET_CHECKS = graphql(`
  query BudgetChecks($first: Int!, $after: String, $filter: BudgetCheckFilter!) {
    budgetChecks(first: $first, after: $after, filter: $filter) {
      edges { node { id createdAt repository branch baseBranch commit run url verdict scenarios } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = BudgetChecksQuery['budgetChecks']['edges'][number]['node'];

const CONFIGURATION = `networks: [models/**/*.onnx]
scenarios: [tflite/s10/1large/float]
budgets:
  - latency: 20 ms
    regression: 5 %`;

function columnsOf(teamId: string): Column<Row>[] {
  return [
    {
      key: 'commit',
      header: 'Commit',
      cell: ({ id, commit }) => (
        <TextLink to="/teams/$teamId/budgets/$checkId" params={{ teamId, checkId: id }}>
          <span className="code">{commit.slice(0, 10)}</span>
        </TextLink>
      ),
      value: (row) => row.commit,
    },
    {
      key: 'verdict',
      header: 'Verdict',
      cell: (row) => <VerdictBadge verdict={row.verdict} />,
      value: (row) => row.verdict,
    },
    { key: 'repository', header: 'Repository', cell: (row) => row.repository, value: (row) => row.repository },
    {
      key: 'branch',
      header: 'Branch',
      cell: ({ branch, baseBranch }) => (baseBranch ? `${branch} into ${baseBranch}` : branch),
      value: (row) => row.branch,
    },
    {
      key: 'scenarios',
      header: 'Scenarios',
      number: true,
      cell: (row) => row.scenarios.length,
      value: (row) => row.scenarios.join(' '),
    },
    {
      key: 'run',
      header: 'Run',
      cell: ({ run, url }) => (url ? <a href={url}>{run}</a> : run),
      value: (row) => row.run,
    },
    { key: 'createdAt', header: 'When', cell: (row) => <Time at={row.createdAt} />, value: (row) => row.createdAt },
  ];
}

export function BudgetsPage() {
  const { id: teamId } = useTeam();
  const { repository, branch, kind } = useSearch({ from: '/teams/$teamId/budgets' });
  const navigate = useNavigate();
  const pullRequest = kind === 'pull-requests' ? true : kind === 'branches' ? false : null;
  const variables = { filter: { repository: repository ?? null, branch: branch ?? null, pullRequest } };
  const list = useConnection(BUDGET_CHECKS, variables, (data) => data.budgetChecks);
  const find = (search: { repository?: string; branch?: string; kind?: string }) => {
    void navigate({ to: '/teams/$teamId/budgets', params: { teamId }, search, replace: true });
  };
  const findSoon = useDebouncedCallback(find, 300);
  const filtered = Boolean(repository || branch || kind);
  return (
    <Page
      title="Budgets"
      description="Latency gates of CI pipelines: each run of fusecast check, newest first."
      query={{ document: BUDGET_CHECKS, variables: { first: 50, ...variables } }}
    >
      <ServerTable
        label="Budget checks"
        list={list}
        columns={columnsOf(teamId)}
        rowKey={({ id }) => id}
        toolbar={
          <>
            <TextInput
              size="xs"
              aria-label="Repository"
              placeholder="Repository"
              defaultValue={repository}
              w="12rem"
              onChange={({ currentTarget }) =>
                findSoon({ repository: currentTarget.value.trim() || undefined, branch, kind })
              }
            />
            <TextInput
              size="xs"
              aria-label="Branch"
              placeholder="Branch"
              defaultValue={branch}
              w="10rem"
              onChange={({ currentTarget }) =>
                findSoon({ repository, branch: currentTarget.value.trim() || undefined, kind })
              }
            />
            <Select
              size="xs"
              aria-label="What runs"
              w="9rem"
              data={[
                { value: '', label: 'All runs' },
                { value: 'pull-requests', label: 'Pull requests' },
                { value: 'branches', label: 'Branches' },
              ]}
              value={kind ?? ''}
              onChange={(value) => find({ repository, branch, kind: value || undefined })}
            />
          </>
        }
        empty={
          filtered ? (
            <Empty title="No such runs" />
          ) : (
            <Stack p="md" gap="sm">
              <Empty title="No pipeline has checked a budget yet">
                Put fusecast.yaml into the repository, and run the command in its pipeline with an API key. Weights stay
                where they are.
              </Empty>
              <CopyBlock label="fusecast.yaml" text={CONFIGURATION} />
              <CopyBlock label="Command" text="npx fusecast check" />
            </Stack>
          )
        }
      />
    </Page>
  );
}
