/**
 * Drift of a scenario: measured latencies beside what a version expects of their networks, and the job that fills in what is
 * not compared yet, tests it, and raises and ends alerts. Which version is used for a scenario is the resolvers' knowledge.
 */

import type { EntityManager } from 'typeorm';
import { In, IsNull } from 'typeorm';
import { recordChange } from './audit';
import {
  assessDrift,
  type BucketErrors,
  DEFAULT_LEVEL,
  type DriftAssessment,
  type DriftBucket,
  errorsOverTime,
  type Observation,
} from './engine';
import { enqueue, type JobContext, type JobPayloads } from './jobs';
import { DriftAlert } from './schema/drift';
import { ExpectedLatency } from './schema/measurement';
import { Member } from './schema/member';
import { Network } from './schema/network';
import { newId } from './schema/node';
import { PredictorVersion } from './schema/predictor-version';
import type { Serving } from './serving';
import { type JobSession, jobSession, type Tenancy } from './tenancy';

interface DriftServices {
  readonly tenancy: Tenancy;
  readonly serving: Serving;
}

/** How far back is looked, and at how many measurements at most: the newest ones. */
const LOOK_BACK_DAYS = 90;
const MAXIMUM_OBSERVATIONS = 20_000;
/** Networks that are predicted and written at a time. */
const NETWORKS_AT_ONCE = 100;

/** What there is to say of a scenario and a version. */
export interface ScenarioDrift {
  readonly level: number;
  readonly buckets: readonly BucketErrors[];
  readonly tests: DriftAssessment | undefined;
  readonly pendingNetworks: number;
}

/** Errors over time and the tests, by what is compared already. */
export async function readDrift(
  manager: EntityManager,
  version: PredictorVersion,
  bucket: DriftBucket,
): Promise<ScenarioDrift> {
  const observations = await readObservations(manager, version);
  const pending = await pendingNetworkIds(manager, version);
  return {
    level: DEFAULT_LEVEL,
    buckets: errorsOverTime(observations, bucket),
    tests: assess(version, observations),
    pendingNetworks: pending.length,
  };
}

/** Compares what is new with the version, tests, and raises or ends the scenario's alert. Safe to run twice. */
export async function updateDrift(
  { tenancy, serving }: DriftServices,
  { teamId, scenarioId, versionId }: JobPayloads['updateDrift'],
  { lease, signal }: JobContext,
): Promise<void> {
  const session = jobSession(teamId, lease);
  const usable = { id: versionId, scenarioId, status: 'READY', fileDeletedAt: IsNull() } as const;
  const version = await tenancy.inTeam(session, (manager) => manager.findOneBy(PredictorVersion, usable));
  if (!version) return;
  await expectLatencies({ tenancy, serving }, session, version, signal);
  await tenancy.inTeam(session, async (manager) => {
    const assessment = assess(version, await readObservations(manager, version));
    if (assessment) await followAlert(manager, session, version, assessment);
  });
}

function assess({ report }: PredictorVersion, observations: readonly Observation[]): DriftAssessment | undefined {
  const { endToEnd, networks } = report!;
  const { medianApe } = endToEnd;
  return assessDrift(observations, { level: DEFAULT_LEVEL, medianApe, trainingNetworks: networks });
}

async function readObservations(manager: EntityManager, { id, scenarioId }: PredictorVersion): Promise<Observation[]> {
  return manager.query(
    `SELECT network_id AS network, extract(epoch FROM measured_at)::float8 * 1000 AS "measuredAt",
       measured.latency_us AS "measuredUs", expected.latency_us AS "predictedUs",
       lower_us AS "lowerUs", upper_us AS "upperUs"
     FROM measured_latency AS measured
     JOIN expected_latency AS expected USING (network_id)
     WHERE measured.scenario_id = $1 AND predictor_version_id = $2 AND measured_at > now() - make_interval(days => $3)
     ORDER BY measured_at DESC LIMIT $4`,
    [scenarioId, id, LOOK_BACK_DAYS, MAXIMUM_OBSERVATIONS],
  );
}

