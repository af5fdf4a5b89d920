/** Dead letters: jobs that failed for the last time. What jobs there are: jobs.ts. */
import { Length } from 'class-validator';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Failure } from './failure';
import { Node, TeamNode, toGlobalId } from './node';

@Entity()
@ObjectType({ implements: Node, description: 'A job that failed for the last time: nobody will try it again.' })
export class FailedJob extends TeamNode {
  @Column('uuid')
  @Field({ description: 'Of the job, as in the log of the service.' })
  jobId!: string;

  @Column('text')
  @Field({ description: 'What it was to do: `ingestDataset`, `trainPredictor`, ...' })
  name!: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'The type of what it was to be done to.' })
  subjectType?: string | null;

  @Column('uuid', { nullable: true })
  subjectId?: string | null;

  @Field(() => ID, {
    nullable: true,
    name: 'subjectId',
    description: 'What it was to be done to. It may be gone since.',
  })
  get globalSubjectId(): string | undefined {
    return this.subjectType && this.subjectId ? toGlobalId(this.subjectType, this.subjectId) : undefined;
  }

  @Column('integer')
  @Field(() => Int, { description: 'How often it was tried.' })
  attempts!: number;

  @Column('jsonb')
  @Field(() => Failure, { description: 'Of the last attempt.' })
  failure!: Failure;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Of the request that it came from.' })
  requestId?: string | null;
}

export const FailedJobConnection = connectionOf(FailedJob);

@InputType()
export class FailedJobFilter {
  @Field(() => String, { nullable: true, description: 'What it was to do.' })
  @Length(1, 100)
  name?: string | null;
}
