/** Proving again who one is, before something that a stolen session must not do. */
import type { EntityManager } from 'typeorm';
import { CodedError } from '../errors';
import { verifyPassword } from '../passwords';
import { Person } from '../schema/person';
import type { RequestContext } from './context';

/** Reads a person together with their password's hash. */
export function findWithPassword(manager: EntityManager, where: { email: string } | { id: string }) {
  return manager.findOne(Person, {
    where,
    select: { id: true, email: true, name: true, createdAt: true, passwordHash: true },
  });
}

/** Who has a session alone cannot take over the account. @throws FORBIDDEN for a wrong password, RATE_LIMITED */
export async function provePassword(
  { tenancy, attempts, session }: RequestContext,
  personId: string,
  password: string,
  where: string,
): Promise<Person> {
  const person = await tenancy.asPerson(personId, (manager) => findWithPassword(manager, { id: personId }));
  if (!person) throw new Error(`Person ${personId} has a session but is not there.`);
  await attempts.count(person.email, session.origin?.address, async () => {
    if (await verifyPassword(person.passwordHash, password)) return;
    const remedy = 'Give the password that you sign in with; requestPasswordReset sets a new one, or a first one.';
    throw new CodedError('FORBIDDEN', 'The password is wrong.', where, remedy);
  });
  return person;
}
