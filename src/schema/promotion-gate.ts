/** Gates of promotions: what a version must not be worse on, and what a gate said of one. */
import { Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { EvaluationSet } from './evaluation-set';
import { Predictor } from './predictor';

const MARGIN = 'Percentage points of mean absolute percentage error, 0 to 100.';

@ObjectType({
  description:
    'A version is promoted only if at 95 % confidence it errs on the set by at most the margin more than the one in use.',
})
export class PromotionGate {
  @Field(() => EvaluationSet)
  evaluationSet!: EvaluationSet;

  @Field(() => Float, { description: MARGIN })
  marginPercent!: number;
}

@ObjectType({ description: 'What a gate said of a version that was to be promoted.' })
export class GateCheck {
  @Field({ description: 'Name of the evaluation set.' })
  evaluationSet!: string;

  @Field(() => Float)
  marginPercent!: number;

  @Field(() => Int, { description: 'Number of the version that it was compared with: the one in use, or in use last.' })
  comparedWith!: number;

  @Field(() => Int, { nullable: true, description: 'Networks that judged; null if the two could not be compared.' })
  networks?: number | null;

  @Field(() => Int, { nullable: true, description: 'Networks of the set left out, because one was trained on them.' })
  leftOut?: number | null;

  @Field(() => Float, { nullable: true, description: 'Mean error less that of the other, percentage points.' })
  differencePercent?: number | null;

  @Field(() => Float, { nullable: true, description: 'Lower end of the 95 % interval of the difference.' })
  lowerPercent?: number | null;

  @Field(() => Float, { nullable: true, description: 'Upper end; the gate opens if it is at most the margin.' })
  upperPercent?: number | null;

  @Field()
  passed!: boolean;

  @Field({ description: 'Promoted nevertheless, by an admin who said so.' })
  overridden!: boolean;

  @Field({ description: 'The same in words.' })
  message!: string;
}

@InputType()
export class SetPromotionGateInput {
  @Field(() => ID)
  predictorId!: string;

  @Field(() => ID, { description: "READY, with measurements of the predictor's scenario." })
  evaluationSetId!: string;

  @Field(() => Float, { description: MARGIN })
  @Min(0)
  @Max(100)
  marginPercent!: number;
}

@InputType()
export class RemovePromotionGateInput {
  @Field(() => ID)
  predictorId!: string;
}

@ObjectType()
export class SetPromotionGatePayload {
  @Field(() => Predictor)
  predictor!: Predictor;
}

@ObjectType()
export class RemovePromotionGatePayload {
  @Field(() => Predictor)
  predictor!: Predictor;
}
