/** How a page of a list is read: newest first, by the row id, which sorts by time (keyset pagination). */
import { Brackets, type EntityManager, type EntityTarget, type FindOptionsWhere, LessThan } from 'typeorm';
import { CodedError } from '../errors';
import type { Connection, PageArguments } from '../schema/connection';
import { type Node, parseGlobalId, toGlobalId } from '../schema/node';

/**
 * A page of the rows that the transaction can see and that fit `where`. One row more than asked is read, to know
 * whether there is a next page.
 * @throws BAD_INPUT for a cursor that is not ours
 */
export async function readPage<T extends Node>(
  manager: EntityManager,
  noun: EntityTarget<T>,
  { first, after }: PageArguments,
  where: FindOptionsWhere<T> = {},
): Promise<Connection<T>> {
  const position = after ? { id: LessThan(cursorPosition(after)) } : {};
  const rows = await manager.find(noun, {
    // The two types say the same of every Node; TypeScript cannot see through T.
    where: { ...where, ...position } as FindOptionsWhere<T>,
    order: { id: 'DESC' } as never,
    take: first + 1,
  });
  return toConnection(rows, { first, after });
}

/** How a list is sorted: an SQL expression of a row called `node`, of our own text, that is never null. */
export interface SortOrder {
  readonly by: string;
  readonly descending: boolean;
}

/**
 * The same in an order of its own, rows of one value by their ids. The row that the cursor names says where the page
 * begins, so a row whose value has changed meanwhile moves the page with it.
 * @param condition further SQL of `node`, of our own text, with its parameters
 * @throws BAD_INPUT for a cursor that is not ours
 */
export async function readSortedPage<T extends Node>(
  manager: EntityManager,
  noun: EntityTarget<T>,
  { first, after }: PageArguments,
  where: FindOptionsWhere<T>,
  { by, descending }: SortOrder,
  condition?: { readonly sql: string; readonly parameters: Readonly<Record<string, string>> },
): Promise<Connection<T>> {
  const direction = descending ? 'DESC' : 'ASC';
  const query = manager
    .createQueryBuilder(noun, 'node')
    .where(new Brackets((all) => all.where(where)))
    // In parentheses it is an expression, not a property under another name.
    .addSelect(`(${by})`, 'sort_value')
    .orderBy('sort_value', direction)
    .addOrderBy('node.id', direction)
    .limit(first + 1);
  if (condition) query.andWhere(condition.sql, condition.parameters);
  if (after) {
    const table = manager.connection.getMetadata(noun).tableName;
    const sign = descending ? '<' : '>';
    const position = `(SELECT ${by}, node.id FROM "${table}" node WHERE node.id = :position)`;
    query.andWhere(`(${by}, node.id) ${sign} ${position}`, { position: cursorPosition(after) });
  }
  return toConnection(await query.getMany(), { first, after });
}

function toConnection<T extends Node>(rows: readonly T[], { first, after }: PageArguments): Connection<T> {
  const edges = rows.slice(0, first).map((node) => ({ cursor: toGlobalId('Cursor', node.id), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: Boolean(after),
      startCursor: edges.at(0)?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
  };
}

function cursorPosition(cursor: string): string {
  const parsed = parseGlobalId(cursor);
  if (parsed?.type === 'Cursor') return parsed.id;
  throw new CodedError('BAD_INPUT', 'after is no cursor of ours.', 'after', "Give a page's `endCursor`.");
}

/** The part of a filter that was given: null and absent say nothing. */
export function given<T extends object>(filter: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
