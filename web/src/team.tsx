/** The team that pages under /teams/$teamId work in, and what the person may do there. */
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import type { Role } from './api/generated/graphql';

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** When it will be gone, if it is being deleted. */
  readonly deletionDueAt: string | undefined;
  /** Uploads, trainings, predictions: everybody but viewers. */
  readonly mayWrite: boolean;
  /** Members, API keys, audit: owners and admins. */
  readonly mayAdministrate: boolean;
  readonly reload: () => void;
}

const TeamContext = createContext<Team | undefined>(undefined);

type TeamProviderProps = Pick<Team, 'id' | 'name' | 'role' | 'deletionDueAt' | 'reload'> & {
  readonly children: ReactNode;
};

export function TeamProvider({ children, id, name, role, deletionDueAt, reload }: TeamProviderProps) {
  const team = useMemo<Team>(() => {
    const mayAdministrate = role === 'OWNER' || role === 'ADMIN';
    return { id, name, role, deletionDueAt, reload, mayAdministrate, mayWrite: role !== 'VIEWER' };
  }, [id, name, role, deletionDueAt, reload]);
  return <TeamContext.Provider value={team}>{children}</TeamContext.Provider>;
}

export function useTeam(): Team {
  const team = useContext(TeamContext);
  if (!team) throw new Error('useTeam outside of a team page');
  return team;
}
