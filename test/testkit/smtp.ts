/** A real SMTP server on this machine that keeps what it gets. Knows SMTP; must not know Fusecast. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { until } from './client';

export interface ReceivedMail {
  readonly to: string;
  readonly subject: string;
  /** The whole message, headers too. */
  readonly text: string;
}

export class TestSmtp {
  readonly mails: ReceivedMail[] = [];
  /** How many of the next mails it refuses for the moment (451). */
  refusals = 0;

  private constructor(private readonly server: SMTPServer) {}

  static async start(): Promise<TestSmtp> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          if (smtp.refusals > 0) {
            smtp.refusals -= 1;
            return callback(Object.assign(new Error('Try again later'), { responseCode: 451 }));
          }
          const text = decode(Buffer.concat(chunks).toString('utf8'));
          const subject = /^Subject: (.*)$/m.exec(text)?.[1].trim() ?? '';
          smtp.mails.push({ to: session.envelope.rcptTo[0].address, subject, text });
          return callback();
        });
      },
    });
    const smtp = new TestSmtp(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return smtp;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  /** The mail number `index` (0 is the first) to an address, once it is there. */
  async mailTo(address: string, index = 0): Promise<ReceivedMail> {
    const found = async () => this.mails.filter(({ to }) => to === address);
    return (await until(found, (mails) => mails.length > index))[index];
  }

  /** The secret in the link of that mail. */
  async tokenTo(address: string, index = 0): Promise<string> {
    const { text } = await this.mailTo(address, index);
    const [, token] = /#([\w-]{43})/.exec(text) ?? [];
    if (!token) throw new Error(`No link in:\n${text}`);
    return token;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

/** Undoes quoted-printable, in which lines are 76 characters at most. */
function decode(message: string): string {
  return message
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
