/** Predictions. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { In } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { Calibration } from '../schema/calibration';
import { type Connection, PageArguments } from '../schema/connection';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { PredictInput, Prediction, PredictionConnection, PredictionFilter, PredictPayload } from '../schema/prediction';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, remember, rowId } from './context';
import { given, readPage } from './pages';
import { readyNetworks } from './ready-networks';
import { calibratedVersion, pinnedVersion, readyVersion, versionForScenario } from './version-choice';

/** Networks times versions of one call: with the kernels of each some 40 MB. */
const MAXIMUM_PREDICTIONS = 3000;
/** Predictions of one INSERT; PostgreSQL takes 65,535 parameters, 13 for each of them. */
const INSERTED_AT_ONCE = 500;

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
    const calibrationIds = input.calibrationIds ?? [];
    const predictors = scenarios.length + versionIds.length + pins.length + calibrationIds.length;
    const amount = input.networkIds.length * predictors;
    if (amount === 0 || amount > MAXIMUM_PREDICTIONS) {
      const message = `This asks for ${amount} predictions (networks times scenarios, versions, pins and calibrations), expected 1 to ${MAXIMUM_PREDICTIONS}.`;
      throw new CodedError(
        'BAD_INPUT',
        message,
        'input',
        'Name at least one scenario, version, pin or calibration; split what is too much.',
      );
    }
    const { networks, asked } = await tenancy.inTeam(session, async (manager) => {
      const ready = readyNetworks(manager, input.networkIds);
      // It travels with the others; what is wrong with the predictors is said first.
      ready.catch(() => {});
      const versions = await Promise.all([
        ...scenarios.map((name, i) => versionForScenario(manager, name, `input.scenarios[${i}]`)),
        ...versionIds.map((id, i) => readyVersion(manager, id, `input.versionIds[${i}]`)),
        ...pins.map((name, i) => pinnedVersion(manager, name, `input.pins[${i}]`)),
      ]);
      const calibrated = await Promise.all(
        calibrationIds.map((id, i) => calibratedVersion(manager, id, `input.calibrationIds[${i}]`)),
      );
      const all: { version: PredictorVersion; calibration?: Calibration }[] = [
        ...versions.map((version) => ({ version })),
        ...calibrated,
      ];
      return { networks: await ready, asked: all };
    });
    // No transaction is open while the object store and onnxruntime work.
    const graphs = await Promise.all(networks.map((network) => serving.graph(network)));
    const answers = await Promise.all(
      asked.map(({ version, calibration }) => serving.predictCalibrated(version, graphs, calibration)),
    );

    const rows = networks.flatMap((network, n) =>
      asked.map(({ version, calibration }, i): Partial<Prediction> => {
        const { latencyUs, fixedUs, interval, coverage, kernels } = answers[i][n];
        return {
          id: newId(),
          teamId: session.teamId,
          networkId: network.id,
          predictorVersionId: version.id,
          scenarioId: version.scenarioId,
          calibrationId: calibration?.id ?? null,
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
      const statements: Promise<unknown>[] = [];
      for (let start = 0; start < predictions.length; start += INSERTED_AT_ONCE) {
        statements.push(manager.insert(Prediction, predictions.slice(start, start + INSERTED_AT_ONCE)));
      }
      statements.push(recordChange(manager, session, 'predict', undefined, { predictions: rows.length }));
      // Almost every answer is asked for names.
      const scenarioIds = asked.map(({ version }) => version.scenarioId);
      const [inScenarios] = await Promise.all([manager.findBy(Scenario, { id: In(scenarioIds) }), ...statements]);
      remember(context, session, Scenario, inScenarios);
      remember(context, session, Network, networks);
      remember(
        context,
        session,
        PredictorVersion,
        asked.map(({ version }) => version),
      );
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

  @FieldResolver(() => Calibration, { nullable: true, description: "What the version's prediction was calibrated by." })
  async calibration(
    @Root() { calibrationId }: Prediction,
    @Ctx() context: RequestContext,
  ): Promise<Calibration | null> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return calibrationId ? loadById(context, session, Calibration, calibrationId) : null;
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() prediction: Prediction, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, prediction.scenarioId);
  }
}
