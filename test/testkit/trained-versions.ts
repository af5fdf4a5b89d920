/** A predictor whose versions a test trains one after another, and the calls that their life is made of. */
import { type ApiClient, type Data, until } from './client';
import { createMeasuredNetworks } from './measured-networks';
import type { TestTeam } from './service';

const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
const VERSION = `query ($id: ID!) { node(id: $id) { ... on PredictorVersion {
  id number status stage inUseSince fileDeletedAt sha256 sizeBytes predictor { id name } } } }`;
const GATE =
  'comparedWith networks leftOut differencePercent lowerPercent upperPercent marginPercent passed overridden message';
const CHANGED = 'version { id stage inUseSince }';
const CHANGES: Readonly<Record<string, string>> = {
  nominateVersion: CHANGED,
  promoteVersion: `${CHANGED} replaced { id stage } gate { ${GATE} }`,
  retireVersion: CHANGED,
};
const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) {
  predictions { latencyUs version { id } } } }`;

export class TrainedVersions {
  private constructor(
    readonly team: TestTeam,
    readonly scenario: string,
    readonly datasetId: string,
    readonly networkIds: readonly string[],
    readonly networks: readonly { readonly name: string; readonly latencyUs: number }[],
  ) {}

  /** Measures and uploads networks (a second each). */
  static async create(team: TestTeam, count = 8): Promise<TrainedVersions> {
    const { client } = team;
    const measured = await createMeasuredNetworks(count, 0);
    const dataset = await client.createDataset('profile.csv', measured.profile);
    const networkIds: string[] = [];
    for (const { name, bytes } of measured.networks) networkIds.push((await client.createNetwork(name, bytes)).id);
    return new TrainedVersions(team, measured.scenario, dataset.id, networkIds, measured.networks);
  }

  /** A READY version of the predictor of this name. Other seeds give other files, the same one the same. */
  async train(name: string, seed: number, more: object = {}): Promise<Data> {
    const input = { name, scenario: this.scenario, datasetIds: [this.datasetId], learner: 'LASSO', seed, ...more };
    const { trainPredictor } = await this.team.client.query(TRAIN, { input });
    const { id } = trainPredictor.version;
    const version = await until(
      () => this.version(id),
      ({ status }) => status !== 'QUEUED' && status !== 'TRAINING',
    );
    if (version.status !== 'READY') throw new Error(`The version became ${version.status}.`);
    return version;
  }

  async version(id: string): Promise<Data> {
    return (await this.team.client.query(VERSION, { id })).node;
  }

  /** What a mutation of a version's stage answers. */
  async change(mutation: string, versionId: string, more: object = {}, client = this.team.client): Promise<Data> {
    const input = { versionId, reason: `because ${mutation}`, ...more };
    return (await client.query(changeQuery(mutation), { input }))[mutation];
  }

  /** Why it is refused. */
  refusal(mutation: string, versionId: string, more: object = {}, client = this.team.client): Promise<Data> {
    return client.refusal(changeQuery(mutation), { input: { versionId, reason: `because ${mutation}`, ...more } });
  }

  /** Ids of the versions that answer for one network. */
  async answering(asked: object, client: ApiClient = this.team.client): Promise<string[]> {
    const input = { networkIds: this.networkIds.slice(0, 1), ...asked };
    return (await client.query(PREDICT, { input })).predict.predictions.map(({ version }: Data) => version.id);
  }

  async predictionRefusal(asked: object, client: ApiClient = this.team.client): Promise<Data> {
    return client.refusal(PREDICT, { input: { networkIds: this.networkIds.slice(0, 1), ...asked } });
  }
}

function changeQuery(mutation: string): string {
  const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
  return `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${CHANGES[mutation]} } }`;
}
