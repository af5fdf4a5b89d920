/** Teams, their members, and who is asking. */
import { Length } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { ApiKey } from './api-key';
import { connectionOf } from './connection';
import { Role } from './enums';
import { Node, TeamNode } from './node';
import { Person } from './person';

@Entity()
@ObjectType({ implements: Node, description: 'The tenant: everything else belongs to one.' })
export class Team extends Node {
  @Column('text')
  @Field()
  name!: string;
}

export const TeamConnection = connectionOf(Team);

@Entity()
export class Member extends TeamNode {
  @Column('uuid')
  personId!: string;

  @Column('text')
  role!: Role;
}

@InputType()
export class CreateTeamInput {
  @Field()
  @Length(1, 200)
  name!: string;
}

@ObjectType()
export class CreateTeamPayload {
  @Field(() => Team)
  team!: Team;
}

@ObjectType({ description: 'Who is asking: a person or an API key, and in which team.' })
export class Viewer {
  @Field(() => Person, { nullable: true })
  person?: Person;

  @Field(() => ApiKey, { nullable: true })
  apiKey?: ApiKey;

  @Field(() => Team, { nullable: true, description: 'The team that this request works in.' })
  team?: Team;

  @Field(() => Role, { nullable: true, description: "The person's role in that team." })
  role?: Role;
}
