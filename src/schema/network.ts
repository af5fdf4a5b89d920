/** Networks: graphs that were uploaded. */
import { ArrayMaxSize, IsInt, IsOptional, Length, Max, Min, ValidateNested } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { connectionOf } from './connection';
import { IngestStatus, NetworkOrder } from './enums';
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

@ObjectType({ description: 'What the runtime launches: one op or several fused.' })
export class PlannedKernel {
  @Field()
  kind!: string;

  @Field(() => [String], { description: 'What is fused behind the first op.' })
  fused!: readonly string[];

  @Field(() => [String], { description: "Names of the network's ops that the kernel does." })
  ops!: readonly string[];

  @Field({ description: 'Why the runtime launches this kernel, with the numbers that decided it.' })
  reason!: string;

  @Field(() => String, { nullable: true, description: 'What would have led to another kernel, and is close.' })
  nearMiss?: string;
}

@ObjectType({ description: 'An op that the runtime refuses.' })
export class UnsupportedOps {
  @Field(() => [String])
  ops!: readonly string[];

  @Field()
  reason!: string;
}

@ObjectType({ description: 'What a kernel is in the fused graph.' })
export class KernelDetail {
  @Field(() => [String], { description: "Types of the kernel's ops, in their order: `Conv`." })
  types!: readonly string[];

  @Field(() => [Int], { description: 'Kernels whose outputs it reads, as places in the plan, counted from 0.' })
  reads!: readonly number[];

  @Field(() => [Int], { description: "Of what it makes, in the file's layout." })
  outputShape!: readonly number[];

  @Field(() => [Float], { description: "As the plan's `featureNames` name them." })
  features!: readonly number[];
}

@ObjectType({ description: 'The kernels that a runtime launches for a network, in execution order.' })
export class KernelPlan {
  @Field({ description: 'Runtime, version and GPU of the rules, for example `tflite-gpu@2.10/adreno-640`.' })
  runtime!: string;

  @Field(() => [PlannedKernel])
  kernels!: readonly PlannedKernel[];

  @Field(() => [UnsupportedOps])
  unsupported!: readonly UnsupportedOps[];

  @Field(() => [String], { description: 'What a predictor sees of a kernel, with its unit: `inputHeight, pixels`.' })
  featureNames!: readonly string[];

  @Field(() => [KernelDetail], { description: 'One for each of the kernels, in their order.' })
  details!: readonly KernelDetail[];
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

  @Field(() => String, { nullable: true, description: 'Part of the name, whatever its case.' })
  @IsOptional()
  @Length(1, 200)
  search?: string | null;

  @Field(() => IngestStatus, { nullable: true })
  status?: IngestStatus | null;
}

@InputType({ description: 'The order of a list of networks; without it the newest come first.' })
export class NetworkSort {
  @Field(() => NetworkOrder)
  by!: NetworkOrder;

  @Field({ defaultValue: false })
  descending!: boolean;
}
