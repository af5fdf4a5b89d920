/** A team that is ready to train, and what a fault must not have done to its trainings. */
import { type Data, until } from './client';
import type { MeasuredNetworks } from './measured-networks';
import { type TestService, type TestTeam, withDatabase } from './service';

const TRAIN = 'mutation ($input: TrainPredictorInput!) { trainPredictor(input: $input) { version { id } } }';
const VERSION = `query ($id: ID!) { node(id: $id) { ... on PredictorVersion {
  status step fraction sha256 startedAt finishedAt failure { code message } } } }`;
const FAILED_JOBS = `{ failedJobs { edges { node {
  jobId name subjectType subjectId attempts failure { code message remedy } requestId createdAt } } } }`;

/** Ends of a training take this long at most, with workers that die and come back. */
const TRAINED_WITHIN_MS = 120_000;

export class TrainingTeam {
  private constructor(
    readonly service: TestService,
    readonly team: TestTeam,
    private readonly measured: MeasuredNetworks,
    readonly datasetId: string,
  ) {}

  /** Uploads what it takes; a worker is there to read it. */
  static async create(service: TestService, measured: MeasuredNetworks, name = 'Team'): Promise<TrainingTeam> {
    const team = await service.createTeam(name);
    const dataset = await team.client.createDataset('profile.csv', measured.profile);
    for (const network of measured.networks) await team.client.createNetwork(network.name, network.bytes);
    return new TrainingTeam(service, team, measured, dataset.id);
  }

  /** Queues a training and returns its version. */
  async train(learner = 'BOOSTING', predictor = 'p'): Promise<string> {
    const input = { name: predictor, scenario: this.measured.scenario, datasetIds: [this.datasetId], learner };
    return (await this.team.client.query(TRAIN, { input })).trainPredictor.version.id;
  }

  async version(id: string): Promise<Data> {
    return (await this.team.client.query(VERSION, { id })).node;
  }

  /** The version once it has ended, however. */
  ended(id: string): Promise<Data> {
    return until(
      () => this.version(id),
      ({ finishedAt }) => finishedAt !== null,
      TRAINED_WITHIN_MS,
    );
  }

  /** Once a worker is at it. */
  begun(id: string): Promise<Data> {
    return until(
      () => this.version(id),
      ({ status }) => status !== 'QUEUED',
      TRAINED_WITHIN_MS,
    );
  }

  async failedJobs(): Promise<Data[]> {
    return (await this.team.client.query(FAILED_JOBS)).failedJobs.edges.map(({ node }: Data) => node);
  }

  /** States of the queue's jobs with how many there are of each, and the leases that are left. */
  async queue(name: string): Promise<Record<string, number>> {
    return withDatabase(this.service.database.superuserUrl, async (client) => {
      const { rows } = await client.query(
        `SELECT state::text AS what, count(*)::int AS amount FROM pgboss.job WHERE name = $1 GROUP BY state
         UNION ALL SELECT 'leases', count(*)::int FROM job_lease WHERE queue = $1 HAVING count(*) > 0`,
        [name],
      );
      return Object.fromEntries(rows.map(({ what, amount }) => [what, amount]));
    });
  }
}
