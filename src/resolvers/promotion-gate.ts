/** Gates of promotions: setting and removing them, and what one says of a version. */
import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { recordChange } from '../audit';
import { FEWEST_FOR_VERDICT } from '../engine';
import { CodedError, notFound, toCodedError } from '../errors';
import { EvaluationSet } from '../schema/evaluation-set';
import { Predictor } from '../schema/predictor';
import { PredictorVersion } from '../schema/predictor-version';
import {
  type GateCheck,
  PromotionGate,
  RemovePromotionGateInput,
  RemovePromotionGatePayload,
  SetPromotionGateInput,
  SetPromotionGatePayload,
} from '../schema/promotion-gate';
import { Scenario } from '../schema/scenario';
import { StageChange } from '../schema/stage-change';
import { authorize, type TeamSession } from '../tenancy';
import { compareOnSet } from './comparison';
import { loadById, type RequestContext, rowId } from './context';
import { readyEvaluationSets } from './held-out';
import { checkUsable } from './version-choice';

/** Resamples of the bootstrap are drawn by one seed, so that asking again gives the same answer. */
const SEED = 0;

/** What a gate compares a version with, and on what. */
export interface GateQuestion {
  readonly evaluationSet: EvaluationSet;
  readonly marginPercent: number;
  readonly baseline: PredictorVersion;
}

/**
 * What the predictor's gate asks of a version, or undefined if it has none, or nothing was ever in use. Where nothing is in
 * use any more, the version that was last is what counts: retiring it first opens no gate.
 */
export async function gateQuestion(
  manager: EntityManager,
  { id: predictorId, gateEvaluationSetId, gateMarginPercent: marginPercent }: Predictor,
  version: PredictorVersion,
): Promise<GateQuestion | undefined> {
  if (!gateEvaluationSetId || typeof marginPercent !== 'number') return undefined;
  const last = await manager.findOne(StageChange, {
    where: { predictorId, fromStage: 'IN_USE' },
    order: { id: 'DESC' },
  });
  const baseline =
    (await manager.findOneBy(PredictorVersion, { predictorId, stage: 'IN_USE' })) ??
    (last && (await manager.findOneBy(PredictorVersion, { id: last.predictorVersionId })));
  if (!baseline || baseline.id === version.id) return undefined;
  const evaluationSet = await manager.findOneByOrFail(EvaluationSet, { id: gateEvaluationSetId });
  return { evaluationSet, marginPercent, baseline };
}

/** True if what was asked is still what the gate asks. */
export function isSameQuestion(a: GateQuestion | undefined, b: GateQuestion | undefined): boolean {
  return (
    a?.evaluationSet.id === b?.evaluationSet.id &&
    a?.marginPercent === b?.marginPercent &&
    a?.baseline.id === b?.baseline.id
  );
}

/**
 * Compares the version with the baseline on the set. No transaction is open meanwhile. What cannot be compared (trained on
 * all of the set, the other's file gone) has not passed, and says why.
 * @throws StorageError, EngineError
 */
export async function checkGate(
  context: RequestContext,
  session: TeamSession,
  version: PredictorVersion,
  { evaluationSet, marginPercent, baseline }: GateQuestion,
): Promise<GateCheck> {
  const asked = {
    evaluationSet: evaluationSet.name,
    marginPercent,
    comparedWith: baseline.number,
    overridden: false,
  };
  const pair = `Version ${version.number} against version ${baseline.number} on ${evaluationSet.name}`;
  try {
    const { difference, leftOut } = await compareOnSet(context, session, {
      versionA: checkUsable(baseline, 'input.versionId'),
      versionB: version,
      evaluationSet,
      onTrainedNetworks: 'LEAVE_OUT',
      seed: SEED,
    });
    const { mean, lower, upper, networks } = difference;
    const enough = networks >= FEWEST_FOR_VERDICT;
    const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
    return {
      ...asked,
      networks,
      leftOut: leftOut.length,
      differencePercent: mean,
      lowerPercent: lower,
      upperPercent: upper,
      passed: enough && upper <= marginPercent,
      message: `${pair}: error ${signed(mean)} percentage points, 95 % interval ${signed(lower)} to ${signed(upper)}, margin ${marginPercent}, ${networks} networks, ${leftOut.length} left out${enough ? '' : `; at least ${FEWEST_FOR_VERDICT} must judge`}.`,
    };
  } catch (error) {
    const { code, message } = toCodedError(error);
    if (code !== 'CONFLICT' && code !== 'BAD_INPUT') throw error;
    return { ...asked, passed: false, message: `${pair} cannot be compared: ${message}` };
  }
}

