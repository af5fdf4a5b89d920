/** Datasets: profiles that were uploaded. */
import { IsOptional, Length, Matches } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity, type ValueTransformer } from 'typeorm';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { DatasetContents, ScenarioSpread } from './dataset-contents';
import { IngestStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';
import { Scenario } from './scenario';

@ObjectType({ description: 'The measured latencies that a dataset was made of.' })
export class DatasetProvenance {
  @Field()
  scenario!: string;

  @Field({ description: 'First measurement.' })
  since!: Date;

  @Field({ description: 'Last measurement.' })
  until!: Date;

  @Field(() => Int)
  measurements!: number;

  @Field(() => Int)
  networks!: number;

  @Field(() => [String], { description: 'As the measurements name them, by the alphabet; 100 at most.' })
  sources!: readonly string[];
}

/** JSON has no times. */
const provenanceColumn: ValueTransformer = {
  to: (provenance?: DatasetProvenance | null) => provenance,
  from: (stored?: DatasetProvenance | null): DatasetProvenance | null | undefined =>
    stored && { ...stored, since: new Date(stored.since), until: new Date(stored.until) },
};

@Entity()
@ObjectType({ implements: Node, description: 'A profile: measured latencies of kernels, of whole networks, or both.' })
export class Dataset extends TeamNode {
  @Column('uuid')
  uploadId!: string;

  @Column('text')
  @Field()
  name!: string;

  @Column('text')
  @Field()
  fileName!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  @Field(() => Float)
  sizeBytes!: number;

  @Column('text')
  @Field()
  sha256!: string;

  @Column('text')
  objectKey!: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true })
  networkName?: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true })
  scenarioName?: string | null;

  @Column('text', { default: 'PENDING' })
  @Field(() => IngestStatus)
  status!: IngestStatus;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'End-to-end measurements, when READY.' })
  networkRows?: number | null;

  @Column('integer', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'Kernel measurements, when READY.' })
  kernelRows?: number | null;

  @Column('jsonb', { nullable: true })
  @Field(() => Failure, { nullable: true, description: 'Why it was REJECTED.' })
  failure?: Failure | null;

  @Column('jsonb', { nullable: true, transformer: provenanceColumn })
  @Field(() => DatasetProvenance, { nullable: true, description: 'Of one that was made from measured latencies.' })
  provenance?: DatasetProvenance | null;

  @Column('jsonb', { nullable: true })
  @Field(() => DatasetContents, {
    nullable: true,
    description: 'When READY; null where it was read before this was kept.',
  })
  contents?: DatasetContents | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  ingestedAt?: Date | null;
}

export const DatasetConnection = connectionOf(Dataset);

/** A scenario that a dataset has measurements of. */
@Entity()
export class DatasetScenario extends TeamNode {
  @Column('uuid')
  datasetId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('integer')
  networkRows!: number;

  @Column('integer')
  kernelRows!: number;

  @Column('jsonb', { nullable: true })
  spread?: ScenarioSpread | null;
}

@ObjectType({ description: 'A scenario that a dataset has measurements of.' })
export class ScenarioRows {
  @Field(() => Scenario)
  scenario!: Scenario;

  @Field(() => Int)
  networkRows!: number;

  @Field(() => Int)
  kernelRows!: number;

  @Field(() => ScenarioSpread, { nullable: true, description: 'Null where it was read before this was kept.' })
  spread?: ScenarioSpread | null;
}

@InputType()
export class CreateDatasetInput {
  @Field(() => ID)
  uploadId!: string;

  @Field()
  @Length(1, 200)
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: "The network that was run: for onnxruntime's profile JSON only.",
  })
  @IsOptional()
  @Length(1, 200)
  network?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "`runtime/device/processor/type` of the run: for onnxruntime's profile JSON only.",
  })
  @IsOptional()
  @Matches(/^[^/\s]{1,80}(\/[^/\s]{1,80}){3}$/, { message: 'scenario is runtime/device/processor/type' })
  scenario?: string | null;
}

@ObjectType()
export class CreateDatasetPayload {
  @Field(() => Dataset)
  dataset!: Dataset;
}

@InputType()
export class DatasetFilter {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true })
  sha256?: string | null;

  @Field(() => IngestStatus, { nullable: true })
  status?: IngestStatus | null;
}
