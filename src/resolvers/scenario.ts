/** Devices and scenarios. */
import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArguments } from '../schema/connection';
import { Device, DeviceConnection, Scenario, ScenarioConnection, ScenarioFilter } from '../schema/scenario';
import { authorize } from '../tenancy';
import { loadById, type RequestContext } from './context';
import { given, readPage } from './pages';

@Resolver(() => Scenario)
export class ScenarioResolver {
  @Query(() => DeviceConnection, { description: "The devices that the team's datasets name." })
  async devices(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<Device>> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Device, page));
  }

  @Query(() => ScenarioConnection, { description: "The scenarios that the team's datasets name." })
  async scenarios(
    @Args() page: PageArguments,
    @Arg('filter', () => ScenarioFilter, { defaultValue: {} }) filter: ScenarioFilter,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Scenario>> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Scenario, page, given(filter)));
  }

  @FieldResolver(() => Device)
  async device(@Root() scenario: Scenario, @Ctx() context: RequestContext): Promise<Device> {
    const session = authorize(context.session, 'SCENARIO_READ');
    return loadById(context, session, Device, scenario.deviceId);
  }
}
