/** Shows its content to people who are signed in, and others the way to sign in and back. */
import { Navigate, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Failure, Loading } from '../components/states';
import { useSession } from '../session';

export function RequireSession({ children }: { children: ReactNode }) {
  const { person, loading, error, reload } = useSession();
  const { href } = useLocation();
  if (error) return <Failure error={error} retry={reload} />;
  if (loading) return <Loading />;
  if (!person) return <Navigate to="/sign-in" search={href === '/' ? {} : { next: href }} replace />;
  return children;
}
