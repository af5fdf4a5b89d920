/** Predictor versions: what one training made; never changed once it has ended. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsInt, Length, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import type { TrainingReport as EngineTrainingReport } from '../engine';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { Learner, VersionStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';

@ObjectType({ description: 'Whole networks, by cross-validation grouped by network.' })
class EndToEndError {
  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;

  @Field(() => Float, { description: 'Median absolute percentage error, percent.' })
  medianApe!: number;

  @Field(() => Float, { description: 'Share of networks within 10 % of the truth, 0 to 1.' })
  within10!: number;
}

@ObjectType({ description: 'Single kernels of one kind, by the same cross-validation.' })
class KernelKindError {
  @Field()
  kind!: string;

  @Field(() => Int)
  rows!: number;

  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;
}

@ObjectType({ description: 'latency = kernelFactor * sum of kernels + perKernelUs * number of kernels + fixedUs' })
class Composition {
  @Field(() => Float)
  kernelFactor!: number;

  @Field(() => Float)
  perKernelUs!: number;

  @Field(() => Float)
  fixedUs!: number;
}

@ObjectType({ description: 'What a training says of its result.' })
class TrainingReport {
  @Field()
  engineVersion!: string;

  @Field()
  runtime!: string;

  @Field({ description: 'What the kernel models were fitted to: `kernel rows` or `end-to-end rows`.' })
  source!: string;

  @Field(() => Int, { description: 'Networks trained on.' })
  networks!: number;

  @Field(() => Int)
  kernelRows!: number;

  @Field(() => EndToEndError)
  endToEnd!: EndToEndError;

  @Field(() => [KernelKindError])
  kernelKinds!: readonly KernelKindError[];

  @Field(() => Composition)
  composition!: Composition;

  @Field(() => Float, { nullable: true, description: 'Median relative standard deviation of the measurements.' })
  noiseFloor!: number | null;

  @Field(() => [String], { description: 'What was left out, and why.' })
  dropped!: readonly string[];

  @Field(() => Float, { description: 'Largest relative difference of the exported file from the trained model.' })
  exportDifference!: number;
}

@Entity()
@ObjectType({ implements: Node, description: 'What one training made. Never changed once it has ended.' })
export class PredictorVersion extends TeamNode {
  @Column('uuid')
  predictorId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('integer')
  @Field(() => Int, { description: '1, 2, 3, ... within its predictor.' })
  number!: number;

  @Column('text')
  @Field(() => Learner)
  learner!: Learner;

  @Column('integer')
  @Field(() => Int)
  seed!: number;

  @Column('text', { default: 'QUEUED' })
  @Field(() => VersionStatus)
  status!: VersionStatus;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'What the training is at.' })
  step?: string | null;

  @Column('double precision', { default: 0 })
  @Field(() => Float, { description: '0 to 1 over the whole training.' })
  fraction!: number;

  @Column('jsonb', { nullable: true })
  @Field(() => TrainingReport, { nullable: true, description: 'When READY.' })
  report?: EngineTrainingReport | null;

  @Column('text', { nullable: true })
  objectKey?: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of the ONNX file.' })
  sha256?: string | null;

  @Column('bigint', { nullable: true, transformer: bigintAsNumber })
  @Field(() => Float, { nullable: true, description: 'Of the ONNX file.' })
  sizeBytes?: number | null;

  @Column('jsonb', { nullable: true })
  @Field(() => Failure, { nullable: true, description: 'Why it FAILED.' })
  failure?: Failure | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  startedAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  finishedAt?: Date | null;
}

export const PredictorVersionConnection = connectionOf(PredictorVersion);

/** A dataset that a version is trained on. */
@Entity()
export class PredictorVersionDataset extends TeamNode {
  @Column('uuid')
  predictorVersionId!: string;

  @Column('uuid')
  datasetId!: string;
}

@InputType()
export class TrainPredictorInput {
  @Field({ description: 'Name of the predictor; made if the team has none of this name.' })
  @Length(1, 200)
  name!: string;

  @Field({ description: '`runtime/device/processor/type`, one that the datasets have measurements of.' })
  scenario!: string;

  @Field(() => [ID])
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(100)
  datasetIds!: string[];

  @Field(() => Learner)
  learner!: Learner;

  @Field(() => Int, { defaultValue: 0, description: 'Seeds every random choice: the same input gives the same bytes.' })
  @IsInt()
  @Min(0)
  @Max(2_147_483_647)
  seed!: number;
}

@ObjectType()
export class TrainPredictorPayload {
  @Field(() => PredictorVersion)
  version!: PredictorVersion;
}

@InputType()
export class CancelTrainingInput {
  @Field(() => ID)
  versionId!: string;
}

@ObjectType()
export class CancelTrainingPayload {
  @Field(() => PredictorVersion)
  version!: PredictorVersion;
}

@InputType()
export class PredictorVersionFilter {
  @Field(() => ID, { nullable: true })
  predictorId?: string | null;

  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;

  @Field(() => VersionStatus, { nullable: true })
  status?: VersionStatus | null;
}

@ObjectType({ description: 'How far a training is.' })
export class TrainingProgress {
  @Field(() => ID)
  versionId!: string;

  @Field(() => VersionStatus)
  status!: VersionStatus;

  @Field(() => String, { nullable: true })
  step?: string | null;

  @Field(() => Float, { description: '0 to 1 over the whole training.' })
  fraction!: number;
}
