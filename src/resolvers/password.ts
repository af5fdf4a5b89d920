/** Forgotten and changed passwords. */
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { recordChange } from '../audit';
import { sha256 } from '../credentials';
import { hashPassword } from '../passwords';
import {
  ChangePasswordInput,
  ChangePasswordPayload,
  RequestPasswordResetInput,
  RequestPasswordResetPayload,
  ResetPasswordInput,
  ResetPasswordPayload,
} from '../schema/password';
import { Person } from '../schema/person';
import { authorize, restrict } from '../tenancy';
import { announceAccountChange } from './account-notice';
import type { RequestContext } from './context';
import { badLink, followLink, normaliseEmail, requestEmail } from './email-request';
import { revokeSessions } from './person-session';
import { provePassword } from './prove-password';

@Resolver()
export class PasswordResolver {
  @Mutation(() => RequestPasswordResetPayload, { description: 'Sends a mail with a link; then: resetPassword.' })
  async requestPasswordReset(
    @Arg('input') { email }: RequestPasswordResetInput,
    @Ctx() context: RequestContext,
  ): Promise<RequestPasswordResetPayload> {
    authorize(context.session, 'PASSWORD_RESET');
    await requestEmail(context, normaliseEmail(email), { purpose: 'PASSWORD_RESET' });
    return { mailSent: true };
  }

  @Mutation(() => ResetPasswordPayload, { description: 'Sets a new password and ends all sessions.' })
  async resetPassword(
    @Arg('input') { token, password }: ResetPasswordInput,
    @Ctx() context: RequestContext,
  ): Promise<ResetPasswordPayload> {
    const { origin } = authorize(context.session, 'PASSWORD_RESET');
    const passwordHash = await hashPassword(password);
    const reset = await context.tenancy.within({ 'app.link_sha256': sha256(token) }, async (manager) => {
      const { email } = await followLink(manager, token, 'PASSWORD_RESET');
      await restrict(manager, { 'app.email': email });
      const person = await manager.findOneBy(Person, { email });
      if (!person) throw badLink();
      const { id: personId } = person;
      await restrict(manager, { 'app.person_id': personId });
      await manager.update(Person, { id: personId }, { passwordHash });
      const actor = { kind: 'person', personId, origin } as const;
      await recordChange(manager, actor, 'resetPassword', { type: 'Person', id: personId });
      await announceAccountChange(manager, personId, 'PASSWORD_CHANGED');
      return { email, sessions: await revokeSessions(manager, personId) };
    });
    await context.attempts.forget(reset.email);
    return { sessions: reset.sessions };
  }

  @Mutation(() => ChangePasswordPayload, { description: 'Sets a new password and ends all other sessions.' })
  async changePassword(
    @Arg('input') { currentPassword, newPassword }: ChangePasswordInput,
    @Ctx() context: RequestContext,
  ): Promise<ChangePasswordPayload> {
    const { personId, personSessionId, origin } = authorize(context.session, 'PASSWORD_CHANGE');
    await provePassword(context, personId, currentPassword, 'input.currentPassword');
    const passwordHash = await hashPassword(newPassword);
    return context.tenancy.asPerson(personId, async (manager) => {
      await manager.update(Person, { id: personId }, { passwordHash });
      const actor = { kind: 'person', personId, origin } as const;
      await recordChange(manager, actor, 'changePassword', { type: 'Person', id: personId });
      await announceAccountChange(manager, personId, 'PASSWORD_CHANGED');
      return { sessions: await revokeSessions(manager, personId, personSessionId) };
    });
  }
}
