/** Relay connections: pages, edges, cursors' types and the arguments of lists. How a page is read: resolvers/pages.ts. */
import { Max, Min } from 'class-validator';
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import type { Node } from './node';

const MAXIMUM_PAGE = 100;

@ArgsType()
export class PageArguments {
  @Field(() => Int, { defaultValue: 20, description: `How many at most, 1 to ${MAXIMUM_PAGE}.` })
  @Min(1)
  @Max(MAXIMUM_PAGE)
  first!: number;

  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before.' })
  after?: string | null;
}

@ObjectType()
class PageInfo {
  @Field()
  hasNextPage!: boolean;

  @Field()
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor?: string;

  @Field(() => String, { nullable: true })
  endCursor?: string;
}

interface Edge<T> {
  cursor: string;
  node: T;
}

/** A page of a list, newest first. */
export interface Connection<T> {
  edges: Edge<T>[];
  pageInfo: PageInfo;
}

/** The connection type of a noun: `<Noun>Connection` with `<Noun>Edge`. */
export function connectionOf<T extends Node>(noun: ClassType<T>): ClassType<Connection<T>> {
  @ObjectType(`${noun.name}Edge`)
  class NounEdge implements Edge<T> {
    @Field()
    cursor!: string;

    @Field(() => noun)
    node!: T;
  }

  @ObjectType(`${noun.name}Connection`, { description: 'A page of a list, newest first.' })
  class NounConnection implements Connection<T> {
    @Field(() => [NounEdge])
    edges!: NounEdge[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;
  }
  return NounConnection;
}
