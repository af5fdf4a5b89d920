/** Rows of evaluation sets that versions can be compared on. Needs the transaction of whoever asks. */
import { type EntityManager, In } from 'typeorm';
import { CodedError } from '../errors';
import type { TrainedNetworks } from '../schema/enums';
import { type EvaluationSet, EvaluationSetRow, PredictorVersionNetwork } from '../schema/evaluation-set';
import { Network } from '../schema/network';
import type { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';

/** Measurements of one comparison: the bootstrap draws ten thousand times as many numbers. */
const MAXIMUM_ROWS = 1000;
/** Networks that a refusal names. */
const NAMED = 10;

/** One measured network of a set, in one scenario. */
export interface EvaluatedRow extends Pick<EvaluationSetRow, 'latencyUs' | 'kinds'> {
  readonly network: Network;
  /** `runtime/device/processor/type` */
  readonly scenario: string;
}

/** What a comparison asks of a set. */
export interface RowsRequest {
  readonly versionA: PredictorVersion;
  readonly versionB: PredictorVersion;
  readonly evaluationSet: EvaluationSet;
  /** Names of scenarios; the versions' own, if left out. */
  readonly scenarios?: readonly string[] | null;
}

/**
 * The set's rows in the scenarios asked for, or else in that of both versions.
 * @throws BAD_INPUT if the versions are of two scenarios and none is named, if the set has no row of one that is, or too many
 */
export async function readEvaluatedRows(manager: EntityManager, request: RowsRequest): Promise<EvaluatedRow[]> {
  const { versionA, versionB, evaluationSet, scenarios: asked } = request;
  if (!asked && versionA.scenarioId !== versionB.scenarioId) {
    const message = 'The versions are of two scenarios, and no scenario is named.';
    throw new CodedError('BAD_INPUT', message, 'input.scenarios', 'Name those whose measurements shall judge them.');
  }
  const scenarios = await manager.findBy(Scenario, asked ? { name: In([...asked]) } : { id: versionA.scenarioId });
  const rows = await manager.findBy(EvaluationSetRow, {
    evaluationSetId: evaluationSet.id,
    scenarioId: In(scenarios.map(({ id }) => id)),
  });
  const names = new Map(scenarios.map(({ id, name }) => [id, name]));
  const measured = new Set(rows.map(({ scenarioId }) => names.get(scenarioId)!));
  const missing = (asked ?? [...names.values()]).find((name) => !measured.has(name));
  if (missing !== undefined) {
    const message = `The evaluation set ${evaluationSet.name} has no measurement of ${missing.slice(0, 200)}.`;
    throw new CodedError(
      'BAD_INPUT',
      message,
      asked ? 'input.scenarios' : 'input.evaluationSetId',
      'Name another set.',
    );
  }
  if (rows.length > MAXIMUM_ROWS) {
    const message = `These scenarios have ${rows.length} measurements in the set, expected at most ${MAXIMUM_ROWS}.`;
    throw new CodedError('BAD_INPUT', message, 'input.scenarios', 'Name fewer scenarios.');
  }
  const ids = [...new Set(rows.map(({ networkId }) => networkId))];
  const networks = new Map((await manager.findBy(Network, { id: In(ids) })).map((network) => [network.id, network]));
  return rows.map(({ networkId, scenarioId, latencyUs, kinds }) => ({
    network: networks.get(networkId)!,
    scenario: names.get(scenarioId)!,
    latencyUs,
    kinds,
  }));
}

/**
 * The rows whose networks neither version was trained on, and names of the others: the same by name, or by their file
 * under another name.
 * @throws CONFLICT if there are others and they are to be refused, if nothing is left, or if it is not known what a version
 *   was trained on
 */
export async function withoutTrained(
  manager: EntityManager,
  rows: readonly EvaluatedRow[],
  versions: readonly PredictorVersion[],
  onTrainedNetworks: TrainedNetworks,
): Promise<{ rows: readonly EvaluatedRow[]; leftOut: string[] }> {
  const trained = await manager.findBy(PredictorVersionNetwork, {
    predictorVersionId: In(versions.map(({ id }) => id)),
  });
  for (const { id, number } of versions) {
    if (trained.some(({ predictorVersionId }) => predictorVersionId === id)) continue;
    const message = `It is not known which networks version ${number} was trained on: it is older than that is kept.`;
    throw new CodedError('CONFLICT', message, 'input', 'Train it again, with the evaluation set left out.');
  }
  const names = new Set(trained.map(({ name }) => name));
  const files = new Set(trained.map(({ sha256 }) => sha256));
  const wasTrained = ({ network: { name, sha256 } }: EvaluatedRow) => names.has(name) || files.has(sha256);
  const leftOut = [...new Set(rows.filter(wasTrained).map(({ network }) => network.name))].sort();
  if (leftOut.length > 0 && onTrainedNetworks === 'REFUSE') {
    const more = leftOut.length > NAMED ? ` and ${leftOut.length - NAMED} more` : '';
    throw new CodedError(
      'CONFLICT',
      `A version was trained on ${leftOut.length} networks of the set: ${leftOut.slice(0, NAMED).join(', ')}${more}.`,
      'input.evaluationSetId',
      'Train with `evaluationSetIds`; or compare on the others with `onTrainedNetworks: LEAVE_OUT`.',
    );
  }
  const left = rows.filter((row) => !wasTrained(row));
  if (left.length > 0) return { rows: left, leftOut };
  const message =
    'The versions were trained on every network of the set in these scenarios: nothing is left to judge them.';
  throw new CodedError(
    'CONFLICT',
    message,
    'input.evaluationSetId',
    'Train with `evaluationSetIds`, or name another set.',
  );
}
