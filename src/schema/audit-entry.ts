/** Entries of the audit log. How they are written: audit.ts. */
import { Length } from 'class-validator';
import { GraphQLJSONObject } from 'graphql-scalars';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Node, toGlobalId } from './node';

@Entity()
@ObjectType({
  implements: Node,
  description: 'One change: who made it, of what, from where. Never changed or removed.',
})
export class AuditEntry extends Node {
  /** None for what a person did with their own account. */
  @Column('uuid', { nullable: true })
  teamId?: string | null;

  @Column('uuid', { nullable: true })
  personId?: string | null;

  @Field(() => ID, { nullable: true, name: 'personId', description: 'The person who made it; null for a key or job.' })
  get globalPersonId(): string | undefined {
    return this.personId ? toGlobalId('Person', this.personId) : undefined;
  }

  @Column('uuid', { nullable: true })
  apiKeyId?: string | null;

  @Field(() => ID, { nullable: true, name: 'apiKeyId', description: 'The API key that made it.' })
  get globalApiKeyId(): string | undefined {
    return this.apiKeyId ? toGlobalId('ApiKey', this.apiKeyId) : undefined;
  }

  @Column('text')
  @Field({ description: 'The name of the mutation, or of the job.' })
  action!: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'The type of what was changed.' })
  subjectType?: string | null;

  @Column('uuid', { nullable: true })
  subjectId?: string | null;

  @Field(() => ID, { nullable: true, name: 'subjectId', description: 'What was changed. It may be gone since.' })
  get globalSubjectId(): string | undefined {
    return this.subjectType && this.subjectId ? toGlobalId(this.subjectType, this.subjectId) : undefined;
  }

  @Column('jsonb')
  @Field(() => GraphQLJSONObject, { description: 'What else there is to know, without secrets.' })
  details!: Record<string, unknown>;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of the request, as in errors and in the header x-request-id.' })
  requestId?: string | null;

  @Column('inet', { nullable: true })
  @Field(() => String, { nullable: true, description: 'The address that the request came from.' })
  address?: string | null;
}

export const AuditEntryConnection = connectionOf(AuditEntry);

@InputType()
export class AuditEntryFilter {
  @Field(() => String, { nullable: true, description: 'The name of a mutation or job.' })
  @Length(1, 100)
  action?: string | null;

  @Field(() => ID, { nullable: true, description: 'The id of what was changed.' })
  subjectId?: string | null;
}
