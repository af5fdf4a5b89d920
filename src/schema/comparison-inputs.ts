/** What comparisons are asked for, and what those of scenarios and of plans say. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsInt, IsOptional, Length, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { PlansComparison as EnginePlansComparison } from '../engine';
import { TrainedNetworks } from './enums';
import { PredictorVersion } from './predictor-version';

@InputType()
export class CompareVersionsInput {
  @Field(() => ID, { description: 'The version to compare with, usually the one in use.' })
  versionAId!: string;

  @Field(() => ID, { description: 'The version that is judged.' })
  versionBId!: string;

  @Field(() => ID)
  evaluationSetId!: string;

  @Field(() => [String], {
    nullable: true,
    description:
      "Scenarios of the set to compare in; the versions' own, if left out. Others tell how a version transfers.",
  })
  @IsOptional()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(50)
  scenarios?: string[] | null;

  @Field(() => TrainedNetworks, {
    defaultValue: TrainedNetworks.REFUSE,
    description: 'What becomes of networks of the set that one of the versions was trained on.',
  })
  onTrainedNetworks!: TrainedNetworks;

  @Field(() => Int, { defaultValue: 0, description: 'Seeds the resampling: the same input gives the same interval.' })
  @IsInt()
  @Min(0)
  @Max(2_147_483_647)
  seed!: number;
}

@InputType({ description: 'Every network is predicted for every scenario and by every version.' })
export class CompareScenariosInput {
  @Field(() => [ID])
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(200)
  networkIds!: string[];

  @Field(() => [String], {
    nullable: true,
    description: '`runtime/device/processor/type`, answered as `predict` does.',
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
}

@ObjectType({ description: 'One network as one version predicts it.' })
class ComparedLatency {
  @Field()
  network!: string;

  @Field(() => Float)
  latencyUs!: number;

  @Field(() => Float)
  lowerUs!: number;

  @Field(() => Float)
  upperUs!: number;

  @Field(() => Float, { description: 'Share of the latency from kernels inside what training saw, 0 to 1.' })
  coverage!: number;

  @Field(() => Int, { description: '1 for the fastest network of the scenario.' })
  rank!: number;
}

@ObjectType({ description: 'All networks by one version.' })
export class ScenarioColumn {
  @Field()
  scenario!: string;

  @Field(() => PredictorVersion)
  version!: PredictorVersion;

  @Field(() => [ComparedLatency], { description: 'Fastest first.' })
  latencies!: ComparedLatency[];
}

@ObjectType({ description: 'How far two columns put the networks in the same order.' })
class OrderAgreement {
  @Field(() => Int, { description: 'Position of a column, from 0.' })
  first!: number;

  @Field(() => Int, { description: 'Position of another.' })
  second!: number;

  @Field(() => Float, { nullable: true, description: "Kendall's tau-b, -1 to 1; null where one has no order." })
  kendallTau!: number | null;
}

@ObjectType({ description: 'The same networks in several scenarios.' })
export class ScenariosComparison {
  @Field(() => [ScenarioColumn], { description: 'Scenarios in the order asked, then versions.' })
  columns!: ScenarioColumn[];

  @Field(() => [OrderAgreement], { description: 'Of every two columns.' })
  agreements!: readonly OrderAgreement[];
}

@InputType()
export class ComparePlansInput {
  @Field(() => ID)
  networkId!: string;

  @Field({
    description: 'Runtime whose rules plan the kernels, with version, for example `tflite-gpu@2.10/adreno-640`.',
  })
  @Length(1, 200)
  runtimeA!: string;

  @Field()
  @Length(1, 200)
  runtimeB!: string;
}

@ObjectType({ description: 'A kernel that one of two runtimes launches.' })
class ComparedKernel {
  @Field()
  kind!: string;

  @Field(() => [String], { description: 'What is fused behind the first op.' })
  fused!: readonly string[];

  @Field(() => [String], { description: "Names of the network's ops that the kernel does." })
  ops!: readonly string[];

  @Field({ description: 'Why the runtime launches it.' })
  reason!: string;
}

@ObjectType({ description: 'A kernel that both of two runtimes launch.' })
class SharedKernel {
  @Field()
  kind!: string;

  @Field(() => [String], { description: 'What is fused behind the first op.' })
  fused!: readonly string[];

  @Field(() => [String], { description: "Names of the network's ops that the kernel does." })
  ops!: readonly string[];

  @Field({ description: 'Why A launches it.' })
  reasonA!: string;

  @Field({ description: 'Why B launches it.' })
  reasonB!: string;
}

@ObjectType({ description: 'The kernels of one network under two runtimes, or two versions of one.' })
export class PlansComparison implements EnginePlansComparison {
  @Field({ description: 'Runtime, version and GPU of the rules.' })
  runtimeA!: string;

  @Field()
  runtimeB!: string;

  @Field(() => [ComparedKernel], { description: 'In execution order.' })
  onlyInA!: readonly ComparedKernel[];

  @Field(() => [ComparedKernel])
  onlyInB!: readonly ComparedKernel[];

  @Field(() => [SharedKernel])
  same!: readonly SharedKernel[];
}
