/** Drift of scenarios, and its alerts. */
import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { type EntityManager, IsNull, Not } from 'typeorm';
import { readDrift } from '../drift';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { type Connection, PageArguments } from '../schema/connection';
import { Drift, DriftAlert, DriftAlertConnection, DriftAlertFilter } from '../schema/drift';
import { DriftBucket } from '../schema/enums';
import { PredictorVersion } from '../schema/predictor-version';
import { Scenario } from '../schema/scenario';
import { authorize, type TeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { given, readPage } from './pages';
import { scenarioIdNamed } from './predictor-version';
import { versionForScenario } from './version-choice';

/** The version that is used for a scenario, or undefined if there is none. */
async function usedVersion(manager: EntityManager, scenario: Scenario): Promise<PredictorVersion | undefined> {
  try {
    return await versionForScenario(manager, scenario.name, 'scenario');
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Has the scenario's measurements compared with the version that is used for it, if the transaction lasts. */
export async function enqueueDriftUpdate(
  manager: EntityManager,
  { teamId }: TeamSession,
  scenario: Scenario,
): Promise<void> {
  const version = await usedVersion(manager, scenario);
  if (version) await enqueue(manager, 'updateDrift', { teamId, scenarioId: scenario.id, versionId: version.id });
}

@Resolver(() => Scenario)
export class DriftResolver {
  @FieldResolver(() => Drift, {
    nullable: true,
    description:
      'Errors in production of the version that is used for the scenario, over the last 90 days; null if there is no version.',
  })
  async drift(
    @Root() scenario: Scenario,
    @Arg('bucket', () => DriftBucket, { defaultValue: 'DAY' }) bucket: DriftBucket,
    @Ctx() context: RequestContext,
  ): Promise<Drift | null> {
    const session = authorize(context.session, 'MEASUREMENT_READ');
    return context.tenancy.inTeam(session, async (manager) => {
      const version = await usedVersion(manager, scenario);
      if (!version) return null;
      const { tests, buckets, ...rest } = await readDrift(manager, version, bucket);
      const alert = await manager.findOneBy(DriftAlert, { scenarioId: scenario.id, clearedAt: IsNull() });
      return Object.assign(new Drift(), rest, {
        predictorVersionId: version.id,
        buckets: buckets.map((each) => ({ ...each, startsAt: new Date(each.startsAt) })),
        tests: tests && { ...tests, since: new Date(tests.since), until: new Date(tests.until) },
        alert: alert ?? undefined,
      });
    });
  }

  @Query(() => DriftAlertConnection)
  async driftAlerts(
    @Args() page: PageArguments,
    @Arg('filter', () => DriftAlertFilter, { defaultValue: {} }) filter: DriftAlertFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<DriftAlert>> {
    const session = authorize(context.session, 'MEASUREMENT_READ');
    const { scenario, versionId, isOpen } = given(filter);
    return context.tenancy.inTeam(session, async (manager) =>
      readPage(manager, DriftAlert, page, {
        ...(scenario !== undefined && { scenarioId: await scenarioIdNamed(manager, scenario, 'filter.scenario') }),
        ...(versionId && { predictorVersionId: rowId(PredictorVersion, versionId, 'filter.versionId') }),
        ...(isOpen !== undefined && { clearedAt: isOpen ? IsNull() : Not(IsNull()) }),
      }),
    );
  }
}

@Resolver(() => DriftAlert)
export class DriftAlertResolver {
  @FieldResolver(() => PredictorVersion, { description: 'The version that no longer fits.' })
  async version(@Root() alert: DriftAlert, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, alert.predictorVersionId);
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() alert: DriftAlert, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, alert.scenarioId);
  }
}

@Resolver(() => Drift)
export class DriftVersionResolver {
  @FieldResolver(() => PredictorVersion, { description: 'The version that is used for the scenario.' })
  async version(@Root() drift: Drift, @Ctx() context: RequestContext): Promise<PredictorVersion> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    return loadById(context, session, PredictorVersion, drift.predictorVersionId);
  }
}
