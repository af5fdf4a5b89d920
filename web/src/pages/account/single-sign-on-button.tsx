/** The way to the OpenID Connect provider, if the installation has one: the service writes that into index.html. */
import { Button } from '@mantine/core';

export function SingleSignOnButton() {
  const path = document.querySelector<HTMLMetaElement>('meta[name="fusecast-single-sign-on"]')?.content;
  if (!path) return null;
  return (
    <Button component="a" href={path} variant="default" size="sm" fullWidth>
      Sign in with single sign-on
    </Button>
  );
}
