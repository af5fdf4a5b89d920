/** Pins. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { recordChange } from '../audit';
import { CodedError, notFound, sqlState, UNIQUE_VIOLATION } from '../errors';
import { type Connection, PageArguments } from '../schema/connection';
import { newId } from '../schema/node';
import {
  CreatePinInput,
  CreatePinPayload,
  DeletePinInput,
  DeletePinPayload,
  Pin,
  PinConnection,
  PinFilter,
} from '../schema/pin';
import { PredictorVersion } from '../schema/predictor-version';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';
import { checkUsable } from './version-choice';

@Resolver(() => Pin)
export class PinResolver {
  @Query(() => PinConnection)
  async pins(
    @Args() page: PageArguments,
    @Arg('filter', () => PinFilter, { defaultValue: {} }) filter: PinFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Pin>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const { name, versionId } = given(filter);
    const where = {
      ...(name !== undefined && { name }),
      ...(versionId && { predictorVersionId: rowId(PredictorVersion, versionId, 'filter.versionId') }),
    };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Pin, page, where));
  }

  @Mutation(() => CreatePinPayload, {
    description: 'Names a version for good: it keeps its file, and the pin never moves.',
  })
  async createPin(
    @Arg('input') { name, versionId }: CreatePinInput,
    @Ctx() context: RequestContext,
  ): Promise<CreatePinPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const { teamId } = session;
    const id = newId();
    const predictorVersionId = rowId(PredictorVersion, versionId, 'input.versionId');
    try {
      return await context.tenancy.inTeam(session, async (manager) => {
        // Locked, so that retention, which locks it too, comes before or after and not in between.
        const lock = { mode: 'pessimistic_read' } as const;
        const version = await manager.findOne(PredictorVersion, { where: { id: predictorVersionId }, lock });
        if (!version) throw notFound('PredictorVersion', versionId);
        checkUsable(version, 'input.versionId');
        await manager.insert(Pin, { id, teamId, name, predictorVersionId });
        await recordChange(manager, session, 'createPin', { type: 'Pin', id }, { name, version: version.number });
        return { pin: await manager.findOneByOrFail(Pin, { id }) };
      });
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      const message = `There is a pin named ${JSON.stringify(name)} in this team; pins never move.`;
      throw new CodedError('CONFLICT', message, 'input.name', 'Take another name, or delete that pin first.', error);
    }
  }

  @Mutation(() => DeletePinPayload)
  async deletePin(@Arg('input') { pinId }: DeletePinInput, @Ctx() context: RequestContext): Promise<DeletePinPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const id = rowId(Pin, pinId, 'input.pinId');
    return context.tenancy.inTeam(session, async (manager) => {
      const pin = await manager.findOneBy(Pin, { id });
      if (!pin || (await manager.delete(Pin, { id })).affected === 0) throw notFound('Pin', pinId);
      await recordChange(manager, session, 'deletePin', { type: 'Pin', id }, { name: pin.name });
      return { name: pin.name };
    });
  }

  @FieldResolver(() => PredictorVersion)
  async version(@Root() pin: Pin, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, pin.predictorVersionId);
  }
}
