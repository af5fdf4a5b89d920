/** API keys. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, Length } from 'class-validator';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Scope } from './enums';
import { Node, TeamNode } from './node';

@Entity()
@ObjectType({ implements: Node })
export class ApiKey extends TeamNode {
  @Column('text')
  @Field()
  name!: string;

  @Column('text')
  secretSha256!: string;

  @Column('text', { array: true })
  @Field(() => [Scope])
  scopes!: Scope[];

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  expiresAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'To the minute.' })
  lastUsedAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  revokedAt?: Date | null;
}

export const ApiKeyConnection = connectionOf(ApiKey);

@InputType()
export class CreateApiKeyInput {
  @Field()
  @Length(1, 200)
  name!: string;

  @Field(() => [Scope])
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(50)
  scopes!: Scope[];

  @Field(() => Date, { nullable: true, description: 'In the future; absent for a key that does not expire.' })
  expiresAt?: Date | null;
}

@ObjectType()
export class CreateApiKeyPayload {
  @Field({ description: 'Shown this once. Send it as `Authorization: Bearer <key>`.' })
  key!: string;

  @Field(() => ApiKey)
  apiKey!: ApiKey;
}

@InputType()
export class RevokeApiKeyInput {
  @Field(() => ID)
  apiKeyId!: string;
}

@ObjectType()
export class RevokeApiKeyPayload {
  @Field(() => ApiKey)
  apiKey!: ApiKey;
}
