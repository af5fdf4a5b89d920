/** Signing up, and who is asking. */
import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { recordChange } from '../audit';
import { openSession } from '../authentication';
import { sha256 } from '../credentials';
import { CodedError, sqlState, UNIQUE_VIOLATION } from '../errors';
import { hashPassword } from '../passwords';
import { ApiKey } from '../schema/api-key';
import { newId } from '../schema/node';
import { Person, SignUpInput, SignUpPayload, VerifyEmailInput } from '../schema/person';
import { SignInPayload } from '../schema/person-session';
import { SecondFactor } from '../schema/second-factor';
import { Team, Viewer } from '../schema/team';
import { authorize } from '../tenancy';
import type { RequestContext } from './context';
import { followLink, normaliseEmail, requestEmail } from './email-request';

@Resolver()
export class PersonResolver {
  @Mutation(() => SignUpPayload, {
    description:
      'Sends a mail with a link; then: verifyEmail. An address that has signed up already gets a mail that says so.',
  })
  async signUp(@Arg('input') input: SignUpInput, @Ctx() context: RequestContext): Promise<SignUpPayload> {
    authorize(context.session, 'SIGN_UP');
    const passwordHash = await hashPassword(input.password);
    await requestEmail(context, normaliseEmail(input.email), { purpose: 'SIGN_UP', name: input.name, passwordHash });
    return { mailSent: true };
  }

  @Mutation(() => SignInPayload, { description: 'Makes the person who has signed up, and signs them in.' })
  async verifyEmail(@Arg('input') { token }: VerifyEmailInput, @Ctx() context: RequestContext): Promise<SignInPayload> {
    const { origin } = authorize(context.session, 'EMAIL_VERIFY');
    const id = newId();
    try {
      const visible = { 'app.link_sha256': sha256(token), 'app.person_id': id };
      const payload = await context.tenancy.within(visible, async (manager) => {
        const { email, name, passwordHash } = await followLink(manager, token, 'SIGN_UP');
        await manager.insert(Person, { id, email, name: name!, passwordHash });
        const opened = await openSession(manager, id, origin);
        await recordChange(manager, { kind: 'person', personId: id, origin }, 'verifyEmail', { type: 'Person', id });
        return { ...opened, person: await manager.findOneByOrFail(Person, { id }) };
      });
      context.sessionCookie.set(payload);
      return payload;
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      throw new CodedError(
        'CONFLICT',
        'Somebody has signed up with this address meanwhile.',
        'input.token',
        'Sign in.',
      );
    }
  }

  @Query(() => Viewer, { nullable: true, description: 'Who is asking; null for nobody.' })
  async viewer(@Ctx() { session: given, tenancy }: RequestContext): Promise<Viewer | null> {
    const session = authorize(given, 'VIEWER_READ');
    if (session.kind === 'anonymous') return null;
    if (session.kind === 'apiKey') {
      return tenancy.inTeam(session, async (manager) => ({
        apiKey: await manager.findOneByOrFail(ApiKey, { id: session.apiKeyId }),
        team: await manager.findOneByOrFail(Team, { id: session.teamId }),
      }));
    }
    const { personId } = session;
    return tenancy.asPerson(personId, async (manager) => ({
      person: await manager.findOneByOrFail(Person, { id: personId }),
      hasSecondFactor: Boolean((await manager.findOneBy(SecondFactor, { personId }))?.confirmedAt),
      team: session.teamId ? await manager.findOneByOrFail(Team, { id: session.teamId }) : undefined,
      role: session.role,
    }));
  }
}
