/** The form of a new API key: name, scopes, expiry, scenarios. */
import { Checkbox, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import type { Scope } from '../../api/generated/graphql';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { formatEnum } from '../../components/format';

const CREATE_API_KEY = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { key }
  }
`);

/** All of them, in the order that the form shows: the compiler checks that none is missing. */
const SCOPES = Object.keys({
  DATASET_READ: true,
  DATASET_WRITE: true,
  NETWORK_READ: true,
  NETWORK_WRITE: true,
  PREDICTOR_READ: true,
  PREDICTOR_WRITE: true,
  PREDICTION_READ: true,
  PREDICTION_WRITE: true,
  MEASUREMENT_READ: true,
  MEASUREMENT_WRITE: true,
  SCENARIO_READ: true,
  TEAM_READ: true,
} satisfies Record<Scope, true>) as Scope[];

const DAY_MS = 24 * 3600 * 1000;
const LIVES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: '', label: 'It does not expire' },
];

export function NewApiKey({ onCreated }: { onCreated: (key: string) => void }) {
  const [create, state] = useApiMutation(CREATE_API_KEY);
  const [scopes, setScopes] = useState<string[]>(SCOPES);
  const submit = async ({ name, days, scenarios }: Record<string, string>) => {
    const names = scenarios.split(/\s+/).filter(Boolean);
    const data = await create({
      input: {
        name,
        scopes: scopes as Scope[],
        expiresAt: days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null,
        scenarios: names.length > 0 ? names : null,
      },
    });
    if (data) onCreated(data.createApiKey.key);
  };
  return (
    <ActionForm submit="Make key" state={state} onSubmit={submit}>
      <TextInput
        name="name"
        label="Name"
        description="What it is for, such as ci"
        required
        maxLength={100}
        data-autofocus
      />
      <Select name="days" label="Expires after" data={LIVES} defaultValue="90" />
      <Checkbox.Group label="Scopes" value={scopes} onChange={setScopes}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing={6} mt={4}>
          {SCOPES.map((scope) => (
            <Checkbox key={scope} value={scope} label={formatEnum(scope)} size="xs" />
          ))}
        </SimpleGrid>
      </Checkbox.Group>
      <Textarea
        name="scenarios"
        label="Scenarios"
        description="Names, a line each: the key sees these and nothing else. Empty for all."
        autosize
        minRows={1}
        maxRows={6}
      />
    </ActionForm>
  );
}
