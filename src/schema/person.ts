/** People, and how they sign up. */
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

  /** argon2id, PHC string. None for who signs in by OpenID Connect alone. Read only where it is asked for by name. */
  @Column('text', { nullable: true, select: false })
  passwordHash?: string | null;
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

@ObjectType()
export class SignUpPayload {
  @Field({
    description: 'That a mail goes to the address: the same for every address, whether it has signed up before or not.',
  })
  mailSent!: boolean;
}

@InputType()
export class VerifyEmailInput {
  @Field({ description: 'From the link in the mail.' })
  @MaxLength(100)
  token!: string;
}
