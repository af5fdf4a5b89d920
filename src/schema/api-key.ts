/** API keys. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsOptional, Length } from 'class-validator';
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

  @Column('text', { array: true, nullable: true })
  @Field(() => [String], { nullable: true, description: 'The names of the only scenarios it reaches; null for all.' })
  scenarios?: string[] | null;

  /** The secret before the last rotation, while both count. */
  @Column('text', { nullable: true })
  previousSecretSha256?: string | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'Until when the secret before the last rotation counts, too.' })
  previousSecretExpiresAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'When its secret was last replaced.' })
  rotatedAt?: Date | null;

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

  @Field(() => [String], {
    nullable: true,
    description: 'Names of scenarios: the key then sees these and what belongs to them, and no other. Absent for all.',
  })
  @IsOptional()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(100)
  @Length(1, 200, { each: true })
  scenarios?: string[] | null;

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

@InputType()
export class RotateApiKeyInput {
  @Field(() => ID)
  apiKeyId!: string;

  @Field(() => Date, {
    nullable: true,
    description: 'Until when the old secret counts beside the new one, 30 days at most; absent: it ends at once.',
  })
  overlapUntil?: Date | null;
}

@ObjectType()
export class RotateApiKeyPayload {
  @Field({ description: 'The new key, shown this once. Its id, scopes and expiry are those of the old one.' })
  key!: string;

  @Field(() => ApiKey)
  apiKey!: ApiKey;
}
