/** What the life of a version leaves behind: a change of its stage, and a pin. */
import type { ApiClient } from './client';

const PROMOTE = 'mutation ($input: PromoteVersionInput!) { promoteVersion(input: $input) { version { stage } } }';
const PIN = 'mutation ($input: CreatePinInput!) { createPin(input: $input) { pin { id } } }';
const CHANGES = '{ stageChanges(first: 1) { edges { node { id } } } }';

/** Promotes and pins the version. @returns an id of each type */
export async function promoteAndPin(
  client: ApiClient,
  versionId: string,
): Promise<{ StageChange: string; Pin: string }> {
  await client.query(PROMOTE, { input: { versionId, reason: 'the first' } });
  const { createPin } = await client.query(PIN, { input: { name: 'pinned', versionId } });
  const { stageChanges } = await client.query(CHANGES);
  return { StageChange: stageChanges.edges[0].node.id, Pin: createPin.pin.id };
}
