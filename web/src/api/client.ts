/**
 * The client of the API: GraphQL over POST with the browser's session cookie, subscriptions as server-sent events. The
 * header fusecast-team says the team; requests of other sites lack the cookie (SameSite) and the JSON content type.
 */
import { createClient as createStreamClient } from 'graphql-sse';
import { type Client, cacheExchange, createClient, fetchExchange, mapExchange, subscriptionExchange } from 'urql';

const SESSION_ENDED = 'fusecast:session-ended';
/** Operations that are answered UNAUTHENTICATED for wrong credentials, not for want of a session. */
const PROOFS = ['SignIn', 'ChangePassword', 'EnrolSecondFactor', 'DisableSecondFactor'];

/** Calls back when the API answers that nobody is signed in any more; returns how to stop that. */
export function onSessionEnded(listener: () => void): () => void {
  window.addEventListener(SESSION_ENDED, listener);
  return () => window.removeEventListener(SESSION_ENDED, listener);
}

export function teamHeaders(teamId: string | undefined): Record<string, string> {
  return teamId ? { 'fusecast-team': teamId } : {};
}

/** Subscriptions outside of urql: GraphiQL's. */
export function createStreams(teamId: string | undefined) {
  return createStreamClient({ url: '/graphql/stream', headers: teamHeaders(teamId), retryAttempts: 5 });
}

/** @param teamId the team that requests work in; absent for what belongs to the person */
export function createApiClient(teamId?: string): Client {
  const streams = createStreams(teamId);
  return createClient({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: { headers: teamHeaders(teamId), credentials: 'same-origin' },
    exchanges: [
      mapExchange({
        onResult({ data, error, operation }) {
          const [definition] = operation.query.definitions;
          const name = ('name' in definition && definition.name?.value) || '';
          const refused = error?.graphQLErrors.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED');
          // Nobody is the viewer any more; Viewer itself is how that is found out.
          const nobody = !error && data?.viewer === null && name !== 'Viewer';
          if (nobody || (refused && !PROOFS.includes(name))) window.dispatchEvent(new Event(SESSION_ENDED));
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: streams.subscribe(
              { query: query ?? '', variables },
              {
                next: (result) => sink.next(result as Parameters<typeof sink.next>[0]),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}
