/**
 * Seals what has to be read again and must not lie readable in the database: AES-256-GCM under keys of the
 * configuration. Must not know what is sealed, or where the keys come from.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** 96 bits, as GCM wants; random, which is safe for some 2^32 texts of one key (NIST SP 800-38D, 8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The base64 of a key is one of 32 bytes. */
export function isSealingKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) && Buffer.from(text, 'base64').length === KEY_BYTES;
}

/** A new key, in base64. */
export function newSealingKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

export class Sealing {
  /** By the name that is in front of each sealed text: a digest's beginning, which tells nothing of the key. */
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #newest: string;

  /** @param keys base64 of 32 bytes each: the first seals, all open, so that a key can be replaced */
  constructor(keys: readonly string[]) {
    if (keys.length === 0 || !keys.every(isSealingKey)) throw new Error('A sealing key is the base64 of 32 bytes.');
    const named = keys.map((text) => {
      const key = Buffer.from(text, 'base64');
      return [createHash('sha256').update(key).digest('hex').slice(0, 8), key] as const;
    });
    this.#keys = new Map(named);
    this.#newest = named[0][0];
  }

  /**
   * `<name of the key>.<base64url of nonce, ciphertext, tag>`.
   * @param owner bound to it: the sealed text opens for the same owner only, so that rows cannot be exchanged
   */
  seal(text: string, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys.get(this.#newest)!, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(owner));
    const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${this.#newest}.${body.toString('base64url')}`;
  }

  /** @throws Error if its key is not among ours, or it was changed or sealed for somebody else */
  open(sealed: string, owner: string): string {
    const [name, body = ''] = sealed.split('.');
    const key = this.#keys.get(name);
    if (!key) throw new Error(`Sealed by the key ${JSON.stringify(name)}, which is not in FUSECAST_SECRET_KEY.`);
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('The sealed text was cut.');
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(owner));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  }
}
