/** Signing in and out, and the sessions of the person who asks. */
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { type EntityManager, IsNull, MoreThan, Not } from 'typeorm';
import { recordChange } from '../audit';
import { openSession } from '../authentication';
import { CodedError, notFound } from '../errors';
import { verifyPassword } from '../passwords';
import { type Connection, PageArguments } from '../schema/connection';
import {
  PersonSession,
  PersonSessionConnection,
  RevokeSessionInput,
  RevokeSessionPayload,
  SignInInput,
  SignInPayload,
  SignOutEverywherePayload,
  SignOutPayload,
} from '../schema/person-session';
import { authorize } from '../tenancy';
import { type RequestContext, rowId } from './context';
import { normaliseEmail } from './email-request';
import { readPage } from './pages';
import { findWithPassword } from './prove-password';
import { checkSecondFactor } from './second-factor';

/** Sessions that are still good. */
function open() {
  return { revokedAt: IsNull(), expiresAt: MoreThan(new Date()) };
}

/** Ends sessions of a person, all or all but one, in a transaction that sees the person; returns how many. */
export async function revokeSessions(manager: EntityManager, personId: string, except?: string): Promise<number> {
  const others = except === undefined ? {} : { id: Not(except) };
  const { affected } = await manager.update(
    PersonSession,
    { personId, ...open(), ...others },
    { revokedAt: new Date() },
  );
  return affected ?? 0;
}

@Resolver()
export class PersonSessionResolver {
  @Mutation(() => SignInPayload)
  async signIn(@Arg('input') input: SignInInput, @Ctx() context: RequestContext): Promise<SignInPayload> {
    const { origin } = authorize(context.session, 'SIGN_IN');
    const { tenancy, attempts } = context;
    const email = normaliseEmail(input.email);
    const payload = await attempts.count(email, origin?.address, async () => {
      const person = await tenancy.within({ 'app.email': email }, (manager) => findWithPassword(manager, { email }));
      const matches = await verifyPassword(person?.passwordHash, input.password);
      if (!person || !matches) {
        throw new CodedError('UNAUTHENTICATED', 'E-mail address or password is wrong.', 'input');
      }
      return tenancy.asPerson(person.id, async (manager) => {
        await checkSecondFactor(manager, context.sealing, person.id, input.code ?? undefined);
        await recordChange(manager, { kind: 'person', personId: person.id, origin }, 'signIn');
        return { ...(await openSession(manager, person.id, origin)), person };
      });
    });
    context.sessionCookie.set(payload);
    return payload;
  }

  @Mutation(() => SignOutPayload, { description: 'Ends the session of this request.' })
  async signOut(@Ctx() context: RequestContext): Promise<SignOutPayload> {
    const { personId, personSessionId: id, origin } = authorize(context.session, 'SIGN_OUT');
    await context.tenancy.asPerson(personId, async (manager) => {
      await manager.update(PersonSession, { id }, { revokedAt: new Date() });
      await recordChange(manager, { kind: 'person', personId, origin }, 'signOut', { type: 'PersonSession', id });
    });
    context.sessionCookie.clear();
    return { signedOut: true };
  }

  @Mutation(() => SignOutEverywherePayload, { description: 'Ends all sessions of the person who asks.' })
  async signOutEverywhere(@Ctx() context: RequestContext): Promise<SignOutEverywherePayload> {
    const { personId, origin } = authorize(context.session, 'SIGN_OUT');
    const sessions = await context.tenancy.asPerson(personId, async (manager) => {
      await recordChange(manager, { kind: 'person', personId, origin }, 'signOutEverywhere');
      return revokeSessions(manager, personId);
    });
    context.sessionCookie.clear();
    return { sessions };
  }

  @Query(() => PersonSessionConnection, { description: 'Where the person who asks is signed in.' })
  async sessions(@Args() page: PageArguments, @Ctx() context: RequestContext): Promise<Connection<PersonSession>> {
    const { personId } = authorize(context.session, 'SESSION_LIST');
    return context.tenancy.asPerson(personId, (manager) => readPage(manager, PersonSession, page, open()));
  }

  @Mutation(() => RevokeSessionPayload, { description: 'Signs another browser or command line out.' })
  async revokeSession(
    @Arg('input') { sessionId }: RevokeSessionInput,
    @Ctx() context: RequestContext,
  ): Promise<RevokeSessionPayload> {
    const { personId, origin } = authorize(context.session, 'SESSION_REVOKE');
    const id = rowId(PersonSession, sessionId, 'input.sessionId');
    return context.tenancy.asPerson(personId, async (manager) => {
      const { affected } = await manager.update(PersonSession, { id, ...open() }, { revokedAt: new Date() });
      if (!affected) throw notFound('PersonSession', sessionId);
      await recordChange(manager, { kind: 'person', personId, origin }, 'revokeSession', { type: 'PersonSession', id });
      return { sessionId };
    });
  }
}
