/** People and their sessions. */
import { IsEmail, Length, MaxLength } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { Node } from './node';

@Entity()
@ObjectType({ implements: Node })
export class Person extends Node {
  @Column('text')
  @Field()
  email!: string;

  @Column('text')
  @Field()
  name!: string;

  /** argon2id, PHC string. */
  @Column('text')
  passwordHash!: string;
}

@Entity()
export class PersonSession extends Node {
  @Column('uuid')
  personId!: string;

  @Column('text')
  tokenSha256!: string;

  @Column('timestamptz')
  expiresAt!: Date;

  @Column('timestamptz', { nullable: true })
  revokedAt?: Date | null;
}

@InputType()
export class SignUpInput {
  @Field()
  @IsEmail({}, { message: 'email is not an e-mail address' })
  @MaxLength(254)
  email!: string;

  @Field()
  @Length(1, 200)
  name!: string;

  @Field({ description: '12 to 200 characters.' })
  @Length(12, 200)
  password!: string;
}

@InputType()
export class SignInInput {
  @Field()
  @MaxLength(254)
  email!: string;

  @Field()
  @MaxLength(200)
  password!: string;
}

@ObjectType()
export class SignInPayload {
  @Field({ description: 'Shown this once. Send it as `Authorization: Bearer <token>`.' })
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
