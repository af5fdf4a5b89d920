/**
 * The life of a version: its stages and how many files are kept. Every change locks the predictor first, so that two at
 * a time follow one another, and is written into the history with who made it and why.
 */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { type Connection, PageArguments } from '../schema/connection';
import { VersionStage } from '../schema/enums';
import { newId } from '../schema/node';
import { Predictor, SetRetentionInput, SetRetentionPayload } from '../schema/predictor';
import { PredictorVersion } from '../schema/predictor-version';
import type { GateCheck } from '../schema/promotion-gate';
import { Scenario } from '../schema/scenario';
import {
  NominateVersionInput,
  NominateVersionPayload,
  PromoteVersionInput,
  PromoteVersionPayload,
  RetireVersionInput,
  RetireVersionPayload,
  RollBackPredictorInput,
  RollBackPredictorPayload,
  StageChange,
  StageChangeConnection,
  StageChangeFilter,
} from '../schema/stage-change';
import { authorize, type TeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { enqueueDriftUpdate } from './drift';
import { given, readPage } from './pages';
import { checkGate, gateQuestion, gateRefusal, isSameQuestion } from './promotion-gate';
import { checkUsable } from './version-choice';

/** The stages from which a version comes to another by what somebody asks for. */
const FROM = {
  nominateVersion: [VersionStage.DRAFT, VersionStage.RETIRED],
  promoteVersion: [VersionStage.DRAFT, VersionStage.CANDIDATE],
  retireVersion: [VersionStage.DRAFT, VersionStage.CANDIDATE, VersionStage.IN_USE],
} as const satisfies Record<string, readonly VersionStage[]>;

/** A version with its predictor, both as they are and stay until the transaction ends. */
interface Locked {
  readonly version: PredictorVersion;
  readonly predictor: Predictor;
}

async function lockPredictor(manager: EntityManager, id: string): Promise<Predictor | null> {
  return manager.findOne(Predictor, { where: { id }, lock: { mode: 'pessimistic_write' } });
}

/** Locks the version's predictor and checks the version's state. @throws NOT_FOUND, CONFLICT */
async function lockVersion(
  manager: EntityManager,
  { versionId }: { versionId: string },
  asked: keyof typeof FROM,
): Promise<Locked> {
  const id = rowId(PredictorVersion, versionId, 'input.versionId');
  const found = await manager.findOneBy(PredictorVersion, { id });
  const predictor = found && (await lockPredictor(manager, found.predictorId));
  if (!predictor) throw notFound('PredictorVersion', versionId);
  const version = await manager.findOneByOrFail(PredictorVersion, { id });
  const from: readonly VersionStage[] = FROM[asked];
  if (version.status === 'READY' && !from.includes(version.stage)) {
    throw new CodedError(
      'CONFLICT',
      `Version ${version.number} is ${version.stage}; ${asked} takes one that is ${from.join(' or ')}.`,
      'input.versionId',
      version.stage === 'RETIRED' && asked === 'promoteVersion' ? 'Nominate it again first.' : undefined,
    );
  }
  // Whatever its file: what is not to be used any more can be retired.
  const isGone = Boolean(version.fileDeletedAt ?? version.quarantinedAt);
  return {
    version: asked === 'retireVersion' && isGone ? version : checkUsable(version, 'input.versionId'),
    predictor,
  };
}

function findInUse(manager: EntityManager, predictorId: string): Promise<PredictorVersion | null> {
  return manager.findOneBy(PredictorVersion, { predictorId, stage: 'IN_USE' });
}

/** Brings a version to another stage, and adds that to the history. The predictor is locked. */
async function changeStage(
  manager: EntityManager,
  session: TeamSession,
  version: PredictorVersion,
  toStage: VersionStage,
  why: { readonly reason: string; readonly gate?: GateCheck },
): Promise<PredictorVersion> {
  const { id, predictorId, stage: fromStage } = version;
  // By PostgreSQL's clock, and by this moment of it: a transaction may have begun before the one that it waited for.
  const inUseSince = toStage === 'IN_USE' ? () => 'clock_timestamp()' : null;
  await manager.update(PredictorVersion, { id }, { stage: toStage, inUseSince });
  await manager.insert(StageChange, {
    id: newId(),
    teamId: session.teamId,
    predictorId,
    predictorVersionId: id,
    fromStage,
    toStage,
    ...why,
    personId: session.kind === 'person' ? session.personId : undefined,
    apiKeyId: session.kind === 'apiKey' ? session.apiKeyId : undefined,
  });
  // Another version answers for the scenario: is it what production measures?
  if (toStage === 'IN_USE') {
    await enqueueDriftUpdate(manager, session, await manager.findOneByOrFail(Scenario, { id: version.scenarioId }));
  }
  return manager.findOneByOrFail(PredictorVersion, { id });
}

const subject = ({ id }: PredictorVersion) => ({ type: 'PredictorVersion', id });

@Resolver(() => Predictor)
export class VersionLifeResolver {
  @Query(() => StageChangeConnection, { description: 'Which versions came to which stage: who did it, and why.' })
  async stageChanges(
    @Args() page: PageArguments,
    @Arg('filter', () => StageChangeFilter, { defaultValue: {} }) filter: StageChangeFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<StageChange>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const { predictorId, versionId } = given(filter);
    const where = {
      ...(predictorId && { predictorId: rowId(Predictor, predictorId, 'filter.predictorId') }),
      ...(versionId && { predictorVersionId: rowId(PredictorVersion, versionId, 'filter.versionId') }),
    };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, StageChange, page, where));
  }

  @Mutation(() => NominateVersionPayload, { description: 'Makes a DRAFT or RETIRED version a CANDIDATE.' })
  async nominateVersion(
    @Arg('input') input: NominateVersionInput,
    @Ctx() context: RequestContext,
  ): Promise<NominateVersionPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    return context.tenancy.inTeam(session, async (manager) => {
      const { version } = await lockVersion(manager, input, 'nominateVersion');
      await recordChange(manager, session, 'nominateVersion', subject(version), { reason: input.reason });
      return { version: await changeStage(manager, session, version, 'CANDIDATE', { reason: input.reason }) };
    });
  }

  @Mutation(() => PromoteVersionPayload, {
    description:
      'Puts a DRAFT or CANDIDATE IN_USE; the version of its predictor that was is RETIRED. CONFLICT if a gate refuses it.',
  })
  async promoteVersion(
    @Arg('input') input: PromoteVersionInput,
    @Ctx() context: RequestContext,
  ): Promise<PromoteVersionPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    if (input.overrideGate) authorize(context.session, 'PROMOTION_GATE_WRITE');
    const { reason } = input;
    const asked = await context.tenancy.inTeam(session, async (manager) => {
      const { version, predictor } = await lockVersion(manager, input, 'promoteVersion');
      return { version, question: await gateQuestion(manager, predictor, version) };
    });
    // No transaction is open while the two are compared.
    const check = asked.question && (await checkGate(context, session, asked.version, asked.question));
    if (check && !check.passed && !input.overrideGate) throw gateRefusal(check);
    const gate = check && { ...check, overridden: !check.passed };
    return context.tenancy.inTeam(session, async (manager) => {
      const { version, predictor } = await lockVersion(manager, input, 'promoteVersion');
      if (!isSameQuestion(asked.question, await gateQuestion(manager, predictor, version))) {
        const message = 'While the gate compared, the version in use or the gate itself became another.';
        throw new CodedError('CONFLICT', message, 'input.versionId', 'Ask again.');
      }
      const inUse = await findInUse(manager, predictor.id);
      const replaced = inUse && (await changeStage(manager, session, inUse, 'RETIRED', { reason }));
      const earlierVersionIds = [...predictor.earlierVersionIds];
      if (replaced) earlierVersionIds.push(replaced.id);
      // Where nothing was in use, because it was retired: a roll back goes to another version than the one it leaves.
      else if (earlierVersionIds.at(-1) === version.id) earlierVersionIds.pop();
      await manager.update(Predictor, { id: predictor.id }, { earlierVersionIds });
      const details = { reason, replaced: replaced?.number, gate };
      await recordChange(manager, session, 'promoteVersion', subject(version), details);
      return { version: await changeStage(manager, session, version, 'IN_USE', { reason, gate }), replaced, gate };
    });
  }

  @Mutation(() => RollBackPredictorPayload, {
    description: 'Puts the version that was in use before back IN_USE; the one that is becomes RETIRED.',
  })
  async rollBackPredictor(
    @Arg('input') { predictorId, reason }: RollBackPredictorInput,
    @Ctx() context: RequestContext,
  ): Promise<RollBackPredictorPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const id = rowId(Predictor, predictorId, 'input.predictorId');
    return context.tenancy.inTeam(session, async (manager) => {
      const predictor = await lockPredictor(manager, id);
      if (!predictor) throw notFound('Predictor', predictorId);
      const inUse = await findInUse(manager, id);
      const earlierId = predictor.earlierVersionIds.at(-1);
      if (!inUse || !earlierId) {
        const message = inUse
          ? `No version of ${predictor.name} was in use before version ${inUse.number}.`
          : `No version of ${predictor.name} is in use.`;
        throw new CodedError('CONFLICT', message, 'input.predictorId', 'Promote one: `promoteVersion`.');
      }
      const earlier = checkUsable(
        await manager.findOneByOrFail(PredictorVersion, { id: earlierId }),
        'input.predictorId',
      );
      const replaced = await changeStage(manager, session, inUse, 'RETIRED', { reason });
      const version = await changeStage(manager, session, earlier, 'IN_USE', { reason });
      await manager.update(Predictor, { id }, { earlierVersionIds: predictor.earlierVersionIds.slice(0, -1) });
      const details = { reason, from: replaced.number, to: version.number };
      await recordChange(manager, session, 'rollBackPredictor', { type: 'Predictor', id }, details);
      return { predictor: await manager.findOneByOrFail(Predictor, { id }), version, replaced };
    });
  }

  @Mutation(() => RetireVersionPayload, {
    description: 'Makes a version RETIRED. If it was IN_USE, none of its predictor is until one is promoted.',
  })
  async retireVersion(
    @Arg('input') input: RetireVersionInput,
    @Ctx() context: RequestContext,
  ): Promise<RetireVersionPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    return context.tenancy.inTeam(session, async (manager) => {
      const { version } = await lockVersion(manager, input, 'retireVersion');
      await recordChange(manager, session, 'retireVersion', subject(version), { reason: input.reason });
      return { version: await changeStage(manager, session, version, 'RETIRED', { reason: input.reason }) };
    });
  }

  @Mutation(() => SetRetentionPayload, {
    description: 'Says of how many versions of a predictor the files are kept; an hourly job deletes the others.',
  })
  async setRetention(
    @Arg('input') { predictorId, keepVersions = null }: SetRetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<SetRetentionPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const id = rowId(Predictor, predictorId, 'input.predictorId');
    return context.tenancy.inTeam(session, async (manager) => {
      const { affected } = await manager.update(Predictor, { id }, { keepVersions });
      if (!affected) throw notFound('Predictor', predictorId);
      await recordChange(manager, session, 'setRetention', { type: 'Predictor', id }, { keepVersions });
      return { predictor: await manager.findOneByOrFail(Predictor, { id }) };
    });
  }

  @FieldResolver(() => PredictorVersion, { nullable: true, description: 'The one version that is IN_USE.' })
  async versionInUse(@Root() predictor: Predictor, @Ctx() context: RequestContext): Promise<PredictorVersion | null> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return context.tenancy.inTeam(session, (manager) => findInUse(manager, predictor.id));
  }
}

@Resolver(() => StageChange)
export class StageChangeResolver {
  @FieldResolver(() => PredictorVersion)
  async version(@Root() change: StageChange, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, change.predictorVersionId);
  }
}
