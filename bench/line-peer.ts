/**
 * A Python peer that stays up and answers line by line, so that both sides of a bench can take turns. One thread.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PYTHON } from './peer';

export class LinePeer {
  private readonly process: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  /** Starts a program; what it writes to standard error is seen. */
  constructor(program: string) {
    this.process = spawn(PYTHON, [program], {
      env: { ...process.env, OMP_NUM_THREADS: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.answers = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  /** The program's answer to a line. Throws if it ended without one. */
  async ask(line: string): Promise<string> {
    this.process.stdin!.write(`${line}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error('the peer ended; what it said stands above');
    return value;
  }

  close(): void {
    this.process.stdin!.end();
  }
}
