/** What a team has used of its quotas. */
import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { CodedError } from '../errors';
import { readUsage } from '../quotas';
import { Team } from '../schema/team';
import { Usage } from '../schema/usage';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';

@Resolver(() => Team)
export class UsageResolver {
  @FieldResolver(() => [Usage], { description: 'What it has used of what it may have.' })
  async usage(@Root() team: Team, @Ctx() context: RequestContext): Promise<Usage[]> {
    const session = authorize(context.session, 'TEAM_READ');
    if (team.id !== session.teamId) {
      const message = 'The usage is that of the team that the request works in.';
      throw new CodedError('BAD_INPUT', message, 'fusecast-team', 'Name the team in the header `fusecast-team`.');
    }
    return context.tenancy.inTeam(session, readUsage);
  }
}
