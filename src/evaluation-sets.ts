/**
 * The job that freezes an evaluation set: rows of a dataset joined with the team's files of their networks, hashed and
 * stored, or REJECTED with what is wrong. Idempotent: a set that has ended is left alone. Also what a training has to leave
 * out for the sets that it is to be judged on.
 */
import { createHash } from 'node:crypto';
import { type EntityManager, In } from 'typeorm';
import { canonicalContent, type EvaluationRow, type Profile } from './engine';
import { CodedError, type Failure } from './errors';
import { type JobServices, profileNames, withLocalFile } from './ingest';
import type { JobContext, JobPayloads } from './jobs';
import { Dataset } from './schema/dataset';
import { EvaluationSet, EvaluationSetRow, PredictorVersionEvaluationSet } from './schema/evaluation-set';
import { Network } from './schema/network';
import { newId } from './schema/node';
import { Scenario } from './schema/scenario';
import { toBindings } from './serving';
import { type JobSession, jobSession } from './tenancy';

/** Measurements of one set: 65 networks in the 174 scenarios of the largest benchmark are 11,310. */
const MAXIMUM_ROWS = 50_000;
/** Rows of one INSERT; PostgreSQL takes 65,535 parameters, 9 for each of them. */
const INSERTED_AT_ONCE = 1000;

/** Freezes the set, whatever happened to earlier attempts. */
export async function freezeEvaluationSet(
  services: JobServices,
  { teamId, evaluationSetId: id }: JobPayloads['createEvaluationSet'],
  { lease }: JobContext,
): Promise<void> {
  const session = jobSession(teamId, lease);
  const pending = { id, status: 'PENDING' } as const;
  const set = await services.tenancy.inTeam(session, (manager) => manager.findOneBy(EvaluationSet, pending));
  if (set) await freeze(services, session, set);
}

/** Says in the set's row why it cannot be frozen. */
export async function rejectEvaluationSet(
  { tenancy }: JobServices,
  { teamId, evaluationSetId: id }: JobPayloads['createEvaluationSet'],
  failure: Failure,
  { lease }: JobContext,
): Promise<void> {
  await tenancy.inTeam(jobSession(teamId, lease), (manager) =>
    manager.update(
      EvaluationSet,
      { id, status: 'PENDING' },
      { status: 'REJECTED', failure, finishedAt: () => 'now()' },
    ),
  );
}

async function freeze(
  { tenancy, store, engine }: JobServices,
  session: JobSession,
  { id, datasetId, networkNames, scenarioNames }: EvaluationSet,
): Promise<void> {
  const dataset = await tenancy.inTeam(session, (manager) => manager.findOneByOrFail(Dataset, { id: datasetId }));
  const named = networkNames ?? undefined;
  const measured = await withLocalFile(store, dataset, (path) =>
    engine.readEvaluationRows({ path, ...profileNames(dataset) }, scenarioNames, named),
  );
  checkNamed(
    named,
    new Set(measured.map(({ network }) => network)),
    `The dataset ${dataset.name} has no measurement of`,
  );
  await tenancy.inTeam(session, async (manager) => {
    // Another attempt of this job may be at it: the rows are one's own as long as the set is locked.
    const pending = { id, status: 'PENDING' } as const;
    const locked = await manager.findOne(EvaluationSet, { where: pending, lock: { mode: 'pessimistic_write' } });
    if (!locked) return;
    const names = [...new Set(measured.map(({ network }) => network))];
    const networks = await newestNetworks(manager, names);
    checkNamed(named, networks, 'The team has no READY file of');
    const rows = measured.filter(({ network }) => networks.has(network));
    checkAmount(rows);
    const scenarios = new Map(
      (await manager.findBy(Scenario, { name: In(scenarioNames) })).map((scenario) => [scenario.name, scenario.id]),
    );
    for (let start = 0; start < rows.length; start += INSERTED_AT_ONCE) {
      const values = rows.slice(start, start + INSERTED_AT_ONCE).map((row) => ({
        id: newId(),
        teamId: session.teamId,
        evaluationSetId: id,
        networkId: networks.get(row.network)!.id,
        scenarioId: scenarios.get(row.scenario)!,
        latencyUs: row.latencyUs,
        relativeDeviation: row.relativeDeviation,
        kinds: [...row.kinds],
      }));
      await manager.insert(EvaluationSetRow, values);
    }
    const frozen = new Map(
      [...networks].map(([name, network]) => [name, { sha256: network.sha256, bindings: toBindings(network) }]),
    );
    await manager.update(EvaluationSet, pending, {
      status: 'READY',
      sha256: createHash('sha256').update(canonicalContent(rows, frozen)).digest('hex'),
      networkCount: new Set(rows.map(({ network }) => network)).size,
      rowCount: rows.length,
      leftOut: names.filter((name) => !networks.has(name)).sort(),
      finishedAt: () => 'now()',
    });
  });
}

