/** Predictions. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type EntityManager, In } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { type Connection, PageArguments } from '../schema/connection';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { PredictInput, Prediction, PredictionConnection, PredictionFilter, PredictPayload } from '../schema/prediction';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';
import { pinnedVersion, readyVersion, versionForScenario } from './version-choice';

/** Networks times versions of one call: with the kernels of each some 40 MB. */
const MAXIMUM_PREDICTIONS = 3000;
/** Predictions of one INSERT; PostgreSQL takes 65,535 parameters, 12 for each of them. */
const INSERTED_AT_ONCE = 500;

/** The networks, READY, in the given order. @throws NOT_FOUND, CONFLICT */
async function readyNetworks(manager: EntityManager, globalIds: readonly string[]): Promise<Network[]> {
  const ids = globalIds.map((id, i) => rowId(Network, id, `input.networkIds[${i}]`));
  const networks = new Map((await manager.findBy(Network, { id: In(ids) })).map((row) => [row.id, row]));
  return ids.map((id, i) => {
    const network = networks.get(id);
    if (!network) throw notFound('Network', globalIds[i]);
    if (network.status === 'READY') return network;
    const remedy = network.status === 'PENDING' ? 'It is being read: try again in a moment.' : 'See its `failure`.';
    const message = `The network ${network.name} is ${network.status}, not READY.`;
    throw new CodedError('CONFLICT', message, `input.networkIds[${i}]`, remedy);
  });
}

@Resolver(() => Prediction)
export class PredictionResolver {
  @Query(() => Prediction)
  async prediction(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Prediction> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const where = { id: rowId(Prediction, id, 'id') };
    const prediction = await context.tenancy.inTeam(session, (manager) => manager.findOneBy(Prediction, where));
    if (!prediction) throw notFound('Prediction', id);
    return prediction;
  }

  @Query(() => PredictionConnection)
  async predictions(
    @Args() page: PageArguments,
    @Arg('filter', () => PredictionFilter, { defaultValue: {} }) filter: PredictionFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Prediction>> {
    const session = authorize(context.session, 'PREDICTION_READ');
    const { networkId, versionId } = given(filter);
    const where = {
      ...(networkId && { networkId: rowId(Network, networkId, 'filter.networkId') }),
      ...(versionId && { predictorVersionId: rowId(PredictorVersion, versionId, 'filter.versionId') }),
    };
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Prediction, page, where));
  }

  @Mutation(() => PredictPayload, {
    description: 'Predicts every network with every version, and keeps the predictions.',
  })
  async predict(@Arg('input') input: PredictInput, @Ctx() context: RequestContext): Promise<PredictPayload> {
    const session = authorize(context.session, 'PREDICTION_WRITE');
    const { tenancy, serving } = context;
    const scenarios = input.scenarios ?? [];
    const versionIds = input.versionIds ?? [];
    const pins = input.pins ?? [];
    const amount = input.networkIds.length * (scenarios.length + versionIds.length + pins.length);
    if (amount === 0 || amount > MAXIMUM_PREDICTIONS) {
      const message = `This asks for ${amount} predictions (networks times scenarios, versions and pins), expected 1 to ${MAXIMUM_PREDICTIONS}.`;
      throw new CodedError(
        'BAD_INPUT',
        message,
        'input',
        'Name at least one scenario, version or pin; split what is too much.',
      );
    }
    const { networks, versions } = await tenancy.inTeam(session, async (manager) => {
      const found: PredictorVersion[] = [];
      for (const [i, name] of scenarios.entries())
        found.push(await versionForScenario(manager, name, `input.scenarios[${i}]`));
      for (const [i, id] of versionIds.entries()) found.push(await readyVersion(manager, id, `input.versionIds[${i}]`));
      for (const [i, name] of pins.entries()) found.push(await pinnedVersion(manager, name, `input.pins[${i}]`));
      return { networks: await readyNetworks(manager, input.networkIds), versions: found };
    });

    // No transaction is open while the object store and onnxruntime work.
    const graphs = await Promise.all(networks.map((network) => serving.graph(network)));
    const byVersion = await Promise.all(versions.map((version) => serving.predict(version, graphs)));

    const rows = networks.flatMap((network, n) =>
      versions.map((version, v): Partial<Prediction> => {
        const { latencyUs, fixedUs, interval, coverage, kernels } = byVersion[v][n];
        return {
          id: newId(),
          teamId: session.teamId,
          networkId: network.id,
          predictorVersionId: version.id,
          scenarioId: version.scenarioId,
          latencyUs,
          fixedUs,
          ...interval,
          coverage,
          kernels,
        };
      }),
    );
    return tenancy.inTeam(session, async (manager) => {
      const predictions = manager.create(Prediction, rows);
      for (let start = 0; start < predictions.length; start += INSERTED_AT_ONCE) {
        await manager.insert(Prediction, predictions.slice(start, start + INSERTED_AT_ONCE));
      }
      await recordChange(manager, session, 'predict', undefined, { predictions: rows.length });
      return { predictions };
    });
  }

  @FieldResolver(() => Network)
  async network(@Root() prediction: Prediction, @Ctx() context: RequestContext): Promise<Network> {
    const session = authorize(context.session, 'NETWORK_READ');
    return loadById(context, session, Network, prediction.networkId);
  }

  @FieldResolver(() => PredictorVersion, { description: 'The version that predicted it.' })
  async version(@Root() prediction: Prediction, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, prediction.predictorVersionId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() prediction: Prediction, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, prediction.scenarioId);
  }
}
