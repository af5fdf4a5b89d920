/**
 * How many requests a key, person or address may make in a while, counted in PostgreSQL, so that it is the same count
 * on every replica. Must not know HTTP or what the requests are.
 *
 * A request costs one small statement: it counts for its key or person, or, if it has no good credential, for its
 * address. Whoever is over the limit costs none: the process remembers until when.
 */
import { isIPv6 } from 'node:net';
import {
  type IRateLimiterPostgresOptions,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { DataSource } from 'typeorm';
import { RateLimitedError } from './errors';
import type { Session } from './tenancy';

/** Requests in each window. */
export interface RateLimits {
  readonly perKey: number;
  readonly perPerson: number;
  /** Of requests without a good credential. */
  readonly perAddress: number;
}

const WINDOW_SECONDS = 10;
const CLEANING_INTERVAL_MS = 5 * 60_000;

type Kind = 'key' | 'person' | 'address';

export class RequestRates {
  readonly #limiters: Record<Kind, RateLimiterPostgres>;
  readonly #cleaning: NodeJS.Timeout;

  constructor(database: DataSource, limits: RateLimits) {
    const limiter = (keyPrefix: Kind, points: number) => {
      const counted = { keyPrefix, points, duration: WINDOW_SECONDS };
      const options: IRateLimiterPostgresOptions = {
        ...counted,
        storeClient: database,
        storeType: 'typeorm',
        tableName: 'request_rate',
        tableCreated: true,
        clearExpiredByTimeout: false,
        inMemoryBlockOnConsumed: points + 1,
        // While PostgreSQL does not answer, each process counts for itself.
        insuranceLimiter: new RateLimiterMemory(counted),
      };
      return new RateLimiterPostgres(options);
    };
    this.#limiters = {
      key: limiter('key', limits.perKey),
      person: limiter('person', limits.perPerson),
      address: limiter('address', limits.perAddress),
    };
    const clean = () => database.query('DELETE FROM request_rate WHERE expire < $1', [Date.now()]).catch(() => {});
    this.#cleaning = setInterval(() => void clean(), CLEANING_INTERVAL_MS).unref();
  }

  /** Counts one request. @throws RateLimitedError */
  async count(session: Session): Promise<void> {
    const [kind, key] = whose(session);
    try {
      await this.#limiters[kind].consume(key);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const message = `Too many requests of this ${kind}: ${this.#limiters[kind].points} in ${WINDOW_SECONDS} s.`;
      throw new RateLimitedError(message, Math.max(1, Math.ceil(error.msBeforeNext / 1000)));
    }
  }

  stop(): void {
    clearInterval(this.#cleaning);
  }
}

function whose(session: Session): [Kind, string] {
  if (session.kind === 'apiKey') return ['key', session.apiKeyId];
  if (session.kind === 'person') return ['person', session.personId];
  return ['address', network(session.origin?.address ?? '')];
}

/** An IPv4 address, or the /64 of an IPv6 one, which is what one customer of a provider has. */
export function network(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head, tail] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - (tail?.length ?? 0) }, () => '0');
  return `${[...head, ...(tail ? [...zeros, ...tail] : [])].slice(0, 4).join(':')}::/64`;
}
