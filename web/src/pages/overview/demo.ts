/**
 * The demo's data: small networks and what they take on one server, files of the dashboard's own (made by
 * bench/demo-data.ts). Sent by the calls that a person's own files go by. Knows the API; must not know pages.
 */
import type { ApiError } from '../../api/errors';
import { graphql } from '../../api/generated';
import type { useApiRequest } from '../../api/hooks';
import { hashFile, transfer } from '../../components/upload/transfer';
import demo from '../../demo/demo.json';
import profileUrl from '../../demo/demo-profile.csv?url';

const networkUrls: Readonly<Record<string, string>> = import.meta.glob('../../demo/networks/*.onnx', {
  query: '?url',
  import: 'default',
  eager: true,
});

/** By name; those that are not in the profile last, so that they are the newest. */
const NETWORKS = Object.entries(networkUrls)
  .map(([file, url]) => ({ name: file.replace(/^.*\/|\.onnx$/g, ''), url }))
  .sort((a, b) => Number(a.name in demo.heldOutLatencyUs) - Number(b.name in demo.heldOutLatencyUs));

export const DEMO = { ...demo, networkCount: NETWORKS.length };

/** What the demo's server took for a network that is not in the profile, microseconds. */
export function heldOutLatencyUs(network: string): number | undefined {
  return (demo.heldOutLatencyUs as Readonly<Record<string, number>>)[network];
}

const HAD = graphql(`
  query DemoHad {
    datasets(first: 1, filter: { name: "demo-profile" }) { edges { node { id status } } }
    networks(first: 100) { edges { node { name } } }
  }
`);
const CREATE_DATASET = graphql(`
  mutation CreateDemoDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) { dataset { id } }
  }
`);
const CREATE_NETWORK = graphql(`
  mutation CreateDemoNetwork($input: CreateNetworkInput!) {
    createNetwork(input: $input) { network { id } }
  }
`);
const READ = graphql(`
  query DemoDataset($id: ID!) {
    node(id: $id) { ... on Dataset { id status failure { code message where remedy } } }
    pending: networks(first: 1, filter: { status: PENDING }) { edges { node { id } } }
  }
`);
const TRAIN = graphql(`
  mutation TrainOnDemo($input: TrainPredictorInput!) {
    trainPredictor(input: $input) { version { id } }
  }
`);

/** How long it waits before it asks again whether the files have been read. */
const AGAIN_MS = 500;

/**
 * Uploads what of the demo's data the team has not, waits until it is read, and starts the training with the defaults.
 * @param onProgress files sent, of how many
 * @param signal ends it; what was sent stays
 * @throws ApiError
 */
export async function sendDemoData(
  request: ReturnType<typeof useApiRequest>,
  onProgress: (sent: number, files: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const asked = async <Result>(answer: Promise<{ data?: Result; error?: ApiError }>): Promise<Result> => {
    const { data, error } = await answer;
    signal.throwIfAborted();
    if (!data) throw error;
    return data;
  };
  const send = async (kind: 'DATASET' | 'NETWORK', fileName: string, url: string) => {
    const response = await fetch(url, { signal });
    if (!response.ok) {
      throw { code: 'UNREACHABLE', message: 'A file of the demo is not there.', where: url, remedy: 'Try again.' };
    }
    const file = await hashFile(kind, fileName, await response.blob());
    return transfer(request, file, () => undefined, signal);
  };

  const had = await asked(request(HAD, {}));
  const names = new Set(had.networks.edges.map(({ node }) => node.name));
  const missing = NETWORKS.filter(({ name }) => !names.has(name));
  let sent = NETWORKS.length - missing.length;
  const files = NETWORKS.length + 1;
  let datasetId = had.datasets.edges[0]?.node.id;
  if (!datasetId) {
    onProgress(sent, files);
    const uploadId = await send('DATASET', 'demo-profile.csv', profileUrl);
    const created = await asked(request(CREATE_DATASET, { input: { uploadId, name: 'demo-profile' } }));
    datasetId = created.createDataset.dataset.id;
  }
  onProgress(++sent, files);
  for (const { name, url } of missing) {
    const uploadId = await send('NETWORK', `${name}.onnx`, url);
    await asked(request(CREATE_NETWORK, { input: { uploadId, name } }));
    onProgress(++sent, files);
  }
  for (;;) {
    const { node, pending } = await asked(request(READ, { id: datasetId }));
    if (node && 'status' in node && node.status === 'REJECTED') throw node.failure;
    if (node && 'status' in node && node.status === 'READY' && pending.edges.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  await asked(request(TRAIN, { input: { name: 'demo', scenario: demo.scenario, datasetIds: [datasetId] } }));
}
