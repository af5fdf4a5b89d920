/** Batches: files of many networks that are predicted in the background, and the files that come of them. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { BatchStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';

const MAXIMUM_SCENARIOS = 100;

@ObjectType({ description: 'How far predicted and measured latencies order the networks of a batch alike.' })
export class RankCorrelation {
  @Field()
  scenario!: string;

  @Field(() => Int, { description: 'Networks with both.' })
  networks!: number;

  @Field(() => Float, { nullable: true, description: 'Tau-b, -1 to 1; null if all of one kind are equal.' })
  kendallTau!: number | null;

  @Field(() => Float, { nullable: true, description: '-1 to 1; null if all of one kind are equal.' })
  spearmanRho!: number | null;
}

@Entity()
@ObjectType({
  implements: Node,
  description: 'Networks of one file, predicted in several scenarios in the background.',
})
export class Batch extends TeamNode {
  @Column('uuid')
  uploadId!: string;

  @Column('text')
  @Field()
  fileName!: string;

  @Column('text', { array: true })
  @Field(() => [String])
  scenarios!: string[];

  /** The version for each scenario, in their order. */
  @Column('uuid', { array: true })
  versionIds!: string[];

  @Column('text', { default: 'QUEUED' })
  @Field(() => BatchStatus)
  status!: BatchStatus;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Rows of the file, once it was read.' })
  rowCount?: number | null;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Into so many chunks the rows were split.' })
  chunkCount?: number | null;

  @Column('integer', { default: 0 })
  @Field(() => Int)
  finishedChunks!: number;

  @Column('integer', { default: 0 })
  @Field(() => Int)
  finishedRows!: number;

  @Column('integer', { default: 0 })
  @Field(() => Int, {
    description: 'Of the finished rows, those without a prediction in at least one scenario; the result says why.',
  })
  refusedRows!: number;

  @Column('jsonb', { nullable: true })
  @Field(() => [RankCorrelation], {
    nullable: true,
    description: 'When READY: one for each scenario that rows have a measured latency of.',
  })
  rankCorrelations?: RankCorrelation[] | null;

  @Column('jsonb', { nullable: true })
  @Field(() => Failure, { nullable: true, description: 'Why it FAILED. Its finished parts stay.' })
  failure?: Failure | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  finishedAt?: Date | null;
}

export const BatchConnection = connectionOf(Batch);

/** A file of a batch: the rows of a chunk, their predictions, or all predictions. */
@Entity()
export class BatchFile extends TeamNode {
  @Column('uuid')
  batchId!: string;

  @Column('text')
  kind!: 'ROWS' | 'PART' | 'RESULT';

  /** Of the chunk, from 0. */
  @Column('integer')
  position!: number;

  @Column('integer')
  rowCount!: number;

  @Column('text')
  objectKey!: string;

  @Column('text')
  sha256!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  sizeBytes!: number;
}

@ObjectType({ description: 'A Parquet file of predictions: one record for each row and scenario.' })
export class BatchDownload {
  @Field(() => Int, { description: 'Of the chunk, from 0; 0 for the whole result.' })
  position!: number;

  @Field(() => Int, { description: 'Rows of the uploaded file that it is about.' })
  rowCount!: number;

  @Field(() => Float)
  sizeBytes!: number;

  @Field()
  sha256!: string;

  @Field({ description: 'Gives the file to whoever has it, until it expires.' })
  url!: string;

  @Field()
  expiresAt!: Date;
}

@InputType()
export class PredictBatchInput {
  @Field(() => ID, { description: 'Of the kind BATCH: a `.jsonl` or `.parquet` file whose bytes have arrived.' })
  uploadId!: string;

  @Field(() => [String], {
    description: '`runtime/device/processor/type`; of each the version in use, or else the newest, answers all rows.',
  })
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(MAXIMUM_SCENARIOS)
  scenarios!: string[];
}

@ObjectType()
export class PredictBatchPayload {
  @Field(() => Batch)
  batch!: Batch;
}

@InputType()
export class CancelBatchInput {
  @Field(() => ID)
  batchId!: string;
}

@ObjectType()
export class CancelBatchPayload {
  @Field(() => Batch)
  batch!: Batch;
}

@InputType()
export class BatchFilter {
  @Field(() => BatchStatus, { nullable: true })
  status?: BatchStatus | null;
}
