/** What a dataset holds: how it was measured, and how its latencies are spread. The words are the engine's. */
import { Field, Float, Int, ObjectType } from 'type-graphql';
import type {
  KindSpread as EngineKindSpread,
  LatencySpread as EngineLatencySpread,
  ScenarioSpread as EngineScenarioSpread,
  ProfileContents,
} from '../engine';
import { Harness } from './training-report';

@ObjectType({ description: 'How latencies are spread; quartiles by linear interpolation.' })
class LatencySpread implements EngineLatencySpread {
  @Field(() => Int)
  rows!: number;

  @Field(() => Float)
  minimumUs!: number;

  @Field(() => Float)
  lowerQuartileUs!: number;

  @Field(() => Float)
  medianUs!: number;

  @Field(() => Float)
  upperQuartileUs!: number;

  @Field(() => Float)
  maximumUs!: number;
}

@ObjectType({ description: 'How the latencies of the kernels of a kind are spread.' })
class KindSpread extends LatencySpread implements EngineKindSpread {
  @Field()
  kind!: string;
}

@ObjectType({ description: 'How the latencies of a scenario are spread.' })
export class ScenarioSpread implements EngineScenarioSpread {
  @Field(() => LatencySpread, { nullable: true, description: 'End to end; null where only kernels were measured.' })
  networks?: LatencySpread;

  @Field(() => [KindSpread], { description: 'Kernels; those with most rows first, 60 at most.' })
  kinds!: readonly KindSpread[];
}

@ObjectType({ description: 'What a dataset holds in all.' })
export class DatasetContents implements Omit<ProfileContents, 'harnesses'> {
  @Field(() => Int, { description: 'By their names, over all scenarios.' })
  networkCount!: number;

  @Field(() => Int, { description: 'Ways of measuring.' })
  harnessCount!: number;

  @Field(() => [Harness], { description: '20 at most.' })
  harnesses!: readonly Harness[];

  @Field(() => [String], { description: 'What is allowed and will cost accuracy, a sentence each.' })
  warnings!: readonly string[];
}
