/** Sessions of people: signing in and out. */
import { MaxLength } from 'class-validator';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Node } from './node';
import { Person } from './person';

@Entity()
@ObjectType({ implements: Node, description: 'A browser or command line where a person is signed in.' })
export class PersonSession extends Node {
  @Column('uuid')
  personId!: string;

  @Column('text')
  tokenSha256!: string;

  /** Of the token before the last renewal: requests that were under way with it still pass. */
  @Column('text', { nullable: true })
  previousTokenSha256?: string | null;

  @Column('timestamptz', { nullable: true })
  renewedAt?: Date | null;

  @Column('timestamptz')
  @Field()
  expiresAt!: Date;

  @Column('timestamptz', { nullable: true })
  revokedAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'To the minute.' })
  lastUsedAt?: Date | null;

  @Column('inet', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Where it was opened from.' })
  address?: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'What it was opened with, as that said itself.' })
  userAgent?: string | null;
}

export const PersonSessionConnection = connectionOf(PersonSession);

@InputType()
export class SignInInput {
  @Field()
  @MaxLength(254)
  email!: string;

  @Field()
  @MaxLength(200)
  password!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Six digits, or a recovery code: for people who have turned on a second factor.',
  })
  @MaxLength(40)
  code?: string | null;
}

@ObjectType()
export class SignInPayload {
  @Field({
    description:
      'Shown this once. Send it as `Authorization: Bearer <token>`. A browser has it in its cookie and need not ask.',
  })
  token!: string;

  @Field()
  expiresAt!: Date;

  @Field(() => Person)
  person!: Person;
}

@ObjectType()
export class SignOutPayload {
  @Field()
  signedOut!: boolean;
}

@ObjectType()
export class SignOutEverywherePayload {
  @Field(() => Int, { description: 'How many sessions ended, that of this request among them.' })
  sessions!: number;
}

@InputType()
export class RevokeSessionInput {
  @Field(() => ID)
  sessionId!: string;
}

@ObjectType()
export class RevokeSessionPayload {
  @Field(() => ID)
  sessionId!: string;
}
