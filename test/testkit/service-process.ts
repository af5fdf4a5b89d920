/** A service in a process of its own: what it costs can be seen from outside. Knows processes; not the API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ApiClient } from './client';

export class ServiceProcess {
  /** What it has written to standard output: its log. */
  log = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    child.stdout!.on('data', (chunk) => {
      this.log += chunk;
    });
    child.stderr!.resume();
  }

  /** Starts one, with these variables as its whole configuration. */
  static async start(variables: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const child = spawn(process.execPath, [path.join(__dirname, 'service-program.cjs')], {
      env: { PATH: process.env.PATH, PORT: '0', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const endWithParent = () => child.kill('SIGKILL');
    process.once('exit', endWithParent);
    child.once('exit', () => process.off('exit', endWithParent));
    let said = '';
    for await (const line of createInterface({ input: child.stderr! })) {
      if (line.startsWith('http')) return new ServiceProcess(child, line);
      said += `${line}\n`;
    }
    throw new Error(`The service did not start: ${said}`);
  }

  get anonymous(): ApiClient {
    return new ApiClient(this.url);
  }

  /** The most memory it has ever held, in bytes. */
  get peakMemoryBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s*(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** Ends it without a warning, as the kernel does for want of memory. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  /** Stands still until it is continued, as on a machine that hangs. */
  hang(): void {
    this.child.kill('SIGSTOP');
  }

  continue(): void {
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) throw new Error(`The service has ended by itself with ${this.child.exitCode}.`);
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}
