/** Measured latencies: what production reports of networks, and the datasets that are made of them. */
import { ArrayMaxSize, ArrayNotEmpty, Length } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Dataset } from './dataset';
import { Node, TeamNode } from './node';

/** Measurements of one report. */
const MAXIMUM_MEASUREMENTS = 1000;

@Entity()
@ObjectType({ implements: Node, description: 'A latency of a network that production reported. Never changed.' })
export class MeasuredLatency extends TeamNode {
  @Column('uuid')
  networkId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('double precision')
  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: 'Standard deviation over repetitions.' })
  deviationUs?: number | null;

  @Column('timestamptz')
  @Field()
  measuredAt!: Date;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Where it comes from, for example the name of a fleet.' })
  source?: string | null;

  @Column('text')
  @Field({ description: 'Of the report that it came with.' })
  clientKey!: string;

  @Column('integer')
  position!: number;

  @Column('text')
  reportSha256!: string;
}

export const MeasuredLatencyConnection = connectionOf(MeasuredLatency);

/** What a version expects of a network that was measured. */
@Entity()
export class ExpectedLatency extends TeamNode {
  @Column('uuid')
  networkId!: string;

  @Column('uuid')
  predictorVersionId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('double precision')
  latencyUs!: number;

  @Column('double precision')
  lowerUs!: number;

  @Column('double precision')
  upperUs!: number;
}

@InputType({ description: 'A measured network, by its id or its name; by a name it is the newest READY one.' })
export class MeasurementInput {
  @Field(() => ID, { nullable: true })
  networkId?: string | null;

  @Field(() => String, { nullable: true })
  network?: string | null;

  @Field({ description: '`runtime/device/processor/type`, one that a dataset names.' })
  scenario!: string;

  @Field(() => Float, { description: 'End to end, greater than 0.' })
  latencyUs!: number;

  @Field(() => Float, { nullable: true, description: 'Standard deviation over repetitions, 0 or greater.' })
  deviationUs?: number | null;

  @Field()
  measuredAt!: Date;

  @Field(() => String, { nullable: true, description: 'Where it comes from, 1 to 200 characters.' })
  source?: string | null;
}

@InputType()
export class ReportLatenciesInput {
  @Field({
    description: "The caller's own name of this report: one that is sent again under its name is not taken twice.",
  })
  @Length(1, 200)
  clientKey!: string;

  @Field(() => [MeasurementInput], { description: `At most ${MAXIMUM_MEASUREMENTS}; all are taken or none.` })
  @ArrayNotEmpty()
  @ArrayMaxSize(MAXIMUM_MEASUREMENTS)
  measurements!: MeasurementInput[];
}

@ObjectType()
export class ReportLatenciesPayload {
  @Field(() => Int, { description: 'Measurements of the report.' })
  measurements!: number;

  @Field({ description: 'Whether the report had been taken before; then nothing has changed.' })
  isRepeated!: boolean;
}

@InputType()
export class MeasuredLatencyFilter {
  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;

  @Field(() => ID, { nullable: true })
  networkId?: string | null;
}

@InputType()
export class CreateDatasetFromMeasurementsInput {
  @Field()
  @Length(1, 200)
  name!: string;

  @Field({ description: '`runtime/device/processor/type`' })
  scenario!: string;

  @Field(() => Date, { nullable: true, description: 'Measured then or later.' })
  since?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Measured before.' })
  until?: Date | null;
}

@ObjectType()
export class CreateDatasetFromMeasurementsPayload {
  @Field(() => Dataset, { description: 'PENDING: it becomes READY soon.' })
  dataset!: Dataset;
}
