/** What budget checks are recorded and found by: the inputs of their mutation and queries. */
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsInt,
  IsOptional,
  IsUrl,
  Length,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Field, Float, ID, InputType, Int } from 'type-graphql';
import { KernelChange, MAXIMUM_LATENCY_US, RelativeChange } from './budget-check';
import { BudgetVerdict } from './enums';

/** Networks times scenarios of one check: a body of the API holds no more with the kernels that changed. */
const MAXIMUM_RESULTS = 500;
/** Kernels that changed, of one network in one scenario. */
const MAXIMUM_CHANGES = 50;

@InputType()
export class BudgetCheckResultInput {
  @Field(() => ID, { description: 'Says network, scenario, version, latency and interval.' })
  predictionId!: string;

  @Field(() => BudgetVerdict, { nullable: true, description: 'Null where no budget applies.' })
  verdict?: BudgetVerdict | null;

  @Field(() => Float, { nullable: true })
  @IsOptional()
  @Min(0)
  @Max(MAXIMUM_LATENCY_US)
  budgetUs?: number | null;

  @Field(() => Float, { nullable: true })
  @IsOptional()
  @Min(-100)
  @Max(1e6)
  budgetPercent?: number | null;

  @Field(() => Float, { nullable: true })
  @IsOptional()
  @Min(0)
  @Max(MAXIMUM_LATENCY_US)
  baseLatencyUs?: number | null;

  @Field(() => RelativeChange, { nullable: true })
  @IsOptional()
  @ValidateNested()
  change?: RelativeChange | null;

  @Field(() => [KernelChange], { defaultValue: [] })
  @ArrayMaxSize(MAXIMUM_CHANGES)
  @ValidateNested({ each: true })
  kernelChanges!: KernelChange[];
}

@InputType()
export class RecordBudgetCheckInput {
  @Field({ description: '`owner/name`' })
  @Length(1, 300)
  repository!: string;

  @Field({ defaultValue: 'fusecast.yaml' })
  @Length(1, 300)
  configuration!: string;

  @Field()
  @Length(1, 300)
  branch!: string;

  @Field(() => String, { nullable: true, description: 'Of a pull request.' })
  @IsOptional()
  @Length(1, 300)
  baseBranch?: string | null;

  @Field()
  @Length(1, 100)
  commit!: string;

  @Field({ description: 'Of the pipeline. The same run is recorded once, however often it is sent.' })
  @Length(1, 200)
  run!: string;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsUrl(
    { protocols: ['http', 'https'], require_protocol: true, require_tld: false },
    { message: 'url is an http(s) URL' },
  )
  @Length(1, 1000)
  url?: string | null;

  @Field(() => ID, { nullable: true, description: 'The check that it was compared with.' })
  baseId?: string | null;

  @Field(() => BudgetVerdict)
  verdict!: BudgetVerdict;

  @Field(() => [BudgetCheckResultInput])
  @ArrayNotEmpty()
  @ArrayMaxSize(MAXIMUM_RESULTS)
  @ValidateNested({ each: true })
  results!: BudgetCheckResultInput[];
}

@InputType()
export class BudgetCheckFilter {
  @Field(() => String, { nullable: true })
  repository?: string | null;

  @Field(() => String, { nullable: true })
  configuration?: string | null;

  @Field(() => String, { nullable: true })
  branch?: string | null;

  @Field(() => String, { nullable: true })
  commit?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those of pull requests, or only the others.' })
  pullRequest?: boolean | null;
}

@InputType()
export class BudgetTrendInput {
  @Field()
  repository!: string;

  @Field({ description: 'Its name.' })
  network!: string;

  @Field({ description: '`runtime/device/processor/type`' })
  scenario!: string;

  @Field(() => String, { nullable: true, description: 'All branches, if left out.' })
  branch?: string | null;

  @Field(() => Int, { defaultValue: 100, description: 'How many checks at most, 1 to 500: the newest.' })
  @IsInt()
  @Min(1)
  @Max(500)
  last!: number;
}
