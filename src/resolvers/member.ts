/** Members of a team: their roles, and who comes and goes. A team always has an owner. */
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type EntityManager, Not } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError, notFound } from '../errors';
import { type Connection, PageArguments } from '../schema/connection';
import { Role } from '../schema/enums';
import {
  ChangeMemberRoleInput,
  ChangeMemberRolePayload,
  LeaveTeamPayload,
  Member,
  MemberConnection,
  RemoveMemberInput,
  RemoveMemberPayload,
  TransferOwnershipInput,
  TransferOwnershipPayload,
} from '../schema/member';
import { toGlobalId } from '../schema/node';
import { Person } from '../schema/person';
import { Team } from '../schema/team';
import { authorize, type PersonTeamSession } from '../tenancy';
import { loadById, type RequestContext, rowId } from './context';
import { readPage } from './pages';

@Resolver(() => Member)
export class MemberResolver {
  @Query(() => MemberConnection, { description: 'The people of the team.' })
  async members(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<Member>> {
    const session = authorize(context.session, 'MEMBER_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Member, page));
  }

  @FieldResolver(() => Person)
  async person(@Root() { personId }: Member, @Ctx() context: RequestContext): Promise<Person> {
    const session = authorize(context.session, 'MEMBER_READ');
    return loadById(context, session, Person, personId);
  }

  @Mutation(() => ChangeMemberRolePayload, { description: 'Only an owner makes owners, or changes what they are.' })
  async changeMemberRole(
    @Arg('input') { memberId, role }: ChangeMemberRoleInput,
    @Ctx() context: RequestContext,
  ): Promise<ChangeMemberRolePayload> {
    const session = authorize(context.session, 'MEMBER_WRITE');
    const id = rowId(Member, memberId, 'input.memberId');
    return context.tenancy.inTeam(session, async (manager) => {
      const member = await lockMember(manager, session.teamId, { id }, memberId);
      checkHandling(session, member.role, 'input.memberId');
      checkHandling(session, role, 'input.role');
      if (role !== Role.OWNER) await checkAnotherOwner(manager, member);
      await manager.update(Member, { id }, { role });
      const details = { from: member.role, to: role };
      await recordChange(manager, session, 'changeMemberRole', { type: 'Member', id }, details);
      return { member: await manager.findOneByOrFail(Member, { id }) };
    });
  }

  @Mutation(() => RemoveMemberPayload, { description: 'Only an owner removes owners.' })
  async removeMember(
    @Arg('input') { memberId }: RemoveMemberInput,
    @Ctx() context: RequestContext,
  ): Promise<RemoveMemberPayload> {
    const session = authorize(context.session, 'MEMBER_WRITE');
    const id = rowId(Member, memberId, 'input.memberId');
    return context.tenancy.inTeam(session, async (manager) => {
      const member = await lockMember(manager, session.teamId, { id }, memberId);
      checkHandling(session, member.role, 'input.memberId');
      await checkAnotherOwner(manager, member);
      await manager.delete(Member, { id });
      const details = { personId: toGlobalId('Person', member.personId), role: member.role };
      await recordChange(manager, session, 'removeMember', { type: 'Member', id }, details);
      return { memberId };
    });
  }

  @Mutation(() => LeaveTeamPayload, { description: 'The last owner cannot: transferOwnership or deleteTeam first.' })
  async leaveTeam(@Ctx() context: RequestContext): Promise<LeaveTeamPayload> {
    const session = authorize(context.session, 'TEAM_LEAVE');
    const { teamId, personId } = session;
    return context.tenancy.inTeam(session, async (manager) => {
      const member = await lockMember(manager, teamId, { personId }, toGlobalId('Person', personId));
      await checkAnotherOwner(manager, member);
      await manager.delete(Member, { id: member.id });
      await recordChange(manager, session, 'leaveTeam', { type: 'Member', id: member.id }, { role: member.role });
      return { teamId: toGlobalId('Team', teamId) };
    });
  }

  @Mutation(() => TransferOwnershipPayload, {
    description: 'Makes another member an owner, and the owner who asks an admin.',
  })
  async transferOwnership(
    @Arg('input') { memberId }: TransferOwnershipInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferOwnershipPayload> {
    const session = authorize(context.session, 'OWNERSHIP_TRANSFER');
    const { teamId, personId } = session;
    const id = rowId(Member, memberId, 'input.memberId');
    return context.tenancy.inTeam(session, async (manager) => {
      const member = await lockMember(manager, teamId, { id }, memberId);
      if (member.personId === personId) {
        throw new CodedError('BAD_INPUT', 'memberId is your own.', 'input.memberId', 'Name another member.');
      }
      await manager.update(Member, { id }, { role: Role.OWNER });
      await manager.update(Member, { teamId, personId }, { role: Role.ADMIN });
      await recordChange(manager, session, 'transferOwnership', { type: 'Member', id }, { from: member.role });
      return {
        team: await manager.findOneByOrFail(Team, { id: teamId }),
        owner: await manager.findOneByOrFail(Member, { id }),
      };
    });
  }
}

/** A member, while no other transaction changes who is in the team: two owners who leave at once wait for each other. */
async function lockMember(
  manager: EntityManager,
  teamId: string,
  where: { id: string } | { personId: string },
  named: string,
): Promise<Member> {
  await manager.findOneOrFail(Team, { where: { id: teamId }, lock: { mode: 'pessimistic_write' } });
  const member = await manager.findOneBy(Member, { teamId, ...where });
  if (!member) throw notFound('Member', named);
  return member;
}

/** Owners alone make, change and remove owners. @throws FORBIDDEN */
export function checkHandling({ role }: PersonTeamSession, handled: Role, where: string): void {
  if (handled !== Role.OWNER || role === Role.OWNER) return;
  const message = `The role ${role} may not make, change or remove an OWNER.`;
  throw new CodedError('FORBIDDEN', message, where, 'Ask an owner of the team.');
}

/** @throws CONFLICT if the member is the last owner */
async function checkAnotherOwner(manager: EntityManager, { id, teamId, role }: Member): Promise<void> {
  if (role !== Role.OWNER) return;
  if (await manager.existsBy(Member, { teamId, role: Role.OWNER, id: Not(id) })) return;
  const remedy = 'transferOwnership to another member first, or deleteTeam.';
  throw new CodedError('CONFLICT', 'This is the last owner of the team.', undefined, remedy);
}
