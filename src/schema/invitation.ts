/** Invitations into a team, by mail. */
import { IsEmail, MaxLength } from 'class-validator';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Role } from './enums';
import { Node, TeamNode } from './node';
import { Team } from './team';

@Entity()
@ObjectType({ implements: Node, description: 'An invitation into the team, by mail; good for 7 days, and once.' })
export class Invitation extends TeamNode {
  @Column('text')
  @Field()
  email!: string;

  @Column('text')
  @Field(() => Role)
  role!: Role;

  /** A person's row id. */
  @Column('uuid')
  invitedBy!: string;

  /** None before the mail has gone out. */
  @Column('text', { nullable: true })
  tokenSha256?: string | null;

  @Column('timestamptz')
  @Field()
  expiresAt!: Date;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  acceptedAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  withdrawnAt?: Date | null;
}

export const InvitationConnection = connectionOf(Invitation);

@InputType()
export class CreateInvitationInput {
  @Field()
  @IsEmail({}, { message: 'email is not an e-mail address' })
  @MaxLength(254)
  email!: string;

  @Field(() => Role, { description: 'Only an owner may invite an owner.' })
  role!: Role;
}

@ObjectType()
export class CreateInvitationPayload {
  @Field(() => Invitation)
  invitation!: Invitation;
}

@InputType()
export class WithdrawInvitationInput {
  @Field(() => ID)
  invitationId!: string;
}

@ObjectType()
export class WithdrawInvitationPayload {
  @Field(() => Invitation)
  invitation!: Invitation;
}

@InputType()
export class AcceptInvitationInput {
  @Field({ description: 'From the link in the mail.' })
  @MaxLength(100)
  token!: string;
}

@ObjectType()
export class AcceptInvitationPayload {
  @Field(() => Team)
  team!: Team;

  @Field(() => Role)
  role!: Role;
}
