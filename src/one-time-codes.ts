/** One-time codes by time (RFC 6238) and recovery codes: secrets, codes, checks. Must not know people or tables. */
import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const ISSUER = 'Fusecast';
const PERIOD_SECONDS = 30;
/** Codes of one step before and after pass too: clocks differ. */
const WINDOW = 1;
const RECOVERY_CODES = 10;

/** A new secret, in base32: 160 bits, as RFC 4226 recommends. */
export function newOneTimeSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** What an authenticator app reads: `otpauth://totp/...`. */
export function oneTimeUri(secret: string, email: string): string {
  return generator(secret, email).toString();
}

/** The time step whose code this is, or undefined. @param now milliseconds since 1970 */
export function matchingStep(secret: string, code: string, now: number): number | undefined {
  const delta = generator(secret, '').validate({ token: code, window: WINDOW, timestamp: now });
  return delta === null ? undefined : Math.floor(now / 1000 / PERIOD_SECONDS) + delta;
}

/** New recovery codes of 80 random bits each, `xxxx-xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => randomBytes(10).toString('hex').match(/.{4}/g)!.join('-'));
}

/** A recovery code as it is hashed, however it was typed. */
export function normaliseRecoveryCode(code: string): string {
  return code.toLowerCase().replace(/[^0-9a-f]/g, '');
}

function generator(secret: string, label: string): TOTP {
  return new TOTP({ secret: Secret.fromBase32(secret), issuer: ISSUER, label, period: PERIOD_SECONDS });
}
