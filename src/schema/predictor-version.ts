/** Predictor versions: what one training made; never changed once it has ended. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsInt, Length, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { Learner, VersionStage, VersionStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';
import { TrainingReport, trainingReportColumn } from './training-report';

@Entity()
@ObjectType({
  implements: Node,
  description: 'What one training made. Once it has ended, nothing but its stage changes, and its file may go.',
})
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
  @Field(() => Int, { description: 'Seeds every random choice of the training.' })
  seed!: number;

  @Column('integer', { default: 0 })
  @Field(() => Int, { description: 'Settings that were drawn and tried for each learner, besides the default ones.' })
  searchedSettings!: number;

  @Column('text', { default: 'QUEUED' })
  @Field(() => VersionStatus)
  status!: VersionStatus;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'What the training is at.' })
  step?: string | null;

  @Column('double precision', { default: 0 })
  @Field(() => Float, { description: '0 to 1 over the whole training.' })
  fraction!: number;

  @Column('jsonb', { nullable: true, transformer: trainingReportColumn })
  @Field(() => TrainingReport, { nullable: true, description: 'When READY.' })
  report?: TrainingReport | null;

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

  @Column('text', { default: 'DRAFT' })
  @Field(() => VersionStage)
  stage!: VersionStage;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'When it was promoted or rolled back to, if it is IN_USE.' })
  inUseSince?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'When retention deleted the ONNX file: it predicts no more.' })
  fileDeletedAt?: Date | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, {
    nullable: true,
    description:
      'When its stored file was found to be damaged: it predicts nothing until that is whole again, by training with the same settings or from a backup.',
  })
  quarantinedAt?: Date | null;
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

const MAXIMUM_SEARCHED_SETTINGS = 32;

@InputType()
export class TrainPredictorInput {
  @Field({ description: 'Name of the predictor; made if the team has none of this name.' })
  @Length(1, 200)
  name!: string;

  @Field({ description: '`runtime/device/processor/type`, one that a dataset has measurements of.' })
  scenario!: string;

  @Field(() => [ID], {
    description:
      'Datasets with measurements of the scenario, or of others of the same runtime and number type: a scenario of few networks borrows from those.',
  })
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(100)
  datasetIds!: string[];

  @Field(() => [ID], {
    defaultValue: [],
    description:
      'Evaluation sets that the version is to be judged on: it is trained without their networks, in every scenario.',
  })
  @ArrayUnique()
  @ArrayMaxSize(20)
  evaluationSetIds!: string[];

  @Field(() => Learner, { defaultValue: Learner.AUTO })
  learner!: Learner;

  @Field(() => Int, {
    defaultValue: 0,
    description: `Settings to draw and try for each learner, besides the default ones, 0 to ${MAXIMUM_SEARCHED_SETTINGS}: the training takes as many times longer.`,
  })
  @IsInt()
  @Min(0)
  @Max(MAXIMUM_SEARCHED_SETTINGS)
  searchedSettings!: number;

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

  @Field(() => VersionStage, { nullable: true })
  stage?: VersionStage | null;

  @Field(() => Int, { nullable: true })
  number?: number | null;
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
