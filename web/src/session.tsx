/** Who is signed in: read at the start, known to all pages, and forgotten when the API says that the session ended. */
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import { onSessionEnded } from './api/client';
import type { ApiError } from './api/errors';
import { graphql } from './api/generated';
import { useApiQuery } from './api/hooks';

const VIEWER = graphql(`
  query Viewer {
    viewer {
      person { id name email }
      hasSecondFactor
    }
  }
`);

interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface Session {
  readonly person: Person | undefined;
  readonly hasSecondFactor: boolean;
  readonly loading: boolean;
  readonly error: ApiError | undefined;
  /** Reads again who is signed in: after signing in or out. */
  readonly reload: () => void;
}

const SessionContext = createContext<Session | undefined>(undefined);

export function SessionProvider({ children }: { children: ReactNode }) {
  const { data, error, fetching, reload } = useApiQuery(VIEWER, {});
  useEffect(() => onSessionEnded(reload), [reload]);
  const session = useMemo<Session>(() => {
    const { person, hasSecondFactor } = data?.viewer ?? {};
    // While it is asked whether somebody is signed in by now, nobody is sent away.
    const loading = fetching && !person;
    return { person: person ?? undefined, hasSecondFactor: Boolean(hasSecondFactor), error, loading, reload };
  }, [data, error, fetching, reload]);
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of SessionProvider');
  return session;
}
