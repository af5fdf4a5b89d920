/** Calibrations: made of a few own measurements, read, and predicted with. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError } from '../errors';
import {
  Calibration,
  CalibrationConnection,
  CalibrationFilter,
  type CalibrationMeasurementInput,
  CreateCalibrationInput,
  CreateCalibrationPayload,
} from '../schema/calibration';
import { type Connection, PageArguments } from '../schema/connection';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { findMeasuredNetworks, type RowProblem, refuseRows } from './measured-network';
import { given, readPage } from './pages';
import { scenarioIdNamed } from './predictor-version';
import { readyVersion } from './version-choice';

const MAXIMUM_OF_A_VERSION = 100;

/** The measured networks in the given order. @throws BAD_INPUT that names every row that is wrong */
async function measuredNetworks(
  manager: EntityManager,
  measurements: readonly CalibrationMeasurementInput[],
): Promise<Network[]> {
  const found = await findMeasuredNetworks(manager, measurements);
  const networks: Network[] = [];
  const problems: RowProblem[] = [];
  measurements.forEach(({ latencyUs }, i) => {
    const each = found[i];
    const at = `input.measurements[${i}]`;
    if (!(each instanceof Network)) problems.push(each);
    else if (networks.some(({ id }) => id === each.id)) {
      problems.push({ where: at, message: `is ${each.name} once more, expected each network once` });
    } else networks.push(each);
    if (!(latencyUs > 0)) {
      problems.push({ where: `${at}.latencyUs`, message: `is ${latencyUs}, expected microseconds greater than 0` });
    }
  });
  refuseRows(problems, measurements.length, 'Correct them and send all again.');
  return networks;
}

@Resolver(() => Calibration)
export class CalibrationResolver {
  @Query(() => CalibrationConnection)
  async calibrations(
    @Args() page: PageArguments,
    @Arg('filter', () => CalibrationFilter, { defaultValue: {} }) filter: CalibrationFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Calibration>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const { versionId, scenario } = given(filter);
    return context.tenancy.inTeam(session, async (manager) =>
      readPage(manager, Calibration, page, {
        ...(versionId && { predictorVersionId: rowId(PredictorVersion, versionId, 'filter.versionId') }),
        ...(scenario !== undefined && { scenarioId: await scenarioIdNamed(manager, scenario, 'filter.scenario') }),
      }),
    );
  }

  @Mutation(() => CreateCalibrationPayload, {
    description:
      'Fits a factor and an offset to own measurements of a few networks. `predict` takes calibrations beside versions.',
  })
  async createCalibration(
    @Arg('input') { versionId, name, measurements, harness }: CreateCalibrationInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateCalibrationPayload> {
    const session = authorize(context.session, 'PREDICTOR_WRITE');
    const { tenancy, serving } = context;
    const { version, networks } = await tenancy.inTeam(session, async (manager) => ({
      version: await readyVersion(manager, versionId, 'input.versionId'),
      networks: await measuredNetworks(manager, measurements),
    }));
    const graphs = await Promise.all(networks.map((network) => serving.graph(network)));
    const own = { ...given(harness ?? {}) };
    const latencies = measurements.map(({ latencyUs }) => latencyUs);
    const { fit, warnings } = await serving.calibrate(version, graphs, latencies, own);
    const id = newId();
    return tenancy.inTeam(session, async (manager) => {
      // Locked, so that retention does not give its file up meanwhile.
      await manager.findOneOrFail(PredictorVersion, { where: { id: version.id }, lock: { mode: 'pessimistic_read' } });
      await readyVersion(manager, versionId, 'input.versionId');
      const amount = await manager.countBy(Calibration, { predictorVersionId: version.id });
      if (amount >= MAXIMUM_OF_A_VERSION) {
        const message = `The version has ${amount} calibrations, which is as many as it may have.`;
        throw new CodedError('CONFLICT', message, 'input.versionId', 'Use one of them, or train a version.');
      }
      const of = { teamId: session.teamId, predictorVersionId: version.id, scenarioId: version.scenarioId };
      await manager.insert(Calibration, { id, ...of, name, ...fit, harness: own, warnings });
      const { factor, offsetUs } = fit;
      const details = { name, networks: networks.length, factor, offsetUs };
      await recordChange(manager, session, 'createCalibration', { type: 'Calibration', id }, details);
      return { calibration: await manager.findOneByOrFail(Calibration, { id }) };
    });
  }

  @FieldResolver(() => PredictorVersion, { description: 'The version whose predictions it calibrates.' })
  async version(@Root() calibration: Calibration, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, calibration.predictorVersionId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() calibration: Calibration, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, calibration.scenarioId);
  }
}
