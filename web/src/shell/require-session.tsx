/** Shows its content to people who are signed in, and others the way to sign in and back. */
import { useRouter } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { Failure, Loading } from '../components/states';
import { useSession } from '../session';

export function RequireSession({ children }: { children: ReactNode }) {
  const { person, loading, error, reload } = useSession();
  const router = useRouter();
  const nobody = !person && !loading && !error;
  useEffect(() => {
    if (!nobody) return;
    // Read once, not followed: the location is that of /sign-in while that page is still loading.
    const { href } = router.latestLocation;
    void router.navigate({ to: '/sign-in', search: href === '/' ? {} : { next: href }, replace: true });
  }, [nobody, router]);
  if (error) return <Failure error={error} retry={reload} />;
  return person ? children : <Loading />;
}
