/** The life of a version: changes of its stage, who made them and why, and the inputs that ask for them. */
import { Length, Matches } from 'class-validator';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { VersionStage } from './enums';
import { Node, TeamNode, toGlobalId } from './node';
import { Predictor } from './predictor';
import { PredictorVersion } from './predictor-version';
import { GateCheck } from './promotion-gate';

const MAXIMUM_REASON = 2000;

@Entity()
@ObjectType({
  implements: Node,
  description: 'A version that came to another stage: who did it, and why. Never changed or removed.',
})
export class StageChange extends TeamNode {
  @Column('uuid')
  predictorId!: string;

  @Column('uuid')
  predictorVersionId!: string;

  @Column('text')
  @Field(() => VersionStage)
  fromStage!: VersionStage;

  @Column('text')
  @Field(() => VersionStage)
  toStage!: VersionStage;

  @Column('text')
  @Field({ description: 'Why, in the words of whoever did it.' })
  reason!: string;

  @Column('uuid', { nullable: true })
  personId?: string | null;

  @Field(() => ID, { nullable: true, name: 'personId', description: 'The person who did it; null for a key.' })
  get globalPersonId(): string | undefined {
    return this.personId ? toGlobalId('Person', this.personId) : undefined;
  }

  @Column('uuid', { nullable: true })
  apiKeyId?: string | null;

  @Field(() => ID, { nullable: true, name: 'apiKeyId', description: 'The API key that did it.' })
  get globalApiKeyId(): string | undefined {
    return this.apiKeyId ? toGlobalId('ApiKey', this.apiKeyId) : undefined;
  }

  @Column('jsonb', { nullable: true })
  @Field(() => GateCheck, {
    nullable: true,
    description: 'What the gate said of a promotion; null where there was none.',
  })
  gate?: GateCheck | null;
}

export const StageChangeConnection = connectionOf(StageChange);

@InputType()
export class StageChangeFilter {
  @Field(() => ID, { nullable: true })
  predictorId?: string | null;

  @Field(() => ID, { nullable: true })
  versionId?: string | null;
}

@InputType()
abstract class VersionStageInput {
  @Field(() => ID)
  versionId!: string;

  @Field({ description: `Why; 1 to ${MAXIMUM_REASON} characters. It is kept for ever.` })
  @Length(1, MAXIMUM_REASON)
  @Matches(/\S/, { message: 'reason says nothing' })
  reason!: string;
}

@InputType()
export class NominateVersionInput extends VersionStageInput {}

@InputType()
export class PromoteVersionInput extends VersionStageInput {
  @Field({ defaultValue: false, description: 'Promote even if the gate refuses; for admins. It is recorded.' })
  overrideGate!: boolean;
}

@InputType()
export class RetireVersionInput extends VersionStageInput {}

@InputType()
export class RollBackPredictorInput {
  @Field(() => ID)
  predictorId!: string;

  @Field({ description: `Why; 1 to ${MAXIMUM_REASON} characters. It is kept for ever.` })
  @Length(1, MAXIMUM_REASON)
  @Matches(/\S/, { message: 'reason says nothing' })
  reason!: string;
}

@ObjectType()
abstract class VersionStagePayload {
  @Field(() => PredictorVersion)
  version!: PredictorVersion;
}

@ObjectType()
export class NominateVersionPayload extends VersionStagePayload {}

@ObjectType()
export class RetireVersionPayload extends VersionStagePayload {}

@ObjectType()
export class PromoteVersionPayload extends VersionStagePayload {
  @Field(() => PredictorVersion, { nullable: true, description: 'The one in use before, which is RETIRED now.' })
  replaced?: PredictorVersion | null;

  @Field(() => GateCheck, { nullable: true, description: 'What the gate said; null where there is none.' })
  gate?: GateCheck | null;
}

@ObjectType()
export class RollBackPredictorPayload {
  @Field(() => Predictor)
  predictor!: Predictor;

  @Field(() => PredictorVersion, { description: 'The version in use again.' })
  version!: PredictorVersion;

  @Field(() => PredictorVersion, { description: 'The one that was in use, which is RETIRED now.' })
  replaced!: PredictorVersion;
}
