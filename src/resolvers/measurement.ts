/** Measured latencies: reported by production, and made into datasets. */
import { createHash } from 'node:crypto';
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type EntityManager, In } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, sqlState, UNIQUE_VIOLATION } from '../errors';
import { type Connection, PageArguments } from '../schema/connection';
import {
  MeasuredLatency,
  MeasuredLatencyConnection,
  MeasuredLatencyFilter,
  type MeasurementInput,
  ReportLatenciesInput,
  ReportLatenciesPayload,
} from '../schema/measurement';
import { Network } from '../schema/network';
import { newId } from '../schema/node';
import { Scenario } from '../schema/scenario';
import { authorize, type TeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { enqueueDriftUpdate } from './drift';
import { findMeasuredNetworks, type RowProblem, refuseRows } from './measured-network';
import { given, readPage } from './pages';
import { scenarioIdNamed } from './predictor-version';

/** Clocks differ. */
const FUTURE_MS = 3600 * 1000;
const MAXIMUM_SOURCE = 200;

/** What is wrong with the numbers and texts of a measurement. */
function problemsOf({ latencyUs, deviationUs, measuredAt, source }: MeasurementInput, at: string): RowProblem[] {
  const problems: RowProblem[] = [];
  const expect = (isGood: boolean, field: string, value: unknown, expected: string) => {
    if (!isGood) problems.push({ where: `${at}.${field}`, message: `is ${value}, expected ${expected}` });
  };
  expect(latencyUs > 0, 'latencyUs', latencyUs, 'microseconds greater than 0');
  expect((deviationUs ?? 0) >= 0, 'deviationUs', deviationUs, 'microseconds, 0 or greater');
  const isPast = measuredAt.getTime() <= Date.now() + FUTURE_MS && measuredAt.getTime() > 0;
  expect(isPast, 'measuredAt', measuredAt.toISOString(), 'a time in the past');
  const length = source?.length ?? 1;
  expect(length >= 1 && length <= MAXIMUM_SOURCE, 'source', `${length} characters`, `1 to ${MAXIMUM_SOURCE}`);
  return problems;
}

interface CheckedReport {
  readonly networks: readonly Network[];
  /** By name. */
  readonly scenarios: ReadonlyMap<string, Scenario>;
}

/** Networks and scenarios of the report. @throws BAD_INPUT that names every row that is wrong */
async function checkReport(manager: EntityManager, measurements: readonly MeasurementInput[]): Promise<CheckedReport> {
  const found = await findMeasuredNetworks(manager, measurements);
  const names = [...new Set(measurements.map(({ scenario }) => scenario))];
  const rows = await manager.findBy(Scenario, { name: In(names) });
  const scenarios = new Map(rows.map((row) => [row.name, row]));
  const problems = measurements.flatMap((measurement, i) => {
    const each = found[i];
    const at = `input.measurements[${i}]`;
    const ofRow = problemsOf(measurement, at);
    if (!(each instanceof Network)) ofRow.push(each);
    if (!scenarios.has(measurement.scenario)) {
      const shown = JSON.stringify(measurement.scenario.slice(0, 200));
      ofRow.push({ where: `${at}.scenario`, message: `is ${shown}, expected a scenario that a dataset names` });
    }
    return ofRow;
  });
  refuseRows(problems, measurements.length, 'Correct the rows and send the whole report again, under the same key.');
  return { networks: found as Network[], scenarios };
}

/** True if this very report has been taken. @throws CONFLICT if another has been under its key */
async function isTaken(manager: EntityManager, clientKey: string, reportSha256: string): Promise<boolean> {
  const known = await manager.findOneBy(MeasuredLatency, { clientKey });
  if (known && known.reportSha256 !== reportSha256) throw keyInUse(clientKey);
  return Boolean(known);
}

function keyInUse(clientKey: string): CodedError {
  return new CodedError(
    'CONFLICT',
    `Another report has been taken under the key ${JSON.stringify(clientKey)}.`,
    'input.clientKey',
    'Give each report a key of its own; the same key is for sending the same report again.',
  );
}

@Resolver(() => MeasuredLatency)
export class MeasurementResolver {
  @Query(() => MeasuredLatencyConnection)
  async measuredLatencies(
    @Args() page: PageArguments,
    @Arg('filter', () => MeasuredLatencyFilter, { defaultValue: {} }) filter: MeasuredLatencyFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<MeasuredLatency>> {
    const session = authorize(context.session, 'MEASUREMENT_READ');
    const { scenario, networkId } = given(filter);
    return context.tenancy.inTeam(session, async (manager) =>
      readPage(manager, MeasuredLatency, page, {
        ...(scenario !== undefined && { scenarioId: await scenarioIdNamed(manager, scenario, 'filter.scenario') }),
        ...(networkId && { networkId: rowId(Network, networkId, 'filter.networkId') }),
      }),
    );
  }

  @Mutation(() => ReportLatenciesPayload, {
    description:
      'Takes latencies that were measured in production, all or none. They are compared with the version in use: see Scenario.drift.',
  })
  async reportLatencies(
    @Arg('input') input: ReportLatenciesInput,
    @Ctx() context: RequestContext,
  ): Promise<ReportLatenciesPayload> {
    const session = authorize(context.session, 'MEASUREMENT_WRITE');
    const { clientKey, measurements } = input;
    const reportSha256 = createHash('sha256').update(JSON.stringify(measurements)).digest('hex');
    const take = () =>
      context.tenancy.inTeam(session, async (manager) => {
        const isRepeated = await isTaken(manager, clientKey, reportSha256);
        if (!isRepeated) await this.#take(manager, session, input, reportSha256);
        return { measurements: measurements.length, isRepeated };
      });
    try {
      return await take();
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      // The same report came twice at once, and the other was faster; or a key that this one may not see was taken.
      return context.tenancy.inTeam(session, async (manager) => {
        if (!(await isTaken(manager, clientKey, reportSha256))) throw keyInUse(clientKey);
        return { measurements: measurements.length, isRepeated: true };
      });
    }
  }

  async #take(
    manager: EntityManager,
    session: TeamSession,
    { clientKey, measurements }: ReportLatenciesInput,
    reportSha256: string,
  ): Promise<void> {
    const { networks, scenarios } = await checkReport(manager, measurements);
    const { teamId } = session;
    const rows = measurements.map(({ latencyUs, deviationUs, measuredAt, source, scenario }, position) => ({
      ...{ id: newId(), teamId, clientKey, position, reportSha256 },
      ...{ networkId: networks[position].id, scenarioId: scenarios.get(scenario)!.id },
      ...{ latencyUs, deviationUs, measuredAt, source },
    }));
    await manager.insert(MeasuredLatency, rows);
    for (const scenario of scenarios.values()) await enqueueDriftUpdate(manager, session, scenario);
    const details = { clientKey, measurements: rows.length, scenarios: [...scenarios.keys()].slice(0, 20) };
    await recordChange(manager, session, 'reportLatencies', undefined, details);
  }

  @FieldResolver(() => Network)
  async network(@Root() measured: MeasuredLatency, @Ctx() context: RequestContext): Promise<Network> {
    const session = authorize(context.session, 'NETWORK_READ');
    return loadById(context, session, Network, measured.networkId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() measured: MeasuredLatency, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, measured.scenarioId);
  }
}
