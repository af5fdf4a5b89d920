/** Networks. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { recordChange } from '../audit';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { checkQuotas } from '../quotas';
import { type Connection, PageArguments } from '../schema/connection';
import {
  CreateNetworkInput,
  CreateNetworkPayload,
  KernelPlan,
  Network,
  NetworkConnection,
  NetworkFilter,
} from '../schema/network';
import { newId } from '../schema/node';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { given, readPage } from './pages';
import { alreadyUsed, arrivedUpload } from './upload';

@Resolver(() => Network)
export class NetworkResolver {
  @Query(() => NetworkConnection)
  async networks(
    @Args() page: PageArguments,
    @Arg('filter', () => NetworkFilter, { defaultValue: {} }) filter: NetworkFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Network>> {
    const session = authorize(context.session, 'NETWORK_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Network, page, given(filter)));
  }

  @Mutation(() => CreateNetworkPayload, {
    description: 'Makes a network of an upload whose bytes have arrived. It becomes READY or REJECTED soon.',
  })
  async createNetwork(
    @Arg('input') input: CreateNetworkInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateNetworkPayload> {
    const session = authorize(context.session, 'NETWORK_WRITE');
    const upload = await arrivedUpload(context, session, 'NETWORK', input.uploadId);
    const { teamId, fileName, sizeBytes, sha256, objectKey } = upload;
    const { name, bindings } = input;
    const id = newId();
    return context.tenancy.inTeam(session, async (manager) => {
      await manager
        .createQueryBuilder()
        .insert()
        .into(Network)
        .values({ id, teamId, uploadId: upload.id, name, fileName, sizeBytes, sha256, objectKey, bindings })
        .orIgnore()
        .execute();
      const network = await manager.findOneByOrFail(Network, { uploadId: upload.id });
      if (network.id !== id) throw alreadyUsed('Network', network.id);
      await enqueue(manager, 'ingestNetwork', { teamId, networkId: id });
      await checkQuotas(manager, 'NETWORKS');
      await recordChange(manager, session, 'createNetwork', { type: 'Network', id }, { name, fileName, sizeBytes });
      return { network };
    });
  }

  @FieldResolver(() => KernelPlan, {
    description: 'The kernels that a runtime launches for it, each with the reason.',
    complexity: 10,
  })
  async kernelPlan(
    @Root() network: Network,
    @Arg('runtime', { description: 'For example `onnxruntime-cpu`; `@version` may follow.' }) runtime: string,
    @Arg('gpu', () => String, { nullable: true, description: 'Where the rules depend on it: `adreno-640`.' })
    gpu: string | null,
    @Ctx() context: RequestContext,
  ): Promise<KernelPlan> {
    authorize(context.session, 'NETWORK_READ');
    if (network.status !== 'READY') {
      throw new CodedError('CONFLICT', `The network ${network.name} is ${network.status}, not READY.`, 'kernelPlan');
    }
    return context.serving.kernelPlan(network, runtime, gpu ?? undefined);
  }
}
