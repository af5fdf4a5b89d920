/** Predictors. */
import { IsOptional, Max, Min } from 'class-validator';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
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

  /** Versions that were in use before the one that is, the latest last: where a roll back goes. */
  @Column('uuid', { array: true, default: [] })
  earlierVersionIds!: string[];

  @Column('integer', { nullable: true })
  @Field(() => Int, {
    nullable: true,
    description:
      'Of how many of the newest READY versions the files are kept at least, besides those in use, candidates, pinned, calibrated, and the one that a roll back goes to. Null for all.',
  })
  keepVersions?: number | null;

  /** The gate of promotions: both, or neither. */
  @Column('uuid', { nullable: true })
  gateEvaluationSetId?: string | null;

  @Column('double precision', { nullable: true })
  gateMarginPercent?: number | null;
}

export const PredictorConnection = connectionOf(Predictor);

@InputType()
export class PredictorFilter {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;
}

@InputType()
export class SetRetentionInput {
  @Field(() => ID)
  predictorId!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Newest READY versions whose files are kept, 1 to 1000; null for all.',
  })
  @IsOptional()
  @Min(1)
  @Max(1000)
  keepVersions?: number | null;
}

@ObjectType()
export class SetRetentionPayload {
  @Field(() => Predictor)
  predictor!: Predictor;
}