/** Refuses a promotion that the gate does not let through. @throws CONFLICT */
export function gateRefusal({ message }: GateCheck): CodedError {
  return new CodedError(
    'CONFLICT',
    `The gate refuses the promotion. ${message}`,
    'input.versionId',
    '`compareVersions` shows where it errs. An admin may promote it nevertheless: `overrideGate`, with the reason.',
  );
}

@Resolver(() => Predictor)
export class PromotionGateResolver {
  @Mutation(() => SetPromotionGatePayload, {
    description: 'From now on a version of the predictor is promoted only if it is not worse on the set.',
  })
  async setPromotionGate(
    @Arg('input') { predictorId, evaluationSetId, marginPercent }: SetPromotionGateInput,
    @Ctx() context: RequestContext,
  ): Promise<SetPromotionGatePayload> {
    const session = authorize(context.session, 'PROMOTION_GATE_WRITE');
    const id = rowId(Predictor, predictorId, 'input.predictorId');
    return context.tenancy.inTeam(session, async (manager) => {
      const predictor = await manager.findOneBy(Predictor, { id });
      if (!predictor) throw notFound('Predictor', predictorId);
      const [set] = await readyEvaluationSets(manager, [evaluationSetId], 'input.evaluationSetId');
      const { name: scenario } = await manager.findOneByOrFail(Scenario, { id: predictor.scenarioId });
      if (!set.scenarioNames.includes(scenario)) {
        const message = `The evaluation set ${set.name} has no measurement of ${scenario}.`;
        throw new CodedError('BAD_INPUT', message, 'input.evaluationSetId', 'Name a set that has.');
      }
      const gate = { gateEvaluationSetId: set.id, gateMarginPercent: marginPercent };
      await manager.update(Predictor, { id }, gate);
      const details = { evaluationSet: set.name, marginPercent };
      await recordChange(manager, session, 'setPromotionGate', { type: 'Predictor', id }, details);
      return { predictor: await manager.findOneByOrFail(Predictor, { id }) };
    });
  }

  @Mutation(() => RemovePromotionGatePayload)
  async removePromotionGate(
    @Arg('input') { predictorId }: RemovePromotionGateInput,
    @Ctx() context: RequestContext,
  ): Promise<RemovePromotionGatePayload> {
    const session = authorize(context.session, 'PROMOTION_GATE_WRITE');
    const id = rowId(Predictor, predictorId, 'input.predictorId');
    return context.tenancy.inTeam(session, async (manager) => {
      const none = { gateEvaluationSetId: null, gateMarginPercent: null };
      const { affected } = await manager.update(Predictor, { id }, none);
      if (!affected) throw notFound('Predictor', predictorId);
      await recordChange(manager, session, 'removePromotionGate', { type: 'Predictor', id });
      return { predictor: await manager.findOneByOrFail(Predictor, { id }) };
    });
  }

  @FieldResolver(() => PromotionGate, { nullable: true })
  async promotionGate(
    @Root() { gateEvaluationSetId, gateMarginPercent: marginPercent }: Predictor,
    @Ctx() context: RequestContext,
  ): Promise<PromotionGate | null> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    if (!gateEvaluationSetId || typeof marginPercent !== 'number') return null;
    return { evaluationSet: await loadById(context, session, EvaluationSet, gateEvaluationSetId), marginPercent };
  }
}
