/** Networks. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { recordChange } from '../audit';
import { FEATURE_NAMES, FEATURES, featurize, kernelFlow } from '../engine';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { checkQuotas } from '../quotas';
import { type Connection, PageArguments } from '../schema/connection';
import type { NetworkOrder } from '../schema/enums';
import {
  CreateNetworkInput,
  CreateNetworkPayload,
  KernelPlan,
  Network,
  NetworkConnection,
  NetworkFilter,
  NetworkSort,
} from '../schema/network';
import { newId } from '../schema/node';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { given, readSortedPage } from './pages';
import { alreadyUsed, arrivedUpload } from './upload';

/** What a list is sorted by, in SQL: what is known when READY counts as nothing before. */
const ORDERS: Readonly<Record<NetworkOrder, string>> = {
  NAME: 'node.name',
  FORMAT: `coalesce(node.summary->>'format', '')`,
  OPS: `coalesce((node.summary->>'ops')::float8, 0)`,
  PARAMETERS: `coalesce((node.summary->>'parameters')::float8, 0)`,
  MULTIPLY_ACCUMULATES: `coalesce((node.summary->>'multiplyAccumulates')::float8, 0)`,
  STATUS: 'node.status',
  CREATED: 'node.id',
};

@Resolver(() => Network)
export class NetworkResolver {
  @Query(() => NetworkConnection)
  async networks(
    @Args() page: PageArguments,
    @Arg('filter', () => NetworkFilter, { defaultValue: {} }) filter: NetworkFilter,
    @Arg('sort', () => NetworkSort, { nullable: true }) sort: NetworkSort | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Network>> {
    const session = authorize(context.session, 'NETWORK_READ');
    const { search, ...where } = given(filter);
    const order = { by: ORDERS[sort?.by ?? 'CREATED'], descending: sort?.descending ?? true };
    const named = search && {
      sql: `node.name ILIKE '%' || :search || '%'`,
      parameters: { search: search.replace(/[\\%_]/g, '\\$&') },
    };
    return context.tenancy.inTeam(session, (manager) =>
      readSortedPage(manager, Network, page, where, order, named || undefined),
    );
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
    const plan = await context.serving.kernelPlan(network, runtime, gpu ?? undefined);
    // Features are read by who asks for details alone.
    return {
      ...plan,
      featureNames: FEATURE_NAMES.map((name) => `${name}, ${FEATURES[name]}`),
      get details() {
        const features = featurize(plan);
        return kernelFlow(plan).map((flow, i) => ({
          ...flow,
          features: FEATURE_NAMES.map((name) => features[i][name]),
        }));
      },
    };
  }
}
