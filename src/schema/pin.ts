/** Pins: names for versions that never move, for pipelines that want the same answer until they say otherwise. */
import { Length } from 'class-validator';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Node, TeamNode } from './node';

const MAXIMUM_NAME = 200;

@Entity()
@ObjectType({
  implements: Node,
  description: 'A name for one version, unique in the team. It never moves; its version answers even when RETIRED.',
})
export class Pin extends TeamNode {
  @Column('text')
  @Field()
  name!: string;

  @Column('uuid')
  predictorVersionId!: string;
}

export const PinConnection = connectionOf(Pin);

@InputType()
export class PinFilter {
  @Field(() => String, { nullable: true })
  @Length(1, MAXIMUM_NAME)
  name?: string | null;

  @Field(() => ID, { nullable: true })
  versionId?: string | null;
}

@InputType()
export class CreatePinInput {
  @Field({ description: 'Unique in the team, over all its predictors.' })
  @Length(1, MAXIMUM_NAME)
  name!: string;

  @Field(() => ID, { description: 'READY, of any stage.' })
  versionId!: string;
}

@ObjectType()
export class CreatePinPayload {
  @Field(() => Pin)
  pin!: Pin;
}

@InputType()
export class DeletePinInput {
  @Field(() => ID)
  pinId!: string;
}

@ObjectType()
export class DeletePinPayload {
  @Field({ description: 'Of the pin that is gone.' })
  name!: string;
}
