/** An HTTP proxy before an S3 server that slows it down or fails. Knows HTTP; must not know S3. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Fault {
  /** Each request waits so long. */
  readonly delayMs?: number;
  /**
   * One request in so many fails; by turns the server never sees it and answers 500, or does it and the answer is lost
   * on the way.
   */
  readonly failsOneIn?: number;
}

export class FaultyStore {
  /** What is wrong at the moment. */
  fault: Fault = {};
  /** Requests that failed. */
  failed = 0;
  #seen = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on('request', (incoming, answer) => void this.#pass(incoming, answer));
  }

  /** @param endpoint of the server behind it */
  static async start(endpoint: string): Promise<FaultyStore> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyStore(server, new URL(endpoint));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { delayMs = 0, failsOneIn } = this.fault;
    this.#seen += 1;
    const fails = failsOneIn !== undefined && this.#seen % failsOneIn === 0;
    if (fails) this.failed += 1;
    const answerIsLost = fails && this.failed % 2 === 0;
    if (delayMs > 0) await delay(delayMs);
    if (fails && !answerIsLost) {
      incoming.resume();
      answer.writeHead(500).end();
      return;
    }
    const { hostname, port } = this.target;
    const { method, url: path, headers } = incoming;
    const upstream = request({ hostname, port, method, path, headers }, (response) => {
      if (answerIsLost) {
        response.resume();
        response.once('end', () => incoming.socket.destroy());
        return;
      }
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    // A server that is away is away for the client too.
    upstream.once('error', () => incoming.socket.destroy());
    incoming.pipe(upstream);
  }
}
