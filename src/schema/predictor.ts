/** Predictors. */
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Node, TeamNode } from './node';

@Entity()
@ObjectType({ implements: Node, description: 'A name that a team gives to the predictors of one scenario.' })
export class Predictor extends TeamNode {
  @Column('uuid')
  scenarioId!: string;

  @Column('text')
  @Field()
  name!: string;

  /** Number of the newest version. */
  @Column('integer', { default: 0 })
  lastNumber!: number;
}

export const PredictorConnection = connectionOf(Predictor);

@InputType()
export class PredictorFilter {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;
}
