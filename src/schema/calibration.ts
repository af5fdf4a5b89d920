/** Calibrations: a factor and an offset on what a version predicts, from a few own measurements. Never changed. */
import { IsInt, IsOptional, Length, Min, ValidateNested } from 'class-validator';
import { GraphQLJSONObject } from 'graphql-scalars';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import {
  type CalibrationFit,
  type CalibratedNetwork as EngineCalibratedNetwork,
  type Harness,
  MAXIMUM_CALIBRATION_NETWORKS,
  MINIMUM_CALIBRATION_NETWORKS,
} from '../engine';
import { connectionOf } from './connection';
import { Statistic } from './enums';
import { Node, TeamNode } from './node';

@ObjectType({ description: 'Of whole networks, as predictions are compared with measurements.' })
export class CalibrationError {
  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;

  @Field(() => Float, { description: 'Median absolute percentage error, percent.' })
  medianApe!: number;

  @Field(() => Float, { description: 'Share of networks within 10 % of the truth, 0 to 1.' })
  within10!: number;
}

@ObjectType({ description: 'A network that a calibration was made with; latencies in microseconds.' })
export class CalibratedNetwork implements EngineCalibratedNetwork {
  @Field({ description: 'Its name.' })
  network!: string;

  @Field(() => Float)
  measuredUs!: number;

  @Field(() => Float, { description: 'By the version.' })
  predictedUs!: number;

  @Field(() => Float, { description: 'By the version and this calibration.' })
  calibratedUs!: number;

  @Field(() => Float, { description: 'By the version and a calibration that was made without this network.' })
  heldOutUs!: number;

  @Field({ description: "Further than three standard deviations of the version's errors from calibratedUs." })
  isOutlier!: boolean;
}

@Entity()
@ObjectType({
  implements: Node,
  description:
    "What somebody else measures, of what a version predicts: factor * latency + offsetUs. The version's child; it does not change the version.",
})
export class Calibration extends TeamNode implements CalibrationFit {
  @Column('uuid')
  predictorVersionId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('text')
  @Field()
  name!: string;

  @Column('double precision')
  @Field(() => Float, { description: 'Zero or more, no unit.' })
  factor!: number;

  @Column('double precision')
  @Field(() => Float, { description: '0 where the measurements cannot tell it.' })
  offsetUs!: number;

  @Column('double precision')
  @Field(() => Float, { description: 'Exponent on how far intervals reach either way, as a ratio; 1 keeps them.' })
  widening!: number;

  @Column('jsonb')
  @Field(() => CalibrationError, { description: 'Of the version alone.' })
  errorBefore!: CalibrationError;

  @Column('jsonb')
  @Field(() => CalibrationError, { description: 'Of networks that were left out of the calibration, in turn.' })
  errorAfter!: CalibrationError;

  @Column('jsonb')
  @Field(() => [CalibratedNetwork])
  networks!: readonly CalibratedNetwork[];

  @Column('jsonb')
  @Field(() => GraphQLJSONObject, { description: 'How it was measured, as far as it was said.' })
  harness!: object;

  @Column('text', { array: true })
  @Field(() => [String], { description: "In what the harness differs from that of the version's measurements." })
  warnings!: string[];
}

export const CalibrationConnection = connectionOf(Calibration);

@InputType({ description: 'How latencies were measured; what is left out is not compared.' })
export class HarnessInput implements Harness {
  @Field({ nullable: true, description: 'Runtime and its build.' })
  @IsOptional()
  @Length(1, 200)
  runtimeBuild?: string;

  @Field(() => Int, { nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  threads?: number;

  @Field({ nullable: true, description: 'CPU set or core names.' })
  @IsOptional()
  @Length(1, 200)
  affinity?: string;

  @Field(() => Int, { nullable: true, description: 'Runs before those that count.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  warmUps?: number;

  @Field(() => Int, { nullable: true, description: 'Runs that count.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  repetitions?: number;

  @Field(() => Statistic, { nullable: true })
  @IsOptional()
  statistic?: Statistic;

  @Field({ nullable: true, description: 'Frequency governor.' })
  @IsOptional()
  @Length(1, 200)
  governor?: string;
}

@InputType({ description: 'A measured network, by its id or its name; by a name it is the newest READY one.' })
export class CalibrationMeasurementInput {
  @Field(() => ID, { nullable: true })
  networkId?: string | null;

  @Field(() => String, { nullable: true })
  network?: string | null;

  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;
}

@InputType()
export class CreateCalibrationInput {
  @Field(() => ID, { description: 'READY.' })
  versionId!: string;

  @Field()
  @Length(1, 200)
  name!: string;

  @Field(() => [CalibrationMeasurementInput], {
    description: `${MINIMUM_CALIBRATION_NETWORKS} to ${MAXIMUM_CALIBRATION_NETWORKS} different networks, small and large ones.`,
  })
  measurements!: CalibrationMeasurementInput[];

  @Field(() => HarnessInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  harness?: HarnessInput | null;
}

@ObjectType()
export class CreateCalibrationPayload {
  @Field(() => Calibration)
  calibration!: Calibration;
}

@InputType()
export class CalibrationFilter {
  @Field(() => ID, { nullable: true })
  versionId?: string | null;

  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;
}
