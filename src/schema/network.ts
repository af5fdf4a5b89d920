/** Networks: graphs that were uploaded. */
import { ArrayMaxSize, IsInt, Length, Max, Min, ValidateNested } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { IngestStatus } from './enums';
import { Failure } from './failure';
import { Node, TeamNode } from './node';

@ObjectType()
export class NetworkInput {
  @Field()
  name!: string;

  @Field(() => [Int])
  shape!: readonly number[];

  @Field()
  type!: string;
}

@ObjectType({ description: 'What the file says.' })
export class NetworkSummary {
  @Field()
  format!: string;

  @Field(() => Int)
  ops!: number;

  @Field(() => Float)
  parameters!: number;

  @Field(() => Float)
  multiplyAccumulates!: number;

  @Field(() => [NetworkInput])
  inputs!: readonly NetworkInput[];
}

@InputType('DimensionBindingInput')
@ObjectType({ description: 'The size of a dynamic dimension.' })
export class DimensionBinding {
  @Field()
  @Length(1, 200)
  name!: string;

  @Field(() => Int)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  size!: number;
}

@Entity()
@ObjectType({ implements: Node, description: 'A graph, with or without weights.' })
export class Network extends TeamNode {
  @Column('uuid')
  uploadId!: string;

  @Column('text')
  @Field({ description: 'The name that datasets know it by.' })
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

  @Column('jsonb')
  @Field(() => [DimensionBinding])
  bindings!: DimensionBinding[];

  @Column('text', { default: 'PENDING' })
  @Field(() => IngestStatus)
  status!: IngestStatus;

  @Column('jsonb', { nullable: true })
  @Field(() => NetworkSummary, { nullable: true, description: 'When READY.' })
  summary?: NetworkSummary | null;

  @Column('jsonb', { nullable: true })
  @Field(() => Failure, { nullable: true, description: 'Why it was REJECTED.' })
  failure?: Failure | null;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true })
  ingestedAt?: Date | null;
}

export const NetworkConnection = connectionOf(Network);

@InputType()
export class CreateNetworkInput {
  @Field(() => ID)
  uploadId!: string;

  @Field({ description: 'The name that datasets know the network by.' })
  @Length(1, 200)
  name!: string;

  @Field(() => [DimensionBinding], { defaultValue: [], description: 'Sizes of dynamic dimensions.' })
  @ArrayMaxSize(32)
  @ValidateNested({ each: true })
  bindings!: DimensionBinding[];
}

@ObjectType()
export class CreateNetworkPayload {
  @Field(() => Network)
  network!: Network;
}

@InputType()
export class NetworkFilter {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true })
  sha256?: string | null;

  @Field(() => IngestStatus, { nullable: true })
  status?: IngestStatus | null;
}
