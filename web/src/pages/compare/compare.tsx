/** Two versions judged on the same networks that neither has seen; what is compared is in the address. */
import { Group, Select, SimpleGrid } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { graphql } from '../../api/generated';
import { useApiQuery } from '../../api/hooks';
import { formatEnum } from '../../components/format';
import { Page } from '../../components/page';
import { Empty, Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { ComparisonPanels } from './comparison-panels';

const MATERIAL = graphql(`
  query ComparisonMaterial {
    predictorVersions(first: 100, filter: { status: READY }) {
      edges { node { id number stage predictor { name } scenario { name } } }
    }
    evaluationSets(first: 50, filter: { status: READY }) { edges { node { id name networkCount } } }
  }
`);

const COMPARE = graphql(`
  query CompareVersions($input: CompareVersionsInput!) {
    compareVersions(input: $input) {
      difference { mean lower upper level networks margin verdict }
      leftOut
      scenarios {
        scenario networks
        difference { mean lower upper verdict }
        a { ...Quality }
        b { ...Quality }
        flips { pairs byA byB gravest { faster slower measuredGap flippedByA flippedByB } }
        kinds { kind networks measuredShare a { mape share } b { mape share } }
      }
      networks { network scenario measuredUs aUs bUs aError bError change }
      worstMovers { network scenario aError bError change }
      bestMovers { network scenario aError bError change }
      versionDifferences { settings { name a b } networks { onlyInA onlyInB } datasets { onlyInA onlyInB } }
    }
  }
  fragment Quality on VersionQuality {
    coverage kendallTau
    error { mape medianApe within10 }
    calibration { level covered relativeWidth }
  }
`);

type Chosen = { a?: string; b?: string; on?: string; leaveOut?: string };

export function ComparePage() {
  const { id: teamId } = useTeam();
  const chosen: Chosen = useSearch({ from: '/teams/$teamId/compare' });
  const navigate = useNavigate();
  const material = useApiQuery(MATERIAL, {});
  const versions = material.data?.predictorVersions.edges.map(({ node }) => node) ?? [];
  const sets = material.data?.evaluationSets.edges.map(({ node }) => node) ?? [];
  const { a, b, on, leaveOut } = chosen;
  const variables = {
    input: {
      versionAId: a ?? '',
      versionBId: b ?? '',
      evaluationSetId: on ?? '',
      onTrainedNetworks: leaveOut ? ('LEAVE_OUT' as const) : ('REFUSE' as const),
      seed: 0,
    },
  };
  const ready = Boolean(a && b && on);
  const comparison = useApiQuery(COMPARE, variables, { pause: !ready });
  const choose = (more: Chosen) =>
    void navigate({ to: '/teams/$teamId/compare', params: { teamId }, search: { ...chosen, ...more }, replace: true });
  const versionOptions = versions.map(({ id, number, stage, predictor, scenario }) => ({
    value: id,
    label: `${predictor.name} ${number}, ${formatEnum(stage).toLowerCase()}, ${scenario.name}`,
  }));
  return (
    <Page
      title="Compare"
      description="Two versions, judged on networks that neither was trained on. B is judged, A is what it is compared with."
      query={{ document: COMPARE, variables }}
    >
      <Failure error={material.error} retry={material.reload} />
      {material.loading && <Loading />}
      {material.data && versions.length === 0 && (
        <div className="panel">
          <Empty title="Nothing to compare yet">Two trained versions are needed, and an evaluation set.</Empty>
        </div>
      )}
      {versions.length > 0 && (
        <SimpleGrid cols={{ base: 1, md: 3 }} spacing="sm">
          <Select
            label="Version A"
            searchable
            data={versionOptions}
            value={a ?? null}
            onChange={(value) => choose({ a: value ?? undefined })}
          />
          <Select
            label="Version B"
            searchable
            data={versionOptions}
            value={b ?? null}
            onChange={(value) => choose({ b: value ?? undefined })}
          />
          <Select
            label="On the evaluation set"
            placeholder={sets.length === 0 ? 'There is none yet' : undefined}
            data={sets.map(({ id, name, networkCount }) => ({ value: id, label: `${name}, ${networkCount} networks` }))}
            value={on ?? null}
            onChange={(value) => choose({ on: value ?? undefined })}
          />
        </SimpleGrid>
      )}
      {versions.length > 0 && (
        <Group>
          <Select
            label="Networks of the set that a version was trained on"
            size="xs"
            data={[
              { value: '', label: 'Refuse to compare' },
              { value: 'yes', label: 'Leave them out' },
            ]}
            value={leaveOut ?? ''}
            onChange={(value) => choose({ leaveOut: value || undefined })}
          />
        </Group>
      )}
      {ready && comparison.loading && <Loading label="Comparing" />}
      {ready && <Failure error={comparison.error} retry={comparison.reload} />}
      {ready && comparison.data && <ComparisonPanels comparison={comparison.data.compareVersions} />}
    </Page>
  );
}
