/** The API keys of a team: making, rotating and revoking them. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useConnection } from '../../api/connection';
import { graphql } from '../../api/generated';
import type { ApiKeysQuery } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ConfirmButton } from '../../components/confirm';
import { formatEnum } from '../../components/format';
import { Page } from '../../components/page';
import { type Column, ServerTable } from '../../components/server-table';
import { Empty } from '../../components/states';
import { Time } from '../../components/time';
import { NewApiKey } from './new-api-key';
import { SecretOnce } from './secret-once';

const API_KEYS = graphql(`
  query ApiKeys($first: Int!, $after: String) {
    apiKeys(first: $first, after: $after) {
      edges { node { id name scopes scenarios createdAt expiresAt lastUsedAt revokedAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const REVOKE = graphql(`
  mutation RevokeApiKey($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) { apiKey { id revokedAt } }
  }
`);
const ROTATE = graphql(`
  mutation RotateApiKey($input: RotateApiKeyInput!) {
    rotateApiKey(input: $input) { key }
  }
`);

/** How long the old secret counts beside the new one. */
const OVERLAP_MS = 24 * 3600 * 1000;

type Row = ApiKeysQuery['apiKeys']['edges'][number]['node'];

function stateOf({ revokedAt, expiresAt }: Row): string {
  if (revokedAt) return 'Revoked';
  return expiresAt && new Date(expiresAt) < new Date() ? 'Expired' : 'Active';
}

export function ApiKeysPage() {
  const list = useConnection(API_KEYS, {}, (data) => data.apiKeys);
  const [dialog, setDialog] = useState<'new' | { key: string }>();
  const show = (key: string) => {
    setDialog({ key });
    list.reload();
  };
  const columns: Column<Row>[] = [
    { key: 'name', header: 'Name', cell: (row) => row.name, value: (row) => row.name },
    { key: 'state', header: 'State', cell: stateOf, value: stateOf },
    {
      key: 'scopes',
      header: 'Scopes',
      wide: true,
      cell: (row) => row.scopes.map(formatEnum).join(', '),
      value: (row) => row.scopes.join(' '),
    },
    {
      key: 'scenarios',
      header: 'Scenarios',
      wide: true,
      cell: (row) => row.scenarios?.join(', ') ?? 'All',
      value: (row) => row.scenarios?.join(' '),
    },
    {
      key: 'lastUsedAt',
      header: 'Last used',
      cell: (row) => <Time at={row.lastUsedAt} />,
      value: (row) => row.lastUsedAt,
    },
    { key: 'expiresAt', header: 'Expires', cell: (row) => <Time at={row.expiresAt} />, value: (row) => row.expiresAt },
    {
      key: 'change',
      header: 'Change',
      cell: (row) => stateOf(row) === 'Active' && <Change apiKey={row} onRotated={show} onRevoked={list.reload} />,
    },
  ];
  const button = <Button onClick={() => setDialog('new')}>New API key</Button>;
  return (
    <Page
      title="API keys"
      description="For pipelines and the command line. A key belongs to the team, not to a person."
      actions={button}
      query={{ document: API_KEYS, variables: { first: 50 } }}
    >
      <ServerTable
        label="API keys"
        list={list}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <Empty title="No API keys yet" action={button}>
            A key lets the command line and a CI pipeline upload, train and predict.
          </Empty>
        }
      />
      <Modal
        opened={dialog !== undefined}
        onClose={() => setDialog(undefined)}
        title={dialog === 'new' ? 'New API key' : 'Keep this key now'}
        size="lg"
        closeOnClickOutside={dialog === 'new'}
      >
        {dialog === 'new' && <NewApiKey onCreated={show} />}
        {typeof dialog === 'object' && (
          <Stack gap="md">
            <SecretOnce apiKey={dialog.key} />
            <Group justify="flex-end">
              <Button onClick={() => setDialog(undefined)}>Done</Button>
            </Group>
          </Stack>
        )}
      </Modal>
    </Page>
  );
}

interface ChangeProps {
  readonly apiKey: Row;
  readonly onRotated: (key: string) => void;
  readonly onRevoked: () => void;
}

function Change({ apiKey, onRotated, onRevoked }: ChangeProps) {
  const [rotate, rotateState] = useApiMutation(ROTATE);
  const [revoke, revokeState] = useApiMutation(REVOKE);
  const runRotate = async () => {
    const overlapUntil = new Date(Date.now() + OVERLAP_MS).toISOString();
    const data = await rotate({ input: { apiKeyId: apiKey.id, overlapUntil } });
    if (data) onRotated(data.rotateApiKey.key);
    return data;
  };
  const runRevoke = async () => {
    const data = await revoke({ input: { apiKeyId: apiKey.id } });
    if (data) onRevoked();
    return data;
  };
  return (
    <Group gap="xs" wrap="nowrap">
      <ConfirmButton
        label="Rotate"
        title={`Rotate ${apiKey.name}`}
        question={<Text>It gets a new secret. The old one counts for another 24 hours.</Text>}
        confirm="Rotate"
        state={rotateState}
        onConfirm={runRotate}
      />
      <ConfirmButton
        label="Revoke"
        title={`Revoke ${apiKey.name}`}
        question={<Text>Whatever uses it is refused at once, and for good.</Text>}
        confirm="Revoke"
        state={revokeState}
        onConfirm={runRevoke}
      />
    </Group>
  );
}
