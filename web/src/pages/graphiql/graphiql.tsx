/** GraphiQL, with the session of the browser and the team of the page; its parts come from this service only. */
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './graphiql.css';
import { useMantineColorScheme } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { GraphiQL } from 'graphiql';
import { useEffect, useMemo } from 'react';
import { createStreams, teamHeaders } from '../../api/client';
import { useTeam } from '../../team';

interface GraphqlRequest {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: unknown;
}

export function GraphiqlPage() {
  const { id: teamId } = useTeam();
  const { colorScheme } = useMantineColorScheme();
  const { query, variables } = useSearch({ from: '/teams/$teamId/graphiql' });
  useEffect(() => {
    document.title = 'GraphiQL · Fusecast';
  }, []);
  const fetcher = useMemo(() => {
    const streams = createStreams(teamId);
    return (request: GraphqlRequest) =>
      /^\s*subscription\b/m.test(request.query)
        ? streams.iterate({
            query: request.query,
            operationName: request.operationName ?? undefined,
            variables: request.variables as Record<string, unknown>,
          })
        : fetch('/graphql', {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...teamHeaders(teamId) },
            body: JSON.stringify(request),
          }).then((response) => response.json());
  }, [teamId]);
  return (
    <div className="graphiql-page">
      <h1 className="visually-hidden">GraphiQL</h1>
      <GraphiQL
        // biome-ignore lint/suspicious/noExplicitAny: the library's own type of what a fetcher returns is not exported
        fetcher={fetcher as any}
        initialQuery={query}
        initialVariables={variables}
        forcedTheme={colorScheme === 'auto' ? 'system' : colorScheme}
        defaultQuery="{ viewer { team { name } role } }"
      />
    </div>
  );
}
