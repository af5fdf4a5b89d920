/** Teams: made, renamed, deleted after a delay, restored. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { Raw } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { enqueue } from '../jobs';
import { type Connection, PageArguments } from '../schema/connection';
import { Role } from '../schema/enums';
import { Member } from '../schema/member';
import { newId, toGlobalId } from '../schema/node';
import {
  CreateTeamInput,
  CreateTeamPayload,
  DeleteTeamPayload,
  RenameTeamInput,
  RenameTeamPayload,
  RestoreTeamPayload,
  Team,
  TeamConnection,
} from '../schema/team';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { readPage } from './pages';

/** How long a team that is being deleted can be restored. */
const DELETION_DELAY_MS = 7 * 24 * 3600 * 1000;

@Resolver(() => Team)
export class TeamResolver {
  @Query(() => TeamConnection, { description: 'The teams that the person who asks is a member of.' })
  async teams(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<Team>> {
    const session = authorize(context.session, 'TEAM_LIST');
    return context.tenancy.asPerson(session.personId, (manager) => readPage(manager, Team, page));
  }

  @Mutation(() => CreateTeamPayload, { description: 'Makes a team with the person who asks as its owner.' })
  async createTeam(
    @Arg('input') { name }: CreateTeamInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateTeamPayload> {
    const session = authorize(context.session, 'TEAM_CREATE');
    const id = newId();
    return context.tenancy.inNewTeam(session, id, async (manager) => {
      await manager.insert(Team, { id, name });
      await manager.insert(Member, { id: newId(), teamId: id, personId: session.personId, role: Role.OWNER });
      await recordChange(manager, { ...session, teamId: id }, 'createTeam', { type: 'Team', id }, { name });
      return { team: await manager.findOneByOrFail(Team, { id }) };
    });
  }

  @Mutation(() => RenameTeamPayload)
  async renameTeam(
    @Arg('input') { name }: RenameTeamInput,
    @Ctx() context: RequestContext,
  ): Promise<RenameTeamPayload> {
    const session = authorize(context.session, 'TEAM_WRITE');
    const id = session.teamId;
    return context.tenancy.inTeam(session, async (manager) => {
      await manager.update(Team, { id }, { name });
      await recordChange(manager, session, 'renameTeam', { type: 'Team', id }, { name });
      return { team: await manager.findOneByOrFail(Team, { id }) };
    });
  }

  @Mutation(() => DeleteTeamPayload, {
    description:
      'Deletes the team and all that is in it, 7 days from now. Until then its owners can read it, and restoreTeam; nobody else and no API key gets in.',
  })
  async deleteTeam(@Ctx() context: RequestContext): Promise<DeleteTeamPayload> {
    const session = authorize(context.session, 'TEAM_DELETE');
    const id = session.teamId;
    const deletionDueAt = new Date(Date.now() + DELETION_DELAY_MS);
    return context.tenancy.inTeam(session, async (manager) => {
      await manager.update(Team, { id }, { deletionDueAt });
      await enqueue(manager, 'deleteTeam', { teamId: id }, deletionDueAt);
      await recordChange(manager, session, 'deleteTeam', { type: 'Team', id }, { deletionDueAt });
      return { team: await manager.findOneByOrFail(Team, { id }) };
    });
  }

  @Mutation(() => RestoreTeamPayload, { description: 'Takes deleteTeam back, as long as its 7 days are not over.' })
  async restoreTeam(@Ctx() context: RequestContext): Promise<RestoreTeamPayload> {
    const session = authorize(context.session, 'TEAM_RESTORE');
    const id = session.teamId;
    if (!session.deletionDueAt) throw new CodedError('CONFLICT', 'The team is not being deleted.', 'fusecast-team');
    return context.tenancy.inTeam(session, async (manager) => {
      // By PostgreSQL's clock, as the job that deletes: not both.
      const inTime = { id, deletionDueAt: Raw((column) => `${column} > now()`) };
      const { affected } = await manager.update(Team, inTime, { deletionDueAt: null });
      if (!affected) throw notFound('Team', toGlobalId('Team', id));
      await recordChange(manager, session, 'restoreTeam', { type: 'Team', id });
      return { team: await manager.findOneByOrFail(Team, { id }) };
    });
  }
}
