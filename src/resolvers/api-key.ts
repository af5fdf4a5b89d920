/** API keys. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { IsNull } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import {
  ApiKey,
  ApiKeyConnection,
  CreateApiKeyInput,
  CreateApiKeyPayload,
  RevokeApiKeyInput,
  RevokeApiKeyPayload,
} from '../schema/api-key';
import { type Connection, PageArguments } from '../schema/connection';
import { newId } from '../schema/node';
import { authorize, newApiKeySecret } from '../tenancy';
import { type RequestContext, rowId } from './context';
import { readPage } from './pages';

@Resolver(() => ApiKey)
export class ApiKeyResolver {
  @Query(() => ApiKeyConnection)
  async apiKeys(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<ApiKey>> {
    const session = authorize(context.session, 'API_KEY_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, ApiKey, page));
  }

  @Mutation(() => CreateApiKeyPayload)
  async createApiKey(
    @Arg('input') { name, scopes, expiresAt }: CreateApiKeyInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateApiKeyPayload> {
    const session = authorize(context.session, 'API_KEY_WRITE');
    if (expiresAt && expiresAt <= new Date()) {
      throw new CodedError('BAD_INPUT', `expiresAt is ${expiresAt.toISOString()}, in the past.`, 'input.expiresAt');
    }
    const id = newId();
    const { key, secretSha256 } = newApiKeySecret(id);
    return context.tenancy.inTeam(session, async (manager) => {
      await manager.insert(ApiKey, { id, teamId: session.teamId, name, scopes, expiresAt, secretSha256 });
      await recordChange(manager, session, 'createApiKey', { type: 'ApiKey', id }, { name, scopes, expiresAt });
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
