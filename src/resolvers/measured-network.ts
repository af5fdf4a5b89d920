/** Networks that measurements name, by id or by name, with what is wrong for each that cannot be taken. */
import { type EntityManager, In } from 'typeorm';
import { CodedError } from '../errors';
import { Network } from '../schema/network';
import { parseGlobalId } from '../schema/node';

/** How a measurement says what was measured. */
export interface NetworkReference {
  readonly networkId?: string | null;
  readonly network?: string | null;
}

/** What is wrong with a row of a list. */
export interface RowProblem {
  /** As in `input.measurements[3].latencyUs`. */
  readonly where: string;
  readonly message: string;
}

/** For each reference the READY network or what is wrong; by a name it is the newest READY one. */
export async function findMeasuredNetworks(
  manager: EntityManager,
  references: readonly NetworkReference[],
): Promise<(Network | RowProblem)[]> {
  const ids = references.flatMap(({ networkId }) => {
    const parsed = networkId ? parseGlobalId(networkId) : undefined;
    return parsed?.type === 'Network' ? [parsed.id] : [];
  });
  const names = references.flatMap(({ network }) => network ?? []);
  const byId = new Map((await manager.findBy(Network, { id: In(ids) })).map((row) => [row.globalId, row]));
  const named = await manager.find(Network, { where: { name: In(names), status: 'READY' }, order: { id: 'ASC' } });
  const byName = new Map(named.map((row) => [row.name, row]));
  return references.map(({ networkId, network }, i) => {
    const at = `input.measurements[${i}]`;
    if (Boolean(networkId) === Boolean(network)) {
      return { where: at, message: 'has both or neither of networkId and network, expected one of them' };
    }
    const where = networkId ? `${at}.networkId` : `${at}.network`;
    const found = networkId ? byId.get(networkId) : byName.get(network!);
    const shown = JSON.stringify((networkId ?? network)!.slice(0, 100));
    if (!found) return { where, message: `is ${shown}, expected a READY network of this team` };
    if (found.status === 'READY') return found;
    return { where, message: `is ${shown}, which is ${found.status}, expected a READY network` };
  });
}

/**
 * Refuses a list as a whole, naming every row that is wrong.
 * @throws BAD_INPUT if there are problems
 */
export function refuseRows(problems: readonly RowProblem[], rows: number, remedy: string): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ where, message }) => `${where} ${message}`);
  const places = [...new Set(problems.map(({ where }) => where))];
  throw new CodedError(
    'BAD_INPUT',
    `Of ${rows} measurements none was taken: ${lines.join('; ')}.`,
    places.join(', '),
    remedy,
  );
}
