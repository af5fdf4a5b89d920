/** Teams, and who is asking. */
import { Length } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { ApiKey } from './api-key';
import { connectionOf } from './connection';
import { Role } from './enums';
import { Node } from './node';
import { Person } from './person';

@Entity()
@ObjectType({ implements: Node, description: 'The tenant: everything else belongs to one.' })
export class Team extends Node {
  @Column('text')
  @Field()
  name!: string;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, {
    nullable: true,
    description: 'When it will be gone, if it is being deleted: until then owners can read and restore it.',
  })
  deletionDueAt?: Date | null;
}

export const TeamConnection = connectionOf(Team);

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

@InputType()
export class RenameTeamInput {
  @Field()
  @Length(1, 200)
  name!: string;
}

@ObjectType()
export class RenameTeamPayload {
  @Field(() => Team)
  team!: Team;
}

@ObjectType()
export class DeleteTeamPayload {
  @Field(() => Team)
  team!: Team;
}

@ObjectType()
export class RestoreTeamPayload {
  @Field(() => Team)
  team!: Team;
}

@ObjectType({ description: 'Who is asking: a person or an API key, and in which team.' })
export class Viewer {
  @Field(() => Person, { nullable: true })
  person?: Person;

  @Field(() => ApiKey, { nullable: true })
  apiKey?: ApiKey;

  @Field(() => Boolean, { nullable: true, description: 'Whether the person has turned a second factor on.' })
  hasSecondFactor?: boolean;

  @Field(() => Team, { nullable: true, description: 'The team that this request works in.' })
  team?: Team;

  @Field(() => Role, { nullable: true, description: "The person's role in that team." })
  role?: Role;
}