/** Networks that were measured in the scenario and that the version has not been asked about. */
async function pendingNetworkIds(manager: EntityManager, { id, scenarioId }: PredictorVersion): Promise<string[]> {
  const rows: { network_id: string }[] = await manager.query(
    `SELECT DISTINCT network_id FROM measured_latency AS measured
     WHERE scenario_id = $1 AND measured_at > now() - make_interval(days => $3) AND NOT EXISTS (
       SELECT FROM expected_latency AS expected
       WHERE expected.network_id = measured.network_id AND predictor_version_id = $2
     )`,
    [scenarioId, id, LOOK_BACK_DAYS],
  );
  return rows.map(({ network_id }) => network_id);
}

/** Predicts what the version has not been asked about; no transaction is open meanwhile. */
async function expectLatencies(
  { tenancy, serving }: DriftServices,
  session: JobSession,
  version: PredictorVersion,
  signal: AbortSignal,
): Promise<void> {
  const { teamId } = session;
  const pending = await tenancy.inTeam(session, (manager) => pendingNetworkIds(manager, version));
  for (let start = 0; start < pending.length; start += NETWORKS_AT_ONCE) {
    signal.throwIfAborted();
    const ids = pending.slice(start, start + NETWORKS_AT_ONCE);
    const networks = await tenancy.inTeam(session, (manager) => manager.findBy(Network, { id: In(ids) }));
    const graphs = await Promise.all(networks.map((network) => serving.graph(network)));
    const predictions = await serving.predict(version, graphs);
    const rows = predictions.map(({ latencyUs, interval: { lowerUs, upperUs } }, i) => {
      const of = { networkId: networks[i].id, predictorVersionId: version.id, scenarioId: version.scenarioId };
      return { id: newId(), teamId, ...of, latencyUs, lowerUs, upperUs };
    });
    await tenancy.inTeam(session, (manager) =>
      manager.createQueryBuilder().insert().into(ExpectedLatency).values(rows).orIgnore().execute(),
    );
  }
}

/** Ends the alert that is open, if it is over or of another version, and begins one, if none is open then. */
async function followAlert(
  manager: EntityManager,
  session: JobSession,
  { id: predictorVersionId, scenarioId }: PredictorVersion,
  { verdict, since, until, ...numbers }: DriftAssessment,
): Promise<void> {
  const open = await manager.findOneBy(DriftAlert, { scenarioId, clearedAt: IsNull() });
  if (open && (verdict === 'STEADY' || open.predictorVersionId !== predictorVersionId)) {
    await manager.update(DriftAlert, { id: open.id, clearedAt: IsNull() }, { clearedAt: () => 'now()' });
    await recordChange(manager, session, 'clearDriftAlert', { type: 'DriftAlert', id: open.id });
  }
  if (verdict !== 'DRIFTING') return;
  const id = newId();
  const alert = { id, teamId: session.teamId, scenarioId, predictorVersionId, level: DEFAULT_LEVEL, ...numbers };
  const window = { since: new Date(since), until: new Date(until) };
  // Another job may be at the same onset, or the onset is known: one alert is open at a time.
  await manager
    .createQueryBuilder()
    .insert()
    .into(DriftAlert)
    .values({ ...alert, ...window })
    .orIgnore()
    .execute();
  if (!(await manager.existsBy(DriftAlert, { id }))) return;
  await recordChange(manager, session, 'raiseDriftAlert', { type: 'DriftAlert', id }, { ...numbers });
  const admins = await manager.findBy(Member, { role: In(['OWNER', 'ADMIN']) });
  for (const { personId } of admins) {
    await enqueue(manager, 'sendDriftNotice', { teamId: session.teamId, driftAlertId: id, personId });
  }
}
