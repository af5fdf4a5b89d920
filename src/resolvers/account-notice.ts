/** Telling the owner of an account, by mail, what has changed in it. */
import type { EntityManager } from 'typeorm';
import { type AccountChange, enqueue } from '../jobs';

/** Has a mail sent, if the transaction of the change lasts. */
export function announceAccountChange(manager: EntityManager, personId: string, change: AccountChange): Promise<void> {
  return enqueue(manager, 'sendAccountNotice', { personId, change, changedAt: new Date().toISOString() });
}
