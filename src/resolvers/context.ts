/** What every resolver gets: who asks, and the parts of the service it may use. Made once a request by server.ts. */
import DataLoader from 'dataloader';
import { In, type ObjectLiteral } from 'typeorm';
import type { OpenedSession } from '../authentication';
import { CodedError } from '../errors';
import type { Notifications } from '../notifications';
import { type Node, parseGlobalId } from '../schema/node';
import type { Sealing } from '../sealing';
import type { Serving } from '../serving';
import type { SignInAttempts } from '../sign-in-attempts';
import type { ObjectStore } from '../storage/object-store';
import type { Session, TeamSession, Tenancy } from '../tenancy';

/** The parts of the service, the same for all requests. */
export interface Services {
  readonly tenancy: Tenancy;
  readonly store: ObjectStore;
  readonly serving: Serving;
  readonly notifications: Notifications;
  readonly attempts: SignInAttempts;
  readonly sealing: Sealing;
}

export interface RequestContext extends Services {
  readonly session: Session;
  readonly requestId: string;
  /** The cookie of the browser that asks; other clients leave it alone. */
  readonly sessionCookie: { set(opened: OpenedSession): void; clear(): void };
  /** Rows that the session's team sees and this request has read, by noun and id. */
  readonly loaders: Map<NodeClass, DataLoader<string, Node | undefined>>;
}

type NodeClass<T extends Node = Node> = (new () => T) & { readonly name: string };

/**
 * Reads a row that the session's team sees by id, together with the others that this request needs at the moment: a list of
 * a hundred predictions reads its networks with one statement.
 */
export async function loadById<T extends Node>(
  context: RequestContext,
  session: TeamSession,
  noun: NodeClass<T>,
  id: string,
): Promise<T> {
  const row = await loaderOf(context, session, noun).load(id);
  if (!row) throw new Error(`${noun.name} ${id} is referred to but not there.`);
  return row as T;
}

/** Lets loadById answer with rows that this request has read already, under the same session. */
export function remember<T extends Node>(
  context: RequestContext,
  session: TeamSession,
  noun: NodeClass<T>,
  rows: readonly T[],
): void {
  const loader = loaderOf(context, session, noun);
  for (const row of rows) loader.prime(row.id, row);
}

function loaderOf(context: RequestContext, session: TeamSession, noun: NodeClass) {
  const known = context.loaders.get(noun);
  if (known) return known;
  const loader = new DataLoader<string, Node | undefined>(async (ids) => {
    const rows = await context.tenancy.inTeam(session, (manager) =>
      manager.findBy<Node & ObjectLiteral>(noun, { id: In([...ids]) }),
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((key) => byId.get(key));
  });
  context.loaders.set(noun, loader);
  return loader;
}

/** The row id in a global id. @throws BAD_INPUT if it is malformed or of another type */
export function rowId(noun: NodeClass, globalId: string, argument: string): string {
  const parsed = parseGlobalId(globalId);
  if (parsed?.type === noun.name) return parsed.id;
  const found = parsed ? `the id of a ${parsed.type}` : 'no id of ours';
  throw new CodedError(
    'BAD_INPUT',
    `${argument} is ${found}: ${JSON.stringify(globalId.slice(0, 100))}.`,
    argument,
    `Give the id of a ${noun.name}.`,
  );
}