/** @throws CodedError NOT_FOUND naming the networks that were asked for and are not there */
function checkNamed(named: readonly string[] | undefined, found: { has(name: string): boolean }, what: string): void {
  const missing = named?.filter((name) => !found.has(name)) ?? [];
  if (missing.length === 0) return;
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  const remedy = 'Leave them out, or bring what is missing.';
  throw new CodedError('NOT_FOUND', `${what} ${missing.slice(0, 5).join(', ')}${more}.`, 'networks', remedy);
}

function checkAmount(rows: readonly EvaluationRow[]): void {
  if (rows.length === 0) {
    const message = 'The dataset measures no network end to end, in these scenarios, whose file the team has.';
    throw new CodedError('INSUFFICIENT_DATA', message, 'datasetId', 'Upload the networks, or name other scenarios.');
  }
  if (rows.length > MAXIMUM_ROWS) {
    const message = `The set would have ${rows.length} measurements, expected at most ${MAXIMUM_ROWS}.`;
    throw new CodedError('TOO_LARGE', message, 'datasetId', 'Name fewer networks or scenarios.');
  }
}

/** The newest READY network of each name. */
async function newestNetworks(manager: EntityManager, names: string[]): Promise<Map<string, Network>> {
  const networks = await manager.find(Network, { where: { name: In(names), status: 'READY' }, order: { id: 'ASC' } });
  return new Map(networks.map((network) => [network.name, network]));
}

/** What a training leaves out, and why. */
interface HeldOut {
  /** Names of the evaluation sets. */
  readonly sets: readonly string[];
  /** Names of their networks, and SHA-256 of their files: the same network may go by another name. */
  readonly names: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

/** What the version is to be trained without. */
export async function heldOutOf(manager: EntityManager, predictorVersionId: string): Promise<HeldOut> {
  const links = await manager.findBy(PredictorVersionEvaluationSet, { predictorVersionId });
  if (links.length === 0) return { sets: [], names: new Set(), files: new Set() };
  const ids = links.map(({ evaluationSetId }) => evaluationSetId);
  const sets = await manager.find(EvaluationSet, { where: { id: In(ids) }, order: { id: 'ASC' } });
  const networks = await manager
    .createQueryBuilder(Network, 'network')
    .where(
      (query) =>
        `network.id IN ${query
          .subQuery()
          .select('row.networkId')
          .from(EvaluationSetRow, 'row')
          .where('row.evaluationSetId IN (:...ids)', { ids })
          .getQuery()}`,
    )
    .getMany();
  return {
    sets: sets.map(({ name }) => name),
    names: new Set(networks.map(({ name }) => name)),
    files: new Set(networks.map(({ sha256 }) => sha256)),
  };
}

interface HashedProfile {
  readonly sha256: string;
  readonly profile: Profile;
}

/** Profiles and networks without those that the version will be judged on, in whichever scenario they were measured. */
export function leaveOut(
  heldOut: HeldOut,
  profiles: readonly HashedProfile[],
  networks: readonly Network[],
): { profiles: readonly HashedProfile[]; networks: readonly Network[]; dropped: readonly string[] } {
  const files = new Map(networks.map(({ name, sha256 }) => [name, sha256]));
  const isHeldOut = (name: string) => heldOut.names.has(name) || heldOut.files.has(files.get(name) ?? '');
  const measured = new Set(profiles.flatMap(({ profile }) => namesIn(profile)));
  const left = [...measured].filter(isHeldOut);
  const remain = <T extends { readonly network: string }>(rows: readonly T[]) =>
    rows.filter(({ network }) => !isHeldOut(network));
  return {
    profiles: profiles.map(({ sha256, profile }) => ({
      sha256,
      profile: { ...profile, networks: remain(profile.networks), kernels: remain(profile.kernels) },
    })),
    networks: networks.filter(({ name }) => !isHeldOut(name)),
    dropped:
      heldOut.sets.length > 0
        ? [`All rows of ${left.length} networks that are in the evaluation sets ${heldOut.sets.join(', ')}.`]
        : [],
  };
}

/** Names of all networks that a profile measures, once for each row. */
export function namesIn({ networks, kernels }: Profile): string[] {
  return [...networks, ...kernels].map(({ network }) => network);
}
