/**
 * News between replicas, by PostgreSQL's LISTEN and NOTIFY: a notification is sent in the transaction of the change it
 * tells of, and reaches every process after the commit. It says only *what* changed; whoever hears it reads the row
 * under its own session, so a notification gives nothing away and a lost one costs nothing but time.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import type { EntityManager } from 'typeorm';

/** Channels, and what their payload is. */
const CHANNELS = {
  /** A job was enqueued: the queue's name. */
  job: 'fusecast_job',
  /** A predictor version got further: its row id. */
  training: 'fusecast_training',
} as const;

export type Channel = keyof typeof CHANNELS;

const RECONNECT_MS = [100, 500, 2_000, 5_000];

/** Tells all replicas once the transaction has been committed. */
export async function notify(manager: EntityManager, channel: Channel, payload: string): Promise<void> {
  await manager.query('SELECT pg_notify($1, $2)', [CHANNELS[channel], payload]);
}

/** One listening connection a process, made again whenever it breaks. */
export class Notifications {
  readonly #connectionString: string;
  readonly #log: Logger;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #stopping = new AbortController();
  #client: Client | undefined;

  constructor(connectionString: string, log: Logger) {
    this.#connectionString = connectionString;
    this.#log = log;
  }

  /** Connects. @throws if the database does not answer */
  async start(): Promise<void> {
    await this.#connect();
  }

  /**
   * Calls `listener` at every notification with this payload (without one: at every notification of the channel), and
   * also after a broken connection was made again, because something may have been missed. Returns how to stop.
   */
  listen(channel: Channel, payload: string | undefined, listener: () => void): () => void {
    const hear = (heard: string | undefined) => {
      if (payload === undefined || heard === undefined || heard === payload) listener();
    };
    this.#events.on(CHANNELS[channel], hear);
    return () => this.#events.off(CHANNELS[channel], hear);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const client = new Client({ connectionString: this.#connectionString, keepAlive: true });
    // Until it is made, whoever makes it hears of its failure by themselves.
    let made = false;
    const lose = (error?: Error) => {
      if (!made || this.#stopping.signal.aborted) return;
      made = false;
      this.#log.warn({ err: error }, 'the listening connection broke');
      void this.#reconnect();
    };
    client.on('notification', ({ channel, payload }) => this.#events.emit(channel, payload ?? ''));
    client.on('error', lose);
    client.on('end', () => lose());
    await client.connect();
    for (const channel of Object.values(CHANNELS)) await client.query(`LISTEN ${channel}`);
    made = true;
    this.#client = client;
  }

  async #reconnect(): Promise<void> {
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt++) {
      try {
        await delay(RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)], undefined, {
          signal: this.#stopping.signal,
          ref: false,
        });
        await this.#connect();
        for (const channel of Object.values(CHANNELS)) this.#events.emit(channel, undefined);
        return;
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#log.warn({ err: error }, 'the listening connection cannot be made');
      }
    }
  }
}
