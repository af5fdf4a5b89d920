/**
 * The jobs that read uploaded files: bytes to READY with what they say, or REJECTED with what is wrong. Idempotent: a
 * row that has ended is left alone, and what is written is written in one transaction.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type EntityManager, In, type QueryDeepPartialEntity } from 'typeorm';
import type { EnginePool } from './engine-pool';
import type { ScenarioSummary } from './engine-thread';
import type { Failure } from './errors';
import type { JobContext, JobPayloads } from './jobs';
import { Dataset, DatasetScenario } from './schema/dataset';
import { Network } from './schema/network';
import { newId } from './schema/node';
import { Device, Scenario } from './schema/scenario';
import { toBindings } from './serving';
import type { ObjectStore } from './storage/object-store';
import { type JobSession, jobSession, type Tenancy } from './tenancy';

/** What the jobs work with. */
export interface JobServices {
  readonly tenancy: Tenancy;
  readonly store: ObjectStore;
  readonly engine: EnginePool;
}

/** Reads the dataset's file; makes the devices and scenarios that it names and the team has not. */
export async function ingestDataset(
  { tenancy, store, engine }: JobServices,
  { teamId, datasetId }: JobPayloads['ingestDataset'],
  { lease }: JobContext,
): Promise<void> {
  const session = jobSession(teamId, lease);
  const pending = { id: datasetId, status: 'PENDING' } as const;
  const dataset = await tenancy.inTeam(session, (manager) => manager.findOneBy(Dataset, pending));
  if (!dataset) return;
  const summary = await withLocalFile(store, dataset, (path) =>
    engine.summarizeProfile({ path, ...profileNames(dataset) }),
  );
  const { networkRows, kernelRows, contents } = summary;
  await tenancy.inTeam(session, async (manager) => {
    const ready: QueryDeepPartialEntity<Dataset> = {
      status: 'READY',
      networkRows,
      kernelRows,
      contents,
      ingestedAt: () => 'now()',
    };
    const { affected } = await manager.update(Dataset, pending, ready);
    // Another attempt of this job was faster.
    if (!affected) return;
    const scenarioIds = await ensureScenarios(manager, session, summary.scenarios);
    const rows = summary.scenarios.map((scenario) => ({
      id: newId(),
      teamId,
      datasetId,
      scenarioId: scenarioIds.get(scenario.name)!,
      networkRows: scenario.networkRows,
      kernelRows: scenario.kernelRows,
      spread: scenario.spread,
    }));
    if (rows.length > 0) await manager.insert(DatasetScenario, rows);
  });
}

/** Says in the dataset's row why it cannot be read. */
export async function rejectDataset(
  { tenancy }: JobServices,
  { teamId, datasetId: id }: JobPayloads['ingestDataset'],
  failure: Failure,
  { lease }: JobContext,
): Promise<void> {
  const rejected = { status: 'REJECTED', failure, ingestedAt: () => 'now()' } as const;
  await tenancy.inTeam(jobSession(teamId, lease), (manager) =>
    manager.update(Dataset, { id, status: 'PENDING' }, rejected),
  );
}

/** Reads the network's file. */
export async function ingestNetwork(
  { tenancy, store, engine }: JobServices,
  { teamId, networkId }: JobPayloads['ingestNetwork'],
  { lease }: JobContext,
): Promise<void> {
  const session = jobSession(teamId, lease);
  const pending = { id: networkId, status: 'PENDING' } as const;
  const network = await tenancy.inTeam(session, (manager) => manager.findOneBy(Network, pending));
  if (!network) return;
  const bytes = await store.get(network.objectKey, { sha256: network.sha256 });
  const summary = await engine.summarizeNetwork({ name: network.name, bytes, bindings: toBindings(network) });
  const ready: QueryDeepPartialEntity<Network> = { status: 'READY', summary, ingestedAt: () => 'now()' };
  await tenancy.inTeam(session, (manager) => manager.update(Network, pending, ready));
}

/** Says in the network's row why it cannot be read. */
export async function rejectNetwork(
  { tenancy }: JobServices,
  { teamId, networkId: id }: JobPayloads['ingestNetwork'],
  failure: Failure,
  { lease }: JobContext,
): Promise<void> {
  const rejected = { status: 'REJECTED', failure, ingestedAt: () => 'now()' } as const;
  await tenancy.inTeam(jobSession(teamId, lease), (manager) =>
    manager.update(Network, { id, status: 'PENDING' }, rejected),
  );
}

/** Network and scenario that the uploader said, for the format that does not say them itself. */
export function profileNames({ networkName, scenarioName }: Dataset): { network?: string; scenario?: string } {
  return { network: networkName ?? undefined, scenario: scenarioName ?? undefined };
}

/** Gives `work` an uploaded file's bytes as a file with the extension of the original, and removes it afterwards. */
export async function withLocalFile<T>(
  store: ObjectStore,
  { fileName, objectKey, sha256 }: Pick<Dataset, 'fileName' | 'objectKey' | 'sha256'>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'fusecast-upload-'));
  try {
    const path = join(directory, `upload${extname(fileName).toLowerCase()}`);
    await writeFile(path, await store.get(objectKey, { sha256 }));
    return await work(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Row ids of the scenarios by name; makes those that the team has not, and their devices. Safe to run twice at once. */
async function ensureScenarios(
  manager: EntityManager,
  { teamId }: JobSession,
  summaries: readonly ScenarioSummary[],
): Promise<Map<string, string>> {
  if (summaries.length === 0) return new Map();
  // In one order for all transactions, so that two of them wait for each other and never lock each other out.
  const devices = [...new Set(summaries.map(({ device }) => device))].sort();
  const insertMissing = (noun: typeof Device | typeof Scenario, rows: object[]) =>
    manager.createQueryBuilder().insert().into(noun).values(rows).orIgnore().execute();
  await insertMissing(
    Device,
    devices.map((name) => ({ id: newId(), teamId, name })),
  );
  const deviceRows = await manager.findBy(Device, { name: In(devices) });
  const deviceIds = new Map(deviceRows.map(({ name, id }) => [name, id]));
  const sorted = [...summaries].sort((a, b) => (a.name < b.name ? -1 : 1));
  await insertMissing(
    Scenario,
    sorted.map(({ name, device, runtime, processor, type }) => ({
      id: newId(),
      teamId,
      deviceId: deviceIds.get(device)!,
      name,
      runtime,
      processor,
      type,
    })),
  );
  const scenarioRows = await manager.findBy(Scenario, { name: In(sorted.map(({ name }) => name)) });
  return new Map(scenarioRows.map(({ name, id }) => [name, id]));
}
