/** The first page of a team: until its first prediction the way there, then what goes on. */
import { useInterval } from '@mantine/hooks';
import { useEffect } from 'react';
import { useApiQuery } from '../../api/hooks';
import { Page } from '../../components/page';
import { Failure, Loading } from '../../components/states';
import { useTeam } from '../../team';
import { FirstRun } from './first-run';
import { hasRunningJobs, OVERVIEW, type Overview } from './overview-query';
import { TeamOverview } from './team-overview';

/** How often it is read again while jobs run. */
const AGAIN_MS = 1000;

export function OverviewPage() {
  const { name } = useTeam();
  const { data, error, loading, reload } = useApiQuery(OVERVIEW, {});
  const running = data !== undefined && hasRunningJobs(data);
  const { start, stop } = useInterval(reload, AGAIN_MS);
  useEffect(() => {
    if (running) start();
    return stop;
  }, [running, start, stop]);
  return (
    <Page
      title={name}
      description={data && !hasPredictions(data) ? 'Four steps to a first prediction.' : undefined}
      query={{ document: OVERVIEW }}
    >
      <Failure error={error} retry={reload} />
      {loading && <Loading />}
      {data && (hasPredictions(data) ? <TeamOverview overview={data} /> : <FirstRun overview={data} reload={reload} />)}
    </Page>
  );
}

function hasPredictions({ predictions }: Overview): boolean {
  return predictions.edges.length > 0;
}
