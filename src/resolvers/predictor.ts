/** Predictors. */
import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArguments } from '../schema/connection';
import { Predictor, PredictorConnection, PredictorFilter } from '../schema/predictor';
import { Scenario } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext } from './context';
import { given, readPage } from './pages';
import { scenarioIdNamed } from './predictor-version';

@Resolver(() => Predictor)
export class PredictorResolver {
  @Query(() => PredictorConnection)
  async predictors(
    @Args() page: PageArguments,
    @Arg('filter', () => PredictorFilter, { defaultValue: {} }) filter: PredictorFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Predictor>> {
    const session = authorize(context.session, 'PREDICTOR_READ');
    const { scenario, ...where } = given(filter);
    return context.tenancy.inTeam(session, async (manager) =>
      readPage(manager, Predictor, page, {
        ...where,
        ...(scenario !== undefined && { scenarioId: await scenarioIdNamed(manager, scenario, 'filter.scenario') }),
      }),
    );
  }

  @FieldResolver(() => Scenario)
  async scenario(@Root() predictor: Predictor, @Ctx() context: RequestContext): Promise<Scenario> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Scenario, predictor.scenarioId);
  }
}
