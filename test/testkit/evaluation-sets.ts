/** Evaluation sets of a team under test. */
import { type ApiClient, type Data, until } from './client';

const CREATE = `mutation ($input: CreateEvaluationSetInput!) {
  createEvaluationSet(input: $input) { evaluationSet { id } } }`;
const SET = `query ($id: ID!) { node(id: $id) { ... on EvaluationSet {
  id status failure { message } rows { edges { node { id } } } } } }`;
const TRAINED = `query ($id: ID!) { node(id: $id) { ... on PredictorVersion {
  trainedNetworks { edges { node { id } } } } } }`;

/** A READY set of these networks of a dataset, with its rows. */
export async function freezeNetworks(client: ApiClient, datasetId: string, networks: string[]): Promise<Data> {
  const input = { name: `without ${networks[0]}`, datasetId, networks };
  const { id } = (await client.query(CREATE, { input })).createEvaluationSet.evaluationSet;
  const set = await until(
    async () => (await client.query(SET, { id })).node,
    ({ status }) => status !== 'PENDING',
  );
  if (set.status !== 'READY') throw new Error(`The set became ${set.status}: ${set.failure.message}`);
  return set;
}

/** Id of a network that a version was trained on, as the version keeps it. */
export async function trainedNetwork(client: ApiClient, versionId: string): Promise<string> {
  return (await client.query(TRAINED, { id: versionId })).node.trainedNetworks.edges[0].node.id;
}
