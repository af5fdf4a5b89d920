/** From this team to another of the person's. */
import { Button, Menu } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { graphql } from '../api/generated';
import { useApiQuery } from '../api/hooks';
import { useTeam } from '../team';

const TEAM_NAMES = graphql(`
  query TeamNames {
    teams(first: 100) { edges { node { id name } } }
  }
`);

export function TeamSwitcher() {
  const { id, name } = useTeam();
  const navigate = useNavigate();
  const { data } = useApiQuery(TEAM_NAMES, {});
  const others = data?.teams.edges.map(({ node }) => node).filter((team) => team.id !== id) ?? [];
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button
          variant="default"
          rightSection={<IconSelector size={14} />}
          maw="14rem"
          aria-label={`Team ${name}: switch to another`}
        >
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah="70vh" style={{ overflowY: 'auto' }}>
        {others.map((team) => (
          <Menu.Item key={team.id} onClick={() => navigate({ to: '/teams/$teamId', params: { teamId: team.id } })}>
            {team.name}
          </Menu.Item>
        ))}
        {others.length > 0 && <Menu.Divider />}
        <Menu.Item onClick={() => navigate({ to: '/' })}>All teams, and a new one</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
