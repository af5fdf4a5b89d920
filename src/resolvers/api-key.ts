/** API keys. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { IsNull } from 'typeorm';
import { recordChange } from '../audit';
import { newApiKeySecret } from '../credentials';
import { CodedError, notFound } from '../errors';
import {
  ApiKey,
  ApiKeyConnection,
  CreateApiKeyInput,
  CreateApiKeyPayload,
  RevokeApiKeyInput,
  RevokeApiKeyPayload,
  RotateApiKeyInput,
  RotateApiKeyPayload,
} from '../schema/api-key';
import { type Connection, PageArguments } from '../schema/connection';
import { newId } from '../schema/node';
import { authorize } from '../tenancy';
import { type RequestContext, rowId } from './context';
import { readPage } from './pages';

/** How long two secrets of one key may count at most. */
const MAXIMUM_OVERLAP_MS = 30 * 24 * 3600 * 1000;

function checkOverlap(until: Date, now: Date): void {
  const ahead = until.getTime() - now.getTime();
  if (ahead > 0 && ahead <= MAXIMUM_OVERLAP_MS) return;
  const message = `overlapUntil is ${until.toISOString()}, expected a time within the next 30 days.`;
  throw new CodedError('BAD_INPUT', message, 'input.overlapUntil', 'Leave it out to end the old secret at once.');
}

@Resolver(() => ApiKey)
export class ApiKeyResolver {
  @Query(() => ApiKeyConnection)
  async apiKeys(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<ApiKey>> {
    const session = authorize(context.session, 'API_KEY_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, ApiKey, page));
  }

  @Mutation(() => CreateApiKeyPayload)
  async createApiKey(
    @Arg('input') { name, scopes, scenarios, expiresAt }: CreateApiKeyInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateApiKeyPayload> {
    const session = authorize(context.session, 'API_KEY_WRITE');
    if (expiresAt && expiresAt <= new Date()) {
      throw new CodedError('BAD_INPUT', `expiresAt is ${expiresAt.toISOString()}, in the past.`, 'input.expiresAt');
    }
    const id = newId();
    const { key, secretSha256 } = newApiKeySecret(id);
    return context.tenancy.inTeam(session, async (manager) => {
      await manager.insert(ApiKey, { id, teamId: session.teamId, name, scopes, scenarios, expiresAt, secretSha256 });
      await recordChange(
        manager,
        session,
        'createApiKey',
        { type: 'ApiKey', id },
        { name, scopes, scenarios, expiresAt },
      );
      return { key, apiKey: await manager.findOneByOrFail(ApiKey, { id }) };
    });
  }

  @Mutation(() => RotateApiKeyPayload, {
    description: 'Replaces the secret of a key; the old one counts until a given time, so that no pipeline breaks.',
  })
  async rotateApiKey(
    @Arg('input') { apiKeyId, overlapUntil }: RotateApiKeyInput,
    @Ctx() context: RequestContext,
  ): Promise<RotateApiKeyPayload> {
    const session = authorize(context.session, 'API_KEY_WRITE');
    const id = rowId(ApiKey, apiKeyId, 'input.apiKeyId');
    const now = new Date();
    if (overlapUntil) checkOverlap(overlapUntil, now);
    const { key, secretSha256 } = newApiKeySecret(id);
    return context.tenancy.inTeam(session, async (manager) => {
      const current = await manager.findOne(ApiKey, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!current) throw notFound('ApiKey', apiKeyId);
      if (current.revokedAt || (current.expiresAt && current.expiresAt <= now)) {
        const state = current.revokedAt ? 'is revoked' : 'has expired';
        throw new CodedError('CONFLICT', `The API key ${state}.`, 'input.apiKeyId', 'Make a new one: createApiKey.');
      }
      await manager.update(
        ApiKey,
        { id },
        {
          secretSha256,
          previousSecretSha256: overlapUntil ? current.secretSha256 : null,
          previousSecretExpiresAt: overlapUntil ?? null,
          rotatedAt: now,
        },
      );
      const details = { name: current.name, overlapUntil };
      await recordChange(manager, session, 'rotateApiKey', { type: 'ApiKey', id }, details);
      return { key, apiKey: await manager.findOneByOrFail(ApiKey, { id }) };
    });
  }

  @Mutation(() => RevokeApiKeyPayload, { description: 'At once, and for good.' })
  async revokeApiKey(
    @Arg('input') { apiKeyId }: RevokeApiKeyInput,
    @Ctx() context: RequestContext,
  ): Promise<RevokeApiKeyPayload> {
    const session = authorize(context.session, 'API_KEY_WRITE');
    const id = rowId(ApiKey, apiKeyId, 'input.apiKeyId');
    return context.tenancy.inTeam(session, async (manager) => {
      const { affected } = await manager.update(ApiKey, { id, revokedAt: IsNull() }, { revokedAt: new Date() });
      const apiKey = await manager.findOneBy(ApiKey, { id });
      if (!apiKey) throw notFound('ApiKey', apiKeyId);
      if (affected) {
        await recordChange(manager, session, 'revokeApiKey', { type: 'ApiKey', id }, { name: apiKey.name });
      }
      return { apiKey };
    });
  }
}
