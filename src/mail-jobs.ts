/**
 * The jobs that write mails. A link's secret is made here, goes into the mail and is kept as a digest alone; a job that
 * is tried again sends a new one. Whether an address has signed up is found out here, where nobody waits for the answer.
 */
import { type EntityManager, IsNull, Raw } from 'typeorm';
import { newLinkToken } from './credentials';
import type { AccountChange, JobPayloads } from './jobs';
import type { Mail, Mailer } from './mail';
import { DriftAlert } from './schema/drift';
import { EmailRequest } from './schema/email-request';
import { Invitation } from './schema/invitation';
import { Person } from './schema/person';
import { Scenario } from './schema/scenario';
import { Team } from './schema/team';
import { jobSession, restrict, type Tenancy } from './tenancy';

/** What the jobs work with. */
export interface MailServices {
  readonly tenancy: Tenancy;
  readonly mailer: Mailer;
  /** Where people reach the service. */
  readonly publicUrl: () => string;
}

/** Answers who signs up or has forgotten their password. */
export async function answerEmailRequest(
  { tenancy, mailer, publicUrl }: MailServices,
  { emailRequestId: id }: JobPayloads['answerEmailRequest'],
): Promise<void> {
  const mail = await tenancy.within({ 'app.email_request_id': id }, async (manager) => {
    // By PostgreSQL's clock: the worker's may be wrong, and would keep the mail back.
    const expiresAt = Raw((column) => `${column} > now()`);
    const request = await manager.findOneBy(EmailRequest, { id, usedAt: IsNull(), expiresAt });
    if (!request) return undefined;
    return answerTo(manager, request, publicUrl());
  });
  if (mail) await mailer(mail);
}

async function answerTo(
  manager: EntityManager,
  { id, email: to, purpose, name }: EmailRequest,
  url: string,
): Promise<Mail | undefined> {
  await restrict(manager, { 'app.email': to });
  const known = await manager.existsBy(Person, { email: to });
  if (purpose === 'PASSWORD_RESET' && !known) return undefined;
  if (purpose === 'SIGN_UP' && known) {
    return {
      to,
      subject: 'You have a Fusecast account already',
      text: `Somebody, probably you, has just signed up at ${url} with this address. It has an account already: sign in with its password, or ask there for a new one. If it was not you, there is nothing to do.`,
    };
  }
  const { token, tokenSha256 } = newLinkToken();
  await manager.update(EmailRequest, { id }, { tokenSha256 });
  if (purpose === 'SIGN_UP') {
    return {
      to,
      subject: 'Confirm your address for Fusecast',
      text: [
        `Hello ${name}, confirm that this address is yours, within a day:`,
        ...link(url, 'verify-email', token),
        `If you have not signed up at ${url}, do not: nothing will come of it.`,
      ].join('\n\n'),
    };
  }
  return {
    to,
    subject: 'A new password for Fusecast',
    text: [
      'Set a new password, within an hour:',
      ...link(url, 'reset-password', token),
      'It ends all sessions. If you have not asked for it, there is nothing to do.',
    ].join('\n\n'),
  };
}

/** Invites somebody into a team. */
export async function sendInvitation(
  { tenancy, mailer, publicUrl }: MailServices,
  { teamId, invitationId: id }: JobPayloads['sendInvitation'],
): Promise<void> {
  const mail = await tenancy.inTeam(jobSession(teamId), async (manager): Promise<Mail | undefined> => {
    const invitation = await manager.findOneBy(Invitation, { id });
    if (!invitation || invitation.acceptedAt || invitation.withdrawnAt) return undefined;
    const team = await manager.findOneByOrFail(Team, { id: teamId });
    const inviter = await manager.findOneBy(Person, { id: invitation.invitedBy });
    const { token, tokenSha256 } = newLinkToken();
    await manager.update(Invitation, { id }, { tokenSha256 });
    return {
      to: invitation.email,
      subject: `Join the team ${oneLine(team.name)} on Fusecast`,
      text: [
        `${inviter?.name ?? 'Somebody'} invites you to the team ${team.name} as ${invitation.role.toLowerCase()}, within 7 days:`,
        ...link(publicUrl(), 'accept-invitation', token),
        'It needs a Fusecast account with this address: sign up first if you have none.',
      ].join('\n\n'),
    };
  });
  if (mail) await mailer(mail);
}

