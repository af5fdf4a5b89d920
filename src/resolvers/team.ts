/** Teams. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { type Connection, PageArguments } from '../schema/connection';
import { Role } from '../schema/enums';
import { newId } from '../schema/node';
import { CreateTeamInput, CreateTeamPayload, Member, Team, TeamConnection } from '../schema/team';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { readPage } from './pages';

@Resolver(() => Team)
export class TeamResolver {
  @Query(() => TeamConnection, { description: 'The teams that the person who asks is a member of.' })
  async teams(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<Team>> {
    const session = authorize(context.session, 'TEAM_LIST');
    return context.tenancy.asPerson(session.personId, (manager) => readPage(manager, Team, page));
  }

  @Mutation(() => CreateTeamPayload, { description: 'Makes a team with the person who asks as its owner.' })
  async createTeam(@Arg('input') input: CreateTeamInput, @Ctx() context: RequestContext): Promise<CreateTeamPayload> {
    const session = authorize(context.session, 'TEAM_CREATE');
    const id = newId();
    return context.tenancy.inNewTeam(session, id, async (manager) => {
      await manager.insert(Team, { id, name: input.name });
      await manager.insert(Member, { id: newId(), teamId: id, personId: session.personId, role: Role.OWNER });
      return { team: await manager.findOneByOrFail(Team, { id }) };
    });
  }
}
