/** Measure these next: networks whose measurement would teach a predictor of a scenario most. Nothing of it is kept. */
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsInt, IsOptional, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Network } from './network';

/** Networks that one call compares; time grows with the square. */
export const MAXIMUM_CANDIDATES = 300;

@InputType()
export class MeasureNextInput {
  @Field(() => String, {
    nullable: true,
    description:
      '`runtime/device/processor/type`, which need not have a measurement yet. Either this or `versionId`, whose scenario and rules are taken.',
  })
  @IsOptional()
  scenario?: string | null;

  @Field(() => ID, { nullable: true })
  @IsOptional()
  versionId?: string | null;

  @Field(() => [ID], {
    nullable: true,
    description:
      'Candidates; those measured already are left out. Without it, all READY networks that are not measured yet.',
  })
  @IsOptional()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(MAXIMUM_CANDIDATES)
  networkIds?: string[] | null;

  @Field(() => Int, { defaultValue: 10 })
  @IsInt()
  @Min(1)
  @Max(MAXIMUM_CANDIDATES)
  count!: number;
}

@ObjectType({ description: 'A feature outside its known range.' })
export class WidenedRange {
  @Field()
  feature!: string;

  @Field(() => Float)
  smallest!: number;

  @Field(() => Float)
  largest!: number;

  @Field(() => Float, { nullable: true, description: 'Null where no known kernel is of the kind.' })
  knownSmallest!: number | null;

  @Field(() => Float, { nullable: true })
  knownLargest!: number | null;
}

@ObjectType({ description: 'What is new of the kernels of one kind.' })
export class AddedKernels {
  @Field()
  kind!: string;

  @Field(() => Float, { description: "Percent of the network's work, as guessed, in kernels of the kind." })
  share!: number;

  @Field()
  newKind!: boolean;

  @Field(() => [String], { description: 'Kernel sizes and strides that are new: `5x5 stride 2`.' })
  windows!: readonly string[];

  @Field(() => [WidenedRange])
  ranges!: readonly WidenedRange[];
}

@ObjectType()
export class NextMeasurement {
  @Field(() => Network)
  network!: Network;

  @Field(() => Float, {
    description:
      'Percent of the variance of relative errors over all candidates that measuring it is expected to remove, by the prior of the model; how far errors fall depends on the device.',
  })
  expectedGain!: number;

  @Field(() => Float, { description: 'Percent of it that is left when this and those before are measured.' })
  varianceLeft!: number;

  @Field(() => [AddedKernels], { description: 'Against what is measured and those before it.' })
  adds!: readonly AddedKernels[];

  @Field({ description: 'The same in words.' })
  reason!: string;
}

@ObjectType()
export class MeasureNext {
  @Field({ description: 'Runtime, version and GPU of the rules that planned the kernels.' })
  runtime!: string;

  @Field(() => Int)
  candidates!: number;

  @Field(() => Int, { description: 'Networks measured already that were taken into account.' })
  measured!: number;

  @Field(() => Float, { description: 'Percent of the variance that they leave; 100 if there is none.' })
  varianceBefore!: number;

  @Field(() => [NextMeasurement], { description: 'In the order to measure them in.' })
  networks!: readonly NextMeasurement[];
}
