/** Networks that can be planned and predicted. Needs the transaction of whoever asks. */
import { type EntityManager, In } from 'typeorm';
import { CodedError, notFound } from '../errors';
import { Network } from '../schema/network';
import { rowId } from './context';

/**
 * The networks, READY, in the given order.
 * @param argument where the id of a position stands, for errors
 * @throws NOT_FOUND, CONFLICT
 */
export async function readyNetworks(
  manager: EntityManager,
  globalIds: readonly string[],
  argument = (i: number) => `input.networkIds[${i}]`,
): Promise<Network[]> {
  const ids = globalIds.map((id, i) => rowId(Network, id, argument(i)));
  const networks = new Map((await manager.findBy(Network, { id: In(ids) })).map((row) => [row.id, row]));
  return ids.map((id, i) => {
    const network = networks.get(id);
    if (!network) throw notFound('Network', globalIds[i]);
    if (network.status === 'READY') return network;
    const remedy = network.status === 'PENDING' ? 'It is being read: try again in a moment.' : 'See its `failure`.';
    const message = `The network ${network.name} is ${network.status}, not READY.`;
    throw new CodedError('CONFLICT', message, argument(i), remedy);
  });
}
