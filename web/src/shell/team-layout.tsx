/** Pages of a team: a client of its own for the API, the menu, and the switcher between teams. */
import { Alert } from '@mantine/core';
import { Outlet, useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { Provider } from 'urql';
import { createApiClient } from '../api/client';
import { graphql } from '../api/generated';
import { useApiQuery } from '../api/hooks';
import { formatTime } from '../components/format';
import { Failure, Loading } from '../components/states';
import { TeamProvider } from '../team';
import { Frame } from './frame';
import { NotFound } from './not-found';
import { RequireSession } from './require-session';
import { TeamNavigation } from './team-navigation';
import { TeamSwitcher } from './team-switcher';

const TEAM = graphql(`
  query Team {
    viewer {
      role
      team { id name deletionDueAt }
    }
  }
`);

export function TeamLayout() {
  const { teamId = '' } = useParams({ strict: false });
  const client = useMemo(() => createApiClient(teamId), [teamId]);
  return (
    <RequireSession>
      <Provider value={client} key={teamId}>
        <OpenTeam>
          <Outlet />
        </OpenTeam>
      </Provider>
    </RequireSession>
  );
}

function OpenTeam({ children }: { children: ReactNode }) {
  const { data, error, loading, reload } = useApiQuery(TEAM, {});
  const { team, role } = data?.viewer ?? {};
  if (loading) return <Loading />;
  if (error && error.code !== 'NOT_FOUND') return <Failure error={error} retry={reload} />;
  if (!team || !role) {
    return (
      <Frame>
        <NotFound />
      </Frame>
    );
  }
  const { id, name, deletionDueAt } = team;
  return (
    <TeamProvider {...{ id, name, role, reload }} deletionDueAt={deletionDueAt ?? undefined}>
      <Frame switcher={<TeamSwitcher />} navigation={<TeamNavigation />}>
        {deletionDueAt && (
          <Alert color="red" variant="outline" mb="md" title={`This team will be gone at ${formatTime(deletionDueAt)}`}>
            Until then its owners can read it, and restore it under Settings.
          </Alert>
        )}
        {children}
      </Frame>
    </TeamProvider>
  );
}
