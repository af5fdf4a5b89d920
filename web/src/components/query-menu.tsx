/** The GraphQL behind a page: copied, or opened in GraphiQL. */
import { ActionIcon, Menu } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBraces } from '@tabler/icons-react';
import { useNavigate, useParams } from '@tanstack/react-router';
import type { ApiDocument } from '../api/hooks';

export interface PageQuery {
  // biome-ignore lint/suspicious/noExplicitAny: only the text of a document of any type is shown
  readonly document: ApiDocument<any, any>;
  readonly variables?: object;
}

export function QueryMenu({ query }: { query: PageQuery }) {
  const navigate = useNavigate();
  const { teamId } = useParams({ strict: false });
  const text = query.document.toString().trim();
  const variables = JSON.stringify(query.variables ?? {}, null, 2);
  const copy = async (what: string, copied: string) => {
    await navigator.clipboard.writeText(what);
    notifications.show({ message: `${copied} copied` });
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label="GraphQL behind this page" title="GraphQL behind this page" size="md">
          <IconBraces size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => copy(text, 'Query')}>Copy as query</Menu.Item>
        <Menu.Item onClick={() => copy(variables, 'Variables')}>Copy variables</Menu.Item>
        {teamId && (
          <Menu.Item
            onClick={() =>
              navigate({ to: '/teams/$teamId/graphiql', params: { teamId }, search: { query: text, variables } })
            }
          >
            Open in GraphiQL
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
