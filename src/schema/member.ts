/** Members: people in teams, and their roles. */
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Role } from './enums';
import { Node, TeamNode } from './node';
import { Person } from './person';
import { Team } from './team';

@Entity()
@ObjectType({ implements: Node, description: 'A person in a team.' })
export class Member extends TeamNode {
  @Column('uuid')
  personId!: string;

  @Column('text')
  @Field(() => Role)
  role!: Role;

  @Field(() => Person)
  person?: Person;
}

export const MemberConnection = connectionOf(Member);

@InputType()
export class ChangeMemberRoleInput {
  @Field(() => ID)
  memberId!: string;

  @Field(() => Role)
  role!: Role;
}

@ObjectType()
export class ChangeMemberRolePayload {
  @Field(() => Member)
  member!: Member;
}

@InputType()
export class RemoveMemberInput {
  @Field(() => ID)
  memberId!: string;
}

@ObjectType()
export class RemoveMemberPayload {
  @Field(() => ID)
  memberId!: string;
}

@ObjectType()
export class LeaveTeamPayload {
  @Field(() => ID)
  teamId!: string;
}

@InputType()
export class TransferOwnershipInput {
  @Field(() => ID, { description: 'The member who becomes an owner.' })
  memberId!: string;
}

@ObjectType()
export class TransferOwnershipPayload {
  @Field(() => Team)
  team!: Team;

  @Field(() => Member, { description: 'The new owner.' })
  owner!: Member;
}
