/** Hashing and checking of passwords: argon2id. Must not know people. */
import { hash, verify } from '@node-rs/argon2';

/** The first choice of OWASP's Password Storage Cheat Sheet for argon2id: 19 MiB, 2 passes, 1 lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Checked against where there is no password, so that the answer takes as long as with one. */
const NOBODY = hash('nobody has this password', COST);

/** The PHC string of a new password. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** Whether the password is the one that was hashed; where there is none, no, after the same time. */
export async function verifyPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? (await NOBODY), password);
  return matches && Boolean(passwordHash);
}
