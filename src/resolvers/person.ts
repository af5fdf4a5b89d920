/** Signing up, in and out, and who is asking. */
import { hash, verify } from '@node-rs/argon2';
import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { CodedError, sqlState } from '../errors';
import { ApiKey } from '../schema/api-key';
import { newId } from '../schema/node';
import { Person, PersonSession, SignInInput, SignInPayload, SignOutPayload, SignUpInput } from '../schema/person';
import { Team, Viewer } from '../schema/team';
import { authorize, newSessionToken } from '../tenancy';
import type { RequestContext } from './context';

const SESSION_DAYS = 30;

/** Verified against when there is no such person, so that the answer takes as long as for one who exists. */
const NOBODY = hash('nobody has this password');

const UNIQUE_VIOLATION = '23505';

function normalise(email: string): string {
  return email.trim().toLowerCase();
}

async function openSession(manager: EntityManager, personId: string): Promise<{ token: string; expiresAt: Date }> {
  const { token, tokenSha256 } = newSessionToken();
  const expiresAt = new Date(Date.now() + SESSION_DAYS * 24 * 3600 * 1000);
  await manager.insert(PersonSession, { id: newId(), personId, tokenSha256, expiresAt });
  return { token, expiresAt };
}

@Resolver()
export class PersonResolver {
  @Mutation(() => SignInPayload, { description: 'Makes a person and signs them in.' })
  async signUp(@Arg('input') input: SignUpInput, @Ctx() { session, tenancy }: RequestContext): Promise<SignInPayload> {
    authorize(session, 'SIGN_UP');
    const id = newId();
    const email = normalise(input.email);
    const passwordHash = await hash(input.password);
    try {
      return await tenancy.asPerson(id, async (manager) => {
        await manager.insert(Person, { id, email, name: input.name, passwordHash });
        const opened = await openSession(manager, id);
        return { ...opened, person: await manager.findOneByOrFail(Person, { id }) };
      });
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      throw new CodedError('CONFLICT', 'Somebody with this e-mail address has signed up.', 'input.email', 'Sign in.');
    }
  }

  @Mutation(() => SignInPayload)
  async signIn(@Arg('input') input: SignInInput, @Ctx() { session, tenancy }: RequestContext): Promise<SignInPayload> {
    authorize(session, 'SIGN_IN');
    const email = normalise(input.email);
    const person = await tenancy.withEmail(email, (manager) => manager.findOneBy(Person, { email }));
    const matches = await verify(person?.passwordHash ?? (await NOBODY), input.password);
    if (!person || !matches) {
      throw new CodedError('UNAUTHENTICATED', 'E-mail address or password is wrong.', 'input');
    }
    const opened = await tenancy.asPerson(person.id, (manager) => openSession(manager, person.id));
    return { ...opened, person };
  }

  @Mutation(() => SignOutPayload, { description: 'Ends the session of the token that this request carries.' })
  async signOut(@Ctx() context: RequestContext): Promise<SignOutPayload> {
    const session = authorize(context.session, 'SIGN_OUT');
    await context.tenancy.asPerson(session.personId, (manager) =>
      manager.update(PersonSession, { id: session.personSessionId }, { revokedAt: new Date() }),
    );
    return { signedOut: true };
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
    return tenancy.asPerson(session.personId, async (manager) => ({
      person: await manager.findOneByOrFail(Person, { id: session.personId }),
      team: session.teamId ? await manager.findOneByOrFail(Team, { id: session.teamId }) : undefined,
      role: session.role,
    }));
  }
}
