/** Sends mails: through an SMTP server, or, without one, to the terminal. Must not know what is in them. */
import { createTransport } from 'nodemailer';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly text: string;
}

/** Resolves once the mail is somebody else's business; rejects if trying again may help. */
export type Mailer = (mail: Mail) => Promise<void>;

/** A job that sends is tried again later: better soon than never. */
const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };

/**
 * @param url `smtps://`, or `smtp://` (STARTTLS where the server has it; `?requireTLS=true` insists), with user and password
 * @param from the sender's address
 */
export function smtpMailer(url: string, from: string): Mailer {
  const transport = createTransport({ url, ...TIMEOUTS }, { from });
  return async (mail) => {
    await transport.sendMail(mail);
  };
}

/** For development: the mail as text, for whoever runs the service to read. */
export function printingMailer(print: (text: string) => void): Mailer {
  return async ({ to, subject, text }) => print(`--- mail to ${to}: ${subject}\n${text}\n---\n`);
}
