/** Evaluation sets: frozen lists of networks with measured latencies, and what versions were and were not trained on. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsOptional, Length } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { IngestStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';

@Entity()
@ObjectType({
  implements: Node,
  description: 'Networks with measured latencies that versions are compared on. Never changed once it is READY.',
})
export class EvaluationSet extends TeamNode {
  @Column('uuid')
  datasetId!: string;

  @Column('text')
  @Field()
  name!: string;

  @Column('text', { array: true, nullable: true })
  networkNames?: string[] | null;

  @Column('text', { array: true })
  scenarioNames!: string[];

  @Column('text', { default: 'PENDING' })
  @Field(() => IngestStatus)
  status!: IngestStatus;

  @Column('text', { nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'Of the canonical content, when READY: equal sets have equal ones.',
  })
  sha256?: string | null;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Networks in it, when READY.' })
  networkCount?: number | null;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Measurements in it, of all its scenarios, when READY.' })
  rowCount?: number | null;

  @Column('text', { array: true, nullable: true })
  @Field(() => [String], {
    nullable: true,
    description: 'Networks of the dataset that were left out, because the team has no file of them that is READY.',
  })
  leftOut?: string[] | null;

  @Column('jsonb', { nullable: true })
  @Field(() => Failure, { nullable: true, description: 'Why it was REJECTED.' })
  failure?: Failure | null;

  @Column('timestamptz', { nullable: true })
  finishedAt?: Date | null;
}

export const EvaluationSetConnection = connectionOf(EvaluationSet);

@ObjectType({ description: 'Latency of all kernels of one kind in one network.' })
export class KindLatency {
  @Field()
  kind!: string;

  @Field(() => Float, { description: 'Microseconds.' })
  latencyUs!: number;
}

@Entity()
@ObjectType({ implements: Node, description: 'One measured network of an evaluation set, in one scenario.' })
export class EvaluationSetRow extends TeamNode {
  @Column('uuid')
  evaluationSetId!: string;

  @Column('uuid')
  networkId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('double precision')
  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: 'Standard deviation over latency, no unit.' })
  relativeDeviation?: number | null;

  @Column('jsonb')
  @Field(() => [KindLatency], { description: 'Measured kernels by kind; empty where only the whole was measured.' })
  kinds!: KindLatency[];
}

export const EvaluationSetRowConnection = connectionOf(EvaluationSetRow);

/** A set whose networks a version was trained without. */
@Entity()
export class PredictorVersionEvaluationSet extends TeamNode {
  @Column('uuid')
  predictorVersionId!: string;

  @Column('uuid')
  evaluationSetId!: string;
}

@Entity()
@ObjectType({ implements: Node, description: 'A network that a version was trained on.' })
export class PredictorVersionNetwork extends TeamNode {
  @Column('uuid')
  predictorVersionId!: string;

  @Column('text')
  @Field({ description: 'As the datasets name it.' })
  name!: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: "Of the network's file; null if the training had none." })
  sha256?: string | null;
}

export const PredictorVersionNetworkConnection = connectionOf(PredictorVersionNetwork);

@InputType()
export class CreateEvaluationSetInput {
  @Field({ description: 'One that no other set of the team has.' })
  @Length(1, 200)
  name!: string;

  @Field(() => ID, { description: 'A dataset that is READY.' })
  datasetId!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Names of networks of the dataset; all whose files the team has, if left out.',
  })
  @IsOptional()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(5000)
  @Length(1, 200, { each: true })
  networks?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: '`runtime/device/processor/type`; all scenarios that the dataset measures networks in, if left out.',
  })
  @IsOptional()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(500)
  scenarios?: string[] | null;
}

@ObjectType()
export class CreateEvaluationSetPayload {
  @Field(() => EvaluationSet)
  evaluationSet!: EvaluationSet;
}

@InputType()
export class EvaluationSetFilter {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true })
  sha256?: string | null;

  @Field(() => IngestStatus, { nullable: true })
  status?: IngestStatus | null;
}
