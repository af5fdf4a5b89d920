/**
 * What every row and node has: an id and a time of creation; the global ids of the API; the table naming.
 * No logic beyond the form of ids.
 */
import { randomFillSync } from 'node:crypto';
import { Field, ID, InterfaceType } from 'type-graphql';
import { Column, CreateDateColumn, DefaultNamingStrategy, PrimaryColumn } from 'typeorm';
import { snakeCase } from 'typeorm/util/StringUtils';

/** Tables and columns are the names of the code in snake_case. */
export class SnakeCaseNames extends DefaultNamingStrategy {
  override tableName(className: string, given?: string): string {
    return given ?? snakeCase(className);
  }

  override columnName(propertyName: string, given: string | undefined): string {
    return given ?? snakeCase(propertyName);
  }
}

/** Of the newest id of this process. */
const newest = { milliseconds: 0, sequence: 0 };
const MAXIMUM_SEQUENCE = 0xfff;

/**
 * A new row's id: a UUID of version 7 (RFC 9562), 48 bits of milliseconds before 12 that count the ids of this process
 * within one (section 6.2, method 1) and 62 random ones. Ids therefore sort by time of creation, which is the order of
 * every list, and new rows share the pages at an index's end.
 */
export function newId(): string {
  const bytes = randomFillSync(Buffer.alloc(16));
  const now = Date.now();
  if (now > newest.milliseconds) {
    newest.milliseconds = now;
    newest.sequence = 0;
  } else if (newest.sequence < MAXIMUM_SEQUENCE) {
    newest.sequence += 1;
  } else {
    newest.milliseconds += 1;
    newest.sequence = 0;
  }
  bytes.writeUIntBE(newest.milliseconds, 0, 6);
  bytes.writeUInt16BE(0x7000 | newest.sequence, 6);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of a node in the API: unique over all types, and opaque to clients. */
export function toGlobalId(type: string, id: string): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

/** Type and row id in a global id, or undefined if it is not one. */
export function parseGlobalId(globalId: string): { type: string; id: string } | undefined {
  const [type, id, ...rest] = Buffer.from(globalId, 'base64url').toString('latin1').split(':');
  if (rest.length > 0 || !/^[A-Z][A-Za-z]+$/.test(type) || !UUID.test(id ?? '')) return undefined;
  return toGlobalId(type, id) === globalId ? { type, id } : undefined;
}

@InterfaceType({ description: 'Anything that has an id.', resolveType: (value) => value.constructor.name })
export abstract class Node {
  @PrimaryColumn('uuid')
  id!: string;

  @Field(() => ID, { name: 'id', description: 'Opaque, and unique over all types.' })
  get globalId(): string {
    return toGlobalId(this.constructor.name, this.id);
  }

  @CreateDateColumn({ type: 'timestamptz' })
  @Field()
  createdAt!: Date;
}

/** A row that belongs to one team. */
export abstract class TeamNode extends Node {
  @Column('uuid')
  teamId!: string;
}
