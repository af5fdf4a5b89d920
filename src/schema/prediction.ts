/** Predictions: the latency of one network by one predictor version. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsOptional } from 'class-validator';
import { Field, Float, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { KernelCoverage } from './enums';
import { Node, TeamNode } from './node';

@ObjectType({ description: 'What the runtime launches: one op, or more that it fuses.' })
export class Kernel {
  @Field()
  kind!: string;

  @Field(() => [String], { description: 'What is fused behind the first op.' })
  fused!: readonly string[];

  @Field(() => [String], { description: "Names of the network's ops that the kernel does." })
  ops!: readonly string[];

  @Field({ description: 'Why the runtime launches this kernel.' })
  reason!: string;

  @Field(() => Float, { description: "The kernel's share of the end-to-end latency, dispatch included." })
  latencyUs!: number;

  @Field(() => KernelCoverage)
  coverage!: KernelCoverage;
}

@ObjectType()
export class Interval {
  @Field(() => Float)
  lowerUs!: number;

  @Field(() => Float)
  upperUs!: number;

  @Field(() => Float, { description: 'How often the interval holds the true latency, 0 to 1.' })
  level!: number;
}

@Entity()
@ObjectType({ implements: Node })
export class Prediction extends TeamNode {
  @Column('uuid')
  networkId!: string;

  @Column('uuid')
  predictorVersionId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('uuid', { nullable: true })
  calibrationId?: string | null;

  @Column('double precision')
  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;

  @Column('double precision')
  @Field(() => Float, { description: 'Part of the latency that a run costs whatever the network.' })
  fixedUs!: number;

  @Column('double precision')
  lowerUs!: number;

  @Column('double precision')
  upperUs!: number;

  @Column('double precision')
  level!: number;

  @Field(() => Interval)
  get interval(): Interval {
    return { lowerUs: this.lowerUs, upperUs: this.upperUs, level: this.level };
  }

  @Column('double precision')
  @Field(() => Float, { description: 'Share of the latency from kernels inside what training saw, 0 to 1.' })
  coverage!: number;

  @Column('jsonb')
  @Field(() => [Kernel], { description: 'In execution order.' })
  kernels!: readonly Kernel[];
}

export const PredictionConnection = connectionOf(Prediction);

@InputType({ description: 'Every network is predicted with every version and pin, and for every scenario.' })
export class PredictInput {
  @Field(() => [ID])
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(500)
  networkIds!: string[];

  @Field(() => [String], {
    nullable: true,
    description:
      '`runtime/device/processor/type`; of each the version IN_USE that was promoted last, or, where none is, the newest READY one that is not RETIRED.',
  })
  @IsOptional()
  @ArrayUnique()
  @ArrayMaxSize(50)
  scenarios?: string[] | null;

  @Field(() => [ID], { nullable: true })
  @IsOptional()
  @ArrayUnique()
  @ArrayMaxSize(50)
  versionIds?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Names of pins: their versions are used, whatever their stage.',
  })
  @IsOptional()
  @ArrayUnique()
  @ArrayMaxSize(50)
  pins?: string[] | null;

  @Field(() => [ID], { nullable: true, description: 'Of each the version, as the calibration says it.' })
  @IsOptional()
  @ArrayUnique()
  @ArrayMaxSize(50)
  calibrationIds?: string[] | null;
}

@ObjectType()
export class PredictPayload {
  @Field(() => [Prediction], {
    description: 'For each network in turn: by scenario, version and pin, in the order asked.',
  })
  predictions!: Prediction[];
}

@InputType()
export class PredictionFilter {
  @Field(() => ID, { nullable: true })
  networkId?: string | null;

  @Field(() => ID, { nullable: true })
  versionId?: string | null;
}
