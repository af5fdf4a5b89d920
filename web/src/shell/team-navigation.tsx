/** The menu of a team, less what the person may not see. */
import { Divider, Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useTeam } from '../team';
import { NAVIGATION } from './navigation';

export function TeamNavigation() {
  const { id, mayAdministrate } = useTeam();
  return (
    <Stack gap={2}>
      {NAVIGATION.map((group, index) => (
        <Fragment key={group[0].label}>
          {index > 0 && <Divider my={6} />}
          {group
            .filter(({ administrators }) => mayAdministrate || !administrators)
            .map(({ label, to, icon: Icon }) => (
              <Link
                key={label}
                to={to}
                params={{ teamId: id }}
                className="navigation-link"
                activeOptions={{ exact: to === '/teams/$teamId', includeSearch: false }}
              >
                <Icon size={16} stroke={1.75} aria-hidden />
                {label}
              </Link>
            ))}
        </Fragment>
      ))}
    </Stack>
  );
}
