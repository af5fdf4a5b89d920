/**
 * The job that trains a predictor version: rows to files, files to the engine, the engine's ONNX file to the object
 * store, its report to the row. No transaction is open while the engine or the object store works. Idempotent: the
 * engine gives the same bytes for the same version, the store takes them once, and a version that has ended is left alone.
 */
import { createHash } from 'node:crypto';
import { type EntityManager, In, type QueryDeepPartialEntity } from 'typeorm';
import type { Profile, TrainedPredictor, TrainingProgress } from './engine';
import type { NetworkFile } from './engine-thread';
import type { Failure } from './errors';
import { heldOutOf, leaveOut, namesIn } from './evaluation-sets';
import { type JobServices, profileNames, withLocalFile } from './ingest';
import type { JobContext, JobPayloads } from './jobs';
import { trainingSeconds } from './metrics';
import { type Notifications, notify } from './notifications';
import { endQuarantine } from './quarantine';
import { Dataset } from './schema/dataset';
import { PredictorVersionNetwork } from './schema/evaluation-set';
import { Network } from './schema/network';
import { newId } from './schema/node';
import { PredictorVersion, PredictorVersionDataset } from './schema/predictor-version';
import { Scenario } from './schema/scenario';
import { toBindings } from './serving';
import { type ObjectStore, StorageError } from './storage/object-store';
import { type JobSession, jobSession, predictorKey } from './tenancy';
import { inSpan } from './tracing';

/** Progress of one step is written at most this often. */
const PROGRESS_INTERVAL_MS = 500;

/** Rows of one INSERT; PostgreSQL takes 65,535 parameters. */
const INSERTED_AT_ONCE = 5000;

type TrainingServices = JobServices & { readonly notifications: Notifications };

/**
 * Changes the version's row unless it has ended (it may be cancelled at any time), and tells; false if it had.
 * @param besides what is written in the same transaction
 */
async function change(
  { tenancy }: TrainingServices,
  session: JobSession,
  id: string,
  values: QueryDeepPartialEntity<PredictorVersion>,
  besides?: (manager: EntityManager) => Promise<void>,
): Promise<boolean> {
  return tenancy.inTeam(session, async (manager) => {
    const { affected } = await manager.update(PredictorVersion, { id, status: In(['QUEUED', 'TRAINING']) }, values);
    if (affected) {
      await besides?.(manager);
      await notify(manager, 'training', id);
    }
    return affected === 1;
  });
}

/** A trained version, and the files of the networks that it was trained on: SHA-256 by name, where there was one. */
interface TrainedOnFiles extends TrainedPredictor {
  readonly files: ReadonlyMap<string, string>;
}

/** Trains the version, whatever happened to earlier attempts. */
export async function trainVersion(
  services: TrainingServices,
  { teamId, versionId }: JobPayloads['trainPredictor'],
  { signal, lease }: JobContext,
): Promise<void> {
  const session = jobSession(teamId, lease);
  const begun = await change(services, session, versionId, {
    status: 'TRAINING',
    step: 'reading',
    fraction: 0,
    // Of PostgreSQL, as all times of rows: quotas subtract them.
    startedAt: () => 'now()',
  });
  if (!begun) return;
  const cancelled = await watchForCancellation(services, session, versionId);
  try {
    const trained = await train(services, session, versionId, AbortSignal.any([signal, cancelled.signal]));
    await keep(services, session, versionId, trained);
  } catch (error) {
    if (cancelled.signal.aborted) return;
    if (signal.aborted) await change(services, session, versionId, { status: 'QUEUED', step: null, fraction: 0 });
    throw error;
  } finally {
    cancelled.stop();
  }
}

/** Says in the version's row why it cannot be trained. */
export async function failVersion(
  services: TrainingServices,
  { teamId, versionId }: JobPayloads['trainPredictor'],
  failure: Failure,
  { lease }: JobContext,
): Promise<void> {
  const failed = { status: 'FAILED', failure, finishedAt: () => 'now()' } as const;
  await change(services, jobSession(teamId, lease), versionId, failed);
}

/** A signal that is raised when the version was cancelled, by whichever replica. */
async function watchForCancellation(
  { tenancy, notifications }: TrainingServices,
  session: JobSession,
  id: string,
): Promise<{ signal: AbortSignal; stop: () => void }> {
  const controller = new AbortController();
  const check = async () => {
    const still = await tenancy.inTeam(session, (manager) =>
      manager.existsBy(PredictorVersion, { id, status: 'TRAINING' }),
    );
    if (!still) controller.abort();
  };
  // If the row cannot be read just now, the next notification, or the write at the end, finds out.
  const unlisten = notifications.listen('training', id, () => void check().catch(() => {}));
  await check();
  return { signal: controller.signal, stop: unlisten };
}

