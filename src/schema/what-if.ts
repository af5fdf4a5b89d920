/** What-if: how a network's latency changes when something in it is another. Nothing of it is kept. */
import { ArrayMaxSize, ArrayNotEmpty, IsInt, IsOptional, Length, Max, Min, ValidateNested } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { CHANGED_PROPERTIES, MAXIMUM_CHANGED_VALUE, MAXIMUM_CHANGES, MAXIMUM_SWEPT_VALUES } from '../engine';
import { PlannedKernel } from './network';
import { Interval, Kernel } from './prediction';

type ChangedPropertyName = Uppercase<(typeof CHANGED_PROPERTIES)[number]>;

export const ChangedProperty = Object.fromEntries(
  CHANGED_PROPERTIES.map((property) => [property.toUpperCase(), property.toUpperCase()]),
) as { [K in ChangedPropertyName]: K };
export type ChangedProperty = ChangedPropertyName;
registerEnumType(ChangedProperty, {
  name: 'ChangedProperty',
  description: "What is to be another: `RESOLUTION` and `BATCH` are the network's inputs', the others an op's.",
});

@InputType({ description: 'Something in a network that is to be another.' })
export class NetworkChangeInput {
  @Field({ description: 'Name of an op; for `RESOLUTION` and `BATCH`, `input` or the name of an input.' })
  @Length(1, 1000)
  target!: string;

  @Field(() => ChangedProperty)
  property!: ChangedProperty;

  @Field(() => Int, { description: 'Of `KERNEL`, `STRIDE` and `RESOLUTION` the height, and the width, in pixels.' })
  @IsInt()
  @Min(1)
  @Max(MAXIMUM_CHANGED_VALUE)
  value!: number;

  @Field(() => Int, { nullable: true, description: 'The width, where it is not the height.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAXIMUM_CHANGED_VALUE)
  width?: number | null;
}

@InputType({ description: 'A property that takes one value after the other.' })
export class SweepInput {
  @Field({ description: 'As in a change.' })
  @Length(1, 1000)
  target!: string;

  @Field(() => ChangedProperty)
  property!: ChangedProperty;

  @Field(() => [Int])
  @ArrayNotEmpty()
  @ArrayMaxSize(MAXIMUM_SWEPT_VALUES)
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(MAXIMUM_CHANGED_VALUE, { each: true })
  values!: number[];
}

@InputType()
export class WhatIfInput {
  @Field(() => ID)
  networkId!: string;

  @Field(() => String, {
    nullable: true,
    description:
      '`runtime/device/processor/type`: the version that `predict` takes for it. Either this or `versionId`.',
  })
  @IsOptional()
  scenario?: string | null;

  @Field(() => ID, { nullable: true })
  @IsOptional()
  versionId?: string | null;

  @Field(() => [NetworkChangeInput], { defaultValue: [], description: 'Made together.' })
  @ArrayMaxSize(MAXIMUM_CHANGES)
  @ValidateNested({ each: true })
  changes!: NetworkChangeInput[];

  @Field(() => SweepInput, { nullable: true, description: 'Made on top of the changes.' })
  @IsOptional()
  @ValidateNested()
  sweep?: SweepInput | null;
}

@ObjectType({ description: 'A prediction that is not kept.' })
export class WhatIfPrediction {
  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;

  @Field(() => Float, { description: 'Part of the latency that a run costs whatever the network.' })
  fixedUs!: number;

  @Field(() => Interval)
  interval!: Interval;

  @Field(() => Float, { description: 'Share of the latency from kernels inside what training saw, 0 to 1.' })
  coverage!: number;

  @Field(() => [Kernel], { description: 'In execution order.' })
  kernels!: readonly Kernel[];
}

@ObjectType({ description: 'What is different in a layer: asked for, or tied to what was.' })
export class OpDifference {
  @Field()
  op!: string;

  @Field()
  type!: string;

  @Field(() => ChangedProperty)
  property!: ChangedProperty;

  @Field(() => [Int], { description: 'One number, or height and width.' })
  before!: readonly number[];

  @Field(() => [Int])
  after!: readonly number[];
}

@ObjectType('WhatIfKernelChange', {
  description: 'Kernels of the same ops that the runtime launches differently; the reasons say why.',
})
export class KernelChange {
  @Field(() => [PlannedKernel])
  before!: readonly PlannedKernel[];

  @Field(() => [PlannedKernel])
  after!: readonly PlannedKernel[];
}

@ObjectType()
export class WhatIfPoint {
  @Field(() => Int, { nullable: true, description: "The sweep's value." })
  value!: number | null;

  @Field(() => WhatIfPrediction, { nullable: true, description: 'Null if the network cannot be changed so.' })
  prediction!: WhatIfPrediction | null;

  @Field(() => Float, { nullable: true, description: 'Latency minus that of the network as it is.' })
  differenceUs!: number | null;

  @Field(() => [OpDifference], { description: 'Against the network as it is.' })
  differences!: readonly OpDifference[];

  @Field(() => [KernelChange], { description: 'Against the point before; of the first, the network as it is.' })
  kernelChanges!: readonly KernelChange[];

  @Field(() => [PlannedKernel], { description: 'Kernels that have come close to being others.' })
  nearMisses!: readonly PlannedKernel[];

  @Field(() => String, { nullable: true, description: 'Why the network cannot be changed so.' })
  refusal!: string | null;
}

@ObjectType()
export class WhatIf {
  @Field({ description: 'Runtime, version and GPU of the rules.' })
  runtime!: string;

  /** Of the version that predicted. */
  predictorVersionId!: string;

  @Field(() => WhatIfPrediction, { description: 'The network as it is.' })
  before!: WhatIfPrediction;

  @Field(() => [WhatIfPoint], { description: 'One for each value of the sweep, or one.' })
  points!: readonly WhatIfPoint[];
}
