/**
 * Secrets that people and pipelines carry: how they are made and recognised, and what is kept of them. The secrets
 * themselves are nowhere. Must not know tables or requests.
 */
import { createHash, randomBytes } from 'node:crypto';

const API_KEY_FORM = /^fck_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;
const SESSION_TOKEN_FORM = /^fcs_[A-Za-z0-9_-]{43}$/;

/** SHA-256 is enough for secrets of 256 random bits: there is nothing to guess that a slow hash would slow down. */
export function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** 256 random bits, in characters that URLs and headers take. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A new session token and what is kept of it. */
export function newSessionToken(): { token: string; tokenSha256: string } {
  const token = `fcs_${newSecret()}`;
  return { token, tokenSha256: sha256(token) };
}

/** The secret in a link that goes out by mail, and what is kept of it. */
export function newLinkToken(): { token: string; tokenSha256: string } {
  const token = newSecret();
  return { token, tokenSha256: sha256(token) };
}

/** The key of a new API key's row id and what is kept of its secret. */
export function newApiKeySecret(apiKeyId: string): { key: string; secretSha256: string } {
  const secret = newSecret();
  return { key: `fck_${apiKeyId.replaceAll('-', '')}_${secret}`, secretSha256: sha256(secret) };
}

/** What an API key says: the id of its row and its secret; undefined if it is no key of ours. */
export function parseApiKey(credential: string): { apiKeyId: string; secret: string } | undefined {
  const [, hex, secret] = API_KEY_FORM.exec(credential) ?? [];
  if (!hex) return undefined;
  return { apiKeyId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), secret };
}

export function isSessionToken(credential: string): boolean {
  return SESSION_TOKEN_FORM.test(credential);
}
