/** Pins of a version: names by which a pipeline keeps asking the same version, whatever comes into use. */
import { Button, Group, Text, TextInput } from '@mantine/core';
import type { FormEvent } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation, useApiQuery } from '../../api/hooks';
import { ConfirmButton } from '../../components/confirm';
import { Panel } from '../../components/page';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';

const PINS = graphql(`
  query VersionPins($filter: PinFilter!) {
    pins(first: 100, filter: $filter) { edges { node { id name createdAt } } }
  }
`);
const CREATE = graphql(`
  mutation CreatePin($input: CreatePinInput!) { createPin(input: $input) { pin { id } } }
`);
const DELETE = graphql(`
  mutation DeletePin($input: DeletePinInput!) { deletePin(input: $input) { name } }
`);

export function PinsPanel({ versionId }: { versionId: string }) {
  const { mayWrite } = useTeam();
  const { data, error, reload } = useApiQuery(PINS, { filter: { versionId } });
  const [create, creating] = useApiMutation(CREATE);
  const [remove, removing] = useApiMutation(DELETE);
  const pins = data?.pins.edges.map(({ node }) => node) ?? [];
  const add = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get('name'));
    if (!(await create({ input: { name, versionId } }))) return;
    form.reset();
    reload();
  };
  return (
    <Panel title="Pins">
      {pins.length === 0 && (
        <Text c="dimmed" pb="xs">
          None. A pin is a name that always answers by this version, for CI.
        </Text>
      )}
      {pins.map(({ id, name }) => (
        <Group key={id} justify="space-between" pb="xs">
          <Text>{name}</Text>
          {mayWrite && (
            <ConfirmButton
              label="Remove"
              title={`Remove the pin ${name}`}
              question="What asks by it is refused from then on."
              confirm="Remove"
              state={removing}
              onConfirm={async () => {
                const done = await remove({ input: { pinId: id } });
                if (done) reload();
                return done;
              }}
            />
          )}
        </Group>
      ))}
      {mayWrite && (
        <form onSubmit={add}>
          <Group gap="xs" align="flex-end">
            <TextInput name="name" label="New pin" size="xs" required maxLength={100} />
            <Button type="submit" variant="default" loading={creating.running}>
              Pin this version
            </Button>
          </Group>
        </form>
      )}
      <Failure error={error ?? creating.error} />
    </Panel>
  );
}
