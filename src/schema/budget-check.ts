/** Budget checks: runs of `fusecast check` that are kept, with a result for each network and scenario. */
import { ArrayMaxSize, IsNumber, IsOptional, Length, Max, Min } from 'class-validator';
import { Field, Float, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { BudgetVerdict, KernelChangeKind } from './enums';
import { Node, TeamNode } from './node';
import { Interval } from './prediction';

export const MAXIMUM_LATENCY_US = 1e12;

@InputType('RelativeChangeInput')
@ObjectType({
  description: 'How much slower than the base, percent; with the interval that errors of the predictor leave.',
})
export class RelativeChange {
  @Field(() => Float)
  @IsNumber()
  percent!: number;

  @Field(() => Float)
  @IsNumber()
  lowerPercent!: number;

  @Field(() => Float)
  @IsNumber()
  upperPercent!: number;
}

@InputType('KernelChangeInput')
@ObjectType({ description: 'A kernel that is not what it was in the base.' })
export class KernelChange {
  @Field(() => KernelChangeKind)
  change!: KernelChangeKind;

  @Field()
  @Length(1, 200)
  kind!: string;

  @Field(() => [String], { description: 'What is fused behind the first op.' })
  @ArrayMaxSize(50)
  @Length(0, 200, { each: true })
  fused!: string[];

  @Field({ description: 'The name of its first op.' })
  @Length(0, 500)
  op!: string;

  @Field({ description: 'Why the runtime launches this kernel; of a kernel that was removed, why it did.' })
  @Length(0, 1000)
  reason!: string;

  @Field(() => Float, { nullable: true, description: 'Null for a kernel that was removed.' })
  @IsOptional()
  @Min(0)
  @Max(MAXIMUM_LATENCY_US)
  latencyUs?: number | null;

  @Field(() => Float, { nullable: true, description: 'Null for a kernel that was added.' })
  @IsOptional()
  @Min(0)
  @Max(MAXIMUM_LATENCY_US)
  baseLatencyUs?: number | null;
}

@Entity()
@ObjectType({
  implements: Node,
  description: 'A run of `fusecast check`: networks of a commit against their latency budgets.',
})
export class BudgetCheck extends TeamNode {
  @Column('text')
  @Field({ description: '`owner/name`' })
  repository!: string;

  @Column('text')
  @Field({ description: 'The file that says networks, scenarios and budgets.' })
  configuration!: string;

  @Column('text')
  @Field({ description: "Of a pull request, its own and not the base's." })
  branch!: string;

  @Column('text', { nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'What a pull request is to be merged into; null for a branch by itself.',
  })
  baseBranch?: string | null;

  @Column('text')
  @Field()
  commit!: string;

  @Column('text')
  @Field({ description: 'Of the pipeline: with repository, configuration and commit it says which run this is.' })
  run!: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: "The pipeline's page." })
  url?: string | null;

  @Column('uuid', { nullable: true })
  baseId?: string | null;

  @Column('text')
  @Field(() => BudgetVerdict, { description: 'The worst of its results.' })
  verdict!: BudgetVerdict;

  @Column('text', { array: true })
  @Field(() => [String], { description: '`runtime/device/processor/type`' })
  scenarios!: string[];

  /** Of what was recorded, so that the same run is known again. */
  @Column('text')
  contentSha256!: string;
}

export const BudgetCheckConnection = connectionOf(BudgetCheck);

@Entity()
@ObjectType({ description: 'One network in one scenario against its budget.' })
export class BudgetCheckResult extends TeamNode {
  @Column('uuid')
  budgetCheckId!: string;

  @Column('uuid')
  networkId!: string;

  @Column('uuid')
  scenarioId!: string;

  @Column('uuid')
  predictorVersionId!: string;

  /** Those of its check and its network once more, so that a trend is one index look-up. */
  @Column('text')
  repository!: string;

  @Column('text')
  branch!: string;

  @Column('text')
  networkName!: string;

  @Column('text', { nullable: true })
  @Field(() => BudgetVerdict, { nullable: true, description: 'Null where no budget applies.' })
  verdict?: BudgetVerdict | null;

  @Column('double precision')
  @Field(() => Float, { description: 'End to end.' })
  latencyUs!: number;

  @Column('double precision')
  lowerUs!: number;

  @Column('double precision')
  upperUs!: number;

  @Column('double precision')
  level!: number;

  @Field(() => Interval)
  get interval(): Interval {
    return { lowerUs: this.lowerUs, upperUs: this.upperUs, level: this.level };
  }

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: 'What it may take, end to end.' })
  budgetUs?: number | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: 'How much slower than the base it may be, percent.' })
  budgetPercent?: number | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true, description: "The base's latency by the same version; null without a base." })
  baseLatencyUs?: number | null;

  @Column('jsonb', { nullable: true })
  @Field(() => RelativeChange, { nullable: true, description: 'Null without a base.' })
  change?: RelativeChange | null;

  @Column('jsonb')
  @Field(() => [KernelChange], {
    description: 'Kernels that are not what they were in the base, the greatest change first.',
  })
  kernelChanges!: KernelChange[];
}

@ObjectType()
export class RecordBudgetCheckPayload {
  @Field(() => BudgetCheck)
  check!: BudgetCheck;
}

@ObjectType({ description: 'How the latency of one network in one scenario went, from check to check.' })
export class BudgetTrend {
  @Field(() => [BudgetCheckResult], { description: 'Oldest first.' })
  points!: BudgetCheckResult[];
}