const CHANGES: Record<AccountChange, { subject: string; what: string }> = {
  PASSWORD_CHANGED: { subject: 'Your Fusecast password has changed', what: 'has a new password' },
  SECOND_FACTOR_ON: { subject: 'Your Fusecast account has a second factor', what: 'asks for a second factor' },
  SECOND_FACTOR_OFF: { subject: 'Your Fusecast account has no second factor', what: 'asks for no second factor' },
};

/** Tells the owner of an account what has just changed, so that they notice if it was not them. No link, no secret. */
export async function sendAccountNotice(
  { tenancy, mailer, publicUrl }: MailServices,
  { personId, change, changedAt }: JobPayloads['sendAccountNotice'],
): Promise<void> {
  const person = await tenancy.asPerson(personId, (manager) => manager.findOneBy(Person, { id: personId }));
  if (!person) return;
  const { subject, what } = CHANGES[change];
  await mailer({
    to: person.email,
    subject,
    text: [
      `Your account at ${publicUrl()} ${what} since ${changedAt}.`,
      'If it was you, there is nothing to do. If not: ask for a new password there at once, which ends all sessions, look at your second factor, and tell an admin of your team.',
    ].join('\n\n'),
  });
}

const DRIFT_SENTENCES: Record<DriftAlert['test'], string> = {
  COVERAGE: 'More networks are outside the interval than it allows.',
  SLOWER: "Most networks are slower than predicted by more than the version's usual error.",
  FASTER: "Most networks are faster than predicted by more than the version's usual error.",
};

/** Tells an admin of a team that a scenario has begun to drift. */
export async function sendDriftNotice(
  { tenancy, mailer, publicUrl }: MailServices,
  { teamId, driftAlertId, personId }: JobPayloads['sendDriftNotice'],
): Promise<void> {
  const mail = await tenancy.inTeam(jobSession(teamId), async (manager): Promise<Mail | undefined> => {
    const person = await manager.findOneBy(Person, { id: personId });
    const alert = await manager.findOneBy(DriftAlert, { id: driftAlertId });
    // Whoever has left the team meanwhile is not seen in it.
    if (!person || !alert) return undefined;
    const { name } = await manager.findOneByOrFail(Scenario, { id: alert.scenarioId });
    const team = await manager.findOneByOrFail(Team, { id: teamId });
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    return {
      to: person.email,
      subject: `Predictions for ${name} no longer fit production`,
      text: [
        `In the team ${team.name}: ${DRIFT_SENTENCES[alert.test]}`,
        `Scenario ${name}, ${alert.since.toISOString()} to ${alert.until.toISOString()}: ${alert.measurements} measurements of ${alert.networks} networks; ${percent(alert.covered)} of the networks are inside the interval, which promises ${percent(alert.level)}; the middle one is predicted ${Math.abs(alert.signedError).toFixed(1)} % too ${alert.signedError < 0 ? 'low' : 'high'}; p = ${alert.pValue.toPrecision(2)}.`,
        `What to do: see the errors over time with \`fusecast drift ${name}\` at ${publicUrl()}; find what has changed in how or what is measured; or make a dataset of the measurements (createDatasetFromMeasurements) and train the next version on it.`,
        'You are told once for each onset; the alert ends by itself when the predictions fit again.',
      ].join('\n\n'),
    };
  });
  if (mail) await mailer(mail);
}

/** The secret stands behind `#`, so that it reaches no server's log; and alone, for who works without a browser. */
function link(url: string, page: string, token: string): string[] {
  return [`${url}/${page}#${token}`, `Or give the API this token: ${token}`];
}

/** Names of teams come from people: no line break of theirs begins another header. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
