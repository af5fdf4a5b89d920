/** Invitations into a team, by mail. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { recordChange } from '../audit';
import { sha256 } from '../credentials';
import { CodedError, notFound, sqlState, UNIQUE_VIOLATION } from '../errors';
import { enqueue } from '../jobs';
import { type Connection, PageArguments } from '../schema/connection';
import {
  AcceptInvitationInput,
  AcceptInvitationPayload,
  CreateInvitationInput,
  CreateInvitationPayload,
  Invitation,
  InvitationConnection,
  WithdrawInvitationInput,
  WithdrawInvitationPayload,
} from '../schema/invitation';
import { Member } from '../schema/member';
import { newId } from '../schema/node';
import { Person } from '../schema/person';
import { Team } from '../schema/team';
import { authorize, restrict } from '../tenancy';
import { type RequestContext, rowId } from './context';
import { badLink, normaliseEmail } from './email-request';
import { checkHandling } from './member';
import { readPage } from './pages';

const LIFETIME_MS = 7 * 24 * 3600 * 1000;

/** Neither accepted nor withdrawn; it may have expired. */
const OPEN = { acceptedAt: IsNull(), withdrawnAt: IsNull() };

@Resolver(() => Invitation)
export class InvitationResolver {
  @Query(() => InvitationConnection)
  async invitations(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<Invitation>> {
    const session = authorize(context.session, 'INVITATION_READ');
    return context.tenancy.inTeam(session, (manager) => readPage(manager, Invitation, page));
  }

  @Mutation(() => CreateInvitationPayload, {
    description: 'Sends a link that makes the owner of the address a member; it replaces an earlier one.',
  })
  async createInvitation(
    @Arg('input') { email: given, role }: CreateInvitationInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateInvitationPayload> {
    const session = authorize(context.session, 'INVITATION_WRITE');
    checkHandling(session, role, 'input.role');
    const email = normaliseEmail(given);
    await context.attempts.countInvitation(email);
    const { teamId, personId } = session;
    const id = newId();
    return context.tenancy.inTeam(session, async (manager) => {
      // A member is seen here because the two are in one team; whether others have an account is not told.
      if (await manager.existsBy(Person, { email })) {
        throw new CodedError('CONFLICT', 'Somebody with this address is a member.', 'input.email', 'changeMemberRole.');
      }
      await manager.update(Invitation, { teamId, email, ...OPEN }, { withdrawnAt: new Date() });
      const expiresAt = new Date(Date.now() + LIFETIME_MS);
      await manager.insert(Invitation, { id, teamId, email, role, invitedBy: personId, expiresAt });
      await enqueue(manager, 'sendInvitation', { teamId, invitationId: id });
      await recordChange(manager, session, 'createInvitation', { type: 'Invitation', id }, { email, role });
      return { invitation: await manager.findOneByOrFail(Invitation, { id }) };
    });
  }

  @Mutation(() => WithdrawInvitationPayload, { description: 'Its link is good for nothing from then on.' })
  async withdrawInvitation(
    @Arg('input') { invitationId }: WithdrawInvitationInput,
    @Ctx() context: RequestContext,
  ): Promise<WithdrawInvitationPayload> {
    const session = authorize(context.session, 'INVITATION_WRITE');
    const id = rowId(Invitation, invitationId, 'input.invitationId');
    return context.tenancy.inTeam(session, async (manager) => {
      const { affected } = await manager.update(Invitation, { id, ...OPEN }, { withdrawnAt: new Date() });
      const invitation = await manager.findOneBy(Invitation, { id });
      if (!invitation) throw notFound('Invitation', invitationId);
      if (invitation.acceptedAt) {
        const remedy = 'removeMember takes the membership away.';
        throw new CodedError('CONFLICT', 'The invitation has been accepted.', 'input.invitationId', remedy);
      }
      if (affected) await recordChange(manager, session, 'withdrawInvitation', { type: 'Invitation', id });
      return { invitation };
    });
  }

  @Mutation(() => AcceptInvitationPayload, {
    description: 'Makes the person who asks a member; the invitation has to be for their address.',
  })
  async acceptInvitation(
    @Arg('input') { token }: AcceptInvitationInput,
    @Ctx() context: RequestContext,
  ): Promise<AcceptInvitationPayload> {
    const session = authorize(context.session, 'INVITATION_ACCEPT');
    const { personId } = session;
    const visible = { 'app.link_sha256': sha256(token), 'app.person_id': personId };
    try {
      return await context.tenancy.within(visible, async (manager) => {
        const { id, role, teamId } = await takeInvitation(manager, token, personId);
        const team = await manager.findOneByOrFail(Team, { id: teamId });
        if (team.deletionDueAt) throw badLink();
        const memberId = newId();
        await manager.insert(Member, { id: memberId, teamId, personId, role });
        const actor = { ...session, teamId };
        await recordChange(
          manager,
          actor,
          'acceptInvitation',
          { type: 'Member', id: memberId },
          { role, invitation: id },
        );
        return { team, role };
      });
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      throw new CodedError('CONFLICT', 'You are a member of this team already.', 'input.token');
    }
  }
}

/** The invitation of the link, used up; from then on the transaction sees its team. */
async function takeInvitation(manager: EntityManager, token: string, personId: string): Promise<Invitation> {
  const invitation = await manager.findOneBy(Invitation, { tokenSha256: sha256(token) });
  if (!invitation) throw badLink();
  const { email } = await manager.findOneByOrFail(Person, { id: personId });
  if (email !== invitation.email) {
    const remedy = 'Sign in (or up) with the address that the mail was sent to, or ask for an invitation for yours.';
    throw new CodedError('FORBIDDEN', 'The invitation is for another address.', 'input.token', remedy);
  }
  await restrict(manager, { 'app.team_id': invitation.teamId });
  const good = { id: invitation.id, ...OPEN, expiresAt: MoreThan(new Date()) };
  const { affected } = await manager.update(Invitation, good, { acceptedAt: new Date() });
  if (!affected) throw badLink();
  return invitation;
}