async function train(
  services: TrainingServices,
  session: JobSession,
  id: string,
  signal: AbortSignal,
): Promise<TrainedOnFiles> {
  const { tenancy, engine } = services;
  const { version, scenario, heldOut, datasets } = await tenancy.inTeam(session, async (manager) => {
    const row = await manager.findOneByOrFail(PredictorVersion, { id });
    const links = await manager.findBy(PredictorVersionDataset, { predictorVersionId: id });
    return {
      version: row,
      scenario: await manager.findOneByOrFail(Scenario, { id: row.scenarioId }),
      heldOut: await heldOutOf(manager, id),
      datasets: await manager.find(Dataset, {
        where: { id: In(links.map(({ datasetId }) => datasetId)) },
        order: { id: 'ASC' },
      }),
    };
  });
  const profiles: { sha256: string; profile: Profile }[] = [];
  for (const dataset of datasets) {
    const profile = await withLocalFile(services.store, dataset, (path) =>
      engine.readScenario({ path, ...profileNames(dataset) }, scenario.name),
    );
    profiles.push({ sha256: dataset.sha256, profile });
  }
  const found = await findNetworks(services, session, profiles);
  const kept = leaveOut(heldOut, profiles, found);
  const networks = await readNetworks(services, kept.networks);
  const { learner, seed, searchedSettings: searched } = version;
  const onProgress = progressWriter(services, session, id);
  const task = { scenario: scenario.name, learner, seed, searched, profiles: kept.profiles, networks };
  const seconds = trainingSeconds.startTimer({ learner });
  const { report, ...trained } = await inSpan('train', { 'fusecast.version.id': id, 'fusecast.learner': learner }, () =>
    engine.train(task, { signal, onProgress }),
  ).finally(seconds);
  return {
    ...trained,
    report: { ...report, dropped: [...report.dropped, ...kept.dropped] },
    files: new Map(kept.networks.map(({ name, sha256 }) => [name, sha256])),
  };
}

/** The newest READY network of each name that the profiles measure. */
async function findNetworks(
  { tenancy }: TrainingServices,
  session: JobSession,
  profiles: readonly { profile: Profile }[],
): Promise<Network[]> {
  const names = [...new Set(profiles.flatMap(({ profile }) => namesIn(profile)))];
  const networks = await tenancy.inTeam(session, (manager) =>
    manager.find(Network, { where: { name: In(names), status: 'READY' }, order: { id: 'ASC' } }),
  );
  return [...new Map(networks.map((network) => [network.name, network])).values()];
}

async function readNetworks({ store }: TrainingServices, networks: readonly Network[]): Promise<NetworkFile[]> {
  const files: NetworkFile[] = [];
  for (const network of networks) {
    const bytes = await store.get(network.objectKey, { sha256: network.sha256 });
    files.push({ name: network.name, bytes, bindings: toBindings(network) });
  }
  return files;
}

/** Writes progress into the row: at each new step, and within a step not too often. */
function progressWriter(
  services: TrainingServices,
  session: JobSession,
  id: string,
): (progress: TrainingProgress) => void {
  let last = { step: '', at: 0 };
  let written: Promise<unknown> = Promise.resolve();
  return ({ step, fraction }) => {
    const at = performance.now();
    if (last.step === step && at - last.at < PROGRESS_INTERVAL_MS) return;
    last = { step, at };
    // One after the other, so that progress never goes back. A lost line of it costs nothing; the outcome is written
    // on its own.
    written = written.then(() => change(services, session, id, { step, fraction })).catch(() => {});
  };
}

/** Puts the file, in the place of one that is there already and damaged. */
async function putWhole(store: ObjectStore, key: string, bytes: Uint8Array, sha256: string): Promise<void> {
  const options = { sha256, contentType: 'application/octet-stream' };
  await store.put(key, bytes, options);
  try {
    await store.get(key, { sha256 });
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'CHECKSUM_MISMATCH')) throw error;
    await store.delete(key);
    await store.put(key, bytes, options);
  }
}

async function keep(
  services: TrainingServices,
  session: JobSession,
  id: string,
  { onnx, report, networks, files }: TrainedOnFiles,
): Promise<void> {
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  const objectKey = predictorKey(session, sha256);
  await putWhole(services.store, objectKey, onnx, sha256);
  const ready = {
    status: 'READY',
    step: null,
    fraction: 1,
    report,
    objectKey,
    sha256,
    sizeBytes: onnx.byteLength,
    finishedAt: () => 'now()',
  } as const;
  const trainedOn = networks.map((name) => ({
    id: newId(),
    teamId: session.teamId,
    predictorVersionId: id,
    name,
    sha256: files.get(name),
  }));
  await change(services, session, id, ready, async (manager) => {
    await endQuarantine(manager, objectKey);
    for (let start = 0; start < trainedOn.length; start += INSERTED_AT_ONCE) {
      await manager.insert(PredictorVersionNetwork, trainedOn.slice(start, start + INSERTED_AT_ONCE));
    }
  });
}
