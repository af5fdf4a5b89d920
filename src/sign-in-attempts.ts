/**
 * Slows down who guesses: attempts to sign in and mails are counted by account and by network address, in PostgreSQL,
 * so that all replicas count together. Whether there is such an account plays no part.
 */
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { DataSource } from 'typeorm';
import { sha256 } from './credentials';
import { RateLimitedError } from './errors';
import { network } from './rate-limits';

const QUARTER_HOUR = 15 * 60;
const HOUR = 3600;

/** So many within so many seconds; then none until they have passed. */
const LIMITS = {
  signInAccount: { points: 10, duration: QUARTER_HOUR },
  signInAddress: { points: 100, duration: QUARTER_HOUR },
  mailAccount: { points: 5, duration: HOUR },
  mailAddress: { points: 100, duration: HOUR },
  invitationAccount: { points: 10, duration: 24 * HOUR },
};

type Counter = keyof typeof LIMITS;

export class SignInAttempts {
  readonly #counters: Record<Counter, RateLimiterPostgres>;

  constructor(database: DataSource) {
    const counter = (keyPrefix: Counter) =>
      new RateLimiterPostgres({
        storeClient: database,
        storeType: 'typeorm',
        tableName: 'sign_in_attempt',
        tableCreated: true,
        keyPrefix,
        ...LIMITS[keyPrefix],
      });
    this.#counters = {
      signInAccount: counter('signInAccount'),
      signInAddress: counter('signInAddress'),
      mailAccount: counter('mailAccount'),
      mailAddress: counter('mailAddress'),
      invitationAccount: counter('invitationAccount'),
    };
  }

  /**
   * Counts an attempt before it is made, so that many at once cannot slip through, and makes it: if it succeeds, it and
   * the failures of the account before it are forgotten.
   * @throws RateLimitedError
   */
  async count<T>(email: string, address: string | undefined, attempt: () => Promise<T>): Promise<T> {
    const from = address && network(address);
    // The address first: one that is over its limit does not use up what others have for the account.
    await this.#take('signInAddress', from);
    await this.#take('signInAccount', email);
    const result = await attempt();
    await this.forget(email);
    if (from) await this.#counters.signInAddress.reward(sha256(from), 1);
    return result;
  }

  /** Forgets the failures of an account whose owner has proved who they are: a guesser does not lock them out. */
  async forget(email: string): Promise<void> {
    await this.#counters.signInAccount.delete(sha256(email));
  }

  /** Counts an attempt by a provider, which does the slowing of an account itself. @throws RateLimitedError */
  async countAddress(address: string): Promise<void> {
    await this.#take('signInAddress', network(address));
  }

  /** Counts a mail that somebody asks for to an address. @throws RateLimitedError */
  async countMail(email: string, address: string | undefined): Promise<void> {
    await this.#take('mailAddress', address && network(address));
    await this.#take('mailAccount', email);
  }

  /** Counts an invitation to an address, by whichever team: nobody is flooded with them. @throws RateLimitedError */
  async countInvitation(email: string): Promise<void> {
    await this.#take('invitationAccount', email);
  }

  async #take(counter: Counter, key: string | undefined): Promise<void> {
    if (!key) return;
    try {
      await this.#counters[counter].consume(sha256(key));
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw new RateLimitedError('Too many attempts.', Math.max(1, Math.ceil(error.msBeforeNext / 1000)));
    }
  }
}
