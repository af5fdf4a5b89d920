/** A team with one of everything: a trained predictor and what it takes to get there, and what it predicted. */
import { startBatch } from './batches';
import { recordCheck } from './budget-checks';
import { type Data, until } from './client';
import { freezeNetworks, trainedNetwork } from './evaluation-sets';
import { addFailedJob } from './failed-job';
import { createMeasuredNetworks } from './measured-networks';
import { measureProduction } from './production';
import type { TestTeam } from './service';
import { promoteAndPin } from './version-life';

export interface FilledTeam {
  /** One global id of each type; Upload is no node, but taken as an argument. */
  readonly ids: Readonly<Record<string, string>>;
  /** The scenario of its predictor, which is named `mine`. */
  readonly scenario: string;
  readonly networkName: string;
}

const TRAIN = `mutation ($input: TrainPredictorInput!) {
  trainPredictor(input: $input) { version { id predictor { id } scenario { id device { id } } } } }`;
const INVITE = 'mutation ($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id } } }';
const PREDICT = 'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }';
const VERSION = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { status } } }';

/** Measures, uploads, trains and predicts (some 15 s). */
export async function fillTeam(team: TestTeam): Promise<FilledTeam> {
  const { client } = team;
  const measured = await createMeasuredNetworks(8, 0);
  const dataset = await client.createDataset('profile.csv', measured.profile);
  const networks: Data[] = [];
  for (const { name, bytes } of measured.networks) networks.push(await client.createNetwork(name, bytes));
  const evaluationSet = await freezeNetworks(client, dataset.id, [measured.networks[0].name]);
  const trained = { datasetIds: [dataset.id], evaluationSetIds: [evaluationSet.id] };
  const input = { name: 'mine', scenario: measured.scenario, learner: 'LASSO', ...trained };
  const { version } = (await client.query(TRAIN, { input })).trainPredictor;
  const read = async () => (await client.query(VERSION, { id: version.id })).node.status;
  const status = await until(read, (each) => each !== 'QUEUED' && each !== 'TRAINING');
  if (status !== 'READY') throw new Error(`The version became ${status}.`);
  const pair = { networkIds: [networks[0].id], versionIds: [version.id] };
  const { predictions } = (await client.query(PREDICT, { input: pair })).predict;
  const reported = measured.networks.map(({ latencyUs }, i) => ({ id: networks[i].id, latencyUs }));
  const invited = { email: 'somebody@example.com', role: 'VIEWER' };
  const { createInvitation } = await team.owner.query(INVITE, { input: invited });
  const { apiKeys, auditEntries, members } = await team.owner.query(
    '{ apiKeys { edges { node { id } } } auditEntries { edges { node { id } } } members { edges { node { id } } } }',
  );
  return {
    scenario: measured.scenario,
    networkName: measured.networks[0].name,
    ids: {
      Team: team.id,
      Member: members.edges[0].node.id,
      Invitation: createInvitation.invitation.id,
      ApiKey: apiKeys.edges[0].node.id,
      AuditEntry: auditEntries.edges[0].node.id,
      Upload: await client.upload('DATASET', 'x.csv', Buffer.from('never made a dataset')),
      Dataset: dataset.id,
      Network: networks[0].id,
      Predictor: version.predictor.id,
      PredictorVersion: version.id,
      Scenario: version.scenario.id,
      Device: version.scenario.device.id,
      EvaluationSet: evaluationSet.id,
      EvaluationSetRow: evaluationSet.rows.edges[0].node.id,
      PredictorVersionNetwork: await trainedNetwork(client, version.id),
      Prediction: predictions[0].id,
      Batch: await startBatch(client, networks[0].id, measured.scenario),
      BudgetCheck: await recordCheck(client, predictions[0].id),
      FailedJob: await addFailedJob(team, version.id),
      ...(await promoteAndPin(client, version.id)),
      ...(await measureProduction(client, { scenario: measured.scenario, versionId: version.id }, reported)),
    },
  };
}
