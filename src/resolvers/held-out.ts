/** What versions are not trained on, so that they can be judged by it. Needs the transaction of whoever asks. */
import { type EntityManager, In } from 'typeorm';
import { CodedError, notFound } from '../errors';
import { EvaluationSet, PredictorVersionEvaluationSet } from '../schema/evaluation-set';
import { newId } from '../schema/node';
import type { TeamSession } from '../tenancy';
import { rowId } from './context';

/** The sets, READY, in the given order. @throws NOT_FOUND, CONFLICT */
export async function readyEvaluationSets(
  manager: EntityManager,
  globalIds: readonly string[],
  argument: string,
): Promise<EvaluationSet[]> {
  const ids = globalIds.map((id, i) => rowId(EvaluationSet, id, `${argument}[${i}]`));
  const sets = new Map((await manager.findBy(EvaluationSet, { id: In(ids) })).map((set) => [set.id, set]));
  return ids.map((id, i) => {
    const set = sets.get(id);
    if (!set) throw notFound('EvaluationSet', globalIds[i]);
    return checkReady(set, `${argument}[${i}]`);
  });
}

/** Returns the set if it is READY. @throws CONFLICT */
export function checkReady(set: EvaluationSet, argument: string): EvaluationSet {
  if (set.status === 'READY') return set;
  const remedy = set.status === 'PENDING' ? 'It is being made: try again in a moment.' : 'See its `failure`.';
  throw new CodedError('CONFLICT', `The evaluation set ${set.name} is ${set.status}, not READY.`, argument, remedy);
}

/** Keeps with a new version that it is to be trained without the sets' networks. */
export async function holdOut(
  manager: EntityManager,
  { teamId }: TeamSession,
  predictorVersionId: string,
  sets: readonly EvaluationSet[],
): Promise<void> {
  const rows = sets.map(({ id }) => ({ id: newId(), teamId, predictorVersionId, evaluationSetId: id }));
  if (rows.length > 0) await manager.insert(PredictorVersionEvaluationSet, rows);
}
