/** Which version answers: by its id, by a pin, or for a scenario. All need the transaction of whoever asks. */
import { type EntityManager, IsNull, Not } from 'typeorm';
import { CodedError, notFound } from '../errors';
import { quarantined } from '../quarantine';
import { Calibration } from '../schema/calibration';
import { Pin } from '../schema/pin';
import { PredictorVersion } from '../schema/predictor-version';
import { rowId } from './context';
import { scenarioIdNamed } from './predictor-version';

/** The version, READY and with its file. @throws NOT_FOUND, and as checkUsable */
export async function readyVersion(
  manager: EntityManager,
  globalId: string,
  argument: string,
): Promise<PredictorVersion> {
  const version = await manager.findOneBy(PredictorVersion, { id: rowId(PredictorVersion, globalId, argument) });
  if (!version) throw notFound('PredictorVersion', globalId);
  return checkUsable(version, argument);
}

/** Returns the version if it is READY and has its file, whole. @throws CONFLICT, CHECKSUM_MISMATCH */
export function checkUsable(version: PredictorVersion, argument: string): PredictorVersion {
  if (version.status !== 'READY') {
    throw new CodedError('CONFLICT', `The version is ${version.status}, not READY.`, argument);
  }
  if (version.quarantinedAt) throw quarantined(version, argument);
  if (!version.fileDeletedAt) return version;
  throw new CodedError(
    'CONFLICT',
    `The file of version ${version.number} was deleted by the retention of its predictor at ${version.fileDeletedAt.toISOString()}.`,
    argument,
    'Use another version; or train with the same datasets, learner and seed again, which gives the same file.',
  );
}

/** The version that a pin names, of any stage. @throws NOT_FOUND */
export async function pinnedVersion(manager: EntityManager, name: string, argument: string): Promise<PredictorVersion> {
  const pin = await manager.findOneBy(Pin, { name });
  if (pin) {
    return checkUsable(await manager.findOneByOrFail(PredictorVersion, { id: pin.predictorVersionId }), argument);
  }
  throw new CodedError(
    'NOT_FOUND',
    `No pin of this team is named ${JSON.stringify(name.slice(0, 200))}.`,
    argument,
    '`pins` lists them; `createPin` makes one.',
  );
}

/** A calibration and its version, which has its file. @throws NOT_FOUND, CONFLICT */
export async function calibratedVersion(
  manager: EntityManager,
  globalId: string,
  argument: string,
): Promise<{ calibration: Calibration; version: PredictorVersion }> {
  const calibration = await manager.findOneBy(Calibration, { id: rowId(Calibration, globalId, argument) });
  if (!calibration) throw notFound('Calibration', globalId);
  const version = await manager.findOneByOrFail(PredictorVersion, { id: calibration.predictorVersionId });
  return { calibration, version: checkUsable(version, argument) };
}

/**
 * The version that answers for a scenario: of those IN_USE (one at most of each predictor) the one promoted last; where
 * there is none, the newest READY one that is not RETIRED. A damaged one is not passed over in silence.
 * @throws NOT_FOUND, CHECKSUM_MISMATCH
 */
export async function versionForScenario(
  manager: EntityManager,
  name: string,
  argument: string,
): Promise<PredictorVersion> {
  const scenarioId = await scenarioIdNamed(manager, name, argument);
  const version =
    (await manager.findOne(PredictorVersion, {
      where: { scenarioId, stage: 'IN_USE' },
      order: { inUseSince: 'DESC', id: 'DESC' },
    })) ??
    (await manager.findOne(PredictorVersion, {
      where: { scenarioId, status: 'READY', stage: Not('RETIRED'), fileDeletedAt: IsNull() },
      order: { id: 'DESC' },
    }));
  if (version) return checkUsable(version, argument);
  throw new CodedError(
    'NOT_FOUND',
    `No version of ${name} is in use, and none is READY that is not RETIRED.`,
    argument,
    'Train one: `trainPredictor`; or bring one back: `nominateVersion`, `promoteVersion`.',
  );
}
