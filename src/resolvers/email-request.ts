/** Requests that are answered by mail: asking, and following the link of the answer. Both the same for every address. */
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { sha256 } from '../credentials';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { EmailRequest } from '../schema/email-request';
import { newId } from '../schema/node';
import type { RequestContext } from './context';

const HOUR_MS = 3600 * 1000;
const LIFETIME_MS: Record<EmailRequest['purpose'], number> = { SIGN_UP: 24 * HOUR_MS, PASSWORD_RESET: HOUR_MS };

/** Addresses are compared in lower case, without the spaces that come along when they are copied. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

/** Asks for a mail; a job sends it, and finds out what it has to say. @throws RATE_LIMITED */
export async function requestEmail(
  { tenancy, attempts, session }: RequestContext,
  email: string,
  request: Pick<EmailRequest, 'purpose' | 'name' | 'passwordHash'>,
): Promise<void> {
  await attempts.countMail(email, session.origin?.address);
  const id = newId();
  const expiresAt = new Date(Date.now() + LIFETIME_MS[request.purpose]);
  await tenancy.within({ 'app.email': email }, async (manager) => {
    await manager.insert(EmailRequest, { id, email, expiresAt, ...request });
    await enqueue(manager, 'answerEmailRequest', { emailRequestId: id });
  });
}

/** The request that the link answers, which is used up now. The transaction is `within` the link. @throws BAD_INPUT */
export async function followLink(
  manager: EntityManager,
  token: string,
  purpose: EmailRequest['purpose'],
): Promise<EmailRequest> {
  const tokenSha256 = sha256(token);
  const open = { tokenSha256, purpose, usedAt: IsNull(), expiresAt: MoreThan(new Date()) };
  const { affected } = await manager.update(EmailRequest, open, { usedAt: new Date() });
  if (!affected) throw badLink();
  return manager.findOneByOrFail(EmailRequest, { tokenSha256 });
}

export function badLink(): CodedError {
  return new CodedError(
    'BAD_INPUT',
    'The token is unknown, used up or has expired.',
    'input.token',
    'Copy it whole from the newest mail, or ask for another.',
  );
}
