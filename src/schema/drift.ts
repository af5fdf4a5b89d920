/** Drift: errors of a version over time in production, and the alerts that tests of them raise. */
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import type { BucketErrors, DriftAssessment } from '../engine';
import { connectionOf } from './connection';
import { DriftTest, DriftVerdict } from './enums';
import { Node, TeamNode } from './node';

@Entity()
@ObjectType({
  implements: Node,
  description: 'That networks in production are no longer what the version in use predicts: one for each onset.',
})
export class DriftAlert extends TeamNode {
  @Column('uuid')
  scenarioId!: string;

  @Column('uuid')
  predictorVersionId!: string;

  @Column('text')
  @Field(() => DriftTest)
  test!: DriftTest;

  @Column('double precision')
  @Field(() => Float, { description: "The test's p-value times the number of tests." })
  pValue!: number;

  @Column('double precision')
  @Field(() => Float, { description: 'Coverage that the interval promises, 0 to 1.' })
  level!: number;

  @Column('double precision')
  @Field(() => Float, { description: 'Share of networks whose median was inside the interval, 0 to 1.' })
  covered!: number;

  @Column('double precision')
  @Field(() => Float, { description: 'Median of (predicted - measured) / measured over networks, percent.' })
  signedError!: number;

  @Column('integer')
  @Field(() => Int)
  networks!: number;

  @Column('integer')
  @Field(() => Int)
  measurements!: number;

  @Column('timestamptz')
  @Field({ description: 'First measurement that counted.' })
  since!: Date;

  @Column('timestamptz')
  @Field({ description: 'Last measurement that counted.' })
  until!: Date;

  @Column('timestamptz', { nullable: true })
  @Field(() => Date, { nullable: true, description: 'When it was over; null as long as it is not.' })
  clearedAt?: Date | null;
}

export const DriftAlertConnection = connectionOf(DriftAlert);

@ObjectType({ description: 'Errors of one day or week.' })
export class DriftBucketErrors implements Omit<BucketErrors, 'startsAt'> {
  @Field({ description: 'A midnight in UTC; that of a Monday for weeks.' })
  startsAt!: Date;

  @Field(() => Int)
  measurements!: number;

  @Field(() => Int)
  networks!: number;

  @Field(() => Float, { description: "Share of measurements inside the version's interval, 0 to 1." })
  covered!: number;

  @Field(() => Float, {
    description:
      'Median of (predicted - measured) / measured, percent: below zero, production is slower than predicted.',
  })
  signedError!: number;

  @Field(() => Float, { description: 'Mean absolute percentage error, percent.' })
  mape!: number;
}

@ObjectType({ description: 'What the tests say of the fortnight that ends with the newest measurement.' })
export class DriftTestResult implements Omit<DriftAssessment, 'since' | 'until'> {
  @Field(() => DriftVerdict)
  verdict!: DriftVerdict;

  @Field(() => DriftTest, { description: 'The test that is surest of a drift.' })
  test!: DriftTest;

  @Field(() => Float, { description: 'Its p-value times the number of tests, at most 1; below 0.001 is an alert.' })
  pValue!: number;

  @Field()
  since!: Date;

  @Field()
  until!: Date;

  @Field(() => Int)
  measurements!: number;

  @Field(() => Int, { description: 'What the tests count: all measurements of one network are one.' })
  networks!: number;

  @Field(() => Float, { description: 'Share of networks whose median is inside the interval, 0 to 1.' })
  covered!: number;

  @Field(() => Float, { description: 'Median of (predicted - measured) / measured over networks, percent.' })
  signedError!: number;
}

@ObjectType({ description: 'How the version that is used for a scenario keeps up with production.' })
export class Drift {
  @Field(() => Float, { description: 'Coverage that the interval promises, 0 to 1.' })
  level!: number;

  @Field(() => [DriftBucketErrors], { description: 'Oldest first; without those that have no measurement.' })
  buckets!: readonly DriftBucketErrors[];

  @Field(() => DriftTestResult, { nullable: true, description: 'Null without measurements.' })
  tests?: DriftTestResult;

  @Field(() => Int, { description: 'Measured networks that are not compared yet: a job is at it.' })
  pendingNetworks!: number;

  @Field(() => DriftAlert, { nullable: true, description: 'The one that is not over.' })
  alert?: DriftAlert;

  predictorVersionId!: string;
}

@InputType()
export class DriftAlertFilter {
  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  scenario?: string | null;

  @Field(() => ID, { nullable: true })
  versionId?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'True: not over; false: over.' })
  isOpen?: boolean | null;
}
